//! The worker's settings, typed (`connect-runtime.md` §8).

use std::fmt;
use std::path::Path;
use std::time::Duration;

use super::redact::Redacted;
use super::{ConfigErrors, ConverterConfig, Properties};

/// One of the three storage topics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageTopic {
    /// The topic's name.
    pub name: String,
    /// Partitions when we create it; -1 is the broker's default.
    pub partitions: i32,
    /// Replication factor when we create it; -1 is the broker's default.
    pub replication_factor: i16,
    /// Further topic settings (`config.storage.min.insync.replicas` is `min.insync.replicas`).
    pub settings: Properties,
}

/// Where REST listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// Host name or address without brackets; empty means all interfaces.
    pub host: String,
    /// The port; 0 means any free one.
    pub port: u16,
}

impl Listener {
    /// Host and port to bind: all interfaces when no host was given.
    pub fn bind_address(&self) -> (&str, u16) {
        (if self.host.is_empty() { "0.0.0.0" } else { &self.host }, self.port)
    }
}

/// The worker's settings.
#[derive(Clone)]
pub struct WorkerConfig {
    /// Comma separated `host:port` of brokers.
    pub bootstrap_servers: String,
    /// The name of the Connect cluster.
    pub group_id: String,
    /// Connectors, task configs and target states; always one partition.
    pub config_topic: StorageTopic,
    /// Source offsets: created and left alone by a worker of sinks.
    pub offset_topic: StorageTopic,
    /// States of connectors and tasks.
    pub status_topic: StorageTopic,
    /// Key converter of connectors that name none.
    pub key_converter: ConverterConfig,
    /// Value converter of connectors that name none.
    pub value_converter: ConverterConfig,
    /// How often offsets are committed.
    pub offset_flush_interval: Duration,
    /// How long one commit may take.
    pub offset_flush_timeout: Duration,
    /// How long tasks may drain when they stop.
    pub task_shutdown_graceful_timeout: Duration,
    /// Where REST listens, at least one.
    pub listeners: Vec<Listener>,
    /// `rest.advertised.host.name`.
    pub advertised_host: Option<String>,
    /// `rest.advertised.port`.
    pub advertised_port: Option<u16>,
    /// `worker.buffer.bytes`: bytes of records that all tasks of this worker may hold together.
    pub buffer_bytes: u64,
    /// Top-level keys for Kafka clients.
    pub client: Properties,
    /// `consumer.*` without the prefix.
    pub consumer: Properties,
    /// `producer.*` without the prefix.
    pub producer: Properties,
    /// `admin.*` without the prefix.
    pub admin: Properties,
    /// `worker.allow.insecure.http`: plain http to ADX hosts that are not loopback.
    pub insecure_http: bool,
    /// Root log level when the environment names one (`LOG_LEVEL`, `CONNECT_LOG4J_ROOT_LOGLEVEL`).
    pub log_level: Option<String>,
    /// Settings that were accepted and have no effect, to be logged once.
    pub warnings: Vec<String>,
    /// Every key as read, unknown ones too.
    pub all: Properties,
}

impl WorkerConfig {
    /// Reads the settings: short variables before `CONNECT_*` before the file before defaults.
    pub fn load(
        _file: Option<&Path>,
        _env: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigErrors> {
        Err(super::errors::under_construction())
    }

    /// `host:port` by which other workers and clients reach this one; `bound_port` is used when neither
    /// `rest.advertised.port` nor a listener fixes the port.
    pub fn worker_id(&self, bound_port: u16) -> String {
        let listener = self.listeners.first();
        let host = self
            .advertised_host
            .as_deref()
            .or_else(|| listener.map(|l| l.host.as_str()))
            .unwrap_or("localhost");
        format!("{host}:{}", self.advertised_port.unwrap_or(bound_port))
    }
}

impl fmt::Debug for WorkerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Every typed field is also in `all`.
        f.debug_tuple("WorkerConfig").field(&Redacted(&self.all)).finish()
    }
}
