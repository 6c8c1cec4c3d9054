//! Pipelines over records from a list, into a sink that counts what it holds, under paused time: memory stays within its
//! bound, nothing is committed or lost that must not be, and what was given up writes nothing any more.

use super::PipelineMode;
use crate::id::OffsetRange;
use crate::kafka::ListedRecord;
use crate::sink::{OnRefusal, RefusalPolicy};
use crate::task::backpressure::BLOCKED_AFTER;
use crate::task::deliveries::MAX_IN_FLIGHT;
use crate::task::error::Error;
use crate::task::list_sink::{AT_ONCE, Answers, BAD, FLUSH, FLUSH_INTERVAL, PANICS, batch_id};
use crate::task::offsets::OffsetRun;
use crate::task::report::SentBatch;
use crate::task::test_rig::{KIB, PipelineRig, Setup, TOTAL, beginning_with, partition, record};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
/// A letter has headers beside the record's bytes, of so many bytes at most.
const WITH_HEADERS: usize = 4 * KIB;

fn bad(offset: i64, len: usize) -> ListedRecord {
    beginning_with(BAD, offset, len)
}

/// Offsets of partition 0.
fn of_first(offsets: impl IntoIterator<Item = i64>) -> Vec<(i32, i64)> {
    offsets.into_iter().map(|offset| (0, offset)).collect()
}

/// Invariant 4, counted at the sink and not in the budget's own books.
async fn within_bounds(partitions: Vec<Vec<(usize, bool)>>, took: Duration) -> Result<(), TestCaseError> {
    let mut rig = PipelineRig::new(Answers::Takes(took));
    let largest = partitions.iter().flatten().map(|(len, _)| len + WITH_HEADERS).max().unwrap_or(0);
    for lens in &partitions {
        let queue = rig.start();
        let records = (0..).zip(lens);
        queue.push(records.map(|(offset, (len, is_bad))| (if *is_bad { bad } else { record })(offset, *len)));
    }
    let ends: BTreeMap<i32, i64> = (0..)
        .zip(&partitions)
        .map(|(partition, lens)| (partition, i64::try_from(lens.len()).unwrap()))
        .collect();
    rig.until(|rig| rig.progress == ends).await;
    let most = rig.list.bytes_at_most();
    // It is one connector, so one record goes beyond it at a time.
    prop_assert!(most <= TOTAL + largest, "{most} bytes held, the largest record has {largest}");
    let these = |bad: bool| -> Vec<(i32, i64)> {
        let all = (0..).zip(&partitions);
        let all = all.flat_map(|(partition, lens)| {
            (0..).zip(lens).map(move |(offset, len)| (partition, offset, len.1))
        });
        all.filter(|(.., is_bad)| *is_bad == bad).map(|(partition, offset, _)| (partition, offset)).collect()
    };
    prop_assert_eq!(rig.written(), these(false), "each record once");
    let mut letters = rig.list.letters();
    letters.sort_unstable();
    prop_assert_eq!(letters, these(true), "each bad one has a letter");
    prop_assert!(rig.drain(MINUTE).await);
    prop_assert!(rig.ended.values().all(Option::is_none));
    prop_assert_eq!((rig.ended.len(), rig.held()), (partitions.len(), (0, 0, 0)));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_more_is_held_than_the_budget_and_a_record(
        partitions in proptest::collection::vec(
            proptest::collection::vec(
                (prop_oneof![8 => 1..4 * KIB, 2 => TOTAL / 4..TOTAL, 1 => TOTAL..2 * TOTAL], prop::bool::weighted(0.3)),
                1..40), 1..6),
        took in 0_u64..1500
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(within_bounds(partitions, Duration::from_millis(took)))?;
    }
}

