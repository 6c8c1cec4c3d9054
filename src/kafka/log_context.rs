//! What the clients of storage topics and dead letters tell: librdkafka's log lines and errors, into ours.

use super::outage::Outage;
use super::{settings, statistics};
use crate::metrics::{ClientCounts, ClientReading};
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// Sends librdkafka's log lines and errors into ours.
#[derive(Debug)]
pub struct LogContext {
    pub(super) outage: Outage,
    /// Takes what the client tells of its connections.
    counts: Option<ClientCounts>,
}

impl LogContext {
    /// For a client with these settings.
    pub(super) fn new(config: &ClientConfig) -> Self {
        Self { outage: Outage::new(config), counts: None }
    }

    /// The same for a client that tells of its connections, if it does.
    pub(super) fn telling(config: &ClientConfig, counts: Option<ClientCounts>) -> Self {
        Self { counts, ..Self::new(config) }
    }
}

impl ClientContext for LogContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        settings::log(level, facility, message);
    }

    fn stats_raw(&self, text: &[u8]) {
        if let (Some(counts), Some(reading)) = (&self.counts, statistics::read(text)) {
            // Such a client joins no group, whatever it has to call one.
            counts.take(ClientReading { group: None, ..reading });
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // The end of a partition, which the reader asks for, comes this way too.
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::PartitionEOF) {
            return;
        }
        if self.outage.record_error(&error) {
            tracing::warn!(target: "kusto_connect::kafka::client", %error, reason, "Kafka client (check bootstrap.servers)");
        }
    }
}

impl ConsumerContext for LogContext {}
