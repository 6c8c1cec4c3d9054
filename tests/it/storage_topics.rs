//! The config topic on a real broker: how it is made, when it is refused, what survives a worker.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Kafka, TestWorker, unique, wait_for};

fn connector(topic: &str) -> Value {
    json!({
        "connector.class": "KustoSinkConnector", "topics": topic, "tasks.max": 2,
        "kusto.tables.topics.mapping": format!("[{{'topic':'{topic}','db':'d','table':'T','format':'csv','mapping':'m'}}]"),
        "kusto.ingestion.url": "https://localhost:8443", "kusto.query.url": "https://localhost:8443",
        "aad.auth.strategy": "AZ_DEV_TOKEN", "aad.auth.accesstoken": "x",
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "org.apache.kafka.connect.storage.StringConverter",
    })
}

async fn wait_state(worker: &TestWorker, name: &str, state: &str, tasks: usize) {
    wait_for(format!("{name} {state}"), Duration::from_mins(1), async || {
        let (_, status) = worker.send("GET", &format!("/connectors/{name}/status"), None).await;
        let all = status["tasks"].as_array()?;
        (status["connector"]["state"] == state
            && all.len() == tasks
            && all.iter().all(|task| task["state"] == state))
        .then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_makes_its_topic_and_another_resumes_from_it() {
    let kafka = Kafka::shared().await;
    let cluster = unique("resume");
    kafka.create_topic(&cluster, 2).await;
    let first = TestWorker::start(kafka.bootstrap(), &cluster, &[]).await;
    let created = first
        .send("POST", "/connectors", Some(&json!({"name": cluster, "config": connector(&cluster)})))
        .await;
    assert_eq!(created.0, 201, "{}", created.1);
    wait_state(&first, &cluster, "RUNNING", 2).await;
    let paused = json!({"name": "p", "config": connector(&cluster), "initial_state": "PAUSED"});
    assert_eq!(first.send("POST", "/connectors", Some(&paused)).await.0, 201);
    wait_state(&first, "p", "PAUSED", 0).await;
    assert!(first.stop().await);

    let records = kafka.records(&format!("{cluster}-configs")).await;
    let keys: Vec<_> = records.iter().map(|(key, _)| key.as_deref().unwrap()).collect();
    let expected = ["connector-N", "task-N-0", "task-N-1", "commit-N", "target-state-p", "connector-p"];
    assert_eq!(keys, expected.map(|key| key.replace('N', &cluster)));
    assert_eq!(records[3].1.as_deref(), Some(r#"{"tasks":2}"#));
    assert_eq!(records[4].1.as_deref(), Some(r#"{"state":"PAUSED","state.v2":"PAUSED"}"#));

    let second = TestWorker::start(kafka.bootstrap(), &cluster, &[]).await;
    wait_state(&second, &cluster, "RUNNING", 2).await;
    wait_state(&second, "p", "PAUSED", 0).await;
    let act = async |path: &str| second.send("PUT", &format!("/connectors/{cluster}/{path}"), None).await.0;
    for (path, answer, state, tasks) in [
        ("stop", 204, "STOPPED", 0),
        ("resume", 202, "RUNNING", 2),
        ("pause", 202, "PAUSED", 2),
        ("resume", 202, "RUNNING", 2),
    ] {
        assert_eq!(act(path).await, answer, "{path}");
        wait_state(&second, &cluster, state, tasks).await;
    }
    let (_, root) = second.send("GET", "/", None).await;
    assert!(root["kafka_cluster_id"].as_str().is_some_and(|id| id.len() > 10), "{root}");
    for name in [cluster.as_str(), "p"] {
        assert_eq!(second.send("DELETE", &format!("/connectors/{name}"), None).await.0, 204);
    }
    assert!(second.stop().await);
    let third = TestWorker::start(kafka.bootstrap(), &cluster, &[]).await;
    assert_eq!(third.send("GET", "/connectors", None).await, (200, json!([])));
    assert!(third.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_would_lose_records_is_refused_in_words() {
    let kafka = Kafka::shared().await;
    let cluster = unique("refused");
    // The broker's default policy is `delete`.
    kafka.create_topic(&format!("{cluster}-configs"), 1).await;
    let mut worker = TestWorker::start(kafka.bootstrap(), &cluster, &[]).await;
    let error = worker.failed().await;
    let start = format!(
        "Topic '{cluster}-configs' supplied via the 'config.storage.topic' property is required to have \
         'cleanup.policy=compact' to guarantee consistency and durability of"
    );
    assert!(error.starts_with(&start), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_waits_for_a_broker_that_comes_later() {
    let mut kafka = Kafka::own().await;
    kafka.stop().await;
    let worker = TestWorker::start(kafka.bootstrap(), &unique("later"), &[]).await;
    let (status, health) = worker.send("GET", "/health", None).await;
    assert_eq!((status, health["status"].as_str()), (503, Some("starting")), "{health}");
    kafka.start().await;
    // The request waits for the worker to get ready.
    assert_eq!(worker.send("GET", "/connectors", None).await, (200, json!([])));
    assert_eq!(worker.send("GET", "/health", None).await.0, 200);
    assert!(worker.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_kafka_fails_writes_in_words_and_reads_go_on() {
    let mut kafka = Kafka::own().await;
    let cluster = unique("outage");
    let worker = TestWorker::start(kafka.bootstrap(), &cluster, &[]).await;
    let body = json!({"name": "a", "config": connector("t")});
    assert_eq!(worker.send("POST", "/connectors", Some(&body)).await.0, 201);
    kafka.stop().await;
    let other = json!({"name": "b", "config": connector("t")});
    let write = worker.send("POST", "/connectors", Some(&other));
    let reads = async {
        for _ in 0..10 {
            assert_eq!(worker.send("GET", "/connectors", None).await, (200, json!(["a"])));
        }
    };
    let (answer, ()) = tokio::join!(write, reads);
    // Kafka cannot be asked who leads, so nothing is written: busy, to be tried again.
    let message = "Cannot complete request momentarily due to stale configuration (typically caused by a concurrent config change)";
    assert_eq!(answer, (409, json!({"error_code": 409, "message": message})));
    kafka.start().await;
    wait_for("a write after the outage", Duration::from_mins(1), async || {
        (worker.send("PUT", "/connectors/b/config", Some(&connector("t"))).await.0 < 300).then_some(())
    })
    .await;
    assert_eq!(worker.send("GET", "/connectors", None).await, (200, json!(["a", "b"])));
    assert!(worker.stop().await);
}