/// Invariant 2, the good case: what was read is handed over and its offset is reported before the pipeline is said to have
/// ended, and the next one starts behind it.
#[tokio::test(start_paused = true)]
async fn a_drain_in_time_hands_over_what_was_read() {
    let mut rig = PipelineRig::new(Answers::Takes(10 * SECOND));
    let queue = rig.start();
    queue.push((0..20).map(|offset| record(offset, KIB)));
    rig.pass(SECOND).await;
    assert_eq!((rig.written(), rig.list.sealed()), (Vec::new(), 1), "one batch is on its way, one is open");
    assert!(rig.drain(MINUTE).await);
    assert!(rig.ended[&0].is_none(), "{:?}", rig.ended);
    assert_eq!((rig.written(), rig.progress[&0]), (of_first(0..20), 20));
    assert_eq!((rig.pipelines.take_position(&partition(0)), rig.held()), (Some(20), (0, 0, 0)));
    assert!(!rig.pipelines.has_lost_position());
    queue.push([record(20, KIB)]);
    rig.pass(MINUTE).await;
    assert_eq!(rig.written().len(), 20, "nobody reads it any more");
}

/// Invariant 2, the bad case: what is late is given up at the deadline, and writes nothing any more.
#[tokio::test(start_paused = true)]
async fn what_is_given_up_writes_nothing_any_more_and_gives_its_memory_back() {
    let mut rig = PipelineRig::new(Answers::Away);
    let queue = rig.start();
    queue.push((0..20).map(|offset| record(offset, 4 * KIB)));
    rig.pass(SECOND).await;
    assert!(rig.list.bytes_now() > 2 * FLUSH, "uploads are on their way");
    let began = tokio::time::Instant::now();
    assert!(!rig.drain(MINUTE).await, "the service does not answer");
    assert_eq!(began.elapsed(), MINUTE);
    assert!(rig.ended[&0].is_none() && !rig.pipelines.has(&partition(0)));
    rig.list.set(AT_ONCE);
    rig.pass(Duration::from_hours(1)).await;
    assert_eq!((rig.written(), rig.progress.clone()), (Vec::new(), BTreeMap::new()));
    assert_eq!(rig.held(), (0, 0, 0));
    assert!(rig.pipelines.has_lost_position(), "only a new consumer knows where to start");
    assert_eq!(rig.pipelines.take_position(&partition(0)), None);
}

/// A pause hands over what was read and waits; it holds no place in the line meanwhile.
#[tokio::test(start_paused = true)]
async fn a_hold_hands_over_what_was_read_and_gives_its_memory_back() {
    let mut rig = PipelineRig::new(Answers::Takes(SECOND));
    let queue = rig.start();
    queue.push([record(0, 10), record(1, 2 * TOTAL), record(2, 3 * TOTAL)]);
    rig.pass(Duration::from_millis(500)).await;
    rig.set_mode(PipelineMode::Hold);
    rig.pass(Duration::from_mins(10)).await;
    assert_eq!(rig.budget.held(), (0, 0));
    assert!(rig.progress[&0] < 3);
    rig.set_mode(PipelineMode::Run);
    rig.until(|rig| rig.progress.get(&0) == Some(&3)).await;
    assert_eq!(rig.written(), [(0, 0), (0, 1), (0, 2)]);
}

/// Kafka sends a stretch again, or the topic was made anew: what comes then counts, and holds back its offsets.
#[tokio::test(start_paused = true)]
async fn offsets_that_come_again_are_written_again_and_committed_only_then() {
    let mut rig = PipelineRig::new(Answers::Takes(Duration::from_millis(10)));
    let queue = rig.start();
    queue.push((0..10).map(|offset| record(offset, 100)));
    rig.until(|rig| rig.progress.get(&0) == Some(&10)).await;
    rig.list.set(Answers::Away);
    queue.push((4..8).map(|offset| record(offset, 100)));
    rig.pass(2 * FLUSH_INTERVAL).await;
    assert_eq!(rig.progress[&0], 10, "no progress is told of what is not handed over again");
    rig.list.set(AT_ONCE);
    rig.until(|rig| rig.progress.get(&0) == Some(&8)).await;
    let twice: Vec<i64> =
        rig.written().windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0].1).collect();
    assert_eq!(twice, [4, 5, 6, 7]);
}

