//! Numbers and depths that no worker writes, in every record that is read from a topic: what cannot be is ignored, and
//! what is taken can be counted on from.

use super::records::{ConfigRecord, MOST_TASKS, TIMES};
use super::{StatusId, StatusRecord};
use crate::status::MAX_GENERATION;

/// A record of each kind, with a place for a number in its key or its value.
const KINDS: [(&str, &str); 13] = [
    ("task-a-§", r#"{"properties":{"k":"v"}}"#),
    ("task-a-0", r#"{"properties":{"tasks.max":§}}"#),
    ("commit-a", r#"{"tasks":§}"#),
    ("connector-a", r#"{"properties":{"tasks.max":"§"}}"#),
    ("target-state-a", r#"{"state":"STARTED","state.v2":§}"#),
    ("restart-connector-a", r#"{"include-tasks":§,"only-failed":false}"#),
    ("logger-cluster-a", r#"{"level":"INFO","more":§}"#),
    (
        "session-key",
        r#"{"key":"YtrY7c4c7gSWs2hDqUX6HIsYYPKIoJUR6X3NZ2QIInE=","algorithm":"HmacSHA256","creation-timestamp":§}"#,
    ),
    ("status-connector-a", r#"{"state":"RUNNING","worker_id":"w","generation":§}"#),
    ("status-task-a-§", r#"{"state":"RUNNING","worker_id":"w","generation":1}"#),
    ("status-task-a-0", r#"{"state":"FAILED","worker_id":"w","generation":§,"trace":"t"}"#),
    (
        "status-topic-t:connector-a",
        r#"{"topic":{"name":"t","connector":"a","task":§,"discoverTimestamp":1}}"#,
    ),
    (
        "status-topic-t:connector-a",
        r#"{"topic":{"name":"t","connector":"a","task":0,"discoverTimestamp":§}}"#,
    ),
];

const NUMBERS: [&str; 22] = [
    "0",
    "1",
    "-1",
    "2147483646",
    "2147483647",
    "2147483648",
    "4294967295",
    "4294967296",
    "9007199254740992",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "1e308",
    "1e999",
    "1.5",
    "null",
    "true",
    r#""7""#,
    "{}",
];

#[test]
fn no_number_in_any_record_is_taken_beyond_its_bounds() {
    let (mut taken, mut ignored) = (0, 0);
    for (key, value) in KINDS {
        for number in NUMBERS {
            let (key, value) = (key.replace('§', number), value.replace('§', number));
            let (key, value) = (Some(key.as_bytes()), Some(value.as_bytes()));
            let config = ConfigRecord::decode(key, value);
            match &config {
                Ok(Some(ConfigRecord::Task { id, .. })) => assert!(id.task < MOST_TASKS),
                Ok(Some(ConfigRecord::Commit { tasks, .. })) => assert!(*tasks <= MOST_TASKS),
                Ok(Some(ConfigRecord::SessionKey { created, .. })) => assert!(TIMES.contains(created)),
                _ => {}
            }
            let status = StatusRecord::decode(key, value);
            match &status {
                Ok(StatusRecord::State { id, status }) => {
                    assert!(status.as_ref().is_some_and(|status| status.generation <= MAX_GENERATION));
                    assert!(!matches!(id, StatusId::Task(id) if id.task >= MOST_TASKS));
                }
                Ok(StatusRecord::Topic { status, .. }) => {
                    let status = status.as_ref().expect("no tombstone");
                    assert!(status.task.task < MOST_TASKS && TIMES.contains(&status.discovered));
                }
                Err(_) => {}
            }
            if config.is_ok() || status.is_ok() { taken += 1 } else { ignored += 1 }
        }
    }
    assert!(taken > 60 && ignored > 90, "{taken} taken, {ignored} ignored");
}

#[test]
fn a_deep_value_is_ignored_and_never_followed() {
    let deep = "[".repeat(100_000);
    for (key, template) in KINDS {
        for inner in [deep.clone(), "{\"a\":".repeat(100_000), format!("{deep}{}", "]".repeat(100_000))] {
            let (key, value) = (key.replace('§', "0"), template.replace('§', &inner));
            let (key, value) = (Some(key.as_bytes()), Some(value.as_bytes()));
            let is_taken =
                ConfigRecord::decode(key, value).is_ok() || StatusRecord::decode(key, value).is_ok();
            // Without a place for it, or inside of a text, it says nothing.
            let place = template.find('§').map(|at| template[at..].starts_with("§\""));
            match place {
                None => assert!(is_taken, "{key:?}"),
                Some(true) => {}
                Some(false) => assert!(!is_taken, "{key:?}"),
            }
        }
    }
}
