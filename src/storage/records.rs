//! The records of the config topic: a pure codec between [`ConfigRecord`] and Connect's keys and JSON values.
//!
//! The writer is exact (field order, no schema envelope); the reader looks fields up by name, ignores what it does
//! not know, and never fails a worker for one odd record (`connect-runtime.md` §2.1, §2.4).

use crate::cluster_key::{self, ClusterKey};
use crate::configdef::ConnectorProperties;
use crate::id::ConnectorTaskId;
use crate::status::TargetState;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

const TARGET_STATE: &str = "target-state-";
const CONNECTOR: &str = "connector-";
const TASK: &str = "task-";
const COMMIT: &str = "commit-";
const RESTART: &str = "restart-connector-";
const LOGGER: &str = "logger-cluster-";
const SESSION_KEY: &str = "session-key";
/// Kept for other workers, of no use to us: exactly-once sources.
const KNOWN_AND_SKIPPED: &str = "tasks-fencing-";
/// The tasks that a connector can have, and their numbers: a Java int.
pub(super) const MOST_TASKS: u32 = i32::MAX as u32;

/// A wish to restart, as it travels through the config topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestartRequest {
    /// The connector.
    pub name: Arc<str>,
    /// Its tasks too.
    pub include_tasks: bool,
    /// Only what has failed.
    pub only_failed: bool,
}

/// One record of the config topic that means something to a sink worker.
#[derive(Debug, Clone, PartialEq)]
pub enum ConfigRecord {
    /// `connector-X`: the whole config, or none for a deletion.
    Connector {
        /// The connector.
        name: Arc<str>,
        /// Its config; none deletes it.
        properties: Option<ConnectorProperties>,
    },
    /// `task-X-N`: takes effect only with a commit.
    Task {
        /// Which task.
        id: ConnectorTaskId,
        /// Its config.
        properties: ConnectorProperties,
    },
    /// `commit-X`: the task records before it take effect.
    Commit {
        /// The connector.
        name: Arc<str>,
        /// How many tasks it has now.
        tasks: u32,
    },
    /// `target-state-X`: what the user wants; none forgets it.
    TargetState {
        /// The connector.
        name: Arc<str>,
        /// The wish.
        state: Option<TargetState>,
    },
    /// `restart-connector-X`: a command, meaningless when read again later.
    Restart(RestartRequest),
    /// `logger-cluster-NS`: a command to all workers, meaningless when read again later.
    LoggerLevel {
        /// The logger, by its Java name.
        logger: Arc<str>,
        /// The level, by its Java name.
        level: String,
    },
    /// `session-key`: what the workers prove themselves with to each other.
    SessionKey {
        /// The key.
        key: ClusterKey,
        /// When it was made, in milliseconds since 1970.
        created: i64,
    },
}

/// Why a record of a storage topic cannot be read; it is skipped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// No key, or one that is no UTF-8 text.
    #[error("the key is missing or is not text")]
    Key,
    /// A key of no kind we know.
    #[error("the key {0} is of no known kind")]
    Unknown(String),
    /// The value does not fit the key.
    #[error("the value of {key} cannot be read: {reason}")]
    Value {
        /// The key.
        key: String,
        /// What is wrong with the value.
        reason: String,
    },
}

impl ConfigRecord {
    /// The key and the value (none is a tombstone) as they stand in the topic.
    pub fn encode(&self) -> (String, Option<String>) {
        match self {
            Self::Connector { name, properties } => (
                format!("{CONNECTOR}{name}"),
                properties.as_ref().map(|p| json!({ "properties": p }).to_string()),
            ),
            Self::Task { id, properties } => {
                (format!("{TASK}{id}"), Some(json!({ "properties": properties }).to_string()))
            }
            Self::Commit { name, tasks } => {
                (format!("{COMMIT}{name}"), Some(json!({ "tasks": tasks }).to_string()))
            }
            Self::TargetState { name, state } => {
                (format!("{TARGET_STATE}{name}"), state.map(|state| encode_target(state).to_string()))
            }
            Self::Restart(request) => {
                let value =
                    json!({ "include-tasks": request.include_tasks, "only-failed": request.only_failed });
                (format!("{RESTART}{}", request.name), Some(value.to_string()))
            }
            Self::LoggerLevel { logger, level } => {
                (format!("{LOGGER}{logger}"), Some(json!({ "level": level }).to_string()))
            }
            Self::SessionKey { key, created } => {
                let (key, algorithm) = (key.to_base64(), cluster_key::ALGORITHM);
                let value = json!({ "key": key, "algorithm": algorithm, "creation-timestamp": created });
                (SESSION_KEY.to_owned(), Some(value.to_string()))
            }
        }
    }

