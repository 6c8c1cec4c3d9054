//! The settings of a connector of a cluster, as its config topic has them. The topic is read, and nothing is written or made.

use crate::config::WorkerConfig;
use crate::configdef::ConnectorProperties;
use crate::kafka::log::KafkaBasedLog;
use crate::kafka::{self, admin::Admin};
use crate::storage::{self, ConfigTopic, KafkaConfigBackingStore, storage_topics};
use std::sync::Arc;

/// Why the settings are not known.
#[derive(Debug, thiserror::Error)]
pub enum StoredError {
    /// Kafka cannot be asked.
    #[error("{0}; check bootstrap.servers and the Kafka security settings")]
    Kafka(#[from] kafka::Error),
    /// The config topic cannot be read.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// There is no such cluster.
    #[error("the config topic {0} does not exist; check config.storage.topic, or give the connector's file")]
    NoCluster(String),
    /// There is no such connector in it.
    #[error("the cluster has no connector {name}; it has {}", known(others))]
    NoConnector {
        /// Its name.
        name: String,
        /// Those that there are.
        others: Vec<Arc<str>>,
    },
}

fn known(names: &[Arc<str>]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// The settings of the connector `name`.
pub async fn settings(worker: &WorkerConfig, name: &str) -> Result<ConnectorProperties, StoredError> {
    let [_, _, configs] = storage_topics(worker);
    let topic = configs.topic.name.clone();
    if Admin::new(worker)?.find(&topic).await?.is_none() {
        return Err(StoredError::NoCluster(topic));
    }
    let log = KafkaBasedLog::open(worker, &topic, "audit-configs", 1, None)?;
    let read = ConfigTopic::open(Box::new(KafkaConfigBackingStore::new(log))).await?;
    let found = read.state().config(name);
    found.map(|config| ConnectorProperties::clone(config)).ok_or_else(|| StoredError::NoConnector {
        name: name.to_owned(),
        others: read.state().connectors().cloned().collect(),
    })
}
