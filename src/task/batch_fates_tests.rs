//! What is known of a connector's batches, against an oracle that knows what is in the target: pipelines end and begin again, and partitions
//! go to other workers and come back.

use super::{BatchFates, MOST_FAILURES};
use crate::id::{BatchId, OffsetRange, TopicPartition};
use crate::metrics::{FailedBatch, FateKind, FateOffsets, PartitionFates, RecordTimes};
use crate::sink::{BatchFailure, BatchNews, Fate, Unfollowed};
use crate::task::offsets::OffsetRun;
use crate::task::report::SentBatch;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::time::UNIX_EPOCH;
use uuid::Uuid;

fn partition() -> TopicPartition {
    TopicPartition::new("t", 0)
}

fn run(start: i64) -> OffsetRun {
    OffsetRun { start, rewinds: 0 }
}

/// The batch of these offsets, whose records are as old as their offsets.
fn batch(first: i64, last: i64, run: OffsetRun) -> SentBatch {
    let id = BatchId(Uuid::from_u64_pair(first.unsigned_abs(), last.unsigned_abs()));
    let times = Some(RecordTimes { oldest: first, newest: last });
    let records = (last - first + 1).unsigned_abs();
    SentBatch { id: Some(id), offsets: OffsetRange { first, last }, records, times, run }
}

fn news(batch: &SentBatch, fate: Fate) -> BatchNews {
    let SentBatch { id, offsets, records, .. } = *batch;
    BatchNews { id: id.unwrap(), partition: partition(), offsets, records, raw_bytes: 0, fate }
}

fn failure() -> Fate {
    Fate::Failed(Box::new(BatchFailure {
        code: "Gone".to_owned(),
        text: "It is not there.".to_owned(),
        is_retriable: false,
        is_of_derived: false,
        is_of_content: false,
    }))
}

fn shown(batch: &SentBatch) -> FailedBatch {
    let SentBatch { offsets, records, .. } = *batch;
    let (code, sentence) = ("Gone".to_owned(), "It is gone.".to_owned());
    FailedBatch { offsets, records, code, sentence, is_retriable: false, at: UNIX_EPOCH }
}

fn tell(fates: &mut BatchFates, batch: &SentBatch, fate: Fate) {
    let shown = matches!(fate, Fate::Failed(_)).then(|| shown(batch));
    fates.told(&news(batch, fate), shown);
}

