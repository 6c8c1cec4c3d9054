//! Which offset of a partition may be committed: the one room where that is decided.
//!
//! Batches are handed over in any order and committed in the order of their records: the line moves on only from its
//! head. Tombstones and records that wrote nothing count as soon as nothing older is outstanding. Pure.

use std::collections::VecDeque;

use crate::id::OffsetRange;

/// The offsets of one partition, from read to committable.
#[derive(Debug, Default)]
pub struct OffsetLine {
    /// Sealed batches that were not all handed over, oldest first.
    in_flight: VecDeque<Entry>,
    /// Ticket of the oldest entry.
    first_ticket: u64,
    /// The first offset this line ever saw.
    start: Option<i64>,
    /// One more than the last record read.
    read_to: Option<i64>,
    /// One more than the last record handed over, with all before it.
    delivered_to: Option<i64>,
    /// What was last given out as committable.
    reported: Option<i64>,
}

#[derive(Debug)]
struct Entry {
    offsets: OffsetRange,
    delivered: bool,
}

impl OffsetLine {
    /// A record was taken from Kafka; what becomes of it is not known yet.
    pub fn taken(&mut self, offset: i64) {
        self.start.get_or_insert(offset);
    }

    /// True when `offset` was passed before: Kafka sends a stretch again, or the topic was made anew.
    pub fn is_behind(&self, offset: i64) -> bool {
        self.read_to.is_some_and(|read_to| offset < read_to)
    }

    /// Starts again at `offset`, which lies behind. What is in flight keeps its place in line.
    pub fn rewind(&mut self, offset: i64) {
        self.start = Some(offset);
        self.read_to = None;
        self.delivered_to = None;
        self.reported = None;
    }

    /// A record was read, whether it wrote something or not.
    pub fn read(&mut self, offset: i64) {
        self.taken(offset);
        self.read_to = Some(offset + 1);
    }

    /// A batch leaves for the service; the ticket names it in [`Self::delivered`].
    pub fn sealed(&mut self, offsets: OffsetRange) -> u64 {
        debug_assert!(
            self.in_flight.back().is_none_or(|entry| entry.offsets.last < offsets.first),
            "overlap"
        );
        self.in_flight.push_back(Entry { offsets, delivered: false });
        self.first_ticket + self.in_flight.len() as u64 - 1
    }

    /// The batch of `ticket` was acknowledged.
    pub fn delivered(&mut self, ticket: u64) {
        let place = usize::try_from(ticket.wrapping_sub(self.first_ticket)).ok();
        if let Some(entry) = place.and_then(|place| self.in_flight.get_mut(place)) {
            entry.delivered = true;
        }
        while let Some(head) = self.in_flight.front().filter(|entry| entry.delivered) {
            self.delivered_to = Some(head.offsets.last + 1);
            self.in_flight.pop_front();
            self.first_ticket += 1;
        }
    }

    /// The offset to commit, when it moved since the last call. `open` says whether a batch is being filled.
    pub fn committable(&mut self, open: bool) -> Option<i64> {
        if self.in_flight.is_empty() && !open && self.read_to > self.delivered_to {
            self.delivered_to = self.read_to;
        }
        if self.delivered_to > self.reported {
            self.reported = self.delivered_to;
            return self.reported;
        }
        None
    }

    /// Where reading must start again if everything not handed over is given up; none when nothing was read.
    pub fn resume_at(&self) -> Option<i64> {
        self.delivered_to.or(self.start)
    }
}

#[cfg(test)]
mod tests {
    use super::OffsetLine;
    use crate::id::OffsetRange;
    use proptest::prelude::*;

    #[test]
    fn a_late_head_holds_the_line() {
        let mut line = OffsetLine::default();
        for offset in 0..6 {
            line.read(offset);
        }
        let first = line.sealed(OffsetRange { first: 0, last: 2 });
        let second = line.sealed(OffsetRange { first: 3, last: 5 });
        line.delivered(second);
        assert_eq!(line.committable(false), None);
        assert_eq!(line.resume_at(), Some(0));
        line.delivered(first);
        assert_eq!(line.committable(false), Some(6));
        assert_eq!(line.committable(false), None);
    }

    #[test]
    fn a_record_that_was_only_taken_is_read_again() {
        let mut line = OffsetLine::default();
        line.taken(5);
        assert_eq!((line.committable(false), line.resume_at()), (None, Some(5)));
    }

    #[test]
    fn a_topic_made_anew_starts_its_line_anew() {
        let mut line = OffsetLine::default();
        line.read(9);
        assert_eq!(line.committable(false), Some(10));
        assert!(line.is_behind(0) && !line.is_behind(10));
        line.rewind(0);
        line.read(0);
        assert_eq!((line.committable(false), line.resume_at()), (Some(1), Some(1)));
    }

    #[test]
    fn tombstones_count_when_nothing_is_outstanding() {
        let mut line = OffsetLine::default();
        line.read(7);
        assert_eq!(line.committable(true), None);
        assert_eq!(line.committable(false), Some(8));
        line.read(9);
        let ticket = line.sealed(OffsetRange { first: 9, last: 9 });
        line.read(10);
        assert_eq!(line.committable(false), None);
        line.delivered(ticket);
        assert_eq!(line.committable(true), Some(10));
        assert_eq!(line.committable(false), Some(11));
    }

    proptest! {
        /// Whatever the order of events, no offset is ever committable while a record below it is outstanding.
        #[test]
        fn never_past_an_outstanding_record(
            steps in proptest::collection::vec((0_u8..4, any::<prop::sample::Index>()), 1..200)
        ) {
            let mut line = OffsetLine::default();
            let (mut next, mut last) = (100_i64, 0_i64);
            let mut open: Vec<i64> = Vec::new();
            let mut flying: Vec<(u64, Vec<i64>)> = Vec::new();
            for (step, pick) in steps {
                match step {
                    // A record that writes, a tombstone; every third offset is a hole.
                    0 => { line.read(next); open.push(next); next += 1 + next % 3 / 2; }
                    1 => { line.read(next); next += 1; }
                    2 if !open.is_empty() => {
                        let offsets = OffsetRange { first: open[0], last: open[open.len() - 1] };
                        flying.push((line.sealed(offsets), std::mem::take(&mut open)));
                    }
                    3 if !flying.is_empty() => {
                        let (ticket, _) = flying.remove(pick.index(flying.len()));
                        line.delivered(ticket);
                    }
                    _ => {}
                }
                if let Some(offset) = line.committable(!open.is_empty()) {
                    let outstanding = flying.iter().flat_map(|(_, offsets)| offsets).chain(&open).min();
                    prop_assert!(outstanding.is_none_or(|record| offset <= *record));
                    prop_assert!(offset > last && offset <= next);
                    last = offset;
                }
            }
        }
    }
}
