//! The dead letters about one batch of records, from the first bad one until they are sent on their way together.
//!
//! It owns the memory that they hold.

use super::bad_records::Delivered;
use super::budget::{ConnectorBudget, Reservation};
use super::fault::RecordFault;
use super::scope::PartitionScope;
use super::skipped;
use crate::causes::chain;
use crate::id::OffsetRange;
use futures::{FutureExt, TryFutureExt};

/// The letters about one batch of records, and what was skipped in it.
#[derive(Default)]
pub(super) struct PendingLetters {
    sent: Vec<Delivered>,
    /// Theirs until they are in their topic.
    memory: Reservation,
    /// So much of it is used.
    size: usize,
    offsets: Option<OffsetRange>,
    skipped: u64,
    last: Option<(i64, String)>,
}

/// Letters on their way.
pub(super) struct SentLetters {
    /// First and last offset of the records in them.
    pub(super) offsets: OffsetRange,
    /// Ends when all are in their topic.
    pub(super) delivered: Delivered,
    /// Theirs until then.
    pub(super) memory: Reservation,
}

impl PendingLetters {
    /// True when there are any.
    pub(super) fn are_any(&self) -> bool {
        !self.sent.is_empty()
    }

    /// A letter about the record at `offset` is on its way.
    pub(super) fn push(&mut self, offset: i64, delivered: Delivered) {
        self.sent.push(delivered);
        let first = self.offsets.map_or(offset, |offsets| offsets.first);
        self.offsets = Some(OffsetRange { first, last: offset });
    }

    /// Reserves memory for a letter of `size` bytes more; false when there is none now.
    pub(super) fn reserve(&mut self, size: usize, budget: &ConnectorBudget) -> bool {
        let reserved = budget.try_grow(&mut self.memory, self.size + size);
        if reserved {
            self.size += size;
        }
        reserved
    }

    /// The memory that was waited for.
    pub(super) fn grant(&mut self, memory: Reservation) {
        self.memory = memory;
    }

    /// Gives memory back that no letter uses.
    pub(super) fn release(&mut self) {
        self.memory = Reservation::default();
    }

    /// The record at `offset` is skipped; gives the reason in one line.
    pub(super) fn skipped(&mut self, offset: i64, fault: &RecordFault) -> String {
        let reason = format!("{} ({}): {}", fault.stage.as_str(), fault.class, chain(&fault.source));
        self.skipped += 1;
        self.last = Some((offset, reason.clone()));
        reason
    }

    /// Logs what was skipped, once for all, and gives the letters; none when there are none. `setting` is
    /// the sink's that allows it.
    pub(super) fn take(&mut self, scope: &PartitionScope, setting: Option<&str>) -> Option<SentLetters> {
        let Self { sent, memory, size: _, offsets, skipped: records, last } = std::mem::take(self);
        if let Some((offset, reason)) = last {
            let PartitionScope { task, partition, .. } = scope;
            let (dead_letters, settings) = (sent.len(), skipped::settings(setting));
            tracing::warn!(
                %task, %partition, records, dead_letters, last_offset = offset, last_reason = reason,
                "records skipped ({settings})"
            );
        }
        let delivered = futures::future::try_join_all(sent).map_ok(drop).boxed();
        offsets.map(|offsets| SentLetters { offsets, delivered, memory })
    }
}
