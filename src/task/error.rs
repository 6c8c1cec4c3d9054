//! Why a task failed, with its coordinates.

use std::fmt;

use crate::config::Hidden;
use crate::id::{ConnectorTaskId, OffsetRange, TopicPartition};
use crate::{config, connector, convert, kafka};

/// Which task, at which partition.
#[derive(Debug, Clone)]
pub struct At {
    /// The task.
    pub task: ConnectorTaskId,
    /// The partition.
    pub partition: TopicPartition,
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {}, partition {}", self.task, self.partition)
    }
}

/// An error that ends a task.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(config::ConfigErrors),
    /// The converter cannot be made.
    #[error(transparent)]
    Converter(convert::Error),
    /// The target was refused before anything was read.
    #[error(transparent)]
    Start(Box<connector::Error>),
    /// The consumer cannot work.
    #[error(transparent)]
    Kafka(#[from] kafka::Error),
    /// Kafka reported an error in place of a record.
    #[error("{at}: Kafka: {reason}; check consumer.override.*")]
    Fetch {
        /// Where.
        at: Box<At>,
        /// What the client says.
        reason: String,
    },
    /// A record could not be converted.
    #[error("{at}, offset {offset}: {source}; check value.converter")]
    Convert {
        /// Where.
        at: Box<At>,
        /// The record's offset.
        offset: i64,
        /// What the converter says.
        source: convert::Error,
    },
    /// A record could not be added to a batch, or no batch could be opened.
    #[error("{at}: {source}")]
    Sink {
        /// Where.
        at: Box<At>,
        /// What the sink says.
        source: Box<connector::Error>,
    },
    /// A batch was refused for good.
    #[error("{at}, offsets {offsets}: {source}")]
    Deliver {
        /// Where.
        at: Box<At>,
        /// The batch.
        offsets: OffsetRange,
        /// What the service says.
        source: Box<connector::Error>,
    },
    /// A defect: a pipeline or an upload ended by a panic.
    #[error("{at}: internal error: {reason}; please report it")]
    Panic {
        /// Where.
        at: Box<At>,
        /// The panic's text, when it has one.
        reason: String,
    },
}

impl Error {
    /// True when a restart of the task may succeed without anyone changing anything.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Convert { source, .. } | Self::Converter(source) => source.is_retriable(),
            Self::Sink { source, .. } | Self::Deliver { source, .. } | Self::Start(source) => {
                source.is_retriable()
            }
            Self::Kafka(source) => source.is_retriable(),
            Self::Config(_) | Self::Fetch { .. } | Self::Panic { .. } => false,
        }
    }

    /// The text of a status's `trace`: Connect's first line, which tools look for, then what happened, without what is
    /// `hidden`.
    pub fn trace(&self, hidden: &Hidden) -> String {
        let error = hidden.redact(&self.to_string());
        format!(
            "org.apache.kafka.connect.errors.ConnectException: Exiting WorkerSinkTask due to unrecoverable \
             exception.\nCaused by: {error}"
        )
    }
}
