//! The Kusto sink's own settings, typed (`kusto-sink-connector.md` §1).

use std::time::Duration;

use url::Url;

use super::TopicMappings;
use crate::secret::Secret;

/// Who we are for the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authentication {
    /// A service principal with a client secret.
    Application {
        /// `aad.auth.appid`.
        app_id: String,
        /// `aad.auth.appkey`.
        key: Secret,
        /// `aad.auth.authority`; `organizations` when not set, as the JVM connector does.
        tenant: String,
    },
    /// The machine's identity.
    ManagedIdentity {
        /// `aad.auth.appid` of a user-assigned identity; none means the system-assigned one.
        client_id: Option<String>,
    },
    /// A federated token file named by the `AZURE_*` variables.
    WorkloadIdentity,
    /// A fixed bearer token, for development.
    DevToken(Secret),
    /// No credentials; only with loopback URLs.
    None,
}

/// What happens to a batch that cannot be ingested. `LOG` and `IGNORE` are accepted from existing configurations, but
/// never lose data here: every batch is retried, and a permanent failure fails the task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BehaviorOnError {
    /// The task fails.
    #[default]
    Fail,
    /// Logged as an error.
    Log,
    /// Logged at a lower level.
    Ignore,
}

/// The Kusto sink's settings.
#[derive(Debug, Clone)]
pub struct KustoSinkConfig {
    /// Data management endpoint, `ingest-` inserted where the rules want it.
    pub ingestion_url: Url,
    /// Engine endpoint, `ingest-` removed.
    pub query_url: Url,
    /// Who we are.
    pub auth: Authentication,
    /// Where each topic goes.
    pub mapping: TopicMappings,
    /// A batch is sealed when its raw bytes are more than this.
    pub flush_size_bytes: u64,
    /// A batch is sealed when its first record is this old.
    pub flush_interval: Duration,
    /// `behavior.on.error`.
    pub behavior_on_error: BehaviorOnError,
    /// `errors.retry.max.time.ms`, only when it was written explicitly; else a batch is retried without an end.
    pub retry_max_time: Option<Duration>,
    /// `errors.retry.backoff.time.ms`.
    pub retry_backoff: Duration,
    /// The worker's `worker.allow.insecure.http`.
    pub insecure_http: bool,
    /// False only when `kusto.validation.table.enable=false` was written explicitly.
    pub check_target: bool,
}
