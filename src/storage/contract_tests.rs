//! One contract for both twins of the config topic: memory, and Kafka (librdkafka's mock cluster).

use super::{
    ConfigBackingStore, ConfigEntry, ConfigRecord, ConfigTopic, KafkaStores, MemoryStores, OpenStores,
};
use crate::config::{ConnectorProperties, WorkerConfig};
use crate::status::TargetState;
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
    ];
    WorkerConfig::load(None, env.map(|(key, value)| (key.to_owned(), value.to_owned()))).unwrap()
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

#[tokio::test]
async fn the_memory_twin_keeps_the_contract() {
    contract(&MemoryStores::default()).await;
    write_orders(&MemoryStores::default()).await;
}

#[tokio::test]
async fn the_kafka_twin_keeps_the_contract() {
    let cluster = MockCluster::new(1).unwrap();
    let config = Arc::new(worker_config(&cluster.bootstrap_servers()));
    // Neither topic exists: the mock cluster can only make them because they are asked for, with several partitions.
    let started = std::time::Instant::now();
    contract(&KafkaStores::new(config.clone())).await;
    let mut other = (*config).clone();
    other.config_topic.name = "configs-2".into();
    write_orders(&KafkaStores::new(Arc::new(other))).await;
    assert!(
        started.elapsed() < Duration::from_secs(15),
        "the mock cluster's gaps cost {:?}",
        started.elapsed()
    );
    let stores = KafkaStores::new(config).open().await.unwrap();
    assert!(stores.cluster_id.is_some());
}

#[tokio::test]
async fn a_broker_that_is_away_is_named_and_may_come_back() {
    // A port that nobody listens on: bound and released again.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let stores = KafkaStores::new(Arc::new(worker_config(&format!("127.0.0.1:{port}"))));
    let Err(error) = stores.open().await else { panic!("nobody was there") };
    assert!(error.is_retriable());
    assert!(error.to_string().contains(&format!("bootstrap.servers=127.0.0.1:{port}")), "{error}");
}