/// Whoever follows a batch knows of it before anything of it is handed over, and where reading began.
#[tokio::test(start_paused = true)]
async fn a_batch_is_reported_before_anything_of_it_is_handed_over() {
    let mut rig = PipelineRig::new(Answers::Away);
    let queue = rig.start();
    queue.push((5..8).map(|offset| record(offset, 100)));
    rig.until(|rig| !rig.sent.is_empty()).await;
    assert!(rig.written().is_empty());
    let run = OffsetRun { start: 5, rewinds: 0 };
    let (id, offsets) = (Some(batch_id(0, 5)), OffsetRange { first: 5, last: 7 });
    // The list's records have no timestamps.
    assert_eq!(rig.sent, [(0, SentBatch { id, offsets, records: 3, times: None, run })]);
    rig.list.set(AT_ONCE);
    rig.until(|rig| rig.progress.get(&0) == Some(&8)).await;
    queue.push((6..8).map(|offset| record(offset, 100)));
    rig.until(|rig| rig.sent.len() == 2).await;
    assert_eq!(rig.sent[1].1.run, OffsetRun { start: 6, rewinds: 1 }, "Kafka went back");
}

/// A rewind in the middle of what is open: what was read before stays a batch of its own.
#[tokio::test(start_paused = true)]
async fn what_is_open_is_sealed_before_offsets_start_again() {
    let mut rig = PipelineRig::new(AT_ONCE);
    let queue = rig.start();
    queue.push((10..15).chain(2..4).map(|offset| record(offset, 100)));
    rig.until(|rig| rig.list.sealed() == 1).await;
    rig.pass(SECOND).await;
    assert_eq!(rig.list.written(), of_first(10..15));
    assert!(rig.progress.get(&0).is_none_or(|offset| *offset <= 2), "2 and 3 are open: {:?}", rig.progress);
    rig.until(|rig| rig.progress.get(&0) == Some(&4)).await;
    assert_eq!(rig.list.written(), of_first((10..15).chain(2..4)));
}

/// A defect in one upload ends the pipeline where its offsets stand: nothing is skipped.
#[tokio::test(start_paused = true)]
async fn a_pipeline_that_panics_starts_again_at_what_was_not_handed_over() {
    let mut rig = PipelineRig::new(Answers::Takes(Duration::from_millis(10)));
    let queue = rig.start();
    queue.push((0..10).map(|offset| record(offset, 100)));
    rig.until(|rig| rig.progress.get(&0) == Some(&10)).await;
    rig.list.set(Answers::Panics);
    queue.push((10..20).map(|offset| record(offset, 100)));
    rig.until(|rig| rig.ended.contains_key(&0)).await;
    assert_eq!(rig.pipelines.take_position(&partition(0)), Some(10));
    assert!(rig.ended.remove(&0).unwrap().unwrap().to_string().contains("on purpose"));
    assert_eq!(rig.budget.held(), (0, 0));
}

/// A defect in the pipeline itself leaves no position behind, and its siblings go on.
#[tokio::test(start_paused = true)]
async fn a_pipeline_that_ends_without_a_word_has_lost_its_position() {
    let mut rig = PipelineRig::new(Answers::Takes(SECOND));
    let (first, second) = (rig.start(), rig.start());
    first.push([record(0, 100), beginning_with(PANICS, 1, 100)]);
    second.push([record(0, 100)]);
    rig.until(|rig| rig.ended.contains_key(&0)).await;
    let error = rig.ended.remove(&0).unwrap().unwrap();
    assert!(matches!(error, Error::Panic { .. }) && error.to_string().contains("partition t-0"), "{error}");
    assert!(rig.pipelines.has_lost_position());
    assert_eq!(rig.pipelines.take_position(&partition(0)), None);
    rig.until(|rig| rig.progress.get(&1) == Some(&1)).await;
    assert_eq!(rig.written(), [(1, 0)], "what the first one had open is given up");
}

/// Back-pressure: a service that does not answer stops the reading after some batches, and Kafka is asked to send no more
/// after a moment only.
#[tokio::test(start_paused = true)]
async fn no_more_batches_are_on_their_way_than_a_few_and_kafka_is_told() {
    let mut rig = PipelineRig::new(Answers::Away);
    let queue = rig.start();
    for offset in 0..10 {
        queue.push([record(offset, KIB)]);
        // Its age seals a batch of one record.
        rig.pass(FLUSH_INTERVAL + 2 * BLOCKED_AFTER).await;
        assert_eq!(rig.blocked.contains(&0), offset >= 3, "at {offset}");
    }
    assert_eq!((rig.list.sealed(), rig.list.bytes_now()), (MAX_IN_FLIGHT, MAX_IN_FLIGHT * KIB));
    rig.list.set(Answers::TakesOne);
    rig.until(|rig| rig.blocked.is_empty()).await;
    assert_eq!(rig.written().len(), 1);
    rig.list.set(AT_ONCE);
    rig.until(|rig| rig.progress.get(&0) == Some(&10)).await;
    assert_eq!(rig.written(), of_first(0..10));
}

