//! The herder from outside: requests in, orders to the worker and records in the topic out. Memory stores, no Kafka.

use super::test_rig::{Rig, rig, rig_over, sink};
use super::{Error, Health};
use crate::status::{State, TargetState};
use crate::storage::{self, MemoryStores, OpenStores, RestartRequest, Stores};
use async_trait::async_trait;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

#[tokio::test]
async fn a_life_writes_the_records_that_connect_writes() {
    let rig = rig(&MemoryStores::default());
    let info = rig.herder.create(" a ", sink("2"), None).await.unwrap();
    assert_eq!((info.name.as_ref(), info.tasks.len(), info.kind), ("a", 0, "sink"));
    assert_eq!(info.config["name"].as_deref(), Some("a"));
    rig.wait_state("a", State::Running, 2).await;
    assert_eq!(rig.keys(), ["connector-a", "task-a-0", "task-a-1", "commit-a"]);
    assert_eq!(rig.herder.create("a", sink("2"), None).await, Err(Error::AlreadyExists("a".into())));

    rig.herder.set_target_state("a", TargetState::Paused).await.unwrap();
    rig.wait_state("a", State::Paused, 2).await;
    rig.herder.set_target_state("a", TargetState::Started).await.unwrap();
    rig.wait_state("a", State::Running, 2).await;
    rig.herder.set_target_state("a", TargetState::Stopped).await.unwrap();
    rig.wait("a", |status| status.connector.state == State::Stopped && status.tasks.is_empty()).await;
    assert!(rig.herder.tasks("a").await.unwrap().is_empty());
    // Resumed: the tasks are written again.
    rig.herder.set_target_state("a", TargetState::Started).await.unwrap();
    rig.wait_state("a", State::Running, 2).await;
    let expected = ["target-state-a", "target-state-a", "commit-a", "target-state-a", "target-state-a"];
    assert_eq!(rig.keys()[4..9], expected);
    assert_eq!(rig.keys()[9..], ["task-a-0", "task-a-1", "commit-a"]);

    rig.herder.delete("a").await.unwrap();
    assert_eq!(rig.keys()[12..], ["connector-a", "target-state-a"]);
    assert_eq!(rig.herder.status("a").await, Err(Error::NotFound("No status found for connector a".into())));
    assert_eq!(rig.herder.connectors().await.unwrap(), []);
    let runner = rig.runner.clone();
    assert!(rig.stop().await);
    let orders = [
        "start a tasks=2 paused=false",
        "pause a true",
        "pause a false",
        "stop a STOPPED",
        "start a tasks=2 paused=false",
        "stop a UNASSIGNED",
        "shutdown",
    ];
    assert_eq!(runner.orders(), orders);
}

#[tokio::test]
async fn a_restarted_worker_resumes_what_the_topic_says() {
    let stores = MemoryStores::default();
    let first = rig(&stores);
    first.herder.create("runs", sink("1"), None).await.unwrap();
    first.herder.create("pauses", sink("2"), Some(TargetState::Paused)).await.unwrap();
    first.herder.create("stops", sink("2"), Some(TargetState::Stopped)).await.unwrap();
    first.wait_state("runs", State::Running, 1).await;
    first.wait_state("pauses", State::Paused, 0).await;
    first.wait_state("stops", State::Stopped, 0).await;
    assert!(first.stop().await);

    let written = stores.config.records().len();
    let second = rig(&stores);
    second.wait_state("runs", State::Running, 1).await;
    second.wait_state("pauses", State::Paused, 0).await;
    second.wait_state("stops", State::Stopped, 0).await;
    assert_eq!(second.stores.config.records().len(), written, "a resumed connector writes nothing");
    second.herder.set_target_state("pauses", TargetState::Started).await.unwrap();
    second.wait_state("pauses", State::Running, 2).await;
}

