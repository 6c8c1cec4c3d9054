//! Why a demo does not succeed.

use super::{config, terms::TABLE};
use crate::{compare, kusto, ports, process, source};

/// Why the demo did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A port is taken.
    #[error(transparent)]
    Port(#[from] ports::Busy),
    /// Kafka.
    #[error(transparent)]
    Kafka(#[from] crate::kafka::Error),
    /// The embedded Kafka is too small for so many events.
    #[error(
        "the embedded Kafka keeps 5 MiB per partition: at most {limit} events; a real one (BOOTSTRAP_SERVERS=host:port) takes more"
    )]
    TooMany {
        /// How many it takes.
        limit: usize,
    },
    /// The connector's configuration file.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// A child process.
    #[error(transparent)]
    Process(#[from] process::Error),
    /// The emulator did not start.
    #[error("ADX emulator: {0}")]
    Emulator(String),
    /// A command or query.
    #[error(transparent)]
    Kusto(#[from] kusto::Error),
    /// The worker's REST.
    #[error(transparent)]
    Connect(#[from] crate::connect::Error),
    /// The events.
    #[error(transparent)]
    Source(#[from] source::Error),
    /// HTTP client or files.
    #[error("{0}")]
    Io(String),
    /// A part ended or did not do its work; the text has the reason and the last lines of its log.
    #[error("{0}")]
    Part(String),
    /// The table is not what was produced.
    #[error("the table {TABLE} is not what was produced: {0}")]
    Wrong(compare::Difference),
    /// Rows did not come in time.
    #[error("{have} of {want} events had arrived when the time was up ({state})")]
    Late {
        /// Rows in the table.
        have: u64,
        /// Events produced.
        want: usize,
        /// The connector's state, with a trace when there is one.
        state: String,
    },
    /// Ctrl-C.
    #[error("stopped by a signal")]
    Stopped,
}