/// A moment without room is no reason to stop fetching.
#[tokio::test(start_paused = true)]
async fn a_service_that_is_slow_for_a_moment_does_not_pause_the_partition() {
    let mut rig = PipelineRig::new(Answers::Takes(BLOCKED_AFTER / 2));
    let queue = rig.start();
    queue.push((0..30).map(|offset| record(offset, FLUSH + 1)));
    while rig.progress.get(&0) != Some(&30) {
        rig.pass(BLOCKED_AFTER / 10).await;
        assert!(rig.blocked.is_empty());
    }
    assert!(rig.list.bytes_at_most() <= TOTAL);
}

/// A partition that finds no memory sends what it has, waits without holding any, and goes on when there is some.
#[tokio::test(start_paused = true)]
async fn a_partition_that_starves_holds_nothing_and_goes_on() {
    let mut rig = PipelineRig::new(Answers::Away);
    let greedy = rig.start();
    greedy.push((0..3).map(|offset| record(offset, FLUSH + 1)));
    rig.pass(Duration::from_millis(100)).await;
    let (taken, _) = rig.budget.held();
    assert!(taken >= 3 * FLUSH, "{taken}");
    let poor = rig.start();
    poor.push([record(0, 10), record(1, FLUSH), record(2, 10)]);
    rig.pass(Duration::from_millis(100)).await;
    assert_eq!(rig.budget.held(), (taken + 10, 0), "its first record is on its way, nothing waits in memory");
    rig.pass(2 * BLOCKED_AFTER).await;
    assert!(rig.blocked.contains(&1), "Kafka is asked to send no more of it");
    assert!(rig.waits.get(&1).is_some_and(|cause| cause.contains("worker.buffer.bytes")), "{:?}", rig.waits);
    assert_eq!(rig.list.sealed(), 4);
    rig.list.set(Answers::TakesOne);
    rig.pass(Duration::from_millis(100)).await;
    rig.list.set(AT_ONCE);
    rig.until(|rig| rig.progress.get(&1) == Some(&3)).await;
    assert_eq!(rig.written().into_iter().filter(|(partition, _)| *partition == 1).count(), 3);
    assert!(!rig.blocked.contains(&1));
    assert_eq!(rig.waits.get(&1), None);
    assert!(rig.list.bytes_at_most() <= TOTAL);
}

/// Letters are in their topic in the order of their records, and no offset moves past one that is not there yet.
#[tokio::test(start_paused = true)]
async fn letters_come_in_order_and_hold_back_their_offsets() {
    let mut rig = PipelineRig::new(AT_ONCE);
    rig.list.set_letters(Answers::Away);
    let queue = rig.start();
    let is_bad = |offset: i64| offset % 3 == 2;
    queue.push((0..12).map(|offset| (if is_bad(offset) { bad } else { record })(offset, 100)));
    rig.pass(2 * FLUSH_INTERVAL).await;
    assert_eq!(rig.written(), of_first((0..12).filter(|offset| !is_bad(*offset))), "good ones go on");
    assert_eq!((rig.progress[&0], rig.list.letters()), (2, Vec::new()), "2 has no letter yet");
    assert!(rig.waits[&0].contains("(topic letters)"), "{:?}", rig.waits);
    rig.list.set_letters(AT_ONCE);
    rig.until(|rig| rig.progress[&0] == 12).await;
    assert_eq!(rig.list.letters(), of_first([2, 5, 8, 11]));
    rig.pass(SECOND).await;
    assert!(rig.waits.is_empty() && rig.skipped.is_empty(), "nothing is lost");
}