    /// Reads a record. `Ok(None)`: known, but nothing for a sink worker.
    pub fn decode(key: Option<&[u8]>, value: Option<&[u8]>) -> Result<Option<Self>, Unreadable> {
        let key = key.and_then(|key| std::str::from_utf8(key).ok()).ok_or(Unreadable::Key)?;
        // The order of the prefixes is Connect's.
        if let Some(name) = key.strip_prefix(TARGET_STATE) {
            decode_target(key, name, value)
        } else if let Some(name) = key.strip_prefix(CONNECTOR) {
            let properties = value.map(|value| properties(key, value)).transpose()?;
            Ok(Some(Self::Connector { name: name.into(), properties }))
        } else if let Some(rest) = key.strip_prefix(TASK) {
            decode_task(key, rest, value)
        } else if let Some(name) = key.strip_prefix(COMMIT) {
            decode_commit(key, name, value)
        } else if let Some(name) = key.strip_prefix(RESTART) {
            decode_restart(key, name, value)
        } else if key.starts_with(KNOWN_AND_SKIPPED) {
            Ok(None)
        } else if key == SESSION_KEY {
            decode_session_key(key, value)
        } else if let Some(logger) = key.strip_prefix(LOGGER) {
            decode_logger(key, logger, value)
        } else {
            Err(Unreadable::Unknown(key.to_owned()))
        }
    }
}

/// `state` is for workers older than 3.5, which know no STOPPED.
fn encode_target(state: TargetState) -> Value {
    let old = if state == TargetState::Stopped { TargetState::Paused } else { state };
    json!({ "state": old.as_str(), "state.v2": state.as_str() })
}

fn decode_target(key: &str, name: &str, value: Option<&[u8]>) -> Result<Option<ConfigRecord>, Unreadable> {
    let Some(value) = value else {
        return Ok(Some(ConfigRecord::TargetState { name: name.into(), state: None }));
    };
    let fields = object(key, value)?;
    let text = fields
        .get("state.v2")
        .and_then(Value::as_str)
        .or_else(|| fields.get("state").and_then(Value::as_str));
    let state = match text {
        Some("STARTED") => TargetState::Started,
        Some("PAUSED") => TargetState::Paused,
        Some("STOPPED") => TargetState::Stopped,
        other => return Err(unreadable(key, format!("unknown state {other:?}"))),
    };
    Ok(Some(ConfigRecord::TargetState { name: name.into(), state: Some(state) }))
}

fn decode_task(key: &str, rest: &str, value: Option<&[u8]>) -> Result<Option<ConfigRecord>, Unreadable> {
    let (name, number) =
        rest.rsplit_once('-').ok_or_else(|| unreadable(key, "the key has no task number"))?;
    let task = task_number(key, number)?;
    let Some(value) = value else { return Ok(None) };
    let id = ConnectorTaskId { connector: name.into(), task };
    Ok(Some(ConfigRecord::Task { id, properties: properties(key, value)? }))
}

fn decode_commit(key: &str, name: &str, value: Option<&[u8]>) -> Result<Option<ConfigRecord>, Unreadable> {
    let Some(value) = value else { return Ok(None) };
    let tasks = object(key, value)?
        .get("tasks")
        .and_then(Value::as_u64)
        .and_then(|tasks| u32::try_from(tasks).ok().filter(|tasks| *tasks <= MOST_TASKS))
        .ok_or_else(|| unreadable(key, "`tasks` is not a number of tasks"))?;
    Ok(Some(ConfigRecord::Commit { name: name.into(), tasks }))
}

fn decode_restart(key: &str, name: &str, value: Option<&[u8]>) -> Result<Option<ConfigRecord>, Unreadable> {
    let Some(value) = value else { return Ok(None) };
    let fields = object(key, value)?;
    let flag = |field: &str| fields.get(field).and_then(Value::as_bool).unwrap_or(false);
    Ok(Some(ConfigRecord::Restart(RestartRequest {
        name: name.into(),
        include_tasks: flag("include-tasks"),
        only_failed: flag("only-failed"),
    })))
}