#[tokio::test]
async fn a_rewritten_config_restarts_the_connector_and_keeps_its_target_state() {
    let rig = rig(&MemoryStores::default());
    rig.herder.create("a", sink("1"), None).await.unwrap();
    rig.wait_state("a", State::Running, 1).await;
    let (info, created) = rig.herder.put_config("a", sink("3")).await.unwrap();
    assert_eq!((info.tasks.len(), created), (1, false));
    rig.wait_state("a", State::Running, 3).await;
    rig.herder.put_config("a", sink("2")).await.unwrap();
    rig.wait_state("a", State::Running, 2).await;
    rig.herder.set_target_state("a", TargetState::Stopped).await.unwrap();
    rig.herder.put_config("a", sink("2")).await.unwrap();
    rig.wait_state("a", State::Stopped, 0).await;
    let (_, created) = rig.herder.put_config("b", sink("1")).await.unwrap();
    assert!(created);
}

#[tokio::test]
async fn a_long_drain_holds_up_nobody_else() {
    let rig = rig(&MemoryStores::default());
    rig.herder.create("slow", sink("1"), None).await.unwrap();
    rig.wait_state("slow", State::Running, 1).await;
    let drains = rig.runner.drains.acquire_many(1000).await.unwrap();
    rig.herder.delete("slow").await.unwrap();
    // Created again while the old one drains: it starts when the drain has ended, and none of its reports count.
    rig.herder.create("slow", sink("1"), None).await.unwrap();
    rig.herder.create("quick", sink("1"), None).await.unwrap();
    rig.wait_state("quick", State::Running, 1).await;
    assert_eq!(rig.herder.health(), Health::Healthy);
    assert!(rig.herder.status("slow").await.is_err());
    drop(drains);
    let status = rig.wait("slow", |_| true).await;
    assert_eq!(status.connector.state, State::Running);
}

#[tokio::test]
async fn restarts_choose_what_was_asked_for() {
    let rig = rig(&MemoryStores::default());
    rig.herder.create("a", sink("2"), None).await.unwrap();
    rig.wait_state("a", State::Running, 2).await;
    let request =
        |include_tasks, only_failed| RestartRequest { name: "a".into(), include_tasks, only_failed };
    let answer = rig.herder.restart(request(true, false)).await.unwrap();
    assert_eq!(answer.connector.state, State::Restarting);
    assert!(answer.tasks.iter().all(|task| task.state.state == State::Restarting));
    rig.wait_state("a", State::Running, 2).await;

    rig.runner.report("a", Some(1), State::Failed, Some("why")).await;
    rig.wait("a", |status| status.tasks[1].state.trace.as_deref() == Some("why")).await;
    let answer = rig.herder.restart(request(true, true)).await.unwrap();
    let states: Vec<State> = answer.tasks.iter().map(|task| task.state.state).collect();
    assert_eq!((answer.connector.state, states), (State::Running, vec![State::Running, State::Restarting]));
    rig.wait_state("a", State::Running, 2).await;
    rig.herder.restart_task("a", 0).await.unwrap();
    rig.wait_state("a", State::Running, 2).await;
    rig.herder.restart_connector("a").await.unwrap();
    rig.runner.report("a", None, State::Failed, Some("broken")).await;
    rig.wait("a", |status| status.connector.state == State::Failed).await;
    rig.herder.restart_connector("a").await.unwrap();
    rig.wait_state("a", State::Running, 2).await;
    let orders = [
        "start a tasks=2 paused=false",
        "start a tasks=2 paused=false",
        "restart a-1",
        "restart a-0",
        "start a tasks=2 paused=false",
    ];
    assert_eq!(rig.runner.orders(), orders);
    let unknown = |text: &str| Err(Error::NotFound(text.into()));
    assert_eq!(rig.herder.restart_task("a", 7).await, unknown("Unknown task: a-7"));
    assert_eq!(rig.herder.restart_task("b", 0).await, unknown("Unknown connector: b"));
    assert_eq!(rig.herder.set_target_state("b", TargetState::Paused).await, unknown("Unknown connector b"));
}

