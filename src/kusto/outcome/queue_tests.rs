//! A failure queue with other clients in it: theirs stay.

use super::super::failures::FailureVerdict;
use super::{FailureQueue, MOST_GETS, MOST_OF_A_GET, QueueReceipt, QueueUse, QueuedReport, read};
use crate::id::BatchId;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

fn id(number: u64) -> BatchId {
    BatchId(Uuid::new_v5(&Uuid::NAMESPACE_OID, &number.to_be_bytes()))
}

/// The message number `number`, which tells of the batch of that number, got for the time `get`.
fn message(number: u64, get: u64) -> QueuedReport {
    let body = json!({
        "OperationId": Uuid::nil().to_string(),
        "Database": "db",
        "Table": "T",
        "FailedOn": "2026-11-30T17:00:00.0000000Z",
        "IngestionSourceId": id(number).to_string(),
        "IngestionSourcePath": format!("https://a/c/{number}.csv.gz"),
        "Details": "no such mapping",
        "ErrorCode": "BadRequest_MappingReferenceWasNotFound",
        "FailureStatus": "Permanent",
        "OriginatesFromUpdatePolicy": false,
        "ShouldRetry": false,
    });
    let (message, receipt) = (format!("m{number}"), format!("r{number}-{get}"));
    QueuedReport { message, receipt, text: STANDARD.encode(body.to_string()) }
}

fn receipt(number: u64, get: u64) -> QueueReceipt {
    QueueReceipt { message: format!("m{number}"), receipt: format!("r{number}-{get}") }
}

#[test]
fn a_message_is_read() {
    let failure = read(&message(7, 0).text).unwrap();
    assert_eq!((failure.id, failure.verdict, failure.sources), (Some(id(7)), FailureVerdict::Final, 1));
    assert_eq!(failure.code, "BadRequest_MappingReferenceWasNotFound");
    // Old services, and a reader that decoded it already.
    let old = json!({"ingestionsourceid": id(7).to_string(), "failedon": "2026-11-30T17:00:00Z",
        "ErrorCode": 1234, "FailureStatus": 2, "ShouldRetry": "true"});
    let failure = read(&old.to_string()).unwrap();
    assert_eq!(
        (failure.id, failure.verdict, failure.code.as_str()),
        (Some(id(7)), FailureVerdict::TriedAgain, "1234")
    );
    for text in ["", "%%%", "bnVsbA==", "{}", "[1]", "e30="] {
        assert_eq!(read(text), None, "{text}");
    }
    assert_eq!(read(&"A".repeat(80_000)), None);
}

#[test]
fn only_what_is_claimed_is_deleted_and_only_by_a_receipt_that_is_good() {
    let now = Instant::now();
    let mut queue = FailureQueue::new(QueueUse::Shared);
    assert!(queue.begins(&["m1", "m2"]));
    let strange = QueuedReport { message: "m9".into(), receipt: "r9".into(), text: "strange".into() };
    let harvest = queue.got(vec![message(1, 0), message(2, 0), strange], now);
    assert_eq!((harvest.failures.len(), harvest.unreadable, harvest.goes_on), (2, 1, false));
    assert_eq!(harvest.deletable, []);
    assert_eq!(queue.claimed([id(2), id(5)], now + Duration::from_secs(29)), [receipt(2, 0)]);
    // What was seen and is not ours is no reason to hide it again.
    assert!(!queue.begins(&["m1", "m9"]));
    assert!(queue.begins(&["m1", "m3"]));
    // A claim that comes late is remembered for the next time.
    let later = now + Duration::from_mins(1);
    assert_eq!(queue.got(vec![message(1, 1), message(3, 1)], later).failures.len(), 2);
    assert_eq!(queue.claimed([id(3)], later + Duration::from_secs(30)), []);
    let again = queue.got(vec![message(1, 2), message(3, 2)], later + Duration::from_mins(1));
    assert_eq!(again.deletable, [receipt(3, 2)]);
}

#[test]
fn a_walk_ends() {
    let now = Instant::now();
    let mut queue = FailureQueue::new(QueueUse::Exclusive);
    let full =
        |get: u64| -> Vec<_> { (0..MOST_OF_A_GET as u64).map(|n| message(get * 100 + n, 0)).collect() };
    for walk in 0..2 {
        assert!(queue.begins(&["m1"; MOST_OF_A_GET]));
        for get in 1..MOST_GETS as u64 {
            assert!(queue.got(full(get), now).goes_on);
        }
        assert_eq!(queue.cut(), walk);
        assert!(!queue.got(full(99), now).goes_on);
    }
    assert_eq!(queue.cut(), 2);
}

