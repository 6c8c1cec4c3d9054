//! The storage topics hold what a real worker wrote: the actions behind the recorded config topic are carried out by our
//! worker, and its topics are compared, record by record and partition by partition.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Kafka, TestWorker, unique, wait_for};

const CONFIGS: &str = include_str!("../fixtures/golden/connect-config-topic.jsonl");
const STATUSES: &str = include_str!("../fixtures/golden/connect-status-topic.jsonl");

/// Records of the recording that ours does not write, by their offsets, and why.
const NOT_OURS: [(std::ops::RangeInclusive<i64>, &str); 3] = [
    (0..=0, "session-key: written before anybody asks for anything, and compared by its shape"),
    (5..=7, "a connector that was deleted before its tasks were written: ours writes them at once"),
    (74..=88, "FileStreamSink: a class that we do not have"),
];

/// One record: its offset in the recording, key and value.
#[derive(Debug, Clone, PartialEq)]
struct Record {
    offset: i64,
    key: String,
    value: Option<String>,
}

fn recorded() -> Vec<Record> {
    let line = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let (key, value) = (line["key"].as_str().unwrap().to_owned(), line["value"].as_str());
        Record { offset: line["offset"].as_i64().unwrap(), key, value: value.map(str::to_owned) }
    };
    let ours = |record: &Record| !NOT_OURS.iter().any(|(offsets, _)| offsets.contains(&record.offset));
    CONFIGS.lines().map(line).filter(ours).collect()
}

/// A request and how many records it leads to, one after the other.
struct Action {
    method: &'static str,
    path: String,
    body: Option<Value>,
    status: u16,
    records: usize,
}

/// The requests that lead to these records.
fn actions(records: &[Record]) -> Vec<Action> {
    let mut alive = BTreeSet::new();
    let mut actions: Vec<Action> = Vec::new();
    let mut at = 0;
    while let Some(record) = records.get(at) {
        let parsed: Option<Value> = record.value.as_deref().map(|text| serde_json::from_str(text).unwrap());
        let next = records.get(at + 1);
        let action =
            |method, path: String, body, status, records| Action { method, path, body, status, records };
        let target = |key: &str| {
            let target = parsed.as_ref().and_then(|value| value["state.v2"].as_str().map(str::to_owned));
            key.strip_prefix("target-state-").and_then(|name| Some((name.to_owned(), target?)))
        };
        let new = if let Some((name, state)) = target(&record.key) {
            let created =
                next.filter(|next| next.key == format!("connector-{name}") && !alive.contains(&name));
            if let Some(next) = created {
                let body: Value = serde_json::from_str(next.value.as_deref().unwrap()).unwrap();
                alive.insert(name.clone());
                let body = json!({ "name": name, "config": body["properties"], "initial_state": state });
                action("POST", "/connectors".to_owned(), Some(body), 201, 2)
            } else {
                let order = if state == "PAUSED" { "pause" } else { "resume" };
                action("PUT", format!("/connectors/{}/{order}", encoded(&name)), None, 202, 1)
            }
        } else if let Some(name) = record.key.strip_prefix("restart-connector-") {
            let flag = |field: &str| parsed.as_ref().unwrap()[field].as_bool().unwrap();
            let (tasks, failed) = (flag("include-tasks"), flag("only-failed"));
            let query = format!("includeTasks={tasks}&onlyFailed={failed}");
            action("POST", format!("/connectors/{}/restart?{query}", encoded(name)), None, 202, 1)
        } else if let Some(logger) = record.key.strip_prefix("logger-cluster-") {
            action("PUT", format!("/admin/loggers/{logger}?scope=cluster"), parsed.clone(), 204, 1)
        } else if let Some(name) = record.key.strip_prefix("connector-") {
            match &parsed {
                None => {
                    alive.remove(name);
                    action("DELETE", format!("/connectors/{}", encoded(name)), None, 204, 2)
                }
                Some(value) => {
                    let status = if alive.insert(name.to_owned()) { 201 } else { 200 };
                    let path = format!("/connectors/{}/config", encoded(name));
                    action("PUT", path, Some(value["properties"].clone()), status, 1)
                }
            }
        } else if record.key.starts_with("commit-") && record.value.as_deref() == Some(r#"{"tasks":0}"#) {
            let name = record.key.strip_prefix("commit-").unwrap();
            action("PUT", format!("/connectors/{}/stop", encoded(name)), None, 204, 2)
        } else {
            // Task configs follow by themselves.
            actions.last_mut().expect("an action before").records += 1;
            at += 1;
            continue;
        };
        at += new.records;
        actions.push(new);
    }
    actions
}

