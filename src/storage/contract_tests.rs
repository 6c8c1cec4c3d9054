//! One contract for both twins of the config and the status topic: memory, and Kafka (librdkafka's mock cluster).

use super::{
    ConfigBackingStore, ConfigEntry, ConfigRecord, ConfigTopic, KafkaStores, MemoryStores, OpenStores,
    Status, StatusId, StatusTopic, TopicStatus,
};
use crate::config::WorkerConfig;
use crate::configdef::ConnectorProperties;
use crate::id::ConnectorTaskId;
use crate::metrics::Metrics;
use crate::plugins::BUILT_IN;
use crate::status::{State, TargetState};
use crate::storage::{Change, RestartRequest};
use rdkafka::mocking::MockCluster;
use std::sync::Arc;
use std::time::Duration;

/// A worker on these brokers, with storage topics `configs`, `offsets` and `statuses`.
pub(crate) fn worker_config(bootstrap: &str) -> WorkerConfig {
    let env = [
        ("BOOTSTRAP_SERVERS", bootstrap),
        ("GROUP_ID", "g"),
        ("CONFIG_STORAGE_TOPIC", "configs"),
        ("OFFSET_STORAGE_TOPIC", "offsets"),
        ("STATUS_STORAGE_TOPIC", "statuses"),
        ("CONNECT_CONFIG_STORAGE_REPLICATION_FACTOR", "1"),
        ("CONNECT_OFFSET_STORAGE_REPLICATION_FACTOR", "1"),
        ("CONNECT_STATUS_STORAGE_REPLICATION_FACTOR", "1"),
    ];
    WorkerConfig::load(&BUILT_IN, None, env.map(|(key, value)| (key.to_owned(), value.to_owned()))).unwrap()
}

fn properties(text: &str) -> ConnectorProperties {
    ConnectorProperties::from([("k".into(), Some(text.into())), ("none".into(), None)])
}

fn connector(name: &str, text: &str) -> ConfigRecord {
    ConfigRecord::Connector { name: name.into(), properties: Some(properties(text)) }
}

fn records(entries: &[ConfigEntry]) -> Vec<ConfigRecord> {
    entries.iter().filter_map(|entry| entry.record.clone()).collect()
}

/// Opens the stores' config topic; twice means two workers, or one before and after its restart.
async fn open(stores: &dyn OpenStores) -> Box<dyn ConfigBackingStore> {
    stores.open().await.unwrap().config
}

async fn contract(stores: &dyn OpenStores) {
    let mut first = open(stores).await;
    assert_eq!(first.read_to_end().await.unwrap(), []);

    // What was appended is read back, in order, with rising offsets.
    let written =
        vec![connector("a", "1"), connector("b", "ü\n"), ConfigRecord::Commit { name: "a".into(), tasks: 0 }];
    first.append(&written).await.unwrap();
    let entries = first.read_to_end().await.unwrap();
    assert_eq!(records(&entries), written);
    assert!(entries.is_sorted_by_key(|entry| entry.next_offset));
    assert_eq!(first.read_to_end().await.unwrap(), []);

    // A tombstone is a record of its own.
    let gone = ConfigRecord::Connector { name: "a".into(), properties: None };
    first.append(std::slice::from_ref(&gone)).await.unwrap();
    assert_eq!(first.next().await.unwrap().record.as_ref(), Some(&gone));

    // A second one reads everything from the beginning and sees what the other writes later.
    let mut second = open(stores).await;
    let mut history = records(&second.read_to_end().await.unwrap());
    history.sort_by_key(|record| record.encode().0);
    assert!(history.contains(&connector("b", "ü\n")));
    let target = ConfigRecord::TargetState { name: "b".into(), state: Some(TargetState::Paused) };
    first.append(std::slice::from_ref(&target)).await.unwrap();
    assert_eq!(second.next().await.unwrap().record.as_ref(), Some(&target));
    // `next` may be dropped while it waits.
    assert!(tokio::time::timeout(Duration::from_millis(5), second.next()).await.is_err());
    first.append(&[connector("c", "3")]).await.unwrap();
    assert_eq!(records(&second.read_to_end().await.unwrap()), [connector("c", "3")]);
}

async fn write_orders(stores: &dyn OpenStores) {
    let name: Arc<str> = "wö".into();
    let mut topic = ConfigTopic::open(open(stores).await).await.unwrap();
    let changes = topic.put_connector(&name, properties("1"), Some(TargetState::Paused)).await.unwrap();
    assert_eq!(changes, [Change::Connector(name.clone())]);
    assert_eq!(topic.state().target_state(&name), TargetState::Paused);
    let changes = topic.put_tasks(&name, vec![properties("1"), properties("2")]).await.unwrap();
    assert_eq!(changes, [Change::Tasks(name.clone())]);
    assert_eq!(topic.state().task_count(&name), 2);
    topic.put_tasks(&name, Vec::new()).await.unwrap();
    assert_eq!(topic.state().task_count(&name), 0);
    topic.put_target_state(&name, TargetState::Stopped).await.unwrap();
    let request = RestartRequest { name: name.clone(), include_tasks: true, only_failed: false };
    assert_eq!(topic.put_restart(request.clone()).await.unwrap(), [Change::Restart(request)]);

    let after_restart = ConfigTopic::open(open(stores).await).await.unwrap();
    assert_eq!(after_restart.state(), topic.state());
    topic.delete_connector(&name).await.unwrap();
    assert!(!topic.state().contains(&name));
    assert_eq!(topic.state().target_state(&name), TargetState::Started);
}

