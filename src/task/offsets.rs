//! Which offset of a partition may be committed: the one room where that is decided.
//!
//! Everything below the first record that is outstanding (in an open batch, on its way to the service or to a dead-letter
//! topic) may be; with nothing outstanding, everything that was processed. Batches may overlap and end in any order. Pure.

use std::collections::BTreeMap;

/// A stretch of a partition that is read without going back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OffsetRun {
    /// The first offset that came.
    pub start: i64,
    /// How often the pipeline went back before.
    pub rewinds: u32,
}

/// The offsets of one partition, from received to committable.
#[derive(Debug, Default)]
pub struct OffsetTracker {
    /// The first offset of what is on its way, by ticket.
    outstanding: BTreeMap<u64, i64>,
    next_ticket: u64,
    /// The first offset that came, since the last rewind.
    start: Option<i64>,
    rewinds: u32,
    /// One more than the last record processed.
    processed_to: Option<i64>,
    /// What was last given out as committable.
    reported: Option<i64>,
}

impl OffsetTracker {
    /// A record came from Kafka; what becomes of it is not known yet.
    pub fn received(&mut self, offset: i64) {
        self.start.get_or_insert(offset);
    }

    /// True when `offset` was passed before: Kafka sends a stretch again, or the topic was made anew.
    pub fn is_behind(&self, offset: i64) -> bool {
        self.processed_to.is_some_and(|processed_to| offset < processed_to)
    }

    /// Starts again at `offset`, which lies behind. What is outstanding is waited for as before.
    pub fn rewind(&mut self, offset: i64) {
        self.start = Some(offset);
        self.rewinds = self.rewinds.saturating_add(1);
        self.processed_to = None;
        self.reported = None;
    }

    /// What is read now; none before the first record.
    pub fn run(&self) -> Option<OffsetRun> {
        Some(OffsetRun { start: self.start?, rewinds: self.rewinds })
    }

    /// It is known what becomes of the record: it is in a batch, or it writes nothing.
    pub fn processed(&mut self, offset: i64) {
        self.received(offset);
        self.processed_to = Some(offset + 1);
    }

    /// Something whose first record is at `first` leaves; the ticket names it in [`Self::delivered`].
    pub fn sent(&mut self, first: i64) -> u64 {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.outstanding.insert(ticket, first);
        ticket
    }

    /// What `ticket` names was acknowledged.
    pub fn delivered(&mut self, ticket: u64) {
        self.outstanding.remove(&ticket);
    }

    /// The offset to commit, when it moved since the last call. `open`: the first record in batches that are being
    /// filled.
    pub fn committable(&mut self, open: Option<i64>) -> Option<i64> {
        let to = self.settled(open);
        if to > self.reported.max(self.start) {
            self.reported = to;
            return to;
        }
        None
    }

    /// Where reading must start again if everything not handed over is given up; none when nothing was read.
    pub fn resume_at(&self, open: Option<i64>) -> Option<i64> {
        self.settled(open).or(self.start)
    }

    /// Everything below is settled; none before anything was read.
    fn settled(&self, open: Option<i64>) -> Option<i64> {
        let held = self.outstanding.values().copied().chain(open).min();
        self.processed_to.map(|processed_to| held.map_or(processed_to, |held| held.min(processed_to)))
    }
}

#[cfg(test)]
mod tests {
    use super::OffsetTracker;
    use proptest::prelude::*;

    #[test]
    fn a_late_head_holds_back_all_behind_it() {
        let mut tracker = OffsetTracker::default();
        for offset in 0..6 {
            tracker.processed(offset);
        }
        let first = tracker.sent(0);
        let second = tracker.sent(3);
        tracker.delivered(second);
        assert_eq!(tracker.committable(None), None);
        assert_eq!(tracker.resume_at(None), Some(0));
        tracker.delivered(first);
        assert_eq!(tracker.committable(None), Some(6));
        assert_eq!(tracker.committable(None), None);
    }

    #[test]
    fn a_record_that_was_only_received_is_read_again() {
        let mut tracker = OffsetTracker::default();
        tracker.received(5);
        assert_eq!((tracker.committable(None), tracker.resume_at(None)), (None, Some(5)));
    }

    #[test]
    fn a_topic_made_anew_starts_its_offsets_anew() {
        let mut tracker = OffsetTracker::default();
        tracker.processed(9);
        let late = tracker.sent(9);
        tracker.rewind(0);
        tracker.processed(0);
        assert!(tracker.is_behind(0) && !tracker.is_behind(10));
        assert_eq!((tracker.committable(None), tracker.resume_at(None)), (Some(1), Some(1)));
        tracker.delivered(late);
        assert_eq!(tracker.committable(None), None);
    }

    #[test]
    fn tombstones_count_when_nothing_is_outstanding() {
        let mut tracker = OffsetTracker::default();
        tracker.processed(7);
        assert_eq!(tracker.committable(Some(7)), None);
        tracker.processed(8);
        assert_eq!(tracker.committable(None), Some(9));
        tracker.processed(9);
        let ticket = tracker.sent(9);
        tracker.processed(10);
        assert_eq!(tracker.committable(None), None);
        tracker.processed(11);
        tracker.delivered(ticket);
        assert_eq!(tracker.committable(Some(11)), Some(11));
        assert_eq!(tracker.committable(None), Some(12));
    }

    proptest! {
        /// Whatever the order of events, no offset is ever committable while a record below it is outstanding.
        #[test]
        fn never_past_an_outstanding_record(
            steps in proptest::collection::vec((0_u8..4, any::<prop::sample::Index>()), 1..200)
        ) {
            let mut tracker = OffsetTracker::default();
            let (mut next, mut last) = (100_i64, 0_i64);
            // Two batches are open at a time, as with records that are routed to two topics.
            let mut open: [Vec<i64>; 2] = [Vec::new(), Vec::new()];
            let mut flying: Vec<(u64, Vec<i64>)> = Vec::new();
            for (step, pick) in steps {
                match step {
                    // A record that writes, a tombstone; every third offset is a hole.
                    0 => { tracker.processed(next); open[pick.index(2)].push(next); next += 1 + next % 3 / 2; }
                    1 => { tracker.processed(next); next += 1; }
                    2 if !open[pick.index(2)].is_empty() => {
                        let batch = std::mem::take(&mut open[pick.index(2)]);
                        flying.push((tracker.sent(batch[0]), batch));
                    }
                    3 if !flying.is_empty() => {
                        let (ticket, _) = flying.remove(pick.index(flying.len()));
                        tracker.delivered(ticket);
                    }
                    _ => {}
                }
                let first = open.iter().flatten().min().copied();
                if let Some(offset) = tracker.committable(first) {
                    let outstanding = flying.iter().flat_map(|(_, offsets)| offsets).chain(open.iter().flatten()).min();
                    prop_assert!(outstanding.is_none_or(|record| offset <= *record));
                    prop_assert!(offset > last && offset <= next);
                    last = offset;
                }
            }
        }
    }
}
