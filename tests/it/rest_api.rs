//! REST against a real broker: what the recording does not show. Each test is one promise of `connect-runtime.md` §1.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Kafka, TestWorker, Worker, unique, wait_for};

const PAUSE: Duration = Duration::from_secs(30);

fn config(topic: &str) -> Value {
    json!({
        "connector.class": "KustoSinkConnector", "topics": topic, "tasks.max": "2",
        "kusto.tables.topics.mapping": format!("[{{'topic': '{topic}', 'db': 'd', 'table': 'T', 'format': 'csv'}}]"),
        "kusto.ingestion.url": "https://localhost:8443", "kusto.query.url": "https://localhost:8443",
    })
}

/// A worker and a topic that its connectors may read.
struct Set {
    worker: TestWorker,
    config: Value,
}

async fn set() -> Set {
    let kafka = Kafka::shared().await;
    let topic = unique("rest");
    kafka.create_topic(&topic, 2).await;
    let worker = TestWorker::start(kafka.bootstrap(), &unique("rest"), &[]).await;
    Set { worker, config: config(&topic) }
}

impl Set {
    async fn create(&self, name: &str, state: Option<&str>) -> (u16, Value) {
        let mut body = json!({ "name": name, "config": self.config });
        if let Some(state) = state {
            body["initial_state"] = json!(state);
        }
        self.worker.send("POST", "/connectors", Some(&body)).await
    }

    async fn get(&self, path: &str) -> Value {
        self.worker.send("GET", path, None).await.1
    }

