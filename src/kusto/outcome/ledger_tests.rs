//! The ledger against a list that does the same slowly, and its bounds at the rate that is promised.

use super::{BatchRoute, ENTRY, HandedOver, LEDGER_ROOM, Ledger, MOST_ROUTES};
use crate::id::{BatchId, OffsetRange, TopicPartition};
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::time::Instant;
use uuid::Uuid;

fn route(partition: i32) -> Arc<BatchRoute> {
    Arc::new(BatchRoute {
        connector: Arc::from("c"),
        partition: TopicPartition::new("topic", partition),
        database: Arc::from("db"),
        table: Arc::from("T"),
        extension: "csv",
    })
}

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_700_000_000 + seconds).unwrap()
}

fn batch(number: u32, partition: i32, hold: u64) -> HandedOver {
    HandedOver {
        id: BatchId(Uuid::new_v5(&Uuid::NAMESPACE_OID, &number.to_be_bytes())),
        route: route(partition),
        offsets: OffsetRange { first: i64::from(number) * 10, last: i64::from(number) * 10 + 9 },
        records: 10,
        raw_bytes: 1000 + u64::from(number),
        at: at(i64::from(number)),
        hold: Duration::from_secs(hold),
    }
}

#[test]
fn a_batch_comes_back_as_it_was_entered() {
    let started = Instant::now();
    let mut ledger = Ledger::new(LEDGER_ROOM, started);
    let one = batch(1, 3, 300);
    assert_eq!(ledger.enter(&one, started), []);
    assert_eq!(ledger.get(one.id), Some(one.clone()));
    assert_eq!(one.blob_name(), format!("db__T__kafka_topic_3_10-19__{}.csv.gz", one.id));
    assert_eq!(ledger.leave(one.id), Some(one.clone()));
    assert_eq!((ledger.get(one.id), ledger.leave(one.id), ledger.len()), (None, None, 0));
}

#[test]
fn what_is_learned_of_a_table_counts_for_what_is_there() {
    let started = Instant::now();
    let second = |seconds| started + Duration::from_secs(seconds);
    let mut ledger = Ledger::new(LEDGER_ROOM, started);
    for number in 0..4 {
        ledger.enter(&batch(number, i32::from(number == 3), 2100), second(u64::from(number)));
    }
    let ours = |route: &BatchRoute| (route.partition.partition == 0).then_some(Duration::from_secs(30));
    ledger.hold_anew(ours);
    assert_eq!(ledger.release(second(29), usize::MAX), []);
    let numbers = |batches: Vec<HandedOver>| -> Vec<i64> {
        batches.iter().map(|batch| batch.offsets.first / 10).collect()
    };
    assert_eq!(numbers(ledger.release(second(32), 2)), [0, 1]);
    assert_eq!(numbers(ledger.release(second(32), 2)), [2]);
    assert_eq!(numbers(ledger.release(second(2103), 2)), [3]);
}

#[test]
fn time_ends_for_each_by_its_own_table() {
    let started = Instant::now();
    let mut ledger = Ledger::new(LEDGER_ROOM, started);
    let (slow, fast) = (batch(1, 0, 2100), batch(2, 1, 330));
    ledger.enter(&slow, started);
    ledger.enter(&fast, started + Duration::from_mins(1));
    assert_eq!(ledger.release(started + Duration::from_secs(389), usize::MAX), []);
    assert_eq!(ledger.release(started + Duration::from_secs(390), usize::MAX), [fast]);
    assert_eq!(ledger.release(started + Duration::from_mins(35), usize::MAX), [slow]);
    assert_eq!(ledger.pushed_out(), 0);
}

#[test]
fn nothing_is_old_too_early() {
    let started = Instant::now();
    let mut ledger = Ledger::new(LEDGER_ROOM, started);
    ledger.enter(&batch(1, 0, 10), started + Duration::from_millis(900));
    assert_eq!(ledger.release(started + Duration::from_millis(10_800), usize::MAX), []);
    assert_eq!(ledger.release(started + Duration::from_secs(11), usize::MAX).len(), 1);
}

#[test]
fn the_same_failure_is_noted_once() {
    let started = Instant::now();
    let mut ledger = Ledger::new(LEDGER_ROOM, started);
    let one = batch(1, 0, 300);
    assert_eq!(ledger.note(one.id, at(5)), None);
    ledger.enter(&one, started);
    assert_eq!(ledger.note(one.id, at(5)), Some(one.clone()));
    assert_eq!(ledger.note(one.id, at(5)), None);
    assert_eq!(ledger.note(one.id, at(4)), None);
    ledger.enter(&one, started);
    assert_eq!(ledger.note(one.id, at(5)), None);
    assert_eq!(ledger.note(one.id, at(6)), Some(one));
}