fn read(fates: &BatchFates) -> PartitionFates {
    let mut all = fates.read().partitions;
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// Where the partition begins, what was accepted of it, and what is confirmed.
fn offsets(fates: &BatchFates) -> Option<[i64; 3]> {
    let FateOffsets { start, accepted, confirmed } = read(fates).offsets?;
    Some([start, accepted, confirmed])
}

#[test]
fn each_fate_is_counted_and_only_what_is_confirmed_moves_on() {
    let mut fates = BatchFates::default();
    fates.assigned(&[partition()]);
    assert_eq!((offsets(&fates), read(&fates).valid_through), (None, None), "nothing was read");
    let batches: Vec<_> = (0..5).map(|number| batch(number * 10, number * 10 + 9, run(0))).collect();
    for batch in &batches {
        fates.sent(&partition(), batch, true);
    }
    fates.accepted(&partition(), 50);
    assert_eq!((offsets(&fates), fates.waiting()), (Some([0, 50, 0]), 5));
    tell(&mut fates, &batches[0], Fate::Confirmed);
    tell(&mut fates, &batches[1], failure());
    tell(&mut fates, &batches[2], Fate::Unreported);
    tell(&mut fates, &batches[3], Fate::Unknown(Unfollowed::NoRoom));
    let known = read(&fates);
    assert_eq!((offsets(&fates), known.valid_through), (Some([0, 50, 10]), Some(9)));
    assert_eq!((known.waiting, known.failed, known.unreported, known.unknown), (1, 1, 1, 1));
    assert_eq!(known.failures[0].offsets, OffsetRange { first: 10, last: 19 });
    let counts: Vec<_> =
        fates.read().told.by_kind().map(|(_, counts)| (counts.batches, counts.records)).collect();
    assert_eq!(counts, [(1, 10); 4]);
    // It is handed over again.
    fates.sent(&partition(), &batches[1], true);
    let known = read(&fates);
    assert_eq!((known.failed, known.failures.len(), known.waiting), (0, 0, 2));
    tell(&mut fates, &batches[1], Fate::Confirmed);
    assert_eq!(offsets(&fates), Some([0, 50, 20]));
}

#[test]
fn what_was_refused_is_no_hole_and_what_nobody_will_tell_of_is_one() {
    let mut fates = BatchFates::default();
    fates.assigned(&[partition()]);
    let (refused, untold) = (batch(0, 9, run(0)), SentBatch { id: None, ..batch(10, 19, run(0)) });
    fates.sent(&partition(), &refused, true);
    fates.refused(&partition(), refused.id.unwrap());
    fates.sent(&partition(), &untold, true);
    fates.accepted(&partition(), 20);
    assert_eq!((offsets(&fates), read(&fates).unknown), (Some([0, 20, 10]), 1));
}

#[test]
fn a_partition_that_went_elsewhere_is_remembered_as_long_as_something_is_missing() {
    let mut fates = BatchFates::default();
    fates.assigned(&[partition()]);
    let (first, second) = (batch(0, 9, run(0)), batch(10, 19, run(0)));
    fates.sent(&partition(), &first, true);
    fates.sent(&partition(), &second, true);
    fates.accepted(&partition(), 10);
    fates.ended(&partition(), Some(10));
    fates.revoked(&[partition()]);
    let known = read(&fates);
    assert_eq!((known.is_read, offsets(&fates), known.waiting), (false, Some([0, 10, 0]), 1));
    assert_eq!(known.valid_through, Some(-1));
    // What was not accepted is read by others.
    tell(&mut fates, &second, Fate::Confirmed);
    assert_eq!(offsets(&fates), Some([0, 10, 0]));
    tell(&mut fates, &first, Fate::Confirmed);
    assert!(fates.read().partitions.is_empty());
    // News of a failure comes whenever it comes.
    tell(&mut fates, &first, failure());
    assert_eq!((read(&fates).failed, offsets(&fates)), (1, Some([0, 0, 0])));
}

#[test]
fn an_idle_partition_is_valid_through_its_end_and_reading_goes_on_there() {
    let mut fates = BatchFates::default();
    fates.assigned(&[partition()]);
    assert_eq!(fates.whole().count(), 0, "nobody knows where it is");
    // News of an earlier time do not say it either.
    tell(&mut fates, &batch(3, 4, run(3)), failure());
    assert_eq!((offsets(&fates), read(&fates).failed), (None, 1));
    tell(&mut fates, &batch(3, 4, run(3)), Fate::Confirmed);
    fates.starts_at(&partition(), 7);
    assert_eq!(fates.whole().count(), 1);
    fates.end_seen(&partition(), 7, 500);
    assert_eq!((offsets(&fates), read(&fates).valid_through), (Some([7, 7, 7]), Some(500)));
    // Offset 7 was the mark of a transaction.
    let batch = batch(8, 9, run(8));
    fates.sent(&partition(), &batch, true);
    assert_eq!((offsets(&fates), fates.whole().count()), (Some([7, 7, 7]), 0));
    fates.accepted(&partition(), 10);
    assert_eq!((offsets(&fates), read(&fates).valid_through), (Some([7, 10, 8]), Some(7)));
    tell(&mut fates, &batch, Fate::Confirmed);
    assert_eq!((offsets(&fates), read(&fates).valid_through), (Some([7, 10, 10]), Some(500)));
}

#[test]
fn failures_that_are_kept_are_bounded() {
    let mut fates = BatchFates::default();
    fates.assigned(&[partition()]);
    for first in 0..i64::try_from(MOST_FAILURES).unwrap() + 5 {
        let batch = batch(first, first, run(0));
        fates.sent(&partition(), &batch, true);
        fates.accepted(&partition(), first + 1);
        tell(&mut fates, &batch, failure());
    }
    let known = read(&fates);
    assert_eq!((known.failures.len(), known.failures[0].offsets.first), (MOST_FAILURES, 5));
    assert_eq!(offsets(&fates), Some([0, i64::try_from(MOST_FAILURES).unwrap() + 5, 0]));
}

#[derive(Debug, Clone, Copy)]
enum Step {
    /// So many records leave in a batch.
    Send(i64),
    /// One of those on their way was acknowledged.
    Ack(prop::sample::Index),
    Tell(prop::sample::Index, FateKind),
    /// The pipeline ends in order, or what is on its way is given up; and the next one begins.
    Restart,
    /// Others read so many records meanwhile.
    Away(i64),
    /// Kafka sends so many again.
    Rewind(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let any_batch = || any::<prop::sample::Index>();
    prop_oneof![
        8 => (1_i64..5).prop_map(Step::Send),
        8 => any_batch().prop_map(Step::Ack),
        8 => (any_batch(), prop::sample::select(FateKind::ALL.to_vec())).prop_map(|(batch, kind)| Step::Tell(batch, kind)),
        1 => Just(Step::Restart),
        1 => (0_i64..5).prop_map(Step::Away),
        1 => (1_i64..5).prop_map(Step::Rewind),
    ]
}

/// What is true.
struct Oracle {
    run: OffsetRun,
    next: i64,
    flying: Vec<SentBatch>,
    all: Vec<SentBatch>,
    accepted: i64,
    there: BTreeSet<i64>,
    foreign: BTreeSet<i64>,
}

impl Oracle {
    fn apply(&mut self, step: Step, fates: &mut BatchFates) {
        match step {
            Step::Send(records) => {
                let batch = batch(self.next, self.next + records - 1, self.run);
                self.next += records;
                fates.sent(&partition(), &batch, true);
                self.flying.push(batch);
                self.all.push(batch);
            }
            Step::Ack(pick) if !self.flying.is_empty() => {
                self.flying.remove(pick.index(self.flying.len()));
                let held = self.flying.iter().map(|batch| batch.offsets.first).min();
                self.accepted = self.accepted.max(held.unwrap_or(self.next));
                fates.began(&partition(), self.run);
                fates.accepted(&partition(), self.accepted);
            }
            Step::Tell(pick, kind) if !self.all.is_empty() => {
                let batch = self.all[pick.index(self.all.len())];
                let mut records = batch.offsets.first..=batch.offsets.last;
                match kind {
                    FateKind::Confirmed => {
                        self.there.extend(records);
                        tell(fates, &batch, Fate::Confirmed);
                    }
                    // Only what is not in the target fails.
                    FateKind::Failed if !records.any(|record| self.there.contains(&record)) => {
                        tell(fates, &batch, failure());
                    }
                    FateKind::Failed => {}
                    FateKind::Unreported => tell(fates, &batch, Fate::Unreported),
                    FateKind::Unknown => tell(fates, &batch, Fate::Unknown(Unfollowed::Stopped)),
                }
            }
            Step::Restart => {
                fates.ended(&partition(), Some(self.accepted));
                self.begins(self.accepted, 0);
            }
            Step::Away(records) => {
                fates.ended(&partition(), Some(self.accepted));
                fates.revoked(&[partition()]);
                self.foreign.extend(self.accepted..self.accepted + records);
                fates.assigned(&[partition()]);
                self.begins(self.accepted + records, 0);
            }
            Step::Rewind(records) => {
                self.begins((self.next - records).max(0), self.run.rewinds + 1);
                fates.began(&partition(), self.run);
            }
            _ => {}
        }
    }

    fn begins(&mut self, start: i64, rewinds: u32) {
        self.run = OffsetRun { start, rewinds };
        (self.next, self.accepted) = (start, start);
        self.flying.clear();
    }
}

proptest! {
    /// Whatever happens to pipelines and partitions: no record below *confirmed* is missing that was accepted here, and none of others is
    /// claimed.
    #[test]
    fn nothing_is_confirmed_that_is_not_there(steps in prop::collection::vec(step(), 1..200)) {
        let mut fates = BatchFates::default();
        fates.assigned(&[partition()]);
        let (there, foreign) = (BTreeSet::new(), BTreeSet::new());
        let (flying, all) = (Vec::new(), Vec::new());
        let mut oracle = Oracle { run: run(0), next: 0, flying, all, accepted: 0, there, foreign };
        for step in steps {
            oracle.apply(step, &mut fates);
            let known = read(&fates);
            let Some([start, accepted, confirmed]) = offsets(&fates) else { continue };
            prop_assert!(accepted <= oracle.accepted && confirmed <= accepted);
            for record in start..confirmed {
                prop_assert!(oracle.there.contains(&record), "{record} is missing, confirmed is {confirmed}: {known:?}");
            }
            let claimed = oracle.foreign.range(start..confirmed.max(start)).find(|record| !oracle.there.contains(record));
            prop_assert!(claimed.is_none(), "{claimed:?} was read by others: {known:?}");
        }
    }
}
