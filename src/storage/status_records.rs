//! The records of the status topic: a pure codec between [`StatusRecord`] and Connect's keys and JSON values.
//!
//! The writer is exact (field order, no schema envelope); the reader looks fields up by name, ignores what it does not
//! know, and never fails a worker for one odd record (`connect-runtime.md` §2.1, §2.5).

use super::records::{MOST_TASKS, TIMES, Unreadable, number, object, task_number, unreadable};
use super::status::{Status, StatusId, StatusRecord, TopicStatus};
use crate::id::ConnectorTaskId;
use crate::status::{MAX_GENERATION, State};
use serde_json::{Value, json};
use std::ops::RangeInclusive;

const CONNECTOR: &str = "status-connector-";
const TASK: &str = "status-task-";
const TOPIC: &str = "status-topic-";
const TOPIC_CONNECTOR: &str = ":connector-";
/// Connect counts in a Java int, and has -1 for none.
const GENERATIONS: RangeInclusive<i64> = i32::MIN as i64..=MAX_GENERATION;

impl StatusRecord {
    /// The key as it stands in the topic.
    pub fn key(&self) -> String {
        match self {
            Self::State { id: StatusId::Connector(name), .. } => format!("{CONNECTOR}{name}"),
            Self::State { id: StatusId::Task(id), .. } => format!("{TASK}{id}"),
            Self::Topic { connector, topic, .. } => format!("{TOPIC}{topic}{TOPIC_CONNECTOR}{connector}"),
        }
    }

    /// The value as it stands in the topic; none is a tombstone.
    pub fn value(&self) -> Option<String> {
        let value = match self {
            Self::State { status, .. } => encode_status(status.as_ref()?),
            Self::Topic { status, .. } => encode_topic(status.as_ref()?),
        };
        Some(value.to_string())
    }

    /// Reads a record.
    pub fn decode(key: Option<&[u8]>, value: Option<&[u8]>) -> Result<Self, Unreadable> {
        let key = key.and_then(|key| std::str::from_utf8(key).ok()).ok_or(Unreadable::Key)?;
        // The order of the prefixes is Connect's.
        if let Some(name) = key.strip_prefix(CONNECTOR).filter(|name| !name.is_empty()) {
            let status = value.map(|value| decode_status(key, value)).transpose()?;
            Ok(Self::State { id: StatusId::Connector(name.into()), status })
        } else if let Some(rest) = key.strip_prefix(TASK) {
            let (name, number) = rest.rsplit_once('-').ok_or_else(|| unreadable(key, "no task number"))?;
            let task = task_number(key, number)?;
            let status = value.map(|value| decode_status(key, value)).transpose()?;
            Ok(Self::State { id: StatusId::Task(ConnectorTaskId { connector: name.into(), task }), status })
        } else if let Some(rest) = key.strip_prefix(TOPIC) {
            // No topic has a colon in its name; connectors may.
            let parts = rest.split_once(TOPIC_CONNECTOR).filter(|(t, c)| !t.is_empty() && !c.is_empty());
            let (topic, connector) = parts.ok_or_else(|| unreadable(key, "no topic and connector"))?;
            let status = value.map(|value| decode_topic(key, value)).transpose()?;
            Ok(Self::Topic { connector: connector.into(), topic: topic.into(), status })
        } else {
            Err(Unreadable::Unknown(key.to_owned()))
        }
    }
}

fn encode_status(status: &Status) -> Value {
    json!({
        "state": status.state.as_str(),
        "trace": status.trace,
        "worker_id": &*status.worker_id,
        "generation": status.generation,
        "version": status.version.as_deref(),
    })
}

fn encode_topic(status: &TopicStatus) -> Value {
    json!({ "topic": {
        "name": &*status.topic,
        "connector": &*status.task.connector,
        "task": status.task.task,
        "discoverTimestamp": status.discovered,
    }})
}

fn decode_status(key: &str, value: &[u8]) -> Result<Status, Unreadable> {
    let fields = object(key, value)?;
    let text = |field: &str| fields.get(field).and_then(Value::as_str);
    let name = text("state").unwrap_or_default();
    Ok(Status {
        state: State::from_name(name).ok_or_else(|| unreadable(key, format!("unknown state {name:?}")))?,
        trace: text("trace").map(str::to_owned),
        worker_id: text("worker_id").ok_or_else(|| unreadable(key, "no worker_id"))?.into(),
        generation: number(key, &fields, "generation", GENERATIONS)?,
        version: text("version").map(Into::into),
    })
}

fn decode_topic(key: &str, value: &[u8]) -> Result<TopicStatus, Unreadable> {
    let mut fields = object(key, value)?;
    let Some(Value::Object(fields)) = fields.remove("topic") else {
        return Err(unreadable(key, "`topic` is not an object"));
    };
    let text = |field: &str| fields.get(field).and_then(Value::as_str);
    let task = fields.get("task").and_then(Value::as_u64).and_then(|task| u32::try_from(task).ok());
    let task = task.filter(|task| *task < MOST_TASKS);
    let (Some(topic), Some(connector), Some(task)) = (text("name"), text("connector"), task) else {
        return Err(unreadable(key, "name, connector or task is missing"));
    };
    Ok(TopicStatus {
        topic: topic.into(),
        task: ConnectorTaskId { connector: connector.into(), task },
        discovered: number(key, &fields, "discoverTimestamp", TIMES)?,
    })
}