#[test]
fn ten_thousand_blobs_a_minute_for_the_longest_time_have_room() {
    let started = Instant::now();
    let mut ledger = Ledger::new(LEDGER_ROOM, started);
    let (minutes, a_minute, hold) = (40_u32, 10_000_u32, 35 * 60);
    let routes: Vec<_> = (0..100).map(route).collect();
    let mut most = 0;
    for minute in 0..minutes {
        let now = started + Duration::from_mins(u64::from(minute));
        for number in minute * a_minute..(minute + 1) * a_minute {
            let route = Arc::clone(&routes[number as usize % routes.len()]);
            let left = ledger.enter(&HandedOver { route, ..batch(number, 0, hold) }, now);
            assert_eq!(left, []);
        }
        ledger.release(now, usize::MAX);
        most = most.max(ledger.memory());
    }
    assert!(ledger.len() >= 350_000, "{}", ledger.len());
    assert!(most <= LEDGER_ROOM, "{most} bytes");
    let all = ledger.len();
    assert_eq!(ledger.release_all(usize::MAX).len(), all);
    assert!(ledger.is_empty() && ledger.memory() < LEDGER_ROOM / 16, "{} bytes are kept", ledger.memory());
}

#[test]
fn a_ledger_that_is_full_stays_in_its_room() {
    let started = Instant::now();
    let room = 10_000 * ENTRY;
    let mut ledger = Ledger::new(room, started);
    let mut left = 0;
    for number in 0..50_000 {
        left += ledger.enter(&batch(number, 0, 300), started).len();
        // Every third has a fate early: its hole is not room that is lost.
        if number % 3 == 0 {
            assert!(ledger.leave(batch(number, 0, 300).id).is_some());
        }
        assert!(ledger.memory() <= room, "{} bytes after {number}", ledger.memory());
    }
    assert_eq!(left as u64, ledger.pushed_out());
    // A hole in eight is the most that is kept.
    assert!(ledger.len() > 10_000 * 7 / 8 - 2, "{}", ledger.len());
}

#[test]
fn there_are_so_many_routes() {
    let started = Instant::now();
    let mut ledger = Ledger::new(LEDGER_ROOM, started);
    let most = u32::try_from(MOST_ROUTES).unwrap();
    for number in 0..most {
        assert_eq!(ledger.enter(&batch(number, i32::try_from(number).unwrap(), 300), started), []);
    }
    assert_eq!(ledger.enter(&batch(most, 0, 300), started), []);
    // The first route is held by its second batch, so two must go until one is free.
    let left = ledger.enter(&batch(most + 1, -1, 300), started);
    assert_eq!(left, [batch(0, 0, 300), batch(1, 1, 300)]);
}

/// What is done to both.
#[derive(Debug, Clone)]
enum Step {
    Enter { number: u32, partition: i32, hold: u64 },
    Leave(u32),
    Wait(u64),
    Release,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let number = 0_u32..60;
    let step = prop_oneof![
        6 => (number.clone(), 0..4_i32, 0..90_u64)
            .prop_map(|(number, partition, hold)| Step::Enter { number, partition, hold }),
        2 => number.prop_map(Step::Leave),
        2 => (0..40_u64).prop_map(Step::Wait),
        1 => Just(Step::Release),
    ];
    prop::collection::vec(step, 1..300)
}

proptest! {
    /// A list in the order of entering does the same. Holes may cost an eighth of the places; otherwise the oldest leaves only
    /// when all places are taken, and nothing is ever lost without being returned.
    #[test]
    fn does_what_a_list_does(steps in steps(), places in 1_usize..40) {
        let started = Instant::now();
        let mut now = started;
        let mut ledger = Ledger::new(places * ENTRY, started);
        let mut list: Vec<(HandedOver, Instant)> = Vec::new();
        let mut pushed_out = 0;
        for step in steps {
            match step {
                Step::Enter { number, partition, hold } => {
                    let batch = batch(number, partition, hold);
                    list.retain(|(other, _)| other.id != batch.id);
                    let left = ledger.enter(&batch, now);
                    pushed_out += left.len() as u64;
                    if let Some(oldest) = left.first() {
                        prop_assert!(left.len() == 1 && list.len() * 8 + 8 > places * 7);
                        let (expected, _) = list.remove(0);
                        prop_assert_eq!(oldest, &expected);
                    }
                    list.push((batch, now));
                }
                Step::Leave(number) => {
                    let id = batch(number, 0, 0).id;
                    let place = list.iter().position(|(batch, _)| batch.id == id);
                    prop_assert_eq!(ledger.leave(id), place.map(|place| list.remove(place).0));
                }
                Step::Wait(seconds) => now += Duration::from_secs(seconds),
                Step::Release => {
                    let (over, rest): (Vec<_>, Vec<_>) =
                        list.into_iter().partition(|(batch, entered)| *entered + batch.hold <= now);
                    list = rest;
                    let over: Vec<_> = over.into_iter().map(|(batch, _)| batch).collect();
                    prop_assert_eq!(ledger.release(now, usize::MAX), over);
                }
            }
            prop_assert_eq!(ledger.len(), list.len());
            prop_assert!(ledger.len() <= places && ledger.pushed_out() == pushed_out);
            for (batch, _) in &list {
                prop_assert_eq!(ledger.get(batch.id), Some(batch.clone()));
            }
        }
        let rest: Vec<_> = list.into_iter().map(|(batch, _)| batch).collect();
        prop_assert_eq!(ledger.release_all(usize::MAX), rest);
    }
}
