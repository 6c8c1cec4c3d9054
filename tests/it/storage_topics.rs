//! The config topic on a real broker: how it is made, when it is refused, what survives a worker.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Cluster, Kafka, TestWorker, unique, wait_for};

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
    let expected =
        ["session-key", "connector-N", "task-N-0", "task-N-1", "commit-N", "target-state-p", "connector-p"];
    assert_eq!(keys, expected.map(|key| key.replace('N', &cluster)));
    assert_eq!(records[4].1.as_deref(), Some(r#"{"tasks":2}"#));
    assert_eq!(records[5].1.as_deref(), Some(r#"{"state":"PAUSED","state.v2":"PAUSED"}"#));

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_that_vanish_are_said_made_again_and_filled_and_nothing_is_started_again() {
    let kafka = Kafka::shared().await;
    let mut cluster = Cluster::of(kafka, 2, &[]).await;
    let topic = unique("t");
    kafka.create_topic(&topic, 4).await;
    for name in ["a", "b"] {
        assert_eq!(cluster.rest(0).create(name, &Cluster::idle_connector(&topic, 2)).await.status, 201);
    }
    assert_eq!(cluster.rest(1).put("/connectors/b/pause").await.status, 202);
    cluster.rest(0).wait_for_states("b", "PAUSED", &["PAUSED", "PAUSED"]).await;
    // Their groups have settled: two partitions of each on each worker.
    for worker in &cluster.workers {
        for name in ["a", "b"] {
            wait_for(format!("the group of {name}"), Duration::from_mins(1), async || {
                let log = worker.log();
                let line = log.lines().rev().find(|line| line.contains(&format!("connector={name} ")))?;
                line.contains("in_all=2").then_some(())
            })
            .await;
        }
    }
    let logs: Vec<usize> = cluster.workers.iter().map(|worker| worker.log().len()).collect();
    let names = ["config", "offset", "status"]
        .map(|which| cluster.setting(&format!("{which}.storage.topic")).to_owned());
    let gone: Vec<&str> = names.iter().map(String::as_str).collect();
    kafka.delete_topics(&gone).await;
    for index in 0..2 {
        wait_for(format!("worker {index} to say so"), Duration::from_mins(1), async || {
            cluster.workers[index].log().contains("Storage topics are not what they were").then_some(())
        })
        .await;
        wait_for(format!("worker {index} to be well again"), Duration::from_mins(2), async || {
            (cluster.rest(index).get("/health").await.status == 200).then_some(())
        })
        .await;
    }
    for name in &names {
        assert_eq!(kafka.topic_setting(name, "cleanup.policy").await, "compact", "{name}");
    }
    assert_eq!(kafka.partitions(&names[0]).await, 1);
    // Writes work, through whomever, and who starts now finds all of it.
    for index in 0..2 {
        let name = format!("new{index}");
        wait_for(format!("{name} to be created"), Duration::from_mins(1), async || {
            let created = cluster.rest(index).create(&name, &Cluster::idle_connector(&topic, 1)).await;
            (created.status == 201).then_some(())
        })
        .await;
    }
    for (worker, from) in cluster.workers.iter().zip(&logs) {
        let log = worker.log();
        let is_drained = |line: &&str| {
            line.contains("partitions revoked")
                && (line.contains("connector=a ") || line.contains("connector=b "))
        };
        assert_eq!(log[*from..].lines().find(is_drained), None, "only the new ones were started");
    }
    cluster.add().await;
    let fresh = cluster.rest(2);
    assert_eq!(fresh.get("/connectors").await.body, json!(["a", "b", "new0", "new1"]));
    fresh.wait_for_states("b", "PAUSED", &["PAUSED", "PAUSED"]).await;
    fresh.wait_for_states("a", "RUNNING", &["RUNNING", "RUNNING"]).await;
}
