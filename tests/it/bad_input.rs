//! Bad input: each mistake of a user gets a clear answer that names what to change, and the worker keeps running.

use std::time::Duration;

use adx_emulator::Operation;
use adx_emulator::faults::{Effect, Rule};
use serde_json::{Value, json};

use crate::support::sentences::{FORBIDDEN, MISSING_MAPPING, SEVERAL_TARGETS, UNREACHABLE};
use crate::support::{Kafka, Stage, Worker, free_port, unique, wait_for};

/// The worker still creates a connector and moves rows with it.
async fn assert_works(stage: &Stage, kafka: &Kafka) {
    let name = unique("afterwards");
    let before = stage.adx.count("Numbers").await;
    stage.worker.rest().create_running(&name, &stage.config()).await;
    let sent = stage.send(kafka, 50).await;
    wait_for("the worker to work on", Duration::from_mins(1), async || {
        (stage.adx.count("Numbers").await >= before + sent.total()).then_some(())
    })
    .await;
    assert_eq!(stage.worker.rest().delete(&format!("/connectors/{name}")).await.status, 204);
}

/// The stage's settings with changes; a null takes a key out.
fn changed(stage: &Stage, changes: &Value) -> Value {
    let mut config = stage.config();
    let all = config.as_object_mut().expect("an object");
    for (key, value) in changes.as_object().expect("an object") {
        if value.is_null() {
            all.remove(key);
        } else {
            all.insert(key.clone(), value.clone());
        }
    }
    config
}