fn decode_logger(key: &str, logger: &str, value: Option<&[u8]>) -> Result<Option<ConfigRecord>, Unreadable> {
    let Some(value) = value else { return Ok(None) };
    let fields = object(key, value)?;
    let level = fields.get("level").and_then(Value::as_str);
    let level = level.ok_or_else(|| unreadable(key, "`level` is not text"))?.to_owned();
    Ok(Some(ConfigRecord::LoggerLevel { logger: logger.into(), level }))
}

/// Of Connect's other algorithms only the bytes count: what is proved with them is our own.
fn decode_session_key(key: &str, value: Option<&[u8]>) -> Result<Option<ConfigRecord>, Unreadable> {
    let Some(value) = value else { return Ok(None) };
    let fields = object(key, value)?;
    let found = fields.get("key").and_then(Value::as_str).and_then(ClusterKey::from_base64);
    // The text itself is a secret and must not be in the reason.
    let found = found.ok_or_else(|| unreadable(key, "`key` is no key in base64"))?;
    let created = number(key, &fields, "creation-timestamp", TIMES)?;
    Ok(Some(ConfigRecord::SessionKey { key: found, created }))
}

/// The number of a task in a record's key.
pub(super) fn task_number(key: &str, text: &str) -> Result<u32, Unreadable> {
    let number = text.parse().ok().filter(|task| *task < MOST_TASKS);
    number.ok_or_else(|| unreadable(key, "the key has no task number"))
}

/// A whole number within `bounds`; 0 when the field is not there.
pub(super) fn number(
    key: &str,
    fields: &Map<String, Value>,
    field: &str,
    bounds: RangeInclusive<i64>,
) -> Result<i64, Unreadable> {
    let Some(value) = fields.get(field).filter(|value| !value.is_null()) else { return Ok(0) };
    let found = value.as_i64().filter(|number| bounds.contains(number));
    found.ok_or_else(|| unreadable(key, format!("`{field}` cannot be {}", shortened(value))))
}

/// Milliseconds since 1970 until the year 10000.
pub(super) const TIMES: RangeInclusive<i64> = 0..=253_402_300_799_999;

fn shortened(value: &Value) -> String {
    value.to_string().chars().take(40).collect()
}

/// The fields of a record's value.
pub(super) fn object(key: &str, value: &[u8]) -> Result<Map<String, Value>, Unreadable> {
    match serde_json::from_slice(value) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(unreadable(key, "not a JSON object")),
        Err(error) => Err(unreadable(key, error.to_string())),
    }
}

/// A config as it is stored. Its keys are users' own, so it is not read as a `Value`, to which one of them would mean
/// something.
#[derive(Deserialize)]
struct Stored {
    properties: BTreeMap<String, Box<RawValue>>,
}

fn properties(key: &str, value: &[u8]) -> Result<ConnectorProperties, Unreadable> {
    let stored: Stored = serde_json::from_slice(value).map_err(|error| unreadable(key, error.to_string()))?;
    let text = |value: &RawValue| match value.get() {
        "null" => Ok(None),
        text if text.starts_with('"') => serde_json::from_str(text).map(Some),
        // Nobody writes anything else, but what was written is not lost: its text is the value, as deep as JSON may be.
        text => serde_json::from_str::<Value>(text).map(|_| Some(text.to_owned())),
    };
    let entry = |(name, value): (String, Box<RawValue>)| match text(&value) {
        Ok(text) => Ok((name, text)),
        Err(error) => Err(unreadable(key, format!("a value of `properties` cannot be read: {error}"))),
    };
    stored.properties.into_iter().map(entry).collect()
}

