//! How far a partition is in its target: *accepted*, *confirmed*, *failed*, and the *valid-through time*.
//!
//! Pure. [`Marks`] hears of batches in any order and claims nothing that it does not know: what has no news, was not followed or failed holds
//! *confirmed* back until somebody shows that its records are there. One owner: the connector's loop, for each partition. It changes no
//! offset; what may be committed is decided elsewhere and told here as *accepted*.

use crate::id::{BatchId, OffsetRange};
use std::collections::BTreeMap;

/// Batches whose news is waited for; older ones are no longer.
const MOST_OPEN: usize = 4096;
/// Batches that failed and are kept one by one.
const MOST_FAILED: usize = 256;
/// Stretches of offsets of which nobody will tell; neighbours are put together when there are more.
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
    /// Of one record.
    pub fn at(timestamp: i64) -> Self {
        Self { oldest: timestamp, newest: timestamp }
    }

    /// Of both together.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self { oldest: self.oldest.min(other.oldest), newest: self.newest.max(other.newest) }
    }
}

/// Records that are not known to be in the target.
#[derive(Debug, Clone, Copy)]
struct Span {
    offsets: OffsetRange,
    /// None when records have no timestamps.
    times: Option<RecordTimes>,
}

/// The marks of one partition, since its owner began to read it.
#[derive(Debug, Clone)]
pub struct Marks {
    start: i64,
    accepted: i64,
    /// Batches whose news may come.
    open: BTreeMap<BatchId, Span>,
    /// Batches that are known not to be in the target.
    failed: BTreeMap<BatchId, Span>,
    /// What nobody will tell of, by the first offset. They may overlap.
    holes: Vec<Span>,
    /// Confirmed before *accepted* had passed them: their last offsets and newest times.
    early: Vec<(i64, i64)>,
    /// The newest timestamp of what is confirmed and accepted.
    newest: Option<i64>,
    /// Where the partition ended, and when that was seen.
    end_seen: Option<(i64, i64)>,
    /// When an end was seen that *confirmed* has reached.
    reached: Option<i64>,
}

impl Marks {
    /// Of a partition that is read from the offset `start` on. Of what lies below, nothing is known.
    pub fn new(start: i64) -> Self {
        Self {
            start,
            accepted: start,
            open: BTreeMap::new(),
            failed: BTreeMap::new(),
            holes: Vec::new(),
            early: Vec::new(),
            newest: None,
            end_seen: None,
            reached: None,
        }
    }

    /// A batch is sealed and leaves: to be said before *accepted* goes past it, and again when it is handed over again. Where no news of single
    /// batches can come, [`Self::lost`] follows at once.
    pub fn sent(&mut self, id: BatchId, offsets: OffsetRange, times: Option<RecordTimes>) {
        self.failed.remove(&id);
        self.open.insert(id, Span { offsets, times });
        if self.open.len() > MOST_OPEN {
            let oldest = self.open.iter().min_by_key(|(_, span)| span.offsets.first).map(|(id, _)| *id);
            if let Some(id) = oldest {
                self.lost(id);
            }
        }
    }

    /// All below `offset` was handed over or skipped.
    pub fn accepted(&mut self, offset: i64) {
        self.accepted = self.accepted.max(offset);
        self.settle();
    }

    /// The batch `id` is known to be in the target.
    pub fn confirmed(&mut self, id: BatchId) {
        let spans = [self.open.remove(&id), self.failed.remove(&id)];
        for span in spans.into_iter().flatten() {
            self.is_there(span);
        }
        self.settle();
    }

    /// The batch `id` is known not to be in the target. These are its offsets and times, if news of it was not waited for any more.
    pub fn failed(&mut self, id: BatchId, offsets: OffsetRange, times: Option<RecordTimes>) {
        let span = self.open.remove(&id).unwrap_or(Span { offsets, times });
        self.failed.insert(id, span);
        if self.failed.len() > MOST_FAILED {
            let oldest = self.failed.iter().min_by_key(|(_, span)| span.offsets.first).map(|(id, _)| *id);
            if let Some(span) = oldest.and_then(|id| self.failed.remove(&id)) {
                self.is_a_hole(span);
            }
        }
    }

    /// The batch `id` was refused after all, and what became of its records is known by other means.
    pub fn withdrawn(&mut self, id: BatchId) {
        self.open.remove(&id);
    }

    /// A batch was handed over of which nobody will tell.
    pub fn untold(&mut self, offsets: OffsetRange, times: Option<RecordTimes>) {
        self.is_a_hole(Span { offsets, times });
    }

    /// What was not accepted is given up: whoever reads on reads it again.
    pub fn cut(&mut self) {
        let accepted = self.accepted;
        let is_left = |span: &mut Span| {
            span.offsets.last = span.offsets.last.min(accepted.saturating_sub(1));
            span.offsets.first <= span.offsets.last
        };
        self.open.retain(|_, span| is_left(span));
        self.failed.retain(|_, span| is_left(span));
        self.holes.retain_mut(is_left);
        self.early.retain(|(last, _)| *last < accepted);
        self.end_seen = None;
    }

