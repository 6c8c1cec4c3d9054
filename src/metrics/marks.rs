//! How far a partition is in its target: *accepted*, *confirmed*, *failed*, and the *valid-through time*.
//!
//! Pure. [`Marks`] hears of batches in any order and claims nothing that it does not know: what has no news, was not followed or failed holds
//! *confirmed* back until somebody shows that its records are there. One owner: the connector's loop, for each partition. It changes no
//! offset; what may be committed is decided elsewhere and told here as *accepted*.

use crate::id::{BatchId, OffsetRange};
use std::collections::BTreeMap;

/// Batches without a good end that are kept one by one; older ones are put together.
const MOST_HOLES: usize = 256;

/// The least and the greatest timestamp in a batch, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordTimes {
    /// The least.
    pub oldest: i64,
    /// The greatest.
    pub newest: i64,
}

impl RecordTimes {
    /// Of both.
    fn with(self, other: Self) -> Self {
        Self { oldest: self.oldest.min(other.oldest), newest: self.newest.max(other.newest) }
    }
}

/// What is known of a batch that is not confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// On its way, or news of it may come.
    Open,
    /// Known not to be in the target.
    Failed,
    /// Nobody will tell.
    Lost,
}

/// A batch.
#[derive(Debug, Clone, Copy)]
struct Span {
    offsets: OffsetRange,
    /// None when records have no timestamps.
    times: Option<RecordTimes>,
    end: End,
}

/// The marks of one partition, since its owner began to read it.
#[derive(Debug, Clone)]
pub struct Marks {
    /// What lies below was handed over by somebody else, or before a start: nothing is said of it.
    start: i64,
    accepted: i64,
    /// Batches that are not confirmed.
    spans: BTreeMap<BatchId, Span>,
    /// The oldest ones without a good end, put together: all from the first to the last counts as missing.
    hole: Option<Span>,
    /// Confirmed before *accepted* had passed them: their ends, and their newest times.
    early: Vec<(i64, i64)>,
    /// The newest timestamp of what is confirmed and accepted.
    newest: Option<i64>,
    /// Where the partition ended, and when that was seen.
    end_seen: Option<(i64, i64)>,
    /// When an end was seen that *confirmed* has reached.
    reached: Option<i64>,
}

impl Marks {
    /// Of a partition that is read from the offset `start` on.
    pub fn new(start: i64) -> Self {
        Self {
            start,
            accepted: start,
            spans: BTreeMap::new(),
            hole: None,
            early: Vec::new(),
            newest: None,
            end_seen: None,
            reached: None,
        }
    }

    /// A batch is sealed and leaves: to be said before *accepted* goes past it. Said again when it is handed over again.
    pub fn sent(&mut self, id: BatchId, offsets: OffsetRange, times: Option<RecordTimes>) {
        self.spans.insert(id, Span { offsets, times, end: End::Open });
    }

    /// All below `offset` was handed over or skipped.
    pub fn accepted(&mut self, offset: i64) {
        self.accepted = self.accepted.max(offset);
        self.settle();
    }

    /// The batch `id` is known to be in the target.
    pub fn confirmed(&mut self, id: BatchId) {
        if let Some(span) = self.spans.remove(&id) {
            self.is_there(span.offsets.last, span.times);
            self.settle();
        }
    }

    /// The batch `id` is known not to be in the target.
    pub fn failed(&mut self, id: BatchId) {
        self.ends(id, End::Failed);
    }

    /// Nobody will tell what became of the batch `id`.
    pub fn lost(&mut self, id: BatchId) {
        self.ends(id, End::Lost);
    }

    /// All records of these offsets that Kafka has are known to be in the target, whatever was told of their batches. `range` must not
    /// reach beyond what was read.
    pub fn seen(&mut self, range: OffsetRange) {
        let is_covered = |_: &BatchId, span: &mut Span| !shrink(span, range);
        let there: Vec<(BatchId, Span)> = self.spans.extract_if(.., is_covered).collect();
        for (_, span) in there {
            self.is_there(span.offsets.last, span.times);
        }
        if let Some(hole) = &mut self.hole
            && !shrink(hole, range)
        {
            let Span { offsets, times, .. } = *hole;
            self.hole = None;
            self.is_there(offsets.last, times);
        }
        self.settle();
    }