    async fn status_becomes(&self, name: &str, state: &str, tasks: &[&str]) {
        wait_for(format!("{name} {state} {tasks:?}"), PAUSE, async || {
            let status = self.get(&format!("/connectors/{name}/status")).await;
            let found: Vec<_> =
                status["tasks"].as_array()?.iter().map(|task| task["state"].clone()).collect();
            (status["connector"]["state"] == state && found == tasks).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connector_begins_in_the_state_that_was_asked_for() {
    let set = set().await;
    for (name, state, tasks) in [("p", "paused", &[][..]), ("s", "STOPPED", &[])] {
        assert_eq!(set.create(name, Some(state)).await.0, 201);
        set.status_becomes(name, &state.to_uppercase(), tasks).await;
    }
    assert_eq!(set.create("x", Some("ASLEEP")).await.0, 400);
    // Resumed, both run with tasks; twice is as once.
    for name in ["p", "s", "p"] {
        let (status, body) = set.worker.send("PUT", &format!("/connectors/{name}/resume"), None).await;
        assert_eq!((status, body), (202, Value::Null));
        set.status_becomes(name, "RUNNING", &["RUNNING", "RUNNING"]).await;
    }
    for (verb, state, tasks) in [("pause", "PAUSED", &["PAUSED", "PAUSED"][..]), ("stop", "STOPPED", &[])] {
        for _ in 0..2 {
            let (status, body) = set.worker.send("PUT", &format!("/connectors/p/{verb}"), None).await;
            assert_eq!((status, body), (if verb == "stop" { 204 } else { 202 }, Value::Null));
        }
        set.status_becomes("p", state, tasks).await;
    }
    // A config written again keeps what the user wants.
    let (status, _) = set.worker.send("PUT", "/connectors/p/config", Some(&set.config)).await;
    assert_eq!(status, 200);
    set.status_becomes("p", "STOPPED", &[]).await;
    assert!(set.worker.stop().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_connectors_and_tasks_are_not_found_in_connects_words() {
    let set = set().await;
    for (method, path, message) in [
        ("GET", "/connectors/no/config", "Connector no not found"),
        ("GET", "/connectors/no/tasks/0/status", "No status found for task no-0"),
        ("PUT", "/connectors/no/resume", "Unknown connector no"),
        ("PUT", "/connectors/no/stop", "Unknown connector no"),
        ("POST", "/connectors/no/restart?includeTasks=true", "Unknown connector: no"),
        ("POST", "/connectors/no/restart?onlyFailed=true", "Unknown connector: no"),
        ("POST", "/connectors/no/tasks/0/restart", "Unknown connector: no"),
        ("GET", "/connectors/no/offsets", "Connector no not found"),
        ("DELETE", "/connectors/no/offsets", "Connector no not found"),
        ("GET", "/connector-plugins/no/config", "Unknown plugin no."),
        ("GET", "/admin/loggers/no", "Logger no not found."),
        ("GET", "/connectors/no/tasks-config", "HTTP 404 Not Found"),
    ] {
        let (status, answer) = set.worker.send(method, path, None).await;
        assert_eq!(
            (status, answer),
            (404, json!({"error_code": 404, "message": message})),
            "{method} {path}"
        );
    }
    assert!(set.worker.stop().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_can_be_expanded_in_two_ways_at_once_and_ignore_what_is_unknown() {
    let set = set().await;
    assert_eq!(set.create("one", None).await.0, 201);
    set.status_becomes("one", "RUNNING", &["RUNNING", "RUNNING"]).await;
    let both = set.get("/connectors?expand=info&expand=status&search=x").await;
    assert_eq!(both["one"]["info"], set.get("/connectors/one").await);
    assert_eq!(both["one"]["status"], set.get("/connectors/one/status").await);
    assert_eq!(set.get("/connectors?expand=info,status").await, json!({"one": {}}));
    assert_eq!(set.get("/connectors/").await, json!(["one"]));
    assert!(set.worker.stop().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_of_what_failed_leaves_what_runs_alone() {
    let set = set().await;
    assert_eq!(set.create("r", None).await.0, 201);
    set.status_becomes("r", "RUNNING", &["RUNNING", "RUNNING"]).await;
    let shown = |answer: &Value| [answer["connector"]["state"].clone(), answer["tasks"][1]["state"].clone()];
    for (query, expected) in [
        ("onlyFailed=true", ["RUNNING", "RUNNING"]),
        ("includeTasks=true&onlyFailed=true", ["RUNNING", "RUNNING"]),
        ("includeTasks=TRUE&onlyFailed=no", ["RESTARTING", "RESTARTING"]),
    ] {
        let (status, answer) = set.worker.send("POST", &format!("/connectors/r/restart?{query}"), None).await;
        assert_eq!((status, shown(&answer)), (202, expected.map(Value::from)), "{query}");
        set.status_becomes("r", "RUNNING", &["RUNNING", "RUNNING"]).await;
    }
    assert!(set.worker.stop().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_patched_config_is_what_runs_and_what_a_new_worker_reads() {
    let kafka = Kafka::shared().await;
    let cluster = unique("patch");
    let topic = unique("patch");
    kafka.create_topic(&topic, 1).await;
    let worker = TestWorker::start(kafka.bootstrap(), &cluster, &[]).await;
    let set = Set { worker, config: config(&topic) };
    assert_eq!(set.create("p", None).await.0, 201);
    let patch = json!({ "tasks.max": 1, "flush.interval.ms": "2000", "aad.auth.authority": null });
    let (status, info) = set.worker.send("PATCH", "/connectors/p/config", Some(&patch)).await;
    assert_eq!((status, &info["config"]["tasks.max"]), (200, &json!("1")));
    set.status_becomes("p", "RUNNING", &["RUNNING"]).await;
    let patched = set.get("/connectors/p/config").await;
    assert!(set.worker.stop().await);
    let again = TestWorker::start(kafka.bootstrap(), &cluster, &[]).await;
    assert_eq!(again.send("GET", "/connectors/p/config", None).await.1, patched);
    assert_eq!(patched["flush.interval.ms"], "2000");
    assert!(again.stop().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loggers_level_for_the_cluster_is_not_set_again_by_a_worker_that_starts() {
    let kafka = Kafka::shared().await;
    let cluster = unique("loggers");
    let worker = TestWorker::start(kafka.bootstrap(), &cluster, &[]).await;
    let level = json!({ "level": "trace" });
    let answer = worker.send("PUT", "/admin/loggers/org.example?scope=cluster", Some(&level)).await;
    assert_eq!(answer, (204, Value::Null));
    let (status, set) = worker.send("GET", "/admin/loggers/org.example", None).await;
    assert_eq!((status, &set["level"]), (200, &json!("TRACE")));
    assert!(worker.stop().await);
    let again = TestWorker::start(kafka.bootstrap(), &cluster, &[]).await;
    assert_eq!(again.send("GET", "/connectors", None).await, (200, json!([])));
    assert_eq!(again.send("GET", "/admin/loggers/org.example", None).await.0, 404);
    assert!(again.stop().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_level_that_is_set_turns_the_lines_of_a_running_process_on_and_off() {
    let kafka = Kafka::shared().await;
    let worker = Worker::start(kafka).await;
    let set = async |level: &str| {
        let body = json!({ "level": level }).to_string();
        let path = "/admin/loggers/org.apache.kafka.connect.runtime.rest";
        assert_eq!(worker.rest().send("PUT", path, Some(body)).await.status, 200);
    };
    let ask = async |name: &str| worker.rest().get(&format!("/connectors/{name}")).await;
    // Reads are logged at the level DEBUG only.
    ask("before").await;
    set("debug").await;
    ask("while").await;
    set("OFF").await;
    ask("behind").await;
    set("TRACE").await;
    ask("again").await;
    let log = wait_for("the line of the last request", PAUSE, async || {
        Some(worker.log()).filter(|log| log.contains("/connectors/again"))
    })
    .await;
    assert!(log.contains("/connectors/while"), "{log}");
    assert!(!log.contains("/connectors/before") && !log.contains("/connectors/behind"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_validation_finds_is_what_a_creation_refuses() {
    let set = set().await;
    let mut config = set.config.clone();
    for (key, value) in [
        ("name", json!("v")),
        ("tasks.max", json!(0)),
        ("topics.regex", json!("a.*")),
        ("errors.tolerance", json!("some")),
        ("value.converter", json!("org.example.Nope")),
        ("consumer.override.session.timeout.ms", json!("soon")),
        ("kusto.tables.topics.mapping", Value::Null),
    ] {
        config[key] = value;
    }
    let (status, found) =
        set.worker.send("PUT", "/connector-plugins/KustoSink/config/validate", Some(&config)).await;
    assert_eq!(status, 200, "{found}");
    let errors: Vec<_> = found["configs"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|info| info["value"]["errors"].as_array().unwrap())
        .map(|error| error.as_str().unwrap())
        .collect();
    assert_eq!(found["error_count"], json!(errors.len()));
    assert!(errors.len() >= 6, "{errors:?}");
    let (status, refused) = set.worker.send("PUT", "/connectors/v/config", Some(&config)).await;
    let message = refused["message"].as_str().unwrap();
    assert_eq!(status, 400);
    assert!(message.starts_with(&format!(
        "Connector configuration is invalid and contains the following {} error(s):",
        errors.len()
    )));
    assert!(message.contains(&errors.join("\n")), "{message}");
    assert_eq!(set.get("/connectors").await, json!([]));
    assert!(set.worker.stop().await);
}