proptest! {
    /// Whatever the order of walks and claims, no message is deleted but of a claimed batch, with the receipt of its last get; and what is
    /// claimed is deleted when it is next seen, at the latest.
    #[test]
    fn messages_of_others_stay(
        ours in prop::collection::btree_set(0_u64..60, 0..30),
        turns in prop::collection::vec((0_u64..90, prop::collection::vec(0_u64..60, 0..20)), 1..20),
    ) {
        let start = Instant::now();
        let mut queue = FailureQueue::new(QueueUse::Shared);
        // Those in the queue: when they can be got again.
        let mut there: BTreeMap<u64, Instant> = (0..60).map(|number| (number, start)).collect();
        let mut last: BTreeMap<u64, u64> = BTreeMap::new();
        let mut claimed: BTreeSet<u64> = BTreeSet::new();
        let mut now = start;
        for (turn, (pause, claims)) in (1_u64..).zip(turns) {
            now += Duration::from_secs(pause);
            let visible: Vec<u64> = there.iter().filter(|(_, from)| **from <= now).map(|(number, _)| *number).collect();
            let mut deletions = Vec::new();
            for part in visible.chunks(MOST_OF_A_GET) {
                for number in part {
                    there.insert(*number, now + QueueUse::Shared.hides_for());
                    last.insert(*number, turn);
                }
                let messages = part.iter().map(|number| message(*number, turn)).collect();
                let harvest = queue.got(messages, now);
                prop_assert_eq!(harvest.failures.len(), part.len());
                let due: Vec<_> = part.iter().filter(|number| claimed.contains(*number)).collect();
                prop_assert_eq!(harvest.deletable.len(), due.len());
                deletions.extend(harvest.deletable);
            }
            let claims: Vec<u64> = claims.into_iter().filter(|number| ours.contains(number)).collect();
            claimed.extend(&claims);
            deletions.extend(queue.claimed(claims.iter().map(|number| id(*number)), now));
            for deletion in deletions {
                let number: u64 = deletion.message[1..].parse().unwrap();
                prop_assert!(claimed.contains(&number) && ours.contains(&number));
                prop_assert_eq!(&deletion, &receipt(number, last[&number]));
                prop_assert!(there.remove(&number).is_some());
            }
        }
        prop_assert!((0..60).all(|number| ours.contains(&number) || there.contains_key(&number)));
    }

    /// What one worker found, another reads as it was.
    #[test]
    fn a_failure_is_passed_on_whole(
        number in prop::option::of(0_u64..60), code in prop::sample::select(vec![
            "Timeout", "General_RetryAttemptsExceeded", "BlobAlreadyReceived_BlobAlreadyFoundInBatch", "BadRequest_EmptyBlob",
        ]),
        status in prop::sample::select(vec!["Permanent", "Transient", "Exhausted", "Unknown", ""]),
        should_retry in prop::option::of(any::<bool>()), policy in any::<bool>(), sources in 1_u64..100,
        text in "[ -~é]{0,2000}", ticks in 0_u32..10_000_000,
    ) {
        let told = json!({
            "Database": "db",
            "Table": "T",
            "FailedOn": format!("2026-11-30T17:00:00.{ticks:07}Z"),
            "IngestionSourceId": number.map(|number| id(number).to_string()),
            "IngestionSourcePath": "https://a/c/1.csv.gz",
            "Details": text,
            "ErrorCode": code,
            "FailureStatus": status,
            "OriginatesFromUpdatePolicy": policy,
            "ShouldRetry": should_retry,
            "NumberOfSources": sources,
        });
        let failure = read(&told.to_string()).unwrap();
        prop_assert_eq!(read(&failure.message()), Some(failure));
    }

    #[test]
    fn no_text_panics(text in ".{0,80}", json in "[\\[\\]{}\":,a-zA-Z0-9]{0,80}") {
        let _failure = read(&text);
        let _failure = read(&json);
        let _failure = read(&STANDARD.encode(json));
    }
}
