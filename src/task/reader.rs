//! The reading side of a pipeline: where records come from, and what the next one waits for.
//!
//! It owns the partition's queue, the batch that was polled and not processed to its end, the place in the line for memory,
//! and the schema that is being fetched. What becomes of a record is the pipeline's business.

use super::budget::{PlaceInLine, Reservation};
use crate::kafka::native::MAX_RECORDS;
use crate::kafka::{RecordSource, Records};
use crate::metrics::TaskCounts;
use futures::future::BoxFuture;
use std::sync::Arc;

/// What a record needs memory for.
pub(super) enum MemoryFor {
    /// The batch of its topic.
    Batch(Arc<str>),
    /// Its dead letter.
    DeadLetter,
}

/// Records of one partition, in their order.
pub(super) struct Reader<S> {
    source: S,
    counts: TaskCounts,
    /// Polled, and not processed to the end.
    pending: Option<Records>,
    /// The source may have more without notifying again.
    more: bool,
    /// The next record waits for memory. Its partition holds none meanwhile, but for what is on its way.
    starved: Option<(MemoryFor, PlaceInLine)>,
    /// Brings the schema that the next record needs.
    fetching: Option<BoxFuture<'static, ()>>,
}

impl<S: RecordSource> Reader<S> {
    pub(super) fn new(source: S, counts: TaskCounts) -> Self {
        Self { source, counts, pending: None, more: true, starved: None, fetching: None }
    }

    /// Ends when a batch can be polled: first the schema is fetched, then memory is granted, then there are records. While
    /// they may not be read, a fetch goes on all the same, because others wait for their turn behind it. Cancel-safe.
    pub(super) async fn ready(&mut self, may_read: bool) {
        if let Some(fetching) = &mut self.fetching {
            fetching.await;
            self.fetching = None;
        }
        if !may_read {
            return std::future::pending().await;
        }
        if let Some((_, place)) = &mut self.starved {
            place.granted().await;
        }
        if self.pending.is_none() && !self.more {
            self.source.notified().await;
        }
    }

    /// The memory that the next record waited for.
    pub(super) fn take_grant(&mut self) -> Option<(MemoryFor, Reservation)> {
        self.starved.take().map(|(memory_for, place)| (memory_for, place.take()))
    }

    /// What is left of the last batch, or what is there now.
    pub(super) fn poll_batch(&mut self) -> Records {
        self.pending.take().unwrap_or_else(|| {
            let records = self.source.poll_batch();
            self.more = records.len() == MAX_RECORDS;
            if !records.is_empty() {
                self.counts.polled(records.len() as u64, records.bytes());
            }
            records
        })
    }

    /// Keeps what is left of a batch for the next poll.
    pub(super) fn keep(&mut self, rest: Records) {
        self.pending = Some(rest);
    }

    /// The next record is tried again when `place` has its memory.
    pub(super) fn wait_for_memory(&mut self, memory_for: MemoryFor, place: PlaceInLine) {
        self.starved = Some((memory_for, place));
    }

    /// Gives up the place in the line for memory.
    pub(super) fn leave_line(&mut self) {
        self.starved = None;
    }

    /// The next record is tried again when `fetching` has brought its schema.
    pub(super) fn wait_for_schema(&mut self, fetching: BoxFuture<'static, ()>) {
        self.fetching = Some(fetching);
    }

    /// True when the next record waits for memory.
    pub(super) fn lacks_memory(&self) -> bool {
        self.starved.is_some()
    }

    /// True when the next record waits for memory or a schema.
    pub(super) fn is_waiting(&self) -> bool {
        self.starved.is_some() || self.fetching.is_some()
    }
}