fn encoded(name: &str) -> String {
    name.bytes().fold(String::new(), |mut path, byte| {
        if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
            path.push(char::from(byte));
        } else {
            write!(path, "%{byte:02X}").unwrap();
        }
        path
    })
}

async fn replay(kafka: &Kafka, cluster: &str, worker: &TestWorker, records: &[Record]) {
    let topic = format!("{cluster}-configs");
    // The key of the cluster.
    let mut expected = 1;
    for action in actions(records) {
        let (status, answer) = worker.send(action.method, &action.path, action.body.as_ref()).await;
        assert_eq!(status, action.status, "{} {}: {answer}", action.method, action.path);
        expected += action.records;
        let what = format!("{expected} records after {} {}", action.method, action.path);
        let end = wait_for(what, Duration::from_mins(1), async || {
            let end = kafka.end_offsets(&topic, 1).await[0];
            (usize::try_from(end).unwrap() >= expected).then_some(end)
        });
        assert_eq!(usize::try_from(end.await).unwrap(), expected, "{} {}", action.method, action.path);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_actions_leave_the_same_records() {
    let kafka = Kafka::shared().await;
    let cluster = unique("golden-storage");
    let worker = TestWorker::start(kafka.bootstrap(), &cluster, &[]).await;
    let records = recorded();
    replay(kafka, &cluster, &worker, &records).await;
    let ours = kafka.records(&format!("{cluster}-configs")).await;
    assert!(worker.stop().await);
    assert_eq!(ours.len(), records.len() + 1);
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let first: Value = json(CONFIGS.lines().next().unwrap());
    assert_eq!(ours[0].0.as_deref(), first["key"].as_str());
    let shape = |value: &Value| {
        let fields = value.as_object().unwrap();
        let kinds = fields
            .iter()
            .map(|(name, value)| (name.clone(), value.is_string(), value.as_str().map(str::len)));
        kinds.collect::<Vec<_>>()
    };
    let key = json(ours[0].1.as_deref().unwrap());
    assert_eq!(shape(&key), shape(&json(first["value"].as_str().unwrap())));
    assert_eq!(key["algorithm"], "HmacSHA256");
    for (theirs, (key, value)) in records.iter().zip(&ours[1..]) {
        assert_eq!(key.as_deref(), Some(theirs.key.as_str()), "offset {}", theirs.offset);
        // Order inside an object carries no meaning: Java's maps have none.
        let (value, expected) = (value.as_deref().map(json), theirs.value.as_deref().map(json));
        assert_eq!(value, expected, "offset {}: {}", theirs.offset, theirs.key);
    }

    // The status topic: the same places, the same shape, and nothing left of what was deleted.
    let recorded = status_places();
    let mut last = BTreeMap::new();
    let mut compared = BTreeSet::new();
    for (partition, key, value) in kafka.all_records(&format!("{cluster}-statuses"), 5).await {
        let key = key.unwrap();
        if let Some(place) = recorded.get(&key) {
            assert_eq!(*place, partition, "{key}");
            compared.insert(key.clone());
        }
        if let Some(value) = &value {
            let Value::Object(fields) = json(value) else { panic!("{value}") };
            let names: Vec<&str> = fields.keys().map(String::as_str).collect();
            assert_eq!(names, ["state", "trace", "worker_id", "generation", "version"], "{key}");
            assert_eq!(serde_json::to_string(&fields).unwrap(), *value, "written without blanks");
        }
        last.insert(key, value);
    }
    for key in ["status-connector-s1", "status-task-s1-0", "status-task-s1-1", "status-connector-s3"] {
        assert!(compared.contains(key), "{compared:?}");
    }
    let left: Vec<_> = last.iter().filter(|(_, value)| value.is_some()).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// The partition of each recorded key.
fn status_places() -> BTreeMap<String, i32> {
    let place = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let partition = i32::try_from(line["partition"].as_i64().unwrap()).unwrap();
        (line["key"].as_str().unwrap().to_owned(), partition)
    };
    STATUSES.lines().map(place).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_three_topics_are_made_as_they_are_set() {
    let kafka = Kafka::shared().await;
    let cluster = unique("three");
    let settings = [
        ("CONNECT_OFFSET_STORAGE_PARTITIONS", "3"),
        ("CONNECT_STATUS_STORAGE_SEGMENT_BYTES", "1048576"),
        ("CONNECT_CONFIG_STORAGE_CLEANUP_POLICY", "delete"),
    ];
    let worker = TestWorker::start(kafka.bootstrap(), &cluster, &settings).await;
    assert_eq!(worker.send("GET", "/connectors", None).await, (200, json!([])));
    let topic = |which: &str| format!("{cluster}-{which}");
    for (which, partitions) in [("offsets", 3), ("statuses", 5), ("configs", 1)] {
        assert_eq!(kafka.partitions(&topic(which)).await, partitions, "{which}");
        assert_eq!(kafka.topic_setting(&topic(which), "cleanup.policy").await, "compact", "{which}");
    }
    assert_eq!(kafka.topic_setting(&topic("statuses"), "segment.bytes").await, "1048576");
    assert!(worker.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn states_survive_the_worker_and_are_never_shown_for_what_is_gone() {
    let kafka = Kafka::shared().await;
    let cluster = unique("states");
    kafka.create_topic(&cluster, 1).await;
    let topic = format!("{cluster}-statuses");
    let first = TestWorker::start(kafka.bootstrap(), &cluster, &[]).await;
    let config = recorded().into_iter().find(|record| record.key == "connector-s1").unwrap();
    let mut config: Value = serde_json::from_str(config.value.as_deref().unwrap()).unwrap();
    config["properties"]["name"] = json!("s");
    let body = json!({ "name": "s", "config": config["properties"] });
    assert_eq!(first.send("POST", "/connectors", Some(&body)).await.0, 201);
    wait_for("RUNNING", Duration::from_mins(1), async || {
        let (_, status) = first.send("GET", "/connectors/s/tasks/1/status", None).await;
        (status["state"] == "RUNNING").then_some(())
    })
    .await;
    assert!(first.stop().await);
    let last = async || {
        let records = kafka.all_records(&topic, 5).await;
        records.into_iter().map(|(_, key, value)| (key.unwrap(), value)).collect::<BTreeMap<_, _>>()
    };
    // The worker has said goodbye, in the topic too.
    for key in ["status-connector-s", "status-task-s-0", "status-task-s-1"] {
        let value: Value = serde_json::from_str(last().await[key].as_deref().unwrap()).unwrap();
        assert_eq!(value["state"], "UNASSIGNED", "{key}");
    }
    // Somebody else's leftovers, of a connector that nobody knows.
    let foreign =
        json!({ "state": "RUNNING", "trace": null, "worker_id": "x:1", "generation": 99, "version": null });
    let key = "status-task-ghost-0";
    kafka.write(&topic, &[(Some(key.into()), Some(foreign.to_string().into_bytes()))]).await;
    let second = TestWorker::start(kafka.bootstrap(), &cluster, &[]).await;
    wait_for("RUNNING in a later generation", Duration::from_mins(1), async || {
        let value: Value = serde_json::from_str(last().await["status-task-s-0"].as_deref()?).ok()?;
        (value["state"] == "RUNNING" && value["generation"].as_i64()? > 99).then_some(())
    })
    .await;
    assert!(second.stop().await);
    assert_eq!(last().await[key], None, "it has a tombstone");
}