/// Without a dead-letter topic, what is skipped is counted, and reported before its offset is.
#[tokio::test(start_paused = true)]
async fn what_is_skipped_without_a_letter_is_reported() {
    let mut setup = Setup::new(AT_ONCE);
    setup.config.errors.dead_letters = None;
    let mut rig = setup.build();
    let queue = rig.start();
    queue.push([bad(0, 10), bad(1, 10), record(2, 10)]);
    rig.until(|rig| rig.progress.get(&0) == Some(&2)).await;
    let [skipped] = &rig.skipped[..] else { panic!("{:?}", rig.skipped) };
    assert!(skipped.records == 2 && skipped.last.starts_with("t-0 offset 1: TASK_PUT"), "{skipped:?}");
    rig.until(|rig| rig.progress.get(&0) == Some(&3)).await;
}

/// A bad record that must not be skipped ends the pipeline there: it has its letter, and costs its neighbours nothing.
#[tokio::test(start_paused = true)]
async fn a_bad_record_that_is_not_tolerated_costs_its_neighbours_nothing() {
    let mut setup = Setup::new(Answers::Takes(SECOND));
    setup.config.errors.tolerate = false;
    let mut rig = setup.build();
    let queue = rig.start();
    queue.push([record(0, 10), record(1, 10), bad(2, 10), record(3, 10)]);
    rig.until(|rig| rig.ended.contains_key(&0)).await;
    let error = rig.ended.remove(&0).unwrap().unwrap();
    assert!(matches!(error, Error::BadRecord { offset: 2, .. }), "{error}");
    assert!(error.to_string().contains("check list.target, or set errors.tolerance=all"), "{error}");
    assert_eq!((rig.written(), rig.list.letters()), (of_first([0, 1]), of_first([2])));
    rig.pass(SECOND).await;
    assert_eq!((rig.progress[&0], rig.pipelines.take_position(&partition(0))), (2, Some(2)));
    assert_eq!(rig.held(), (0, 0, 0));
}

/// A batch that the service refuses: with letters about its records, without, and without leave to skip it.
#[tokio::test(start_paused = true)]
async fn a_refused_batch_ends_the_pipeline_or_is_skipped_as_the_sink_says() {
    for (skips, has_topic) in [(false, true), (true, true), (true, false)] {
        let mut setup = Setup::new(AT_ONCE);
        setup.policy = RefusalPolicy {
            on_refusal: if skips { OnRefusal::SkipAndLog } else { OnRefusal::Fail },
            ..setup.policy
        };
        setup.config.errors.tolerate = false;
        if !has_topic {
            setup.config.errors.dead_letters = None;
        }
        let mut rig = setup.build();
        let queue = rig.start();
        queue.push((0..3).map(|offset| record(offset, 10)));
        rig.until(|rig| rig.progress.get(&0) == Some(&3)).await;
        rig.list.set(Answers::Refuses);
        rig.list.set_letters(AT_ONCE);
        queue.push((3..6).map(|offset| record(offset, 10)));
        rig.pass(2 * FLUSH_INTERVAL).await;
        assert_eq!(rig.written(), of_first(0..3));
        assert_eq!(rig.list.letters(), of_first(if skips && has_topic { 3..6 } else { 0..0 }));
        let left: Vec<_> = rig.sent.iter().map(|(_, batch)| (batch.offsets.first, batch.records)).collect();
        assert_eq!(left, [(0, 3), (3, 3)], "each batch is reported when it leaves");
        assert_eq!(rig.refused, [(0, batch_id(0, 3))], "and that nothing will be told of it");
        let skipped: u64 = rig.skipped.iter().map(|skipped| skipped.records).sum();
        assert_eq!(skipped, if skips && !has_topic { 3 } else { 0 });
        assert_eq!(rig.progress[&0], if skips { 6 } else { 3 });
        if skips {
            assert!(rig.ended.is_empty());
        } else {
            let error = rig.ended.remove(&0).unwrap().unwrap();
            assert!(error.to_string().contains("offsets 3-5: refused on purpose"), "{error}");
            assert_eq!(rig.pipelines.take_position(&partition(0)), Some(3));
        }
        rig.drain(MINUTE).await;
        assert_eq!(rig.held(), (0, 0, 0));
    }
}
