//! The fold against the recorded topic, and against what compaction may do to any history.

use super::{Change, ClusterConfigState};
use crate::configdef::ConnectorProperties;
use crate::id::ConnectorTaskId;
use crate::status::TargetState;
use crate::storage::ConfigRecord;
use proptest::prelude::*;
use std::collections::HashMap;
use std::sync::Arc;

const RECORDED: &str = include_str!("../../tests/fixtures/golden/connect-config-topic.jsonl");

fn recorded() -> Vec<(i64, String, Option<String>)> {
    let line = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |field: &str| line[field].as_str().map(str::to_owned);
        (line["offset"].as_i64().unwrap(), text("key").unwrap(), text("value"))
    };
    RECORDED.lines().map(line).collect()
}

fn config(text: &str) -> ConnectorProperties {
    ConnectorProperties::from([("connector.class".into(), Some(text.into()))])
}

fn fold(records: &[ConfigRecord]) -> ClusterConfigState {
    let mut state = ClusterConfigState::default();
    for (offset, record) in (1..).zip(records) {
        state.apply(offset, Some(record.clone()));
    }
    state
}

#[test]
fn every_recorded_record_is_read_and_written_back_the_same() {
    for (offset, key, value) in recorded() {
        let record = ConfigRecord::decode(Some(key.as_bytes()), value.as_deref().map(str::as_bytes));
        let Some(record) = record.unwrap_or_else(|error| panic!("offset {offset}: {error}")) else {
            assert_eq!(key, "session-key", "{key} was skipped");
            continue;
        };
        let (our_key, our_value) = record.encode();
        assert_eq!(our_key, key);
        let json = |text: &Option<String>| text.as_deref().map(|t| serde_json::from_str(t).unwrap());
        // `serde_json::Value` compares objects without their order, as Java's maps have none either.
        let (ours, theirs): (Option<serde_json::Value>, Option<serde_json::Value>) =
            (json(&our_value), json(&value));
        assert_eq!(ours, theirs, "offset {offset}");
        if !key.starts_with("connector-") && !key.starts_with("task-") {
            assert_eq!(our_value, value, "offset {offset}: short records are the same to the byte");
        }
    }
}

#[test]
fn the_recorded_topic_folds_to_what_the_real_worker_had() {
    let mut state = ClusterConfigState::default();
    let mut seen = HashMap::new();
    for (offset, key, value) in recorded() {
        let record = ConfigRecord::decode(Some(key.as_bytes()), value.as_deref().map(str::as_bytes)).unwrap();
        let change = state.apply(offset + 1, record);
        seen.insert(offset, (change, state.clone()));
    }
    assert_eq!(state.offset(), 89);
    let names: Vec<&str> = state.connectors().map(AsRef::as_ref).collect();
    assert_eq!(names, ["left-1", "left-2", "left-3"]);
    assert_eq!(state.target_state("left-1"), TargetState::Started);
    assert_eq!((state.target_state("left-2"), state.task_count("left-2")), (TargetState::Paused, 2));
    assert_eq!((state.target_state("left-3"), state.task_count("left-3")), (TargetState::Stopped, 0));
    // `initial_state`: the target state comes first and tells nobody.
    assert_eq!(seen[&1].0, None);
    assert_eq!(seen[&2].0, Some(Change::Connector("x".into())));
    assert_eq!(seen[&2].1.target_state("x"), TargetState::Paused);
    assert!(!seen[&4].1.contains("x"));
    // Task records wait for their commit.
    assert_eq!((seen[&10].0.clone(), seen[&10].1.task_count("s1")), (None, 0));
    assert_eq!((seen[&11].0.clone(), seen[&11].1.task_count("s1")), (Some(Change::Tasks("s1".into())), 2));
    assert_eq!(seen[&30].1.task_count("s1"), 0);
    assert_eq!(seen[&35].1.task_count("s1"), 2);
}

#[test]
fn a_rewritten_config_is_told_from_the_one_before() {
    let record = |text| ConfigRecord::Connector { name: "a".into(), properties: Some(config(text)) };
    let state = fold(&[record("v")]);
    let again = fold(&[record("v"), record("v")]);
    assert_eq!(state.config("a"), again.config("a"));
    assert_ne!(state.revision("a"), again.revision("a"));
}

