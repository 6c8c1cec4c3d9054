//! Each failure of ours once, none of others, whatever looks overlap.

use super::super::failures::{FailureVerdict, IngestionFailure};
use super::super::ledger::{BatchRoute, HandedOver, LEDGER_ROOM, Ledger};
use super::{MOST_TOLD, Matcher, confirmed, unfollowed, unreported};
use crate::id::{BatchId, OffsetRange, TopicPartition};
use crate::sink::{Fate, Unfollowed};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use time::macros::datetime;
use tokio::time::Instant;
use uuid::Uuid;

const START: OffsetDateTime = datetime!(2026-11-30 17:00 UTC);

fn id(number: u64) -> BatchId {
    BatchId(Uuid::new_v5(&Uuid::NAMESPACE_OID, &number.to_be_bytes()))
}

fn second(seconds: u64) -> OffsetDateTime {
    START + Duration::from_secs(seconds)
}

fn batch(number: u64, at: u64) -> HandedOver {
    let first = i64::try_from(number).unwrap() * 10;
    HandedOver {
        id: id(number),
        route: Arc::new(BatchRoute {
            connector: Arc::from("c"),
            partition: TopicPartition::new("t", 2),
            database: Arc::from("db"),
            table: Arc::from("T"),
            extension: "csv",
        }),
        offsets: OffsetRange { first, last: first + 9 },
        records: 10,
        raw_bytes: 100,
        at: second(at),
        hold: Duration::from_mins(10),
    }
}

fn failure(number: u64, at: u64, verdict: FailureVerdict) -> IngestionFailure {
    IngestionFailure {
        id: Some(id(number)),
        path: format!("https://a/c/{number}"),
        database: "db".to_owned(),
        table: "T".to_owned(),
        at: second(at),
        code: "Code".to_owned(),
        text: "words".to_owned(),
        verdict,
        should_retry: verdict == FailureVerdict::TriedAgain,
        from_update_policy: false,
        sources: 1,
    }
}

fn ledger_of(batches: &[HandedOver], now: Instant) -> Ledger {
    let mut ledger = Ledger::new(LEDGER_ROOM, now);
    for batch in batches {
        assert_eq!(ledger.enter(batch, now), []);
    }
    ledger
}

#[test]
fn a_failure_is_told_with_what_it_was_about() {
    let now = Instant::now();
    let mut ledger = ledger_of(&[batch(1, 0), batch(2, 0)], now);
    let failures = [failure(9, 5, FailureVerdict::Final), failure(2, 5, FailureVerdict::Final)];
    let mut matcher = Matcher::default();
    let found = matcher.failed(&mut ledger, &failures);
    assert_eq!((found.foreign, found.known, found.news.len()), (1, 0, 1));
    let (told, whose) = (&found.news[0].news, &found.news[0].batch);
    assert_eq!(
        (told.id, told.partition.to_string(), told.offsets.to_string()),
        (id(2), "t-2".into(), "20-29".into())
    );
    assert_eq!((told.records, told.raw_bytes, &*whose.route.connector), (10, 100, "c"));
    let Fate::Failed(failure) = &told.fate else { panic!("{told:?}") };
    assert_eq!(
        (failure.code.as_str(), failure.text.as_str(), failure.is_retriable),
        ("Code", "words", false)
    );
    // The next look sees both again.
    let again = matcher.failed(&mut ledger, &failures);
    assert_eq!((again.foreign, again.known, again.news.len()), (1, 1, 0));
    assert_eq!(ledger.len(), 1);
}

#[test]
fn what_the_service_tries_again_stays() {
    let now = Instant::now();
    let mut ledger = ledger_of(&[batch(1, 0)], now);
    let mut matcher = Matcher::default();
    let look = |seconds: &[u64]| -> Vec<_> {
        seconds.iter().map(|at| failure(1, *at, FailureVerdict::TriedAgain)).collect()
    };
    assert_eq!(matcher.failed(&mut ledger, &look(&[5, 65])).troubled.len(), 2);
    let overlapping = matcher.failed(&mut ledger, &look(&[5, 65, 125]));
    assert_eq!((overlapping.troubled.len(), overlapping.known), (1, 2));
    assert_eq!(overlapping.troubled[0].batch, batch(1, 0));
    let doubled = matcher.failed(&mut ledger, &[failure(1, 126, FailureVerdict::Doubled)]);
    assert_eq!((doubled.news.len(), doubled.troubled.len(), ledger.len()), (0, 0, 1));
    assert_eq!(matcher.failed(&mut ledger, &[failure(1, 127, FailureVerdict::Final)]).news.len(), 1);
}