/// A worker's view of the stores' status topic.
async fn open_status(stores: &dyn OpenStores, worker: &str) -> StatusTopic {
    StatusTopic::open(stores.open().await.unwrap().status, worker.into()).await.unwrap()
}

fn running(worker: &str, generation: i64) -> Status {
    let (worker_id, version) = (worker.into(), Some("5.3.1".into()));
    Status { state: State::Running, trace: None, worker_id, generation, version }
}

async fn statuses(stores: &dyn OpenStores) {
    let mut first = open_status(stores, "one:1").await;
    assert_eq!((first.names().len(), first.max_generation()), (0, None));

    // A wave of states at once: none waits for the one before.
    let task = |connector: u32, task| ConnectorTaskId { connector: format!("c{connector}").into(), task };
    for connector in 0..100 {
        first.put(StatusId::Connector(format!("c{connector}").into()), running("one:1", 3));
        for n in 0..5 {
            first.put(StatusId::Task(task(connector, n)), running("one:1", 3));
        }
    }
    let topic = TopicStatus { topic: "t".into(), task: task(7, 1), discovered: 1 };
    first.put_topic(topic.clone());
    assert_eq!(first.tasks("c99").len(), 5);
    first.flush().await.unwrap();

    // Another worker, or the same one after its restart, finds them all.
    let mut second = open_status(stores, "two:2").await;
    assert_eq!((second.ids(), second.max_generation()), (first.ids(), Some(3)));
    assert_eq!(second.connector("c42"), Some(&running("one:1", 3)));
    assert_eq!(second.topics("c7"), [&topic]);

    // What one writes, the other is told; what it wrote itself it is not.
    let failed = Status { state: State::Failed, trace: Some("ü\n".into()), ..running("two:2", 4) };
    second.put(StatusId::Task(task(5, 0)), failed.clone());
    assert_eq!(first.next_changes().await.unwrap(), ["c5".into()]);
    assert_eq!(first.tasks("c5")[0], (0, &failed));
    let wait = Duration::from_millis(50);
    assert!(tokio::time::timeout(wait, second.next_changes()).await.is_err());
    // `next_changes` may be dropped while it waits.
    first.forget(&StatusId::Connector("c7".into()));
    first.put(StatusId::Connector("c8".into()), Status { state: State::Paused, ..running("one:1", 4) });
    let mut told = std::collections::BTreeSet::new();
    while second.connector("c7").is_some()
        || !second.topics("c7").is_empty()
        || second.connector("c8").is_some_and(|status| status.state == State::Running)
    {
        told.extend(second.next_changes().await.unwrap());
    }
    assert_eq!(told, ["c7".into(), "c8".into()].into());
    assert!(second.tasks("c7").is_empty());
    first.flush().await.unwrap();
    assert_eq!(open_status(stores, "three:3").await.names(), second.names());
}

#[tokio::test]
async fn the_memory_twin_keeps_the_contract() {
    contract(&MemoryStores::default()).await;
    write_orders(&MemoryStores::default()).await;
    statuses(&MemoryStores::default()).await;
}

#[tokio::test]
async fn the_kafka_twin_keeps_the_contract() {
    let cluster = MockCluster::new(1).unwrap();
    let config = Arc::new(worker_config(&cluster.bootstrap_servers()));
    // Neither topic exists: the mock cluster can only make them because they are asked for, with several partitions.
    let started = std::time::Instant::now();
    contract(&KafkaStores::new(config.clone(), Metrics::default())).await;
    let mut other = (*config).clone();
    other.config_topic.name = "configs-2".into();
    write_orders(&KafkaStores::new(Arc::new(other), Metrics::default())).await;
    statuses(&KafkaStores::new(config.clone(), Metrics::default())).await;
    assert!(
        started.elapsed() < Duration::from_secs(15),
        "the mock cluster's gaps cost {:?}",
        started.elapsed()
    );
    let stores = KafkaStores::new(config, Metrics::default()).open().await.unwrap();
    assert!(stores.cluster_id.is_some());
}

#[tokio::test]
async fn a_broker_that_is_away_is_named_and_may_come_back() {
    // A port that nobody listens on: bound and released again.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let stores = KafkaStores::new(Arc::new(worker_config(&format!("127.0.0.1:{port}"))), Metrics::default());
    let Err(error) = stores.open().await else { panic!("nobody was there") };
    assert!(error.is_retriable());
    assert!(error.to_string().contains(&format!("bootstrap.servers=127.0.0.1:{port}")), "{error}");
}