    /// The partition's end was seen at `end`, at the moment `at` (in milliseconds since 1970).
    pub fn end_seen(&mut self, end: i64, at: i64) {
        // The first is waited for: a busy partition would never reach the last.
        if self.end_seen.is_none() {
            self.end_seen = Some((end, at));
        }
        self.settle();
        if self.end_seen.is_none() && self.confirmed_through() >= end {
            self.reached = self.reached.max(Some(at));
        }
    }

    /// Where it begins: of what lies below nothing is known.
    pub fn start(&self) -> i64 {
        self.start
    }

    /// All below was handed over or skipped.
    pub fn accepted_through(&self) -> i64 {
        self.accepted
    }

    /// All from the start on and below this offset is known to be in the target, or was skipped. Never beyond *accepted*.
    pub fn confirmed_through(&self) -> i64 {
        self.open().map(|span| span.offsets.first).fold(self.accepted, i64::min)
    }

    /// Offsets of batches that are known not to be in the target, by their first.
    pub fn failures(&self) -> Vec<OffsetRange> {
        let failed = self.open().filter(|span| span.end == End::Failed);
        let mut ranges: Vec<_> = failed.map(|span| span.offsets).collect();
        ranges.sort_by_key(|range| (range.first, range.last));
        ranges
    }

    /// The newest time through which each accepted record from the start on is known to be in the target, in milliseconds since 1970. None while that
    /// is not known. It goes back when a late record is accepted, until that one is confirmed.
    pub fn valid_through(&self) -> Option<i64> {
        let known = self.newest.max(self.reached)?;
        let mut through = known;
        for span in self.open() {
            through = through.min(span.times?.oldest.saturating_sub(1));
        }
        Some(through)
    }

    fn open(&self) -> impl Iterator<Item = &Span> {
        self.spans.values().chain(&self.hole)
    }

    fn ends(&mut self, id: BatchId, end: End) {
        let Some(span) = self.spans.get_mut(&id) else { return };
        span.end = end;
        let holes = || self.spans.iter().filter(|(_, span)| span.end != End::Open);
        if holes().count() <= MOST_HOLES {
            return;
        }
        let oldest = holes().min_by_key(|(_, span)| span.offsets.first).map(|(id, _)| *id);
        let Some(span) = oldest.and_then(|id| self.spans.remove(&id)) else { return };
        self.hole = Some(match self.hole.take() {
            None => span,
            Some(hole) => together(hole, span),
        });
    }

    /// Records up to the offset `last` are in the target.
    fn is_there(&mut self, last: i64, times: Option<RecordTimes>) {
        if let Some(RecordTimes { newest, .. }) = times {
            self.early.push((last, newest));
        }
    }

    /// Takes what follows from what is known now.
    fn settle(&mut self) {
        let accepted = self.accepted;
        for (_, newest) in self.early.extract_if(.., |(last, _)| *last < accepted) {
            self.newest = self.newest.max(Some(newest));
        }
        if let Some((end, at)) = self.end_seen
            && self.confirmed_through() >= end
        {
            self.reached = self.reached.max(Some(at));
            self.end_seen = None;
        }
    }
}

/// The least of the valid-through times of all partitions; none when one of them, or all, have none.
pub fn valid_through_of(partitions: impl IntoIterator<Item = Option<i64>>) -> Option<i64> {
    partitions.into_iter().reduce(|least, one| Some(least?.min(one?))).flatten()
}

/// Takes what `range` has off the ends of `span`; true when something of it is left. What is left may be as old as it was.
fn shrink(span: &mut Span, range: OffsetRange) -> bool {
    let OffsetRange { first, last } = span.offsets;
    if range.first <= first && range.last >= first {
        span.offsets.first = range.last.saturating_add(1);
    }
    if range.last >= last && range.first <= last {
        span.offsets.last = range.first.saturating_sub(1);
    }
    if range.first <= first && range.last >= last {
        span.offsets = OffsetRange { first, last };
        return false;
    }
    true
}

/// Both, and what is between them.
fn together(one: Span, other: Span) -> Span {
    let first = one.offsets.first.min(other.offsets.first);
    let last = one.offsets.last.max(other.offsets.last);
    let times = one.times.zip(other.times).map(|(one, other)| one.with(other));
    let both_failed = one.end == End::Failed && other.end == End::Failed;
    Span { offsets: OffsetRange { first, last }, times, end: if both_failed { End::Failed } else { End::Lost } }
}

#[cfg(test)]
#[path = "marks_tests.rs"]
mod tests;
