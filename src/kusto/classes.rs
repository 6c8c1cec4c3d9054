//! The Kusto classes: their rows, and what a connector's settings make of them.

use super::sink::KustoSink;
use crate::kusto::config::{KustoSinkConfig, fabric, sink};
use crate::kusto::ingest::{HttpPools, ManagedIngestClient};
use crate::sink::{Error, SinkClass, SinkConnector, SinkContext, SinkTask};
use std::sync::Arc;

/// Azure Data Explorer's connector.
pub static KUSTO: SinkClass = SinkClass {
    class: "com.microsoft.azure.kusto.kafka.connect.sink.KustoSinkConnector",
    task_class: "com.microsoft.azure.kusto.kafka.connect.sink.KustoSinkTask",
    version: "5.3.1",
    keys: sink::keys,
    build: |settings, problems| KustoConnector::shared(sink::build(settings, problems)),
    warnings: sink::warnings,
};

/// Fabric's connector for eventhouses.
pub static FABRIC: SinkClass = SinkClass {
    class: "com.microsoft.fabric.connect.eventhouse.sink.FabricSinkConnector",
    task_class: "com.microsoft.fabric.connect.eventhouse.sink.EventHouseSinkTask",
    version: "1.3.1",
    keys: fabric::keys,
    build: |settings, problems| KustoConnector::shared(fabric::build(settings, problems)),
    warnings: sink::warnings,
};

/// A connector of one of the classes. Their rows have made the settings alike.
#[derive(Debug)]
pub struct KustoConnector(KustoSinkConfig);

impl KustoConnector {
    fn shared(config: Option<KustoSinkConfig>) -> Option<Arc<dyn SinkConnector>> {
        Some(Arc::new(Self(config?)))
    }

    /// Its settings.
    pub fn config(&self) -> &KustoSinkConfig {
        &self.0
    }
}

impl SinkConnector for KustoConnector {
    fn task(&self, name: &Arc<str>, context: &SinkContext) -> Result<Arc<dyn SinkTask>, Error> {
        let counts = context.counts(name);
        let client = ManagedIngestClient::new(&self.0, name, &context.shared::<HttpPools>())?;
        let client = Arc::new(client.counting(counts.clone()));
        Ok(Arc::new(KustoSink::new(Arc::clone(name), self.0.clone(), client).counting(counts)))
    }

    fn writes_headers_as_texts(&self) -> bool {
        self.0.mapping.want_headers_as_columns()
    }
}
