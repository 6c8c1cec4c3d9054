//! What a worker has counted about itself, at one moment. Plain values.

use super::number::float;
use std::time::Duration;

/// Memory for batches, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MemoryReading {
    /// What batches have reserved.
    pub reserved: u64,
    /// What they may reserve together.
    pub limit: u64,
}

/// Starts of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct StartCounts {
    /// All of them.
    pub attempts: u64,
    /// Those that succeeded.
    pub successes: u64,
    /// The share of those of the last moments that succeeded.
    pub success_share: f64,
    /// And that failed.
    pub failure_share: f64,
}

/// What a worker has counted about itself up to a moment.
#[derive(Debug, Clone, Default)]
pub struct WorkerReading {
    /// When it started, in ms since the epoch.
    pub started_ms: u64,
    /// Starts of connectors.
    pub connector_starts: StartCounts,
    /// Starts of tasks.
    pub task_starts: StartCounts,
    /// Changes of the cluster that this worker has seen.
    pub rebalances: u64,
    /// How long ago the last one was.
    pub since_rebalance: Option<Duration>,
    /// Milliseconds of a rebalance: at most, and on average; not a number while there was none.
    pub rebalance: (f64, f64),
    /// Memory for batches; none before anything runs.
    pub memory: Option<MemoryReading>,
    /// Records that were handed over, and records that failed.
    pub records: (u64, u64),
    /// Batches that were sealed, that were handed over, and that were refused.
    pub batches: [u64; 3],
    /// Letters sent to dead-letter topics.
    pub letters: u64,
}

impl WorkerReading {
    /// Records that were handed over.
    pub fn written(&self) -> f64 {
        float(self.records.0)
    }

    /// Records that failed in the end.
    pub fn failed(&self) -> f64 {
        float(self.records.1)
    }

    /// Batches that were sealed.
    pub fn attempts(&self) -> f64 {
        float(self.batches[0])
    }

    /// Batches that were handed over.
    pub fn successes(&self) -> f64 {
        float(self.batches[1])
    }

    /// Batches that were refused for good.
    pub fn failures(&self) -> f64 {
        float(self.batches[2])
    }

    /// Letters sent.
    pub fn dead_letters(&self) -> f64 {
        float(self.letters)
    }
}
