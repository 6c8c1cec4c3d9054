//! What is known of a task and of its partitions at one moment. Plain values.

use super::errors::ErrorReading;
use super::partition::PartitionOffsets;
use super::partition_state::StateReading;
use std::sync::Arc;
use std::time::Duration;

/// Counters of a task, from its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TaskTotals {
    /// Records that were read.
    pub read: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
    /// Records that went through the transformations to the sink.
    pub sent: u64,
    /// Offset commits that were begun.
    pub commits: u64,
    /// Those that succeeded.
    pub completed: u64,
    /// Those that were given up because no answer came in time.
    pub skipped: u64,
}

/// What was counted up to a moment. Times are in milliseconds; what is not known yet is not a number.
#[derive(Debug, Clone, Default)]
pub struct TaskReading {
    /// Errors.
    pub errors: ErrorReading,
    /// Counters.
    pub totals: TaskTotals,
    /// Share of its life in which it ran, and in which it was paused.
    pub ratios: (f64, f64),
    /// Records and bytes read, records sent, commits that succeeded, and that were given up, in a second.
    pub rates: [f64; 5],
    /// Records of one poll: the greatest number and the average.
    pub batch_size: (f64, f64),
    /// Times of putting what one poll brought: the longest and the average.
    pub put: (f64, f64),
    /// Times of commits: the longest and the average.
    pub commit: (f64, f64),
    /// Shares of commits that failed and that succeeded.
    pub commit_shares: (f64, f64),
    /// Records that were read and are not handed over: now, at most, and on average.
    pub active: [f64; 3],
    /// Batches that are on their way.
    pub in_flight: u64,
    /// Its partitions.
    pub partitions: Vec<PartitionReading>,
}

/// What is known of a partition.
#[derive(Debug, Clone, Default)]
pub struct PartitionReading {
    /// Its topic.
    pub topic: Arc<str>,
    /// Its number.
    pub partition: i32,
    /// Where it is read.
    pub offsets: PartitionOffsets,
    /// How long its oldest record has been here that is not handed over.
    pub oldest: Option<Duration>,
    /// Records in batches that are open or on their way.
    pub active: u64,
    /// Batches that are on their way.
    pub in_flight: u64,
    /// What it does.
    pub state: StateReading,
}
