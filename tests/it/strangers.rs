//! Who is no worker, in the group of the workers: it is named, it gets nothing to do and nobody's requests, and when it is
//! gone the cluster works again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::json;
use tokio::net::TcpListener;

use crate::support::{Cluster, Kafka, unique, wait_for};

/// A Kafka client in the workers' group that reads the config topic, as a connector's consumer would.
struct Stranger {
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Stranger {
    fn join(cluster: &Cluster, client_id: &str) -> Self {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", cluster.bootstrap())
            .set("group.id", cluster.setting("group.id"))
            .set("client.id", client_id)
            .set("session.timeout.ms", "6000")
            .set("partition.assignment.strategy", "range")
            .create()
            .expect("a consumer");
        consumer.subscribe(&[cluster.setting("config.storage.topic")]).expect("subscribed");
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                drop(consumer.poll(Duration::from_millis(100)));
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("left");
        }
    }
}

/// What `/health` of a worker says, with its code.
async fn health(cluster: &Cluster, index: usize) -> (u16, String) {
    let answer = cluster.rest(index).get("/health").await;
    (answer.status, answer.message().to_owned())
}

async fn all_well(cluster: &Cluster) {
    for index in 0..cluster.workers.len() {
        wait_for(format!("worker {index} to be well"), Duration::from_mins(1), async || {
            (health(cluster, index).await.0 == 200).then_some(())
        })
        .await;
    }
    wait_for("a write", Duration::from_mins(1), async || {
        (cluster.rest(0).put("/connectors/a/resume").await.status == 202).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_holds_the_lead_and_is_no_worker_is_named_until_it_is_gone() {
    let kafka = Kafka::shared().await;
    let cluster = Cluster::of(kafka, 2, &[]).await;
    let topic = unique("t");
    kafka.create_topic(&topic, 2).await;
    assert_eq!(cluster.rest(0).create("a", &Cluster::idle_connector(&topic, 2)).await.status, 201);
    let owners = cluster.balanced(0, 2, &[0, 1]).await;

    // One that only is there, and one whose name is a URL to which requests would go. Both sort before the workers.
    let trap = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://0.0.0.0:{}/", trap.local_addr().expect("an address").port());
    let called = Arc::new(AtomicUsize::new(0));
    let calls = called.clone();
    let mut traps = tokio::task::JoinSet::new();
    traps.spawn(async move {
        while trap.accept().await.is_ok() {
            calls.fetch_add(1, Ordering::Relaxed);
        }
    });
    for client_id in ["0-stranger", url.as_str()] {
        let stranger = Stranger::join(&cluster, client_id);
        for index in 0..2 {
            wait_for(format!("worker {index} to name {client_id}"), Duration::from_mins(1), async || {
                let (status, message) = health(&cluster, index).await;
                let is_named =
                    message.contains(&format!(": {client_id}-")) && message.contains(" at /127.0.0.1");
                (status == 500 && is_named).then_some(())
            })
            .await;
        }
        for index in 0..2 {
            let answer = cluster.rest(index).send("DELETE", "/connectors/a", None).await;
            assert_eq!(answer.status, 409, "{}", answer.body);
            assert!(
                cluster.workers[index]
                    .log()
                    .contains(&format!("is held by who is no worker of it: {client_id}-"))
            );
            assert_eq!(cluster.owners(index).await.as_ref(), Some(&owners), "nobody else got a task");
        }
        drop(stranger);
        all_well(&cluster).await;
    }
    assert_eq!(called.load(Ordering::Relaxed), 0, "a request was sent to a stranger");
    // A connector cannot become one, whatever it writes for the name.
    for group in [cluster.setting("group.id").to_owned(), format!(" {}\t", cluster.setting("group.id"))] {
        for client in ["consumer.override", "producer.override", "admin.override", "misc.deadletterqueue"] {
            let mut config = Cluster::idle_connector(&topic, 1);
            config[format!("{client}.group.id")] = json!(group);
            let refused = cluster.rest(0).create("b", &config).await;
            assert_eq!(refused.status, 400, "{}", refused.body);
            assert!(refused.message().contains("conflicts with Connect worker group"), "{}", refused.body);
        }
    }
    let storage = Cluster::idle_connector(cluster.setting("config.storage.topic"), 1);
    assert_eq!(cluster.rest(0).create("b", &storage).await.status, 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn poison_in_the_topics_and_in_the_groups_offset_keeps_no_worker_out() {
    let kafka = Kafka::shared().await;
    let mut cluster = Cluster::of(kafka, 1, &[]).await;
    let topic = unique("t");
    kafka.create_topic(&topic, 1).await;
    assert_eq!(cluster.rest(0).create("a", &Cluster::idle_connector(&topic, 1)).await.status, 201);
    cluster.balanced(0, 1, &[0]).await;
    assert!(cluster.workers[0].terminate().await.success());

    let poison = |generation: &str| {
        format!(
            r#"{{"state":"RUNNING","trace":null,"worker_id":"x:1","generation":{generation},"version":null}}"#
        )
    };
    let status =
        |key: &str, generation| (Some(key.as_bytes().to_vec()), Some(poison(generation).into_bytes()));
    let records = [
        status("status-connector-a", "9223372036854775807"),
        status("status-task-a-0", "9223372036854775807"),
        status("status-task-a-4294967295", "1"),
        status("status-connector-b", "1e300"),
    ];
    kafka.write(cluster.setting("status.storage.topic"), &records).await;
    let configs = [
        (Some(b"commit-a".to_vec()), Some(br#"{"tasks":2147483648}"#.to_vec())),
        (
            Some(b"session-key".to_vec()),
            Some(br#"{"key":"AA==","creation-timestamp":9223372036854775807}"#.to_vec()),
        ),
    ];
    kafka.write(cluster.setting("config.storage.topic"), &configs).await;
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", cluster.bootstrap())
        .set("group.id", cluster.setting("group.id"))
        .create()
        .expect("a client");
    let mut view = TopicPartitionList::new();
    let mut entry = view.add_partition(cluster.setting("config.storage.topic"), 0);
    entry.set_offset(Offset::Offset(i64::MAX - 1)).expect("an offset");
    entry.set_metadata(r#"{"leader":"http://0.0.0.0:1/","members":["http://0.0.0.0:1/"]}"#);
    wait_for("the group to be empty", Duration::from_mins(1), async || {
        consumer.commit(&view, CommitMode::Sync).ok()
    })
    .await;

    cluster.workers[0].start_again().await;
    all_well(&cluster).await;
    cluster.balanced(0, 1, &[0]).await;
    assert!(cluster.workers[0].log().contains("ignored what is published as the view of the cluster"));
    assert!(cluster.workers[0].log().contains("`generation` cannot be 9223372036854775807"));
    assert_eq!(cluster.rest(0).delete("/connectors/a").await.status, 204);
}
