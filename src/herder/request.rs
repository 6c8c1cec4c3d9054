//! What the herder's loop can be asked, and what it answers with.

use super::Error;
use super::view::{ConnectorInfo, ConnectorStatus};
use crate::configdef::ConnectorProperties;
use crate::id::ConnectorTaskId;
use crate::status::TargetState;
use crate::storage::RestartRequest;
use crate::telemetry::Level;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// How long a request may take (`connect-runtime.md` §1.3).
const REQUEST_TIMEOUT: Duration = Duration::from_secs(90);

pub(super) type Reply<T> = oneshot::Sender<Result<T, Error>>;

/// What the herder's loop is asked to do.
pub(super) enum Request {
    Put {
        name: Arc<str>,
        config: ConnectorProperties,
        when: When,
        reply: Reply<WrittenConnector>,
    },
    LoggerLevel {
        logger: String,
        level: Level,
        reply: Reply<()>,
    },
    Delete {
        name: Arc<str>,
        reply: Reply<()>,
    },
    Target {
        name: Arc<str>,
        state: TargetState,
        reply: Reply<()>,
    },
    Restart {
        request: RestartRequest,
        reply: Reply<ConnectorStatus>,
    },
    RestartConnector {
        name: Arc<str>,
        reply: Reply<()>,
    },
    RestartTask {
        id: ConnectorTaskId,
        reply: Reply<()>,
    },
    /// Answered when nothing is left to be done about the connector.
    Settle {
        name: Arc<str>,
        reply: Reply<()>,
    },
    /// Read the config topic to its end: another worker has written to it for one of our clients.
    Refresh {
        reply: Reply<()>,
    },
    ResetTopics {
        name: Arc<str>,
        reply: Reply<()>,
    },
}

/// What must be so for a config to be written.
#[derive(Debug, Clone, Copy)]
pub(super) enum When {
    /// Nothing.
    Always,
    /// The connector does not exist yet.
    New {
        /// What it is to do at first.
        initial_state: Option<TargetState>,
    },
    /// Its config is still this writing of it.
    Unchanged(i64),
}

/// The answer to a written config.
#[derive(Debug)]
pub(super) struct WrittenConnector {
    pub(super) info: ConnectorInfo,
    pub(super) created: bool,
}

/// When a request that comes now has to be answered.
pub(super) fn deadline() -> Instant {
    Instant::now() + REQUEST_TIMEOUT
}
