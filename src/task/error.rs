//! Why a task failed, with its coordinates.

use crate::id::{ConnectorTaskId, OffsetRange, TopicPartition};
use crate::{connector, convert, kafka};

/// An error that ends a task.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A record could not be converted.
    #[error("task {task}, partition {partition}, offset {offset}: {source}; check value.converter")]
    Convert {
        /// The task.
        task: ConnectorTaskId,
        /// Where the record is.
        partition: TopicPartition,
        /// Its offset.
        offset: i64,
        /// What the converter says.
        source: convert::Error,
    },
    /// A record could not be added to a batch, or no batch could be opened.
    #[error("task {task}, partition {partition}: {source}")]
    Sink {
        /// The task.
        task: ConnectorTaskId,
        /// The partition.
        partition: TopicPartition,
        /// What the sink says.
        source: connector::Error,
    },
    /// A batch was refused for good.
    #[error("task {task}, partition {partition}, offsets {offsets}: {source}")]
    Deliver {
        /// The task.
        task: ConnectorTaskId,
        /// The partition.
        partition: TopicPartition,
        /// The batch.
        offsets: OffsetRange,
        /// What the service says.
        source: connector::Error,
    },
    /// Kafka reported an error in place of a record.
    #[error("task {task}, partition {partition}: Kafka: {reason}; check consumer.override.*")]
    Fetch {
        /// The task.
        task: ConnectorTaskId,
        /// The partition.
        partition: TopicPartition,
        /// What the client says.
        reason: String,
    },
    /// The target was refused before anything was read.
    #[error(transparent)]
    Start(connector::Error),
    /// The consumer cannot work.
    #[error(transparent)]
    Kafka(#[from] kafka::Error),
    /// A defect: a pipeline ended by a panic.
    #[error("task {task}, partition {partition}: internal error: {reason}; please report it")]
    Panic {
        /// The task.
        task: ConnectorTaskId,
        /// The partition.
        partition: TopicPartition,
        /// The panic's text, when it has one.
        reason: String,
    },
}

impl Error {
    /// True when a restart of the task may succeed without anyone changing anything.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Convert { source, .. } => source.is_retriable(),
            Self::Sink { source, .. } | Self::Deliver { source, .. } | Self::Start(source) => source.is_retriable(),
            Self::Kafka(source) => source.is_retriable(),
            Self::Fetch { .. } | Self::Panic { .. } => false,
        }
    }

    /// The text of a status's `trace`: Connect's first line, which tools look for, then what happened.
    pub fn trace(&self) -> String {
        format!(
            "org.apache.kafka.connect.errors.ConnectException: Exiting WorkerSinkTask due to unrecoverable \
             exception.\nCaused by: {self}"
        )
    }
}
