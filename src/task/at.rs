//! Where something happened: the task and the partition, for messages.

use crate::id::{ConnectorTaskId, TopicPartition};
use std::fmt;

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
