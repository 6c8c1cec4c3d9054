//! What the clients of storage topics and dead letters tell: librdkafka's log lines and errors, into ours.

use super::outage::Outage;
use super::settings;
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// Sends librdkafka's log lines and errors into ours.
#[derive(Debug)]
pub struct LogContext {
    pub(super) outage: Outage,
}

impl LogContext {
    /// For a client with these settings.
    pub(super) fn new(config: &ClientConfig) -> Self {
        Self { outage: Outage::new(config) }
    }
}

impl ClientContext for LogContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        settings::log(level, facility, message);
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