    /// It is read on from the offset `start`. If that is not where reading ended, nothing is known of what lies between, and what was
    /// missing before stays so.
    pub fn goes_on_at(&mut self, start: i64) {
        self.cut();
        if start == self.accepted {
            return;
        }
        let Self { open, failed, holes, .. } = std::mem::replace(self, Self::new(start));
        for (id, Span { offsets, times }) in open {
            self.sent(id, offsets, times);
        }
        for (id, Span { offsets, times }) in failed {
            self.failed(id, offsets, times);
        }
        for span in holes {
            self.is_a_hole(span);
        }
    }

    /// Nobody will tell what became of the batch `id`.
    pub fn lost(&mut self, id: BatchId) {
        if let Some(span) = self.open.remove(&id) {
            self.is_a_hole(span);
        }
    }

    /// All records of these offsets that Kafka has are known to be in the target, whatever was told of their batches. `range` must not
    /// reach beyond what was read.
    pub fn seen(&mut self, range: OffsetRange) {
        let of_batch = |_: &BatchId, span: &mut Span| !shrink(span, range);
        let mut there: Vec<Span> = self.open.extract_if(.., of_batch).map(|(_, span)| span).collect();
        there.extend(self.failed.extract_if(.., of_batch).map(|(_, span)| span));
        there.extend(self.holes.extract_if(.., |span| !shrink(span, range)));
        self.holes.sort_by_key(|span| span.offsets.first);
        for span in there {
            self.is_there(span);
        }
        self.settle();
    }

    /// The partition's end was seen at `end`, at the moment `at` (in milliseconds since 1970).
    pub fn end_seen(&mut self, end: i64, at: i64) {
        // The first is waited for: a busy partition would never reach the last.
        self.end_seen.get_or_insert((end, at));
        self.settle();
        if self.confirmed_through() >= end {
            self.reached = self.reached.max(Some(at));
        }
    }

    /// Batches whose news is waited for.
    pub fn waiting(&self) -> usize {
        self.open.len()
    }

    /// True when nothing is missing of what was handed over.
    pub fn are_whole(&self) -> bool {
        self.missing().next().is_none()
    }

    /// Where it begins.
    pub fn start(&self) -> i64 {
        self.start
    }

    /// All below was handed over or skipped.
    pub fn accepted_through(&self) -> i64 {
        self.accepted
    }

    /// All from the start on and below this offset is known to be in the target, or was skipped. Never beyond *accepted*.
    pub fn confirmed_through(&self) -> i64 {
        self.missing().map(|span| span.offsets.first).fold(self.accepted, i64::min)
    }

    /// Offsets of batches that are known not to be in the target, by their first. The newest, when there are very many.
    pub fn failures(&self) -> Vec<OffsetRange> {
        let mut ranges: Vec<_> = self.failed.values().map(|span| span.offsets).collect();
        ranges.sort_by_key(|range| (range.first, range.last));
        ranges
    }

    /// The newest time through which each accepted record from the start on is known to be in the target, in milliseconds since 1970.
    /// None while that is not known. It goes back when a late record is handed over, until that one is confirmed.
    pub fn valid_through(&self) -> Option<i64> {
        let through = self.newest.max(self.reached)?;
        Some(self.before_the_missing()?.min(through))
    }

    /// The newest time before all that is missing; none when that is not known. For a partition that others read on: they know the rest.
    pub fn before_the_missing(&self) -> Option<i64> {
        self.missing()
            .try_fold(i64::MAX, |through, span| Some(through.min(span.times?.oldest.saturating_sub(1))))
    }

    /// All that is not known to be there.
    fn missing(&self) -> impl Iterator<Item = &Span> {
        self.open.values().chain(self.failed.values()).chain(&self.holes)
    }

    fn is_a_hole(&mut self, span: Span) {
        let place = self.holes.partition_point(|hole| hole.offsets.first <= span.offsets.first);
        self.holes.insert(place, span);
        if self.holes.len() <= MOST_HOLES {
            return;
        }
        // The shortest stretch first, so that all stay alike and a look at the table moves on in small steps.
        let pairs = self.holes.windows(2).enumerate();
        let Some((place, _)) = pairs.min_by_key(|(_, pair)| stretch(pair)) else { return };
        let next = self.holes.remove(place + 1);
        if let Some(one) = self.holes.get_mut(place) {
            *one = together(*one, next);
        }
    }

    fn is_there(&mut self, span: Span) {
        if let Some(RecordTimes { newest, .. }) = span.times {
            self.early.push((span.offsets.last, newest));
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

/// How many offsets lie between the ends of two neighbours.
fn stretch(pair: &[Span]) -> i64 {
    let first = pair.iter().map(|span| span.offsets.first).min().unwrap_or(0);
    let last = pair.iter().map(|span| span.offsets.last).max().unwrap_or(0);
    last.saturating_sub(first)
}

/// Both, and what is between them.
fn together(one: Span, other: Span) -> Span {
    let first = one.offsets.first.min(other.offsets.first);
    let last = one.offsets.last.max(other.offsets.last);
    let times = one.times.zip(other.times).map(|(one, other)| one.with(other));
    Span { offsets: OffsetRange { first, last }, times }
}

#[cfg(test)]
#[path = "marks_tests.rs"]
mod tests;
