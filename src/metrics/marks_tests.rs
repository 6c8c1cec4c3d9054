//! Marks against an oracle that knows which records are in the table.

use super::{MOST_FAILED, MOST_HOLES, MOST_OPEN, Marks, RecordTimes, valid_through_of};
use crate::id::{BatchId, OffsetRange};
use proptest::prelude::*;
use std::collections::BTreeSet;
use uuid::Uuid;

fn id(number: usize) -> BatchId {
    BatchId(Uuid::from_u128(number as u128))
}

fn range(first: i64, last: i64) -> OffsetRange {
    OffsetRange { first, last }
}

#[expect(clippy::unnecessary_wraps, reason = "as marks are told them")]
fn times(oldest: i64, newest: i64) -> Option<RecordTimes> {
    Some(RecordTimes { oldest, newest })
}

#[test]
fn a_batch_that_is_late_holds_back_all_behind_it() {
    let mut marks = Marks::new(10);
    assert_eq!((marks.confirmed_through(), marks.valid_through()), (10, None));
    marks.sent(id(1), range(10, 19), times(1000, 1900));
    marks.sent(id(2), range(20, 29), times(2000, 2900));
    marks.accepted(30);
    marks.confirmed(id(2));
    assert_eq!((marks.accepted_through(), marks.confirmed_through()), (30, 10));
    assert_eq!(marks.valid_through(), Some(999));
    marks.confirmed(id(1));
    assert_eq!((marks.confirmed_through(), marks.valid_through()), (30, Some(2900)));
}

#[test]
fn what_is_confirmed_before_it_is_accepted_counts_later() {
    let mut marks = Marks::new(0);
    marks.sent(id(1), range(5, 9), times(50, 90));
    marks.confirmed(id(1));
    assert_eq!((marks.confirmed_through(), marks.valid_through()), (0, None));
    marks.accepted(10);
    assert_eq!((marks.confirmed_through(), marks.valid_through()), (10, Some(90)));
}

#[test]
fn a_failure_stays_until_its_records_are_there() {
    let mut marks = Marks::new(0);
    marks.sent(id(1), range(0, 9), times(0, 90));
    marks.sent(id(2), range(10, 19), times(100, 190));
    marks.accepted(20);
    marks.confirmed(id(1));
    marks.failed(id(2), range(10, 19), None);
    assert_eq!((marks.failures(), marks.confirmed_through()), (vec![range(10, 19)], 10));
    assert_eq!(marks.valid_through(), Some(90));
    // Half of it by another way, then the batch once more.
    marks.seen(range(5, 14));
    assert_eq!((marks.failures(), marks.confirmed_through()), (vec![range(15, 19)], 15));
    marks.sent(id(2), range(10, 19), times(100, 190));
    assert_eq!((marks.failures(), marks.confirmed_through()), (vec![], 10));
    marks.confirmed(id(2));
    assert_eq!((marks.confirmed_through(), marks.valid_through()), (20, Some(190)));
}

#[test]
fn a_partition_in_which_nothing_happens_is_valid_through_its_end() {
    let mut marks = Marks::new(0);
    marks.end_seen(0, 500);
    assert_eq!(marks.valid_through(), Some(500));
    marks.sent(id(1), range(0, 0), times(600, 600));
    marks.end_seen(1, 700);
    marks.end_seen(1, 800);
    assert_eq!(marks.valid_through(), Some(500));
    marks.accepted(1);
    marks.confirmed(id(1));
    assert_eq!(marks.valid_through(), Some(700));
    marks.end_seen(1, 900);
    assert_eq!(marks.valid_through(), Some(900));
    // A record that comes late takes it back while it is on its way.
    marks.sent(id(2), range(1, 1), times(650, 650));
    assert_eq!(marks.valid_through(), Some(649));
    // Of records without a time nothing can be said.
    marks.sent(id(3), range(2, 2), None);
    assert_eq!(marks.valid_through(), None);
}

#[test]
fn the_least_of_all_partitions_counts() {
    assert_eq!(valid_through_of([Some(3), Some(2), Some(5)]), Some(2));
    assert_eq!(valid_through_of([Some(3), None, Some(5)]), None);
    assert_eq!(valid_through_of([]), None);
}

#[test]
fn what_is_kept_is_bounded_and_still_moves_on() {
    let mut marks = Marks::new(0);
    let batches = 4 * MOST_OPEN;
    for (number, first) in (0..batches).zip((0_i64..).step_by(10)) {
        marks.sent(id(number), range(first, first + 9), times(first, first + 9));
        marks.accepted(first + 10);
        match number % 3 {
            0 => marks.lost(id(number)),
            1 => marks.failed(id(number), range(first, first + 9), None),
            _ => {}
        }
        assert!(marks.open.len() <= MOST_OPEN && marks.failed.len() <= MOST_FAILED);
        assert!(marks.holes.len() <= MOST_HOLES);
    }
    assert_eq!((marks.confirmed_through(), marks.valid_through()), (0, None));
    let (end, middle) = (marks.accepted_through(), marks.accepted_through() / 2);
    marks.seen(range(0, middle));
    assert_eq!(marks.confirmed_through(), middle + 1);
    // What is put together is as old as its oldest record.
    let through = marks.valid_through().unwrap();
    assert!(through <= middle && through > middle / 2, "{through} of {middle}");
    marks.seen(range(middle, end - 1));
    assert_eq!((marks.confirmed_through(), marks.valid_through()), (end, Some(end - 1)));
}