#[cfg(test)]
mod tests {
    use super::{GENERATIONS, MOST_TASKS, Status, StatusId, StatusRecord, TIMES, TopicStatus, Unreadable};
    use crate::id::ConnectorTaskId;
    use crate::status::State;
    use proptest::prelude::*;
    use std::sync::Arc;

    const RECORDED: &str = include_str!("../../tests/fixtures/golden/connect-status-topic.jsonl");

    fn decode(key: &str, value: Option<&str>) -> Result<StatusRecord, Unreadable> {
        StatusRecord::decode(Some(key.as_bytes()), value.map(str::as_bytes))
    }

    #[test]
    fn every_recorded_record_is_read_and_written_back_to_the_byte() {
        for line in RECORDED.lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let (key, value) = (line["key"].as_str().unwrap(), line["value"].as_str());
            let record = decode(key, value).unwrap_or_else(|error| panic!("{key}: {error}"));
            assert_eq!((record.key().as_str(), record.value().as_deref()), (key, value));
        }
        assert_eq!(RECORDED.lines().count(), 155);
    }

    #[test]
    fn an_active_topic_is_written_as_connect_does() {
        let task = ConnectorTaskId { connector: "a:connector-b".into(), task: 3 };
        let status = TopicStatus { topic: "t".into(), task, discovered: 17 };
        let record = StatusRecord::Topic {
            connector: "a:connector-b".into(),
            topic: "t".into(),
            status: Some(status),
        };
        assert_eq!(record.key(), "status-topic-t:connector-a:connector-b");
        let value = record.value().unwrap();
        let expected =
            r#"{"topic":{"name":"t","connector":"a:connector-b","task":3,"discoverTimestamp":17}}"#;
        assert_eq!(value, expected);
        assert_eq!(decode(&record.key(), Some(&value)), Ok(record));
    }

    #[test]
    fn the_reader_forgives() {
        // Before 4.1 there was no version.
        let old =
            decode("status-connector-a", Some(r#"{"state":"RUNNING","worker_id":"w","generation":2,"x":1}"#));
        let StatusRecord::State { status: Some(status), .. } = old.unwrap() else { panic!("a tombstone") };
        assert_eq!((status.generation, status.version, status.trace), (2, None, None));
        for (key, value) in [
            ("status-connector-", "{}"),
            ("status-task-a", "{}"),
            ("status-topic-t", "{}"),
            ("status-topic-:connector-a", "{}"),
            ("status-connector-a", "[]"),
            ("status-connector-a", r#"{"state":"DANCING","worker_id":"w"}"#),
            ("status-connector-a", r#"{"state":"RUNNING"}"#),
            ("connector-a", "{}"),
        ] {
            assert!(decode(key, Some(value)).is_err(), "{key} {value}");
        }
        assert_eq!(StatusRecord::decode(None, None), Err(Unreadable::Key));
    }

    fn status() -> impl Strategy<Value = Status> {
        let state = prop::sample::select(State::ALL.to_vec());
        let text = || prop::option::of(".*");
        (state, text(), ".*", GENERATIONS, text()).prop_map(|(state, trace, worker, generation, version)| {
            Status { state, trace, worker_id: worker.into(), generation, version: version.map(Into::into) }
        })
    }

    fn record() -> impl Strategy<Value = StatusRecord> {
        let name = ".{1,8}".prop_map(Arc::<str>::from);
        let task =
            (name.clone(), 0..MOST_TASKS).prop_map(|(connector, task)| ConnectorTaskId { connector, task });
        let connector = name.clone().prop_map(StatusId::Connector);
        let id = prop_oneof![connector, task.clone().prop_map(StatusId::Task)];
        let topic = "[a-zA-Z0-9._-]{1,8}".prop_map(Arc::<str>::from);
        prop_oneof![
            (id, prop::option::of(status())).prop_map(|(id, status)| StatusRecord::State { id, status }),
            (topic, task, TIMES, any::<bool>()).prop_map(|(topic, task, discovered, gone)| {
                let connector = task.connector.clone();
                let status = TopicStatus { topic: topic.clone(), task, discovered };
                StatusRecord::Topic { connector, topic, status: (!gone).then_some(status) }
            }),
        ]
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(record in record()) {
            prop_assert_eq!(decode(&record.key(), record.value().as_deref()), Ok(record));
        }

        #[test]
        fn nothing_makes_the_reader_panic(key in prop::collection::vec(any::<u8>(), 0..20), value in ".{0,40}") {
            for kind in ["", "status-connector-", "status-task-x-", "status-topic-", "status-topic-t:connector-"] {
                let key = [kind.as_bytes(), &key].concat();
                drop(StatusRecord::decode(Some(&key), Some(value.as_bytes())));
            }
        }
    }
}