fn mapping(text: &str) -> Value {
    json!({ "kusto.tables.topics.mapping": text })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_bodies_are_refused() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 1).await;
    let rest = stage.worker.rest();
    let bodies = [
        ("", "empty"),
        ("{\"name\": \"x\", \"config\": {", "cut off"),
        ("name=x", "no JSON"),
        ("null", "null"),
        ("[]", "an array"),
        ("{\"name\": \"x\"}", "no config"),
        ("{\"name\": \"x\", \"config\": null}", "a null config"),
        ("{\"name\": \"x\", \"config\": []}", "an array as config"),
        ("{\"name\": \"x\", \"config\": {}, \"colour\": 1}", "an unknown field"),
        ("{\"name\": {}, \"config\": {}}", "a name that is no text"),
        ("{\"name\": \"x\", \"config\": {\"topics\": {\"a\": 1}}}", "a setting that is no text"),
        ("{\"name\": \"x\", \"config\": {}, \"initial_state\": \"ASLEEP\"}", "an unknown state"),
    ];
    for (body, what) in bodies {
        let answer = rest.send("POST", "/connectors", Some(body.to_owned())).await;
        assert_eq!(answer.status, 400, "{what}: {}", answer.body);
        assert_eq!(answer.body["error_code"], 400, "{what}");
        assert!(answer.message().len() > 10, "{what}: {}", answer.body);
    }
    for (body, what) in [("{", "cut off"), ("[]", "an array"), ("null", "null")] {
        let answer = rest.send("PUT", "/connectors/x/config", Some(body.to_owned())).await;
        assert_eq!(answer.status, 400, "{what}: {}", answer.body);
    }
    assert_eq!(rest.get("/connectors").await.body, json!([]));
    assert_works(&stage, kafka).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_settings_are_all_named_at_once() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 1).await;
    let transforms = json!({
        "transforms": "t",
        "transforms.t.type": "org.apache.kafka.connect.transforms.ValueToKey",
        "transforms.t.fields": "f,,g",
    });
    // What is changed, and what the answer must name.
    let cases: [(Value, u16, &[&str]); 18] = [
        (json!({ "connector.class": null }), 400, &["contains no connector type"]),
        (
            json!({ "connector.class": "com.example.Nothing" }),
            400,
            &["Failed to find any class that implements Connector", "com.example.Nothing"],
        ),
        (
            json!({ "kusto.ingestion.url": null, "kusto.query.url": null, "kusto.tables.topics.mapping": null }),
            400,
            &["error(s)", "kusto.ingestion.url", "kusto.query.url", "kusto.tables.topics.mapping"],
        ),
        (
            json!({ "flush.size.bytes": "much", "tasks.max": "two", "flush.interval.ms": "1" }),
            400,
            &["flush.size.bytes", "tasks.max", "flush.interval.ms"],
        ),
        (json!({ "tasks.max": "0" }), 400, &["tasks.max"]),
        (json!({ "topics": null }), 400, &["topics"]),
        (json!({ "topics.regex": "a.*" }), 400, &["topics.regex"]),
        (
            json!({ "value.converter": "com.example.Converter" }),
            400,
            &["value.converter", "com.example.Converter"],
        ),
        (json!({ "behavior.on.error": "Explode" }), 400, &["behavior.on.error"]),
        (json!({ "aad.auth.strategy": "PASSWORD" }), 400, &["aad.auth.strategy"]),
        (json!({ "kusto.ingestion.url": "http://example.com" }), 400, &["kusto.ingestion.url"]),
        (json!({ "kusto.ingestion.url": "no url at all" }), 400, &["kusto.ingestion.url"]),
        (json!({ "kusto.query.url": "https://example.com" }), 400, &["kusto.query.url"]),
        (json!({ "kusto.validation.table.enable": "perhaps" }), 400, &["kusto.validation.table.enable"]),
        (
            json!({ "misc.deadletterqueue.bootstrap.servers": "k:1" }),
            400,
            &["Missing configuration \"misc.deadletterqueue.topic.name\""],
        ),
        (json!({ "proxy.host": "p" }), 400, &["proxy.port", "must be a port"]),
        (
            json!({ "aad.auth.appid": "a", "aad.auth.certificate.path": "/nowhere.pem" }),
            400,
            &["/nowhere.pem"],
        ),
        (transforms, 400, &["transforms.t.fields", "must not be empty"]),
    ];
    for (changes, status, names) in cases {
        let answer = stage.worker.rest().create("wrong", &changed(&stage, &changes)).await;
        assert_eq!(answer.status, status, "{changes}: {}", answer.body);
        for name in names {
            assert!(answer.message().contains(name), "{changes}: no {name:?} in {}", answer.body);
        }
    }
    assert_eq!(stage.worker.rest().get("/connectors").await.body, json!([]));
    assert_works(&stage, kafka).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_mapping_is_named() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 1).await;
    let wrong = [
        "",
        "not json",
        "{'topic': 't', 'db': 'd', 'table': 't'}",
        "[{'topic': 't', 'db': 'd', 'table': 't'",
        "[{'topic': 't', 'db': 'd'}]",
        "[{'topic': 't', 'db': 'd', 'table': 'drop table'}]",
        "[{'topic': 't', 'db': 'd', 'table': 't', 'colour': 1}]",
        "[{'topic': 't', 'db': 'd', 'table': 't', 'streaming': 'perhaps'}]",
        "[null]",
        "[]",
    ];
    for text in wrong {
        let answer = stage.worker.rest().create("wrong", &changed(&stage, &mapping(text))).await;
        assert_eq!(answer.status, 400, "{text}: {}", answer.body);
        assert!(answer.message().contains("kusto.tables.topics.mapping"), "{text}: {}", answer.body);
    }
    assert_works(&stage, kafka).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_mapping_fails_the_task_and_says_how_to_create_it() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 1).await;
    let text = format!(
        "[{{'topic': '{}', 'db': 'lab', 'table': 'Numbers', 'format': 'csv', 'mapping': 'Nowhere'}}]",
        stage.topic
    );
    let answer = stage.worker.rest().create(&stage.connector, &changed(&stage, &mapping(&text))).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let places = ["csv mapping Nowhere of table Numbers in database lab"];
    MISSING_MAPPING.fails(&stage.worker, &stage.connector, &places).await;
    assert_works(&stage, kafka).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_is_not_fit_fails_the_task_before_the_first_record_and_says_how_to_mend_it() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 1).await;
    stage.adx.command(".add table Numbers ingestors ('aadapp=somebody')").await;
    let text =
        format!("[{{'topic': '{}', 'db': 'lab', 'table': 'Numbers', 'streaming': true}}]", stage.topic);
    let validated = json!({
        "kusto.validation.table.enable": "true", "aad.auth.appid": "app-1", "aad.auth.appkey": "k",
        "kusto.tables.topics.mapping": text,
    });
    let config = changed(&stage, &validated);
    assert_eq!(stage.worker.rest().create(&stage.connector, &config).await.status, 201);
    let places = ["2 problems", "table Numbers in database lab", ".add table ['Numbers'] ingestors"];
    let trace = SEVERAL_TARGETS.fails(&stage.worker, &stage.connector, &places).await;
    let commands = [
        ".add table ['Numbers'] ingestors ('aadapp=app-1')",
        ".alter table ['Numbers'] policy streamingingestion enable",
    ];
    for command in commands {
        assert!(trace.contains(command), "{command} in {trace}");
        stage.adx.command(command).await;
    }
    let restart = format!("/connectors/{}/restart?includeTasks=true", stage.connector);
    assert_eq!(stage.worker.rest().post(&restart).await.status, 202);
    let sent = stage.send(kafka, 50).await;
    stage.adx.wait_for_all(&sent, Duration::from_mins(1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_topic_is_logged_and_read_once_it_exists() {
    let kafka = Kafka::shared().await;
    let mut stage = Stage::set(kafka, 1).await;
    stage.topic = unique("later");
    let mut config = stage.config();
    config["consumer.override.topic.metadata.refresh.interval.ms"] = "500".into();
    config["consumer.override.metadata.max.age.ms"] = "500".into();
    stage.worker.rest().create_running(&stage.connector, &config).await;
    wait_for("a line about the topic", Duration::from_mins(1), async || {
        let log = stage.worker.log();
        let words = ["WARN", &stage.topic, "check `topics`: the topic does not exist (yet)"];
        log.lines().any(|line| words.iter().all(|words| line.contains(words))).then_some(())
    })
    .await;
    kafka.create_topic(&stage.topic, 1).await;
    let sent = stage.send(kafka, 50).await;
    stage.adx.wait_for_all(&sent, Duration::from_mins(1)).await;
    stage.assert_running().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unreachable_kafka_is_named_and_waited_for() {
    let mut kafka = Kafka::own().await;
    kafka.stop().await;
    let mut worker = Worker::stopped(kafka.bootstrap(), &[]);
    worker.spawn();
    wait_for("a line about Kafka", Duration::from_mins(1), async || {
        let log = worker.log();
        (log.contains("bootstrap.servers") && log.contains(kafka.bootstrap())).then_some(())
    })
    .await;
    assert!(worker.runs());
    kafka.start().await;
    wait_for("REST once Kafka is there", Duration::from_mins(1), async || {
        let answer = worker.rest().try_send("GET", "/connectors", None).await.ok()?;
        (answer.status == 200).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unreachable_adx_is_logged_with_its_setting_and_tried_again() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 1).await;
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let config = changed(&stage, &json!({ "kusto.ingestion.url": nobody, "kusto.query.url": nobody }));
    stage.worker.rest().create_running(&stage.connector, &config).await;
    let sent = stage.send(kafka, 50).await;
    wait_for("a line about the URL", Duration::from_mins(1), async || {
        let log = stage.worker.log();
        let named = |line: &str| {
            line.contains("WARN") && line.contains("kusto.ingestion.url") && line.contains(&nobody)
        };
        log.lines().any(named).then_some(())
    })
    .await;
    let place = format!("{}-0, offsets 0-49", stage.topic);
    let places = [&*place, "no answer from 127.0.0.1", "(table lab.Numbers)"];
    let trace = UNREACHABLE.waits(&stage.worker, &stage.connector, &places).await;
    assert!(trace.contains("kusto.ingestion.url"), "{trace}");
    assert_eq!(stage.committed(kafka).await, [-1]);
    // The user corrects the address: nothing was lost.
    let path = format!("/connectors/{}/config", stage.connector);
    assert_eq!(stage.worker.rest().send("PUT", &path, Some(stage.config().to_string())).await.status, 200);
    stage.adx.wait_for_all(&sent, Duration::from_mins(1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusing_adx_fails_the_task_with_the_setting() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 1).await;
    for operation in [Operation::IngestionResources, Operation::Mgmt, Operation::IdentityToken] {
        let refused = Effect::Status { status: 403, code: None, retry_after: None };
        stage.adx.faults().add(Rule::new(operation, refused));
    }
    let answer = stage.worker.rest().create(&stage.connector, &stage.config()).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    stage.send(kafka, 50).await;
    let place = format!("{}-0, offsets 0-49", stage.topic);
    let trace = FORBIDDEN.fails(&stage.worker, &stage.connector, &[&place, "(table lab.Numbers)"]).await;
    assert!(trace.contains("aad.auth."), "{trace}");
    stage.adx.faults().clear();
    assert_works(&stage, kafka).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_worker_settings_are_all_named_and_end_the_process() {
    let kafka = Kafka::shared().await;
    let wrong = [
        ("offset.flush.interval.ms", "soon"),
        ("listeners", "https://127.0.0.1:1"),
        ("value.converter", "com.example.Converter"),
    ];
    let mut worker = Worker::stopped(kafka.bootstrap(), &wrong);
    worker.spawn();
    let end = worker.ended(Duration::from_secs(30)).await;
    assert!(!end.success(), "{end}");
    let log = worker.log();
    for (key, _) in wrong {
        assert!(log.contains(key), "{log}");
    }
}
