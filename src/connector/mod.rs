//! Connectors: the sinks that we have, and the table of their classes turned into what tasks run ([`sink_task`]).

mod apart;
mod avro;
mod columns;
#[cfg(test)]
mod doubling_tests;
mod encode;
mod fabric;
mod kusto;
mod lines;
mod refusal;
mod unread;

use crate::config::SinkConnectorConfig;
use crate::ingest::{HttpPools, ManagedIngestClient};
use crate::sink::{Error, SinkContext, SinkTask};
pub use kusto::KustoSink;
use std::sync::Arc;

/// The sink of a connector, over the connections that all connectors of the worker share. Each class of the table in
/// `config` is one to us: its row has made its settings alike.
pub fn sink_task(config: &SinkConnectorConfig, context: &SinkContext) -> Result<Arc<dyn SinkTask>, Error> {
    let client = ManagedIngestClient::new(&config.kusto, &config.name, &context.shared::<HttpPools>())?;
    Ok(Arc::new(KustoSink::new(Arc::clone(&config.name), config.kusto.clone(), Arc::new(client))))
}
