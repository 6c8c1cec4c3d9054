//! Offsets over REST: what a connector has handed over is shown, and may be changed while it is stopped — and then the
//! worker really starts there. And the topics that it has read.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{Consumer, StreamConsumer};
use serde_json::{Value, json};

use crate::support::{Kafka, Stage, Worker, wait_for};

const PARTITIONS: i32 = 2;
const RECORDS: u32 = 100;

fn offset(topic: &str, partition: i32, offset: &Value) -> Value {
    json!({ "partition": { "kafka_topic": topic, "kafka_partition": partition }, "offset": offset })
}

fn at(number: i64) -> Value {
    json!({ "kafka_offset": number })
}

impl Asked<'_> {
    fn path(&self) -> String {
        format!("/connectors/{}/offsets", self.0.connector)
    }

    async fn offsets(&self) -> Value {
        let answer = self.0.worker.rest().get(&self.path()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body["offsets"].clone()
    }

    async fn patch(&self, offsets: Value) -> (u16, String) {
        let body = json!({ "offsets": offsets }).to_string();
        let answer = self.0.worker.rest().send("PATCH", &self.path(), Some(body)).await;
        (answer.status, answer.message().to_owned())
    }

    async fn rows(&self) -> usize {
        usize::try_from(self.0.adx.count("Numbers").await).expect("a count")
    }

    async fn wait_for_rows(&self, count: usize) {
        wait_for(format!("{count} rows"), Duration::from_mins(1), async || {
            (self.rows().await == count).then_some(())
        })
        .await;
    }

    async fn order(&self, what: &str, status: u16, state: &str) {
        let rest = self.0.worker.rest();
        let answer = rest.put(&format!("/connectors/{}/{what}", self.0.connector)).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        let tasks: &[&str] = if state == "STOPPED" { &[] } else { &["RUNNING"] };
        rest.wait_for_states(&self.0.connector, state, tasks).await;
    }
}

/// The connector of a stage, asked about its offsets.
struct Asked<'a>(&'a Stage);

const ALTERED: &str = "The Connect framework-managed offsets for this connector have been altered successfully. However, \
                       if this connector manages offsets externally, they will need to be manually altered in the \
                       system that the connector uses.";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offsets_are_shown_altered_and_reset_and_the_connector_starts_there() {
    let kafka = Kafka::shared().await;
    let stage = Stage::running(kafka, PARTITIONS).await;
    let asked = Asked(&stage);
    let topic = stage.topic.as_str();
    stage.send(kafka, RECORDS).await;
    let all = json!([offset(topic, 0, &at(50)), offset(topic, 1, &at(50))]);
    wait_for("all to be committed", Duration::from_mins(1), async || {
        (asked.offsets().await == all).then_some(())
    })
    .await;
    asked.wait_for_rows(100).await;

    // Only of a stopped connector.
    let stopped = format!(
        "Connectors must be in the STOPPED state before their offsets can be modified. This can be done for the \
         specified connector by issuing a 'PUT' request to the '/connectors/{}/stop' endpoint",
        stage.connector
    );
    let one = || json!([offset(topic, 0, &at(40))]);
    assert_eq!(asked.patch(one()).await, (400, stopped.clone()));
    let answer = stage.worker.rest().delete(&asked.path()).await;
    assert_eq!((answer.status, answer.message()), (400, stopped.as_str()));

    // Altered: ten records of one partition come again, all of the other.
    asked.order("stop", 204, "STOPPED").await;
    wait_until_left(&asked).await;
    let wishes = json!([
        offset(topic, 0, &at(7)),
        offset(topic, 1, &json!(null)),
        offset(topic, 0, &json!({ "kafka_offset": "40", "more": true })),
    ]);
    let answer = stage
        .worker
        .rest()
        .send("PATCH", &asked.path(), Some(json!({ "offsets": wishes }).to_string()))
        .await;
    assert_eq!((answer.status, answer.body), (200, json!({ "message": ALTERED })));
    assert_eq!(asked.offsets().await, json!([offset(topic, 0, &at(40))]));
    asked.order("resume", 202, "RUNNING").await;
    asked.wait_for_rows(160).await;

    // Reset: everything comes again; a group that is gone already is as good.
    asked.order("stop", 204, "STOPPED").await;
    wait_until_left(&asked).await;
    for _ in 0..2 {
        let answer = stage.worker.rest().delete(&asked.path()).await;
        let message = json!({ "message": ALTERED.replace("altered", "reset") });
        assert_eq!((answer.status, answer.body), (200, message));
        assert_eq!(asked.offsets().await, json!([]));
    }
    asked.order("resume", 202, "RUNNING").await;
    asked.wait_for_rows(260).await;
}