#[test]
fn a_commit_that_does_not_fit_leaves_no_tasks_until_it_is_repaired() {
    let a: Arc<str> = "a".into();
    let connector = ConfigRecord::Connector { name: a.clone(), properties: Some(config("v")) };
    let task = |task| ConfigRecord::Task {
        id: ConnectorTaskId { connector: a.clone(), task },
        properties: config(&task.to_string()),
    };
    let commit = |tasks| ConfigRecord::Commit { name: a.clone(), tasks };
    let mut records = vec![connector, task(1), commit(2)];
    assert!(fold(&records).is_inconsistent("a"));
    assert!(fold(&records).tasks("a").is_empty());
    records.extend([task(0), task(1), commit(2)]);
    let repaired = fold(&records);
    assert_eq!((repaired.is_inconsistent("a"), repaired.task_count("a")), (false, 2));
    // Fewer tasks: the old ones stay in the map but not in the list.
    records.extend([task(0), commit(1)]);
    assert_eq!(fold(&records).tasks("a"), [&Arc::new(config("0"))]);
}

/// What users and workers do; each becomes the records that our own write orders produce.
#[derive(Debug, Clone)]
enum Action {
    Put(u8),
    Delete,
    Tasks(u32, u8),
    /// A worker that died before its commit.
    TasksCut(u32, u8),
    Target(TargetState),
}

fn action() -> impl Strategy<Value = Action> {
    let target =
        prop_oneof![Just(TargetState::Started), Just(TargetState::Paused), Just(TargetState::Stopped)];
    prop_oneof![
        any::<u8>().prop_map(Action::Put),
        Just(Action::Delete),
        (0..4_u32, any::<u8>()).prop_map(|(n, v)| Action::Tasks(n, v)),
        (1..4_u32, any::<u8>()).prop_map(|(n, v)| Action::TasksCut(n, v)),
        target.prop_map(Action::Target),
    ]
}

/// The records of a history of one connector, as a worker would write them (tasks only of a living connector).
fn history(actions: &[Action]) -> Vec<ConfigRecord> {
    let a: Arc<str> = "a".into();
    let tasks = |n: u32, v: u8| {
        let a = a.clone();
        (0..n).map(move |task| ConfigRecord::Task {
            id: ConnectorTaskId { connector: a.clone(), task },
            properties: config(&v.to_string()),
        })
    };
    let mut records = Vec::new();
    let mut alive = false;
    for action in actions {
        match action {
            Action::Put(v) => {
                alive = true;
                records.push(ConfigRecord::Connector {
                    name: a.clone(),
                    properties: Some(config(&v.to_string())),
                });
            }
            _ if !alive => {}
            Action::Delete => {
                alive = false;
                records.push(ConfigRecord::Connector { name: a.clone(), properties: None });
                records.push(ConfigRecord::TargetState { name: a.clone(), state: None });
            }
            Action::Tasks(n, v) => {
                records.extend(tasks(*n, *v));
                records.push(ConfigRecord::Commit { name: a.clone(), tasks: *n });
            }
            Action::TasksCut(n, v) => records.extend(tasks(*n, *v)),
            Action::Target(state) => {
                records.push(ConfigRecord::TargetState { name: a.clone(), state: Some(*state) });
            }
        }
    }
    records
}

/// What compaction leaves: the last record of each key, in place.
fn compacted(records: &[ConfigRecord]) -> Vec<ConfigRecord> {
    let last: HashMap<String, usize> = records.iter().enumerate().map(|(at, r)| (r.encode().0, at)).collect();
    let kept =
        |(at, record): (usize, &ConfigRecord)| (last[&record.encode().0] == at).then(|| record.clone());
    records.iter().enumerate().filter_map(kept).collect()
}

proptest! {
    #[test]
    fn compaction_never_changes_the_wish_and_never_invents_tasks(
        actions in prop::collection::vec(action(), 0..20)
    ) {
        let records = history(&actions);
        let whole = fold(&records);
        let rest = fold(&compacted(&records));
        prop_assert_eq!(whole.config("a"), rest.config("a"));
        prop_assert_eq!(whole.target_state("a"), rest.target_state("a"));
        let tasks = rest.tasks("a");
        prop_assert!(tasks.is_empty() || tasks == whole.tasks("a"), "{:?} of {:?}", tasks, whole.tasks("a"));
        prop_assert!(whole.contains("a") || whole.tasks("a").is_empty());
    }
}
