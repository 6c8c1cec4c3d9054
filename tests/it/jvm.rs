//! From a JVM worker to ours and back, on the same group and topics: connectors, configs, target states, task configs and
//! offsets are the same on both sides, and connectors of classes that only the JVM has run there again after us.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::migrate;
use crate::support::{JvmWorker, Kafka, Rest, TestWorker, unique, wait_for};

/// One cluster's names and files.
struct Cluster {
    kafka: &'static Kafka,
    name: String,
    topic: String,
    dir: TempDir,
}

const LINES: u32 = 20;

impl Cluster {
    async fn new() -> Self {
        let kafka = Kafka::shared().await;
        let (name, topic) = (unique("jvm"), unique("lines"));
        kafka.create_topic(&topic, 2).await;
        kafka.create_topic(&format!("{topic}-quiet"), 2).await;
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        Self { kafka, name, topic, dir }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A connector's name, and so its group's, of this cluster alone.
    fn named(&self, name: &str) -> String {
        format!("{}-{name}", self.name)
    }

    fn path(&self, name: &str, rest: &str) -> String {
        format!("/connectors/{}{rest}", self.named(name))
    }

    fn names(&self, names: &[&str]) -> Vec<String> {
        names.iter().map(|name| self.named(name)).collect()
    }

    fn quiet(&self) -> String {
        format!("{}-quiet", self.topic)
    }

    /// A connector that only the JVM can run.
    fn file_sink(&self, name: &str) -> Value {
        json!({
            "connector.class": "FileStreamSink", "tasks.max": "1", "topics": self.topic, "name": self.named(name),
            "file": self.file(name).to_str().expect("text"),
        })
    }

    /// A connector that only we can run; its topic stays empty, since nobody plays Kusto here.
    fn kusto(&self, name: &str) -> Value {
        json!({
            "connector.class": "com.microsoft.azure.kusto.kafka.connect.sink.KustoSinkConnector",
            "topics": self.quiet(), "tasks.max": "2", "name": self.named(name),
            "kusto.tables.topics.mapping":
                format!("[{{'topic':'{}','db':'d','table':'T','format':'csv','mapping':'m'}}]", self.quiet()),
            "kusto.ingestion.url": "https://localhost:8443", "kusto.query.url": "https://localhost:8443",
            "aad.auth.strategy": "AZ_DEV_TOKEN", "aad.auth.accesstoken": "x",
            "key.converter": "org.apache.kafka.connect.storage.StringConverter",
            "value.converter": "org.apache.kafka.connect.storage.StringConverter",
        })
    }

    async fn send_lines(&self, round: u32) {
        let sender = self.kafka.producer();
        for line in 0..LINES {
            let text = format!("{round} {line}");
            sender
                .send(&self.topic, i32::try_from(line % 2).expect("a partition"), Some(text.as_bytes()))
                .await;
        }
        sender.flush();
    }

    /// Waits until the file of `name` has all lines of these rounds, and nothing else.
    async fn wait_for_lines(&self, name: &str, rounds: u32) {
        let mut expected: Vec<String> =
            (0..rounds).flat_map(|round| (0..LINES).map(move |line| format!("{round} {line}"))).collect();
        expected.sort();
        wait_for(format!("{} lines in {name}", expected.len()), Duration::from_mins(1), async || {
            let text = std::fs::read_to_string(self.file(name)).ok()?;
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort();
            (lines == expected).then_some(())
        })
        .await;
    }

    async fn configs(&self) -> Vec<(Option<String>, Option<String>)> {
        self.kafka.records(&format!("{}-configs", self.name)).await
    }
}

async fn ok(rest: &Rest, method: &str, path: &str, body: Option<&Value>) -> Value {
    let answer = rest.send(method, path, body.map(Value::to_string)).await;
    assert!((200..300).contains(&answer.status), "{method} {path}: {} {}", answer.status, answer.body);
    answer.body
}

fn sorted(names: &Value) -> Vec<String> {
    let mut names: Vec<String> = serde_json::from_value(names.clone()).expect("names");
    names.sort();
    names
}

/// Offsets without their order.
async fn offsets(rest: &Rest, name: &str) -> Vec<String> {
    let answer = ok(rest, "GET", &format!("/connectors/{name}/offsets"), None).await;
    let offset = |entry: &Value| {
        let (partition, offset) = (&entry["partition"]["kafka_partition"], &entry["offset"]["kafka_offset"]);
        format!("{partition}@{offset}")
    };
    let mut all: Vec<_> = answer["offsets"].as_array().expect("a list").iter().map(offset).collect();
    all.sort();
    all
}

/// The JVM writes: one connector that has read and runs, one paused.
async fn jvm_first(cluster: &Cluster) -> Vec<String> {
    cluster.send_lines(0).await;
    let jvm = JvmWorker::start(cluster.kafka.bootstrap(), &cluster.name).await;
    for name in ["file", "late-pause", "late-stop"] {
        ok(jvm.rest(), "PUT", &cluster.path(name, "/config"), Some(&cluster.file_sink(name))).await;
        jvm.rest().wait_for_states(&cluster.named(name), "RUNNING", &["RUNNING"]).await;
        cluster.wait_for_lines(name, 1).await;
    }
    let paused = json!({ "name": cluster.named("paused"), "config": cluster.file_sink("paused"), "initial_state": "PAUSED" });
    ok(jvm.rest(), "POST", "/connectors", Some(&paused)).await;
    jvm.rest().wait_for_states(&cluster.named("paused"), "PAUSED", &[]).await;
    // The offsets are committed when the tasks stop.
    ok(jvm.rest(), "PUT", &cluster.path("file", "/stop"), None).await;
    jvm.rest().wait_for_states(&cluster.named("file"), "STOPPED", &[]).await;
    let committed = offsets(jvm.rest(), &cluster.named("file")).await;
    ok(jvm.rest(), "PUT", &cluster.path("file", "/resume"), None).await;
    jvm.rest().wait_for_states(&cluster.named("file"), "RUNNING", &["RUNNING"]).await;
    jvm.stop().await;
    committed
}

/// We find what the JVM left, and write our own.
async fn we_take_over(cluster: &Cluster, committed: &[String]) {
    let history = cluster.configs().await;
    let ours = TestWorker::start(cluster.kafka.bootstrap(), &cluster.name, &[]).await;
    let rest = Rest::new(format!("http://{}", ours.address()));
    let names = ok(&rest, "GET", "/connectors", None).await;
    assert_eq!(sorted(&names), cluster.names(&["file", "late-pause", "late-stop", "paused"]));
    for (name, tasks) in [("file", 1), ("late-pause", 1), ("late-stop", 1), ("paused", 0)] {
        let info = ok(&rest, "GET", &cluster.path(name, ""), None).await;
        assert_eq!((&info["config"], &info["type"]), (&cluster.file_sink(name), &json!("unknown")));
        assert_eq!(info["tasks"].as_array().expect("tasks").len(), tasks, "{name}");
        let status = rest
            .wait_for_states(&cluster.named(name), "FAILED", if tasks == 0 { &[] } else { &["FAILED"] })
            .await;
        assert!(
            status["connector"]["trace"].as_str().expect("a trace").contains("FileStreamSink"),
            "{status}"
        );
    }
    assert_eq!(offsets(&rest, &cluster.named("file")).await, committed);
    // Wishes for them are kept for who can fulfil them.
    ok(&rest, "PUT", &cluster.path("late-pause", "/pause"), None).await;
    ok(&rest, "PUT", &cluster.path("late-stop", "/stop"), None).await;

    for name in ["runs", "holds", "stops", "changes", "goes"] {
        ok(&rest, "PUT", &cluster.path(name, "/config"), Some(&cluster.kusto(name))).await;
        wait_for(format!("tasks of {name}"), Duration::from_mins(1), async || {
            let tasks = ok(&rest, "GET", &cluster.path(name, "/tasks"), None).await;
            (tasks.as_array()?.len() == 2).then_some(())
        })
        .await;
    }
    ok(&rest, "PUT", &cluster.path("holds", "/pause"), None).await;
    ok(&rest, "PUT", &cluster.path("stops", "/stop"), None).await;
    rest.wait_for_states(&cluster.named("stops"), "STOPPED", &[]).await;
    let place = json!({ "kafka_topic": cluster.topic, "kafka_partition": 1 });
    let wish = json!({ "offsets": [{ "partition": place, "offset": { "kafka_offset": 3 } }] });
    wait_for("an empty group", Duration::from_mins(1), async || {
        let answer = rest.send("PATCH", &cluster.path("stops", "/offsets"), Some(wish.to_string())).await;
        (answer.status == 200).then_some(())
    })
    .await;
    ok(&rest, "PATCH", &cluster.path("changes", "/config"), Some(&json!({ "tasks.max": "1" }))).await;
    wait_for("one task", Duration::from_mins(1), async || {
        let tasks = ok(&rest, "GET", &cluster.path("changes", "/tasks"), None).await;
        (tasks.as_array()?.len() == 1).then_some(())
    })
    .await;
    ok(&rest, "DELETE", &cluster.path("goes", ""), None).await;
    assert!(ours.stop().await);
    // Nothing of the JVM's was touched.
    let now = cluster.configs().await;
    assert_eq!(now[..history.len()], history[..]);
}

/// The JVM finds what we left.
async fn back_to_the_jvm(cluster: &Cluster) {
    let jvm = JvmWorker::start(cluster.kafka.bootstrap(), &cluster.name).await;
    let rest = jvm.rest();
    let names = ok(rest, "GET", "/connectors", None).await;
    let all = ["changes", "file", "holds", "late-pause", "late-stop", "paused", "runs", "stops"];
    assert_eq!(sorted(&names), cluster.names(&all));
    for (name, tasks) in [("runs", 2), ("holds", 2), ("stops", 0), ("changes", 1)] {
        let mut config = cluster.kusto(name);
        if name == "changes" {
            config["tasks.max"] = json!("1");
        }
        let info = ok(rest, "GET", &cluster.path(name, ""), None).await;
        assert_eq!(info["config"], config, "{name}");
        let found = ok(rest, "GET", &cluster.path(name, "/tasks"), None).await;
        let found = found.as_array().expect("tasks");
        assert_eq!(found.len(), tasks, "{name}");
        for task in found {
            config["task.class"] = json!("com.microsoft.azure.kusto.kafka.connect.sink.KustoSinkTask");
            assert_eq!(task["config"], config, "{name}");
        }
    }
    // Where its own classes are concerned, it acts on what we wrote.
    rest.wait_for_states(&cluster.named("file"), "RUNNING", &["RUNNING"]).await;
    rest.wait_for_states(&cluster.named("late-pause"), "PAUSED", &["PAUSED"]).await;
    rest.wait_for_states(&cluster.named("late-stop"), "STOPPED", &[]).await;
    cluster.send_lines(1).await;
    cluster.wait_for_lines("file", 2).await;
    // Ours it cannot load; what it says of them is its own word by now.
    let status =
        rest.wait_for_states(&cluster.named("runs"), "FAILED", &["FAILED", "RUNNING", "UNASSIGNED"]).await;
    assert!(
        status["connector"]["trace"].as_str().expect("a trace").contains("KustoSinkConnector"),
        "{status}"
    );
    let committed =
        cluster.kafka.committed(&format!("connect-{}", cluster.named("stops")), &cluster.topic, 2).await;
    assert_eq!(committed, [-1, 3]);
    ok(rest, "PUT", &cluster.path("runs", "/pause"), None).await;
    ok(rest, "DELETE", &cluster.path("changes", ""), None).await;
    jvm.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_goes_from_the_jvm_to_us_and_back_and_forth() {
    let cluster = Cluster::new().await;
    let committed = jvm_first(&cluster).await;
    we_take_over(&cluster, &committed).await;
    back_to_the_jvm(&cluster).await;

    let ours = TestWorker::start(cluster.kafka.bootstrap(), &cluster.name, &[]).await;
    let rest = Rest::new(format!("http://{}", ours.address()));
    let names = ok(&rest, "GET", "/connectors", None).await;
    assert_eq!(
        sorted(&names),
        cluster.names(&["file", "holds", "late-pause", "late-stop", "paused", "runs", "stops"])
    );
    rest.wait_for_states(&cluster.named("stops"), "STOPPED", &[]).await;
    assert_eq!(offsets(&rest, &cluster.named("stops")).await, ["1@3"]);
    wait_for("runs to be paused, as the JVM was told", Duration::from_mins(1), async || {
        let status = ok(&rest, "GET", &cluster.path("runs", "/status"), None).await;
        (status["connector"]["state"] == "PAUSED").then_some(())
    })
    .await;
    assert!(ours.stop().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_jvm_cluster_keeps_us_out_until_it_is_stopped() {
    let cluster = Cluster::new().await;
    let jvm = JvmWorker::start(cluster.kafka.bootstrap(), &cluster.name).await;
    ok(jvm.rest(), "PUT", &cluster.path("file", "/config"), Some(&cluster.file_sink("file"))).await;
    jvm.rest().wait_for_states(&cluster.named("file"), "RUNNING", &["RUNNING"]).await;
    let history = cluster.configs().await;

    let ours = TestWorker::start(cluster.kafka.bootstrap(), &cluster.name, &[]).await;
    let health = async || ours.send("GET", "/health", None).await;
    wait_for("a clear word", Duration::from_mins(1), async || {
        let (status, health) = health().await;
        let message = health["message"].as_str().unwrap_or_default();
        let group = format!("group.id={}", cluster.name);
        let clear = message.contains("a running JVM Connect cluster") && message.contains(&group);
        (status == 503 && health["status"] == "starting" && clear).then_some(())
    })
    .await;
    let report = migrate::report(cluster.kafka, &cluster.name);
    assert_eq!(report["group"]["state"], "jvm", "{report}");
    assert_eq!(report["group"]["members"].as_array().expect("a list").len(), 1, "{report}");
    assert_eq!(cluster.configs().await, history, "nothing was written");
    jvm.rest().wait_for_states(&cluster.named("file"), "RUNNING", &["RUNNING"]).await;

    jvm.stop().await;
    wait_for("our turn", Duration::from_mins(1), async || (health().await.0 == 200).then_some(())).await;
    assert_eq!(ours.send("GET", "/connectors", None).await, (200, json!([cluster.named("file")])));
    assert!(ours.stop().await);
}