pub(super) fn unreadable(key: &str, reason: impl Into<String>) -> Unreadable {
    Unreadable::Value { key: key.to_owned(), reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::{ConfigRecord, MOST_TASKS, RestartRequest, TIMES, Unreadable};
    use crate::cluster_key::ClusterKey;
    use crate::configdef::ConnectorProperties;
    use crate::id::ConnectorTaskId;
    use crate::status::TargetState;
    use proptest::prelude::*;
    use std::sync::Arc;

    fn decode(key: &str, value: Option<&str>) -> Result<Option<ConfigRecord>, Unreadable> {
        ConfigRecord::decode(Some(key.as_bytes()), value.map(str::as_bytes))
    }

    #[test]
    fn the_writer_is_exact() {
        let stopped = ConfigRecord::TargetState { name: "a-1".into(), state: Some(TargetState::Stopped) };
        assert_eq!(
            stopped.encode(),
            ("target-state-a-1".into(), Some(r#"{"state":"PAUSED","state.v2":"STOPPED"}"#.into()))
        );
        let commit = ConfigRecord::Commit { name: "a".into(), tasks: 2 };
        assert_eq!(commit.encode(), ("commit-a".into(), Some(r#"{"tasks":2}"#.into())));
        let gone = ConfigRecord::Connector { name: "a".into(), properties: None };
        assert_eq!(gone.encode(), ("connector-a".into(), None));
    }

    #[test]
    fn the_reader_forgives() {
        let old = decode("target-state-a", Some(r#"{"state":"PAUSED","state.v2":null,"more":1}"#));
        assert_eq!(
            old,
            Ok(Some(ConfigRecord::TargetState { name: "a".into(), state: Some(TargetState::Paused) }))
        );
        assert!(decode("target-state-a", Some(r#"{"state":"DANCING"}"#)).is_err());
        assert!(decode("session-key", Some("{}")).is_err());
        assert_eq!(decode("session-key", None), Ok(None));
        assert!(matches!(decode("session-keys", Some("{}")), Err(Unreadable::Unknown(_))));
        assert!(decode("logger-cluster-root", Some(r#"{"level":1}"#)).is_err());
        assert_eq!(decode("tasks-fencing-a", Some("{}")), Ok(None));
        assert_eq!(decode("task-a-0", None), Ok(None));
        assert!(matches!(decode("nonsense", Some("{}")), Err(Unreadable::Unknown(_))));
        assert!(decode("connector-a", Some("[]")).is_err());
        assert!(decode("commit-a", Some(r#"{"tasks":-1}"#)).is_err());
        assert!(decode("task-a", Some(r#"{"properties":{}}"#)).is_err());
        assert_eq!(ConfigRecord::decode(None, None), Err(Unreadable::Key));
    }

    fn properties() -> impl Strategy<Value = ConnectorProperties> {
        // One key would mean something to the JSON library, and say another config than the one that was checked.
        let token = Just(r"$serde_json::private::RawValue".to_owned());
        prop::collection::btree_map(prop_oneof![9 => ".*", 1 => token], prop::option::of(".*"), 0..5)
    }

    fn record() -> impl Strategy<Value = ConfigRecord> {
        let name = "[^\u{0}]{1,8}".prop_map(Arc::<str>::from);
        let target = prop_oneof![
            Just(None),
            Just(Some(TargetState::Started)),
            Just(Some(TargetState::Paused)),
            Just(Some(TargetState::Stopped))
        ];
        prop_oneof![
            (name.clone(), prop::option::of(properties()))
                .prop_map(|(name, properties)| ConfigRecord::Connector { name, properties }),
            (name.clone(), 0..MOST_TASKS, properties()).prop_map(|(connector, task, properties)| {
                ConfigRecord::Task { id: ConnectorTaskId { connector, task }, properties }
            }),
            (name.clone(), 0..=MOST_TASKS).prop_map(|(name, tasks)| ConfigRecord::Commit { name, tasks }),
            TIMES.prop_map(|created| ConfigRecord::SessionKey {
                key: ClusterKey::generate().unwrap(),
                created
            }),
            (name.clone(), target).prop_map(|(name, state)| ConfigRecord::TargetState { name, state }),
            (name, any::<bool>(), any::<bool>()).prop_map(|(name, include_tasks, only_failed)| {
                ConfigRecord::Restart(RestartRequest { name, include_tasks, only_failed })
            }),
            (".{1,8}", ".*")
                .prop_map(|(logger, level)| ConfigRecord::LoggerLevel { logger: logger.into(), level }),
        ]
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(record in record()) {
            let (key, value) = record.encode();
            prop_assert_eq!(decode(&key, value.as_deref()), Ok(Some(record)));
        }

        #[test]
        fn nothing_makes_the_reader_panic(key in prop::collection::vec(any::<u8>(), 0..20), value in ".{0,40}") {
            let kinds = ["", "connector-", "task-x-", "commit-", "target-state-", "restart-connector-", "logger-cluster-", "session-key"];
            for kind in kinds {
                let key = [kind.as_bytes(), &key].concat();
                drop(ConfigRecord::decode(Some(&key), Some(value.as_bytes())));
            }
        }
    }
}
