//! Names of the things Connect counts: tasks, topic-partitions, ranges of offsets and batches.
//!
//! Plain values without I/O. Names are shared text, so a copy costs a counter and no allocation.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use uuid::Uuid;

/// One task of one connector. Written `X-N` in messages, as Connect does.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectorTaskId {
    /// The connector's name.
    pub connector: Arc<str>,
    /// The task's number, from 0.
    pub task: u32,
}

impl fmt::Display for ConnectorTaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.connector, self.task)
    }
}

/// What one worker runs of one connector.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskAssignment {
    /// The connector itself, whose state this worker then writes.
    pub instance: bool,
    /// These of its tasks.
    pub tasks: BTreeSet<u32>,
}

impl TaskAssignment {
    /// True when there is nothing to run.
    pub fn is_empty(&self) -> bool {
        !self.instance && self.tasks.is_empty()
    }
}

/// One partition of one topic. Written `topic-0` in messages, as Kafka does.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPartition {
    /// The topic's name.
    pub topic: Arc<str>,
    /// The partition's number, from 0.
    pub partition: i32,
}

impl TopicPartition {
    /// The partition `partition` of `topic`.
    pub fn new(topic: impl Into<Arc<str>>, partition: i32) -> Self {
        Self { topic: topic.into(), partition }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

/// The offsets of a batch: both ends belong to it. Kafka may leave holes inside (compaction, transactions).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OffsetRange {
    /// Offset of the first record.
    pub first: i64,
    /// Offset of the last record.
    pub last: i64,
}

impl fmt::Display for OffsetRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

/// One batch on its way to a sink's service. The same records of a partition give the same id, whoever seals them and whenever, so
/// what is handed over twice can be recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BatchId(pub Uuid);

impl fmt::Display for BatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