#[tokio::test]
async fn a_connector_of_an_unknown_class_is_shown_and_kept() {
    let stores = MemoryStores::default();
    stores.config.append(
        "connector-f",
        Some(r#"{"properties":{"connector.class":"FileStreamSink","name":"f"}}"#.into()),
    );
    stores.config.append("task-f-0", Some(r#"{"properties":{"task.class":"x"}}"#.into()));
    stores.config.append("commit-f", Some(r#"{"tasks":1}"#.into()));
    stores.config.append("nonsense", Some("not JSON".into()));
    let rig = rig(&stores);
    let status =
        rig.wait("f", |status| status.connector.state == State::Failed && status.tasks.len() == 1).await;
    assert_eq!((status.kind, status.connector.version.clone()), ("unknown", None));
    assert!(status.connector.trace.as_ref().unwrap().contains("FileStreamSink"));
    assert_eq!(rig.herder.connector("f").await.unwrap().kind, "unknown");
    rig.herder.create("a", sink("1"), None).await.unwrap();
    rig.wait_state("a", State::Running, 1).await;
    assert_eq!(rig.stores.config.records()[0].0, "connector-f");
    assert!(!rig.runner.orders().iter().any(|order| order.contains(" f ")));
}

#[tokio::test]
async fn what_another_worker_writes_is_acted_on() {
    let rig = rig(&MemoryStores::default());
    rig.herder.create("a", sink("1"), None).await.unwrap();
    rig.wait_state("a", State::Running, 1).await;
    rig.stores.config.append("target-state-a", Some(r#"{"state":"PAUSED","state.v2":"PAUSED"}"#.into()));
    rig.wait_state("a", State::Paused, 1).await;
    rig.stores
        .config
        .append("restart-connector-a", Some(r#"{"include-tasks":true,"only-failed":false}"#.into()));
    rig.stores.config.append("connector-a", None);
    tokio::time::timeout(Duration::from_secs(10), async {
        while !rig.herder.connectors().await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
}

/// Stores that cannot be opened at first.
struct Reluctant(MemoryStores, u32, AtomicU32);

#[async_trait]
impl OpenStores for Reluctant {
    async fn open(&self) -> Result<Stores, storage::Error> {
        if self.2.fetch_add(1, Ordering::SeqCst) < self.1 {
            return Err(storage::Error::Timeout { seconds: 1 });
        }
        self.0.open().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_worker_without_its_kafka_waits_and_says_so() {
    let stores = MemoryStores::default();
    let rig = rig_over(&stores, Arc::new(Reluctant(stores.clone(), 3, AtomicU32::new(0))));
    let Health::Starting(stage) = rig.herder.health() else { panic!("ready without stores") };
    assert_eq!(stage, "starting");
    // Requests wait for it.
    assert_eq!(rig.herder.connectors().await.unwrap(), []);
    assert_eq!(rig.herder.health(), Health::Healthy);
}

#[tokio::test(start_paused = true)]
async fn a_request_to_a_worker_that_never_gets_ready_is_answered_in_words() {
    let stores = MemoryStores::default();
    let rig = rig_over(&stores, Arc::new(Reluctant(stores.clone(), u32::MAX, AtomicU32::new(0))));
    let Err(Error::TimedOut(text)) = rig.herder.connectors().await else { panic!("answered") };
    assert!(text.starts_with(
        "Request timed out. The worker is currently waiting for Kafka (bootstrap.servers=none:0)"
    ));
    assert!(text.ends_with('.'), "{text}");
    assert!(rig.stop().await);
}

#[tokio::test]
async fn a_stopping_worker_refuses_and_still_shows() {
    let rig = rig(&MemoryStores::default());
    rig.herder.create("a", sink("1"), None).await.unwrap();
    rig.wait_state("a", State::Running, 1).await;
    let herder = rig.herder.clone();
    assert!(rig.stop().await);
    assert_eq!(herder.delete("a").await, Err(Error::ShuttingDown));
    assert_eq!(herder.status("a").await.unwrap().connector.state, State::Unassigned);
}

#[tokio::test]
async fn topics_that_were_read_are_kept_until_they_are_reset_or_their_connector_is_gone() {
    let stores = MemoryStores::default();
    let first = rig(&stores);
    for name in ["a", "b"] {
        first.herder.create(name, sink("1"), None).await.unwrap();
        first.wait_state(name, State::Running, 1).await;
        first.runner.report_read(name, 0, "t").await;
    }
    first.runner.report_read("a", 0, "t").await;
    first.runner.report_read("a", 0, "s").await;
    first.runner.report_read("gone", 0, "t").await;
    let listed = async |rig: &Rig, name: &str, count: usize| {
        let mut view = rig.herder.published.0.clone();
        let seen = view.wait_for(|view| view.topics.get(name).map_or(0, Vec::len) == count);
        drop(tokio::time::timeout(Duration::from_secs(10), seen).await.expect(name).unwrap());
        rig.herder.active_topics(name).await.unwrap()
    };
    assert_eq!(listed(&first, "a", 2).await, ["s".into(), "t".into()]);
    assert_eq!(first.herder.active_topics("gone").await.unwrap(), []);
    assert!(first.stop().await);

    let second = rig(&stores);
    assert_eq!(listed(&second, "a", 2).await, ["s".into(), "t".into()]);
    second.herder.reset_topics("a").await.unwrap();
    assert_eq!(second.herder.active_topics("a").await.unwrap(), []);
    second.runner.report_read("a", 0, "t").await;
    assert_eq!(listed(&second, "a", 1).await, ["t".into()], "it is read still");
    second.herder.delete("a").await.unwrap();
    second.herder.reset_topics("b").await.unwrap();
    let records: std::collections::BTreeMap<_, _> = second.stores.status.records().into_iter().collect();
    let left = records.iter().filter(|(key, value)| key.starts_with("status-topic-") && value.is_some());
    assert_eq!(left.count(), 0);
    assert_eq!(records.len(), 7, "two connectors, two tasks, three topics: {records:?}");
}

#[tokio::test]
async fn states_outlive_the_worker_and_leftovers_do_not() {
    let stores = MemoryStores::default();
    let state = |worker: &str| {
        Some(format!(
            r#"{{"state":"RUNNING","trace":null,"worker_id":"{worker}","generation":41,"version":null}}"#
        ))
    };
    for key in ["status-connector-old", "status-task-old-0", "status-task-a-7"] {
        stores.status.append(key, state("jvm:8083"));
    }
    let first = rig(&stores);
    first.herder.create("a", sink("1"), None).await.unwrap();
    first.wait_state("a", State::Running, 1).await;
    assert!(first.stop().await);
    let records: std::collections::BTreeMap<_, _> = stores.status.records().into_iter().collect();
    for gone in ["status-connector-old", "status-task-old-0", "status-task-a-7"] {
        assert_eq!(records[gone], None, "{gone}");
    }
    let expected =
        r#"{"state":"UNASSIGNED","trace":null,"worker_id":"w:8083","generation":42,"version":null}"#;
    assert_eq!(records["status-task-a-0"].as_deref(), Some(expected));

    // Another worker's words are shown.
    let second = rig(&stores);
    second.wait_state("a", State::Running, 1).await;
    let other = state("other:8083").unwrap().replace("RUNNING", "PAUSED").replace("41", "50");
    stores.status.append("status-task-a-0", Some(other));
    let status = second.wait("a", |status| status.tasks[0].state.state == State::Paused).await;
    assert_eq!(&*status.tasks[0].state.worker_id, "other:8083");
}
