//! The stores of a standalone worker: all in memory, gone with the process (`connect-runtime.md` §8.4).
//!
//! Kafka is asked only who it is. Offsets live in the connectors' consumer groups, so a worker that is started again
//! goes on where the last one ended.

use super::{Error, MemoryStores, OpenStores, Stores};
use crate::config::WorkerConfig;
use crate::kafka::admin::Admin;
use async_trait::async_trait;
use std::sync::Arc;

/// Opens memory stores once Kafka answers.
pub struct StandaloneStores {
    config: Arc<WorkerConfig>,
}

impl StandaloneStores {
    /// Stores of a worker on the Kafka that `config` names.
    pub fn new(config: Arc<WorkerConfig>) -> Self {
        Self { config }
    }
}

#[async_trait]
impl OpenStores for StandaloneStores {
    async fn open(&self) -> Result<Stores, Error> {
        let admin = Admin::new(&self.config)?;
        // A worker that says it is ready has a Kafka to read from.
        admin.reach().await?;
        let stores = MemoryStores::default().open().await?;
        Ok(Stores { cluster_id: admin.cluster_id().await, ..stores })
    }
}