/// STOPPED is reported when the tasks have ended; the broker may need a moment more until their member is gone.
async fn wait_until_left(asked: &Asked<'_>) {
    wait_for("an empty group", Duration::from_secs(30), async || {
        let current: Vec<Value> = asked.offsets().await.as_array().expect("a list").clone();
        (current.is_empty() || asked.patch(json!(current)).await.0 == 200).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_wrong_change_is_refused_in_words() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, PARTITIONS).await;
    let asked = Asked(&stage);
    let topic = stage.topic.as_str();
    let rest = stage.worker.rest();
    let none = format!("/connectors/{}/offsets", stage.connector);
    for (method, body) in [("GET", None), ("DELETE", None), ("PATCH", Some("{\"offsets\":[{}]}".to_owned()))]
    {
        let answer = rest.send(method, &none, body).await;
        let message = format!("Connector {} not found", stage.connector);
        assert_eq!((answer.status, answer.message()), (404, message.as_str()), "{method}");
    }
    let mut config = stage.config();
    config["consumer.override.group.id"] = json!(format!("{}-group", stage.connector));
    let body = json!({ "name": stage.connector, "config": config, "initial_state": "STOPPED" });
    assert_eq!(rest.send("POST", "/connectors", Some(body.to_string())).await.status, 201);
    rest.wait_for_states(&stage.connector, "STOPPED", &[]).await;

    refuses_bodies(&asked).await;
    // The JVM answers 500 to what only the client can mend.
    let (status, message) = asked.patch(json!([offset(topic, 0, &at(-1))])).await;
    assert_eq!(
        (status, message.as_str()),
        (400, "The offset -1 is negative; null removes what is committed")
    );
    let nowhere = format!("{topic}-nowhere");
    let (status, message) = asked.patch(json!([offset(&nowhere, 0, &at(1))])).await;
    assert!(status == 400 && message.contains(&format!("{nowhere}-0")), "{status} {message}");
    let (status, message) = asked.patch(json!([offset(topic, 9, &at(1))])).await;
    assert!(status == 400 && message.contains(&format!("{topic}-9")), "{status} {message}");

    refuses_a_group_in_use(&asked, kafka).await;
}

async fn refuses_bodies(asked: &Asked<'_>) {
    let rest = asked.0.worker.rest();
    let provided = "Partitions / offsets need to be provided for an alter offsets request";
    for body in ["{}", "{\"offsets\":null}", "{\"offsets\":[]}"] {
        let answer = rest.send("PATCH", &asked.path(), Some(body.to_owned())).await;
        assert_eq!((answer.status, answer.message()), (400, provided));
    }
    for (body, words) in [
        ("{\"nope\":1}", "Unrecognized field \"nope\""),
        ("{\"offsets\":1}", "must be an array"),
        ("{\"offsets\":[1]}", "must be an object"),
        ("{\"offsets\":[{\"x\":1}]}", "Unrecognized field \"x\""),
        ("{\"offsets\":[{\"partition\":1}]}", "\"partition\" must be an object or null"),
        ("{\"offsets\":[{}]}", "cannot be null or missing"),
        ("nope", "not valid JSON"),
    ] {
        let answer = rest.send("PATCH", &asked.path(), Some(body.to_owned())).await;
        assert!(answer.status == 400 && answer.message().contains(words), "{body}: {}", answer.body);
    }
}

async fn refuses_a_group_in_use(asked: &Asked<'_>, kafka: &Kafka) {
    let (stage, rest) = (asked.0, asked.0.worker.rest());
    let topic = stage.topic.as_str();
    // The group is the connector's own, and somebody is in it.
    let group = format!("{}-group", stage.connector);
    let other: StreamConsumer = ClientConfig::new()
        .set("bootstrap.servers", kafka.bootstrap())
        .set("group.id", &group)
        .create()
        .expect("a consumer");
    other.subscribe(&[topic]).expect("subscribed");
    wait_for("a foreign member", Duration::from_mins(1), async || {
        let turn = tokio::time::timeout(Duration::from_millis(50), other.recv()).await;
        drop(turn);
        (other.assignment().is_ok_and(|list| list.count() > 0)).then_some(())
    })
    .await;
    for (offset, verb) in [(at(1), "alter"), (json!(null), "alter")] {
        let (status, message) = asked.patch(json!([self::offset(topic, 0, &offset)])).await;
        let start = format!(
            "Failed to {verb} consumer group offsets for connector {} either because its tasks haven't stopped \
             completely yet or the connector was resumed",
            stage.connector
        );
        assert!(status == 500 && message.starts_with(&start), "{offset}: {status} {message}");
        assert!(message.contains("zombie sink tasks"), "{message}");
    }
    let answer = rest.delete(&asked.path()).await;
    let start = format!("Failed to reset consumer group offsets for connector {}", stage.connector);
    assert!(answer.status == 500 && answer.message().starts_with(&start), "{}", answer.body);
    drop(other);
    wait_for("the member to leave", Duration::from_mins(1), async || {
        (asked.patch(json!([offset(topic, 0, &at(1))])).await.0 == 200).then_some(())
    })
    .await;
    assert_eq!(kafka.committed(&group, topic, PARTITIONS).await, [1, -1]);
    assert_eq!(asked.offsets().await, json!([offset(topic, 0, &at(1))]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_topics_that_were_read_are_listed_until_they_are_reset() {
    let kafka = Kafka::shared().await;
    let stage = Stage::running(kafka, PARTITIONS).await;
    let rest = stage.worker.rest();
    let path = format!("/connectors/{}/topics", stage.connector);
    let listed = async |topics: Value| {
        wait_for(format!("topics {topics}"), Duration::from_mins(1), async || {
            let answer = rest.get(&path).await;
            (answer.body == json!({ &stage.connector: { "topics": topics } })).then_some(())
        })
        .await;
    };
    listed(json!([])).await;
    stage.send(kafka, 10).await;
    listed(json!([stage.topic])).await;
    assert_eq!(rest.put(&format!("{path}/reset")).await.status, 202);
    listed(json!([])).await;
    // What is read from now on is listed again.
    let load = stage.load(kafka, 50);
    listed(json!([stage.topic])).await;
    load.stop().await;
    assert_eq!(rest.get("/connectors/none/topics").await.body, json!({ "none": { "topics": [] } }));
    assert_eq!(rest.put("/connectors/none/topics/reset").await.status, 202);
    assert_eq!(rest.delete(&format!("/connectors/{}", stage.connector)).await.status, 204);
    listed(json!([])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topic_tracking_can_be_forbidden() {
    let kafka = Kafka::shared().await;
    for (key, read, reset) in [
        ("topic.tracking.enable", 403, "Topic tracking is disabled."),
        ("topic.tracking.allow.reset", 200, "Topic tracking reset is disabled."),
    ] {
        let worker = Worker::with(kafka, &[(key, "false")]).await;
        let answer = worker.rest().get("/connectors/a/topics").await;
        assert_eq!(answer.status, read, "{}", answer.body);
        let answer = worker.rest().put("/connectors/a/topics/reset").await;
        assert_eq!(answer.body, json!({ "error_code": 403, "message": reset }));
    }
}
