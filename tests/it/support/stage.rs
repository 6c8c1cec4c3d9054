//! Everything for one story about numbers: a topic, a table, a worker and a connector between them.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Adx, DATABASE, Kafka, Numbers, Sent, Worker, unique, wait_for};

/// The parts, started and wired.
pub struct Stage {
    /// The target.
    pub adx: Adx,
    /// The worker.
    pub worker: Worker,
    /// The source topic.
    pub topic: String,
    /// Its partitions.
    pub partitions: i32,
    /// The connector's name.
    pub connector: String,
}

impl Stage {
    /// A topic of `partitions`, the table of numbers, a worker; no connector yet.
    pub async fn set(kafka: &Kafka, partitions: i32) -> Self {
        Self::around(kafka, partitions, Worker::start(kafka).await).await
    }

    /// The same for a worker of the caller's.
    pub async fn around(kafka: &Kafka, partitions: i32, worker: Worker) -> Self {
        let topic = unique("numbers");
        kafka.create_topic(&topic, partitions).await;
        let adx = Adx::start().await;
        adx.create_numbers().await;
        Self { adx, worker, topic, partitions, connector: unique("sink") }
    }

    /// The same with the connector running.
    pub async fn running(kafka: &Kafka, partitions: i32) -> Self {
        let stage = Self::set(kafka, partitions).await;
        stage.create().await;
        stage
    }

    /// The connector's settings: two tasks, blobs of some hundred records, quick retries.
    pub fn config(&self) -> Value {
        json!({
            "connector.class": "com.microsoft.azure.kusto.kafka.connect.sink.KustoSinkConnector",
            "topics": self.topic,
            "tasks.max": "2",
            "flush.size.bytes": "20000",
            "flush.interval.ms": "300",
            "errors.retry.backoff.time.ms": "200",
            "kusto.ingestion.url": self.adx.url(),
            "kusto.query.url": self.adx.url(),
            "kusto.tables.topics.mapping":
                format!("[{{'topic': '{}', 'db': '{DATABASE}', 'table': 'Numbers', 'format': 'csv'}}]", self.topic),
        })
    }

    /// The same for one task, with `more` on top.
    pub fn one_task_with(&self, more: &Value) -> Value {
        let mut config = self.config();
        config["tasks.max"] = "1".into();
        config.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        config
    }

    /// What makes every record one of a topic without a table, for the sink's own dead letters in `dlq`.
    pub fn routed_to_letters(kafka: &Kafka, dlq: &str) -> Value {
        json!({
            "behavior.on.error": "LOG",
            "misc.deadletterqueue.bootstrap.servers": kafka.bootstrap(),
            "misc.deadletterqueue.topic.name": dlq,
            "transforms": "route",
            "transforms.route.type": "org.apache.kafka.connect.transforms.RegexRouter",
            "transforms.route.regex": ".*", "transforms.route.replacement": "nowhere",
        })
    }

    /// Creates the connector and waits until it runs.
    pub async fn create(&self) {
        self.worker.rest().create_running(&self.connector, &self.config()).await;
    }

    /// Starts a load of `rate` records a second.
    pub fn load(&self, kafka: &Kafka, rate: u32) -> Numbers {
        Numbers::start(kafka, &self.topic, self.partitions, rate)
    }

    /// Sends `count` records at once.
    pub async fn send(&self, kafka: &Kafka, count: u32) -> Sent {
        Numbers::send(kafka, &self.topic, self.partitions, count).await
    }

    /// Every task is RUNNING.
    pub async fn assert_running(&self) {
        let answer = self.worker.rest().get(&format!("/connectors/{}/status", self.connector)).await;
        let tasks = answer.body["tasks"].as_array().expect("tasks");
        assert!(tasks.iter().all(|task| task["state"] == "RUNNING"), "{}", answer.body);
        assert!(!tasks.is_empty() && answer.body["connector"]["state"] == "RUNNING", "{}", answer.body);
    }

    /// The consumer group.
    pub fn group(&self) -> String {
        format!("connect-{}", self.connector)
    }

    /// Waits until the group committed `records` records of the only partition.
    pub async fn wait_for_commit(&self, kafka: &Kafka, records: usize) {
        let all = [i64::try_from(records).unwrap()];
        let what = format!("{records} records to be committed");
        wait_for(what, Duration::from_mins(1), async || (self.committed(kafka).await == all).then_some(()))
            .await;
    }

    /// What the group committed.
    pub async fn committed(&self, kafka: &Kafka) -> Vec<i64> {
        kafka.committed(&self.group(), &self.topic, self.partitions).await
    }
}
