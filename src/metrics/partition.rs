//! Where one partition is read, and what of it is open and on its way. Its pipeline tells the latter, a scrape reads it; it
//! is gone with the pipeline.

use super::number::{float, signed};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// Where a partition is read, as far as the client knows. Each is an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PartitionOffsets {
    /// The next record to be read; none before the first.
    pub position: Option<i64>,
    /// The first record that is in Kafka.
    pub low: Option<i64>,
    /// The next record to be written.
    pub high: Option<i64>,
}

impl PartitionOffsets {
    /// Records that are not read yet.
    pub fn behind(&self) -> Option<u64> {
        u64::try_from((self.high? - self.position?).max(0)).ok()
    }

    /// The same, as a number of a page.
    pub fn lag(&self) -> Option<f64> {
        self.behind().map(float)
    }

    /// Records between the first one in Kafka and the next one to be read.
    pub fn lead(&self) -> Option<f64> {
        Some(signed((self.position? - self.low?).max(0)))
    }
}

/// Of one partition.
#[derive(Debug)]
pub struct PartitionCounts {
    began: Instant,
    active: AtomicU64,
    /// Of all partitions of the task.
    of_task: Arc<AtomicU64>,
    in_flight: AtomicU64,
    /// Since when the oldest record is there: milliseconds since `began`, plus one; zero is none.
    oldest: AtomicU64,
}

impl PartitionCounts {
    /// Nothing yet; `of_task` has the records of all partitions of the task.
    pub(super) fn new(of_task: Arc<AtomicU64>) -> Self {
        Self {
            began: Instant::now(),
            active: AtomicU64::default(),
            of_task,
            in_flight: AtomicU64::default(),
            oldest: AtomicU64::default(),
        }
    }

    /// So many records are in batches that are open or on their way, of which so many are on their way; `oldest` is when the
    /// first record came that is not handed over.
    pub fn set(&self, active: u64, in_flight: u64, oldest: Option<Instant>) {
        let before = self.active.swap(active, Ordering::Relaxed);
        // Only the difference counts, and sums wrap around.
        self.of_task.fetch_add(active.wrapping_sub(before), Ordering::Relaxed);
        self.in_flight.store(in_flight, Ordering::Relaxed);
        let millis = |at: Instant| at.saturating_duration_since(self.began).as_millis();
        let oldest = oldest.map_or(0, |at| u64::try_from(millis(at)).unwrap_or(0) + 1);
        self.oldest.store(oldest, Ordering::Relaxed);
    }

    pub(super) fn active(&self) -> u64 {
        self.active.load(Ordering::Relaxed)
    }

    pub(super) fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// How long the oldest record has been here; none when there is none.
    pub(super) fn oldest(&self, now: Instant) -> Option<Duration> {
        let oldest = self.oldest.load(Ordering::Relaxed).checked_sub(1)?;
        Some(now.saturating_duration_since(self.began).saturating_sub(Duration::from_millis(oldest)))
    }
}

impl Drop for PartitionCounts {
    fn drop(&mut self) {
        self.set(0, 0, None);
    }
}
