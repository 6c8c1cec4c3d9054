//! `kusto-connect migrate --check` on real topics: it says what would happen and changes nothing.

use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::support::{Kafka, TestWorker, unique, wait_for};

/// Runs the command as a user does.
fn check(kafka: &Kafka, cluster: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kusto-connect"))
        .args(["migrate", "--check"])
        .args(arguments)
        .env("BOOTSTRAP_SERVERS", kafka.bootstrap())
        .env("GROUP_ID", cluster)
        .env("CONFIG_STORAGE_TOPIC", format!("{cluster}-configs"))
        .env("OFFSET_STORAGE_TOPIC", format!("{cluster}-offsets"))
        .env("STATUS_STORAGE_TOPIC", format!("{cluster}-statuses"))
        .output()
        .expect("the command runs")
}

/// What the command says, for programs.
pub fn report(kafka: &Kafka, cluster: &str) -> Value {
    let output = check(kafka, cluster, &["--json"]);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

fn kusto(topic: &str) -> Value {
    json!({
        "connector.class": "KustoSinkConnector", "topics": topic, "tasks.max": "2", "behavior.on.error": "LOG",
        "kusto.tables.topics.mapping": format!("[{{'topic':'{topic}','db':'d','table':'T','format':'csv'}}]"),
        "kusto.ingestion.url": "https://localhost:8443", "kusto.query.url": "https://localhost:8443",
        "aad.auth.strategy": "AZ_DEV_TOKEN", "aad.auth.accesstoken": "a secret",
    })
}

async fn topics(kafka: &Kafka, cluster: &str) -> Vec<Vec<(i32, Option<String>, Option<String>)>> {
    let mut all = Vec::new();
    for (topic, partitions) in [("configs", 1), ("statuses", 5)] {
        all.push(kafka.all_records(&format!("{cluster}-{topic}"), partitions).await);
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_without_topics_is_named_and_none_is_made() {
    let kafka = Kafka::shared().await;
    let cluster = unique("nobody");
    let output = check(kafka, &cluster, &[]);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{error}");
    assert!(error.contains(&format!("the config topic {cluster}-configs does not exist")), "{error}");
    assert!(!kafka.topics().await.iter().any(|topic| topic.starts_with(&cluster)));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_connector_is_weighed_and_nothing_is_changed() {
    let kafka = Kafka::shared().await;
    let cluster = unique("weighed");
    let (topic, good) = (format!("{cluster}-topic"), format!("{cluster}-good"));
    kafka.create_topic(&topic, 2).await;
    let worker = TestWorker::start(kafka.bootstrap(), &cluster, &[]).await;
    let body = json!({ "name": good, "config": kusto(&topic), "initial_state": "STOPPED" });
    let (status, answer) = worker.send("POST", "/connectors", Some(&body)).await;
    assert_eq!(status, 201, "{answer}");
    let place = json!({ "kafka_topic": topic, "kafka_partition": 1 });
    let path = format!("/connectors/{good}/offsets");
    let wish = json!({ "offsets": [{ "partition": place, "offset": { "kafka_offset": 0 } }] });
    wait_for("offsets", std::time::Duration::from_mins(1), async || {
        (worker.send("PATCH", &path, Some(&wish)).await.0 == 200).then_some(())
    })
    .await;
    assert!(worker.stop().await);
    let output = check(kafka, &cluster, &["--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));

    // As another cluster's tools might have left it.
    let record = |key: &str, config: &Value| {
        let value = json!({ "properties": config }).to_string();
        (Some(key.as_bytes().to_vec()), Some(value.into_bytes()))
    };
    let mut bad = kusto(&topic);
    bad["tasks.max"] = json!("many");
    bad["name"] = json!("bad");
    let foreign = json!({ "connector.class": "FileStreamSink", "topics": topic, "name": "foreign" });
    let records = [record("connector-bad", &bad), record("connector-foreign", &foreign)];
    kafka.write(&format!("{cluster}-configs"), &records).await;

    let before = topics(kafka, &cluster).await;
    let output = check(kafka, &cluster, &["--json"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON and nothing else");
    assert_eq!((&report["blocked"], &report["group"]["state"]), (&json!(true), &json!("empty")));
    let connector = |name: &str| {
        let all = report["connectors"].as_array().expect("a list");
        all.iter().find(|connector| connector["name"] == name).expect(name).clone()
    };
    let found = connector(&good);
    assert_eq!((&found["verdict"], &found["target_state"]), (&json!("runs"), &json!("STOPPED")));
    assert_eq!(found["offsets"], json!([{ "topic": topic, "partition": 1, "offset": 0 }]));
    assert!(
        found["differences"][0].as_str().expect("a sentence").starts_with("behavior.on.error"),
        "{found}"
    );
    let bad = connector("bad");
    assert_eq!(bad["verdict"], "blocked");
    assert!(bad["blockers"][0].as_str().expect("a reason").contains("tasks.max"), "{bad}");
    let foreign = connector("foreign");
    assert_eq!((&foreign["verdict"], &foreign["differences"]), (&json!("foreign"), &json!([])));

    let said = says_in_words(kafka, &cluster, &good);
    assert!(!said.contains("a secret") && !report.to_string().contains("a secret"));
    assert_eq!(topics(kafka, &cluster).await, before);
}

/// The answer for people.
fn says_in_words(kafka: &Kafka, cluster: &str, good: &str) -> String {
    let output = check(kafka, cluster, &[]);
    let said = text(&output.stdout);
    for words in [
        format!("Connect cluster {cluster} on {}", kafka.bootstrap()),
        format!("{good}: STOPPED, 0 tasks, STOPPED on "),
        "-good has committed 1 partitions, it goes on there".to_owned(),
        "BLOCKED: Invalid value many for configuration tasks.max".to_owned(),
        "left alone: FileStreamSink is not a class of this worker".to_owned(),
        "1 connectors run here, 1 are blocked, 1 are left alone. The takeover is blocked.".to_owned(),
    ] {
        assert!(said.contains(&words), "{words}\nis not in\n{said}");
    }
    said
}