#[test]
fn another_try_does_not_fail_by_the_first_ones_failure() {
    let now = Instant::now();
    let mut ledger = ledger_of(&[batch(1, 0)], now);
    let mut matcher = Matcher::default();
    let first = [failure(1, 50, FailureVerdict::Final)];
    assert_eq!(matcher.failed(&mut ledger, &first).news.len(), 1);
    ledger.enter(&batch(1, 60), now);
    assert_eq!(matcher.failed(&mut ledger, &first).known, 1);
    assert_eq!(matcher.failed(&mut ledger, &[failure(1, 100, FailureVerdict::Final)]).news.len(), 1);
    // Nor by a failure that an earlier life of the worker saw; but the service's clock may be two minutes behind ours.
    let mut reborn = Matcher::default();
    ledger.enter(&batch(1, 1000), now);
    assert_eq!(reborn.failed(&mut ledger, &[failure(1, 879, FailureVerdict::Final)]).known, 1);
    assert_eq!(reborn.failed(&mut ledger, &[failure(1, 880, FailureVerdict::Final)]).news.len(), 1);
}

#[test]
fn what_failed_together_and_is_not_named_is_counted() {
    let now = Instant::now();
    let mut ledger = ledger_of(&[batch(1, 0)], now);
    let mut together = failure(1, 5, FailureVerdict::Final);
    together.sources = 4;
    let nameless = IngestionFailure { id: None, ..together.clone() };
    let found = Matcher::default().failed(&mut ledger, &[together, nameless]);
    assert_eq!((found.unnamed, found.news.len(), found.foreign), (6, 1, 1));
}

#[test]
fn other_ends_are_told_by_name() {
    let now = Instant::now();
    let mut ledger = ledger_of(&[batch(1, 0), batch(2, 0), batch(3, 0)], now);
    let fates = |news: Vec<super::RoutedNews>| -> Vec<_> {
        news.into_iter().map(|one| (one.news.id, one.news.fate)).collect()
    };
    assert_eq!(fates(confirmed(&mut ledger, [id(2), id(9)])), [(id(2), Fate::Confirmed)]);
    assert_eq!(fates(unreported(&mut ledger, now + Duration::from_secs(599), usize::MAX)), []);
    let over = fates(unreported(&mut ledger, now + Duration::from_mins(10), usize::MAX));
    assert_eq!(over, [(id(1), Fate::Unreported), (id(3), Fate::Unreported)]);
    let why = Unfollowed::NoRoom;
    assert_eq!(fates(unfollowed(vec![batch(4, 0)], why)), [(id(4), Fate::Unknown(why))]);
}

#[test]
fn so_many_fates_are_remembered() {
    let now = Instant::now();
    let (mut ledger, mut matcher) = (ledger_of(&[], now), Matcher::default());
    for number in 0..MOST_TOLD as u64 + 100 {
        ledger.enter(&batch(number, 0), now);
        assert_eq!(matcher.failed(&mut ledger, &[failure(number, 5, FailureVerdict::Final)]).news.len(), 1);
    }
    assert_eq!((matcher.told.len(), matcher.order.len()), (MOST_TOLD, MOST_TOLD));
}

proptest! {
    /// Looks of any overlap over any failures, ours and others': each batch of ours that failed for good is told once, no other.
    #[test]
    fn each_failure_once(
        ours in prop::collection::btree_set(0_u64..40, 0..30),
        failures in prop::collection::vec((0_u64..60, 0_u64..600, 0_u8..3), 0..80),
        looks in prop::collection::vec((0_u64..600, 1_u64..300), 1..20),
    ) {
        let now = Instant::now();
        let batches: Vec<_> = ours.iter().map(|number| batch(*number, 0)).collect();
        let mut ledger = ledger_of(&batches, now);
        let mut failures: Vec<_> = failures
            .into_iter()
            .map(|(number, at, verdict)| {
                let verdicts = [FailureVerdict::Final, FailureVerdict::TriedAgain, FailureVerdict::Doubled];
                failure(number, at, verdicts[usize::from(verdict)])
            })
            .collect();
        failures.sort_by_key(|failure| failure.at);
        let mut matcher = Matcher::default();
        let mut told: BTreeMap<BatchId, u32> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for (from, length) in looks {
            let window: Vec<_> = failures
                .iter()
                .filter(|one| one.at >= second(from) && one.at < second(from + length))
                .collect();
            seen.extend(window.iter().filter(|one| one.verdict == FailureVerdict::Final).filter_map(|one| one.id));
            for news in matcher.failed(&mut ledger, window).news {
                *told.entry(news.news.id).or_default() += 1;
            }
        }
        let ours: BTreeSet<_> = ours.into_iter().map(id).collect();
        let expected: BTreeMap<_, _> = seen.intersection(&ours).map(|id| (*id, 1)).collect();
        prop_assert_eq!(ledger.len(), ours.len() - expected.len());
        prop_assert_eq!(told, expected);
    }
}