/// What happens, in any order.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// A record is read, so much older or younger than the last, into one of two batches.
    Read(i64, usize),
    Seal(usize),
    Accept,
    Confirm(prop::sample::Index),
    Fail(prop::sample::Index),
    Lose(prop::sample::Index),
    Again(prop::sample::Index),
    Seen(prop::sample::Index, i64),
    End,
}

fn step() -> impl Strategy<Value = Step> {
    let batch = || any::<prop::sample::Index>();
    prop_oneof![
        8 => (-5_i64..20, 0_usize..2).prop_map(|(later, batch)| Step::Read(later, batch)),
        4 => (0_usize..2).prop_map(Step::Seal),
        3 => Just(Step::Accept),
        3 => batch().prop_map(Step::Confirm),
        1 => batch().prop_map(Step::Fail),
        1 => batch().prop_map(Step::Lose),
        1 => batch().prop_map(Step::Again),
        2 => (batch(), 0_i64..20).prop_map(|(first, length)| Step::Seen(first, length)),
        1 => Just(Step::End),
    ]
}

/// What is true.
#[derive(Default)]
struct Oracle {
    /// By offset.
    times: Vec<i64>,
    open: [Vec<usize>; 2],
    sealed: Vec<Vec<usize>>,
    /// Offsets in the table.
    there: BTreeSet<usize>,
    accepted: usize,
}

fn offset(place: usize) -> i64 {
    i64::try_from(place).unwrap()
}

impl Oracle {
    fn span(&self, records: &[usize]) -> (OffsetRange, Option<RecordTimes>) {
        let all = || records.iter().map(|record| self.times[*record]);
        let offsets = range(offset(records[0]), offset(records[records.len() - 1]));
        (offsets, times(all().min().unwrap(), all().max().unwrap()))
    }

    fn apply(&mut self, step: Step, marks: &mut Marks) {
        let sealed = self.sealed.len();
        match step {
            Step::Read(later, batch) => {
                self.open[batch].push(self.times.len());
                self.times.push(self.times.last().copied().unwrap_or(1000) + later);
            }
            Step::Seal(batch) if !self.open[batch].is_empty() => {
                let records = std::mem::take(&mut self.open[batch]);
                let (offsets, times) = self.span(&records);
                marks.sent(id(sealed), offsets, times);
                self.sealed.push(records);
            }
            Step::Accept => {
                self.accepted = self.open.iter().flatten().copied().min().unwrap_or(self.times.len());
                marks.accepted(offset(self.accepted));
            }
            Step::Confirm(pick) if sealed > 0 => {
                let number = pick.index(sealed);
                self.there.extend(&self.sealed[number]);
                marks.confirmed(id(number));
            }
            // Only what is not in the table fails.
            Step::Fail(pick) if sealed > 0 => {
                let number = pick.index(sealed);
                if self.sealed[number].iter().all(|record| !self.there.contains(record)) {
                    let (offsets, times) = self.span(&self.sealed[number]);
                    marks.failed(id(number), offsets, times);
                }
            }
            Step::Lose(pick) if sealed > 0 => marks.lost(id(pick.index(sealed))),
            Step::Again(pick) if sealed > 0 => {
                let number = pick.index(sealed);
                let (offsets, times) = self.span(&self.sealed[number]);
                marks.sent(id(number), offsets, times);
            }
            Step::Seen(pick, length) if self.accepted > 0 => {
                let first = pick.index(self.accepted);
                let last = (first + usize::try_from(length).unwrap()).min(self.accepted - 1);
                self.there.extend(first..=last);
                marks.seen(range(offset(first), offset(last)));
            }
            Step::End => {
                let at = self.times.iter().copied().max().unwrap_or(1000) + 1;
                marks.end_seen(offset(self.times.len()), at);
            }
            _ => {}
        }
    }
}

proptest! {
    /// Whatever the order of news: nothing is called confirmed that is not in the table, and no accepted record that is as old as the valid-through time
    /// is missing there. When all is there, nothing is held back.
    #[test]
    fn marks_never_run_ahead(steps in prop::collection::vec(step(), 1..300)) {
        let (mut oracle, mut marks) = (Oracle::default(), Marks::new(0));
        for step in steps {
            oracle.apply(step, &mut marks);
            prop_assert_eq!(marks.accepted_through(), offset(oracle.accepted));
            let confirmed = marks.confirmed_through();
            prop_assert!(confirmed <= marks.accepted_through());
            for record in (0..oracle.accepted).filter(|record| !oracle.there.contains(record)) {
                prop_assert!(offset(record) >= confirmed, "{record} is missing, confirmed is {confirmed}");
                let time = oracle.times[record];
                let through = marks.valid_through();
                prop_assert!(through.is_none_or(|through| time > through), "{record} of {time}, valid through {through:?}");
            }
        }
        for batch in 0..2 {
            oracle.apply(Step::Seal(batch), &mut marks);
        }
        oracle.apply(Step::Accept, &mut marks);
        if oracle.accepted > 0 {
            marks.seen(range(0, offset(oracle.accepted) - 1));
            prop_assert_eq!(marks.confirmed_through(), offset(oracle.accepted));
            prop_assert!(marks.valid_through() >= oracle.times.iter().copied().max());
            prop_assert_eq!(marks.failures(), vec![]);
        }
    }
}
