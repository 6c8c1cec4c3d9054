//! Poison: what somebody else wrote into the storage topics never stops a worker, and a broken connector never disturbs
//! another.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::sentences::{NO_CLASS, UNKNOWN_CLASS, WRONG_SETTING};
use crate::support::{Kafka, RawRecord, Rest, Stage, wait_for};

/// A deeply nested value: a reader that recurses without a limit would end the process.
fn nested() -> String {
    format!(r#"{{"properties":{}{}}}"#, "[".repeat(50_000), "]".repeat(50_000))
}

fn text(key: &str, value: &str) -> RawRecord {
    (Some(key.as_bytes().to_vec()), Some(value.as_bytes().to_vec()))
}

/// A connector as a worker stores it.
fn stored(name: &str, config: &Value) -> RawRecord {
    text(&format!("connector-{name}"), &json!({ "properties": config }).to_string())
}

/// Records (with keys: a compacted topic takes no others) of no use to anybody, and of harm to a careless reader; `good` runs meanwhile.
fn poison(good: &str) -> Vec<RawRecord> {
    let config = r#"{"properties":{"connector.class":"KustoSinkConnector"}}"#;
    let mut all = vec![
        (Some(vec![0xff, 0xfe, 0x00]), Some(vec![0x80; 100])),
        (Some(b"connector-\xff".to_vec()), Some(config.as_bytes().to_vec())),
        (Some(b"connector-binary".to_vec()), Some(vec![0xc3, 0x28, 0x00])),
        (Some(b"commit-binary".to_vec()), None),
        (Some(Vec::new()), Some(Vec::new())),
        text("connector-huge", &"x".repeat(900_000)),
        text("connector-nested", &nested()),
    ];
    let good_config = format!("connector-{good}");
    let keys = [
        good_config.as_str(),
        "connector-cut",
        "task-cut-0",
        "commit-cut",
        "target-state-cut",
        "session-key",
    ];
    // Of a good connector too: it keeps what it had.
    let values =
        ["", "{", "[1]", "null", "\"text\"", r#"{"properties":"#, r#"{"properties":[]}"#, r#"{"tasks":"#];
    all.extend(keys.iter().flat_map(|key| values.iter().map(|value| text(key, value))));
    for (key, value) in [
        ("nonsense", "{}"),
        ("connector", config),
        ("task-x", r#"{"properties":{}}"#),
        ("task-x-", r#"{"properties":{}}"#),
        ("task-x-99999999999", r#"{"properties":{}}"#),
        ("task-x-4294967295", r#"{"properties":{}}"#),
        ("commit-x", r#"{"tasks":-1}"#),
        ("commit-x", r#"{"tasks":4294967295}"#),
        ("commit-x", r#"{"tasks":"two"}"#),
        ("target-state-x", r#"{"state":"DANCING"}"#),
        ("restart-connector-x", r#"{"include-tasks":"perhaps"}"#),
        ("restart-connector-x", r#"{"include-tasks":true,"only-failed":true}"#),
        ("logger-cluster-x", r#"{"level":7}"#),
        ("tasks-fencing-x", "no"),
    ] {
        all.push(text(key, value));
    }
    all
}

/// The same for the status topic.
fn poisoned_states(good: &str) -> Vec<RawRecord> {
    let state = r#"{"state":"RUNNING","trace":null,"worker_id":"other:8083","generation":1}"#;
    let mut all = vec![
        (Some(vec![0xff, 0xfe]), Some(state.as_bytes().to_vec())),
        (Some(Vec::new()), None),
        text("status-connector-", state),
        text("status-connector-nobody", state),
        text("status-task-nobody-0", state),
        text(&format!("status-task-{good}-99"), state),
        text(&format!("status-task-{good}-one"), state),
        text("nonsense", state),
        text("status-connector-nested", &nested()),
    ];
    let keys = [
        format!("status-connector-{good}"),
        format!("status-task-{good}-0"),
        format!("status-topic-t:connector-{good}"),
    ];
    let values = [
        "",
        "{",
        "null",
        "[]",
        r#"{"state":"DANCING"}"#,
        r#"{"state":"RUNNING","generation":"one"}"#,
        r#"{"topic":7}"#,
    ];
    all.extend(keys.iter().flat_map(|key| values.iter().map(|value| text(key, value))));
    all
}

/// Configs that another worker, or another version of one, may have stored: name, config, what the trace says.
fn broken(stage: &Stage) -> Vec<(String, Value, &'static str)> {
    let of = |change: &dyn Fn(&mut Value)| {
        let mut config = stage.config();
        change(&mut config);
        config
    };
    let all: Vec<(&str, Value, &str)> = vec![
        ("empty", json!({}), "connector type"),
        ("class", of(&|config| config["connector.class"] = "org.example.Nope".into()), "org.example.Nope"),
        ("null-class", of(&|config| config["connector.class"] = Value::Null), "connector type"),
        (
            "no-topics",
            of(&|config| drop(config.as_object_mut().and_then(|map| map.remove("topics")))),
            "topics",
        ),
        ("tasks", of(&|config| config["tasks.max"] = "many".into()), "tasks.max"),
        (
            "mapping",
            of(&|config| config["kusto.tables.topics.mapping"] = "[{".into()),
            "kusto.tables.topics.mapping",
        ),
        (
            "converter",
            of(&|config| config["value.converter"] = "org.example.Converter".into()),
            "value.converter",
        ),
        (
            "client",
            of(&|config| config["consumer.override.fetch.min.bytes"] = "all".into()),
            "fetch.min.bytes",
        ),
        (
            "types",
            json!({"connector.class": "KustoSinkConnector", "topics": ["a"], "tasks.max": {"a": 1}}),
            "tasks.max",
        ),
    ];
    let named = |(what, mut config, trace): (&str, Value, _)| {
        let name = format!("{}-{what}", stage.connector);
        config["name"] = name.as_str().into();
        (name, config, trace)
    };
    all.into_iter().map(named).collect()
}

async fn assert_good(stage: &Stage, kafka: &Kafka, rows: &mut u64) {
    let rest = stage.worker.rest();
    rest.wait_for_states(&stage.connector, "RUNNING", &["RUNNING"]).await;
    *rows += stage.send(kafka, 50).await.total();
    wait_for("the rows of the good connector", Duration::from_mins(1), async || {
        (stage.adx.count("Numbers").await == *rows).then_some(())
    })
    .await;
    assert_eq!(rest.get("/health").await.status, 200);
}

/// The trace of a connector that FAILED, its own or that of its first task.
async fn trace(rest: &Rest, name: &str) -> String {
    wait_for(format!("{name} to fail"), Duration::from_mins(1), async || {
        let status = rest.get(&format!("/connectors/{name}/status")).await.body;
        let mut parts =
            std::iter::once(&status["connector"]).chain(status["tasks"].as_array().into_iter().flatten());
        parts.find_map(|part| {
            (part["state"] == "FAILED").then(|| part["trace"].as_str().map(str::to_owned))?
        })
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn poison_in_the_storage_topics_stops_neither_the_worker_nor_a_good_connector() {
    let kafka = Kafka::shared().await;
    let mut stage = Stage::running(kafka, 1).await;
    let topic = stage.worker.config_topic();
    let mut rows = 0;
    assert_good(&stage, kafka, &mut rows).await;

    kafka.write(&topic, &poison(&stage.connector)).await;
    kafka.write(&stage.worker.status_topic(), &poisoned_states(&stage.connector)).await;
    let broken = broken(&stage);
    let records: Vec<_> = broken.iter().map(|(name, config, _)| stored(name, config)).collect();
    kafka.write(&topic, &records).await;
    for life in ["the one that was there", "a worker that reads it all at its start"] {
        println!("--- {life}");
        let rest = stage.worker.rest().clone();
        for (name, _, words) in &broken {
            let trace = trace(&rest, name).await;
            let kind = match *words {
                "connector type" => NO_CLASS,
                "org.example.Nope" => UNKNOWN_CLASS,
                _ => WRONG_SETTING,
            };
            kind.assert_said(&trace, &[words]);
        }
        assert_good(&stage, kafka, &mut rows).await;
        stage.worker.terminate().await;
        stage.worker.start_again().await;
    }
    // What is broken can be mended, and deleted.
    let rest = stage.worker.rest();
    for (number, (name, ..)) in broken.iter().enumerate() {
        if number == 0 {
            let path = format!("/connectors/{name}/config");
            let mended = rest.send("PUT", &path, Some(stage.config().to_string())).await;
            assert_eq!(mended.status, 200, "{}", mended.body);
            rest.wait_for_states(name, "RUNNING", &["RUNNING"]).await;
        }
        assert_eq!(rest.delete(&format!("/connectors/{name}")).await.status, 204, "{name}");
    }
    assert_eq!(rest.get("/connectors").await.body, json!([stage.connector]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slip_in_tasks_max_makes_ten_thousand_tasks_at_most_and_holds_up_nobody() {
    let kafka = Kafka::shared().await;
    let stage = Stage::running(kafka, 1).await;
    let (huge, mut config) = (format!("{}-huge", stage.connector), stage.config());
    config["name"] = huge.as_str().into();
    config["topics"] = format!("{}-none", stage.topic).into();
    config["kusto.tables.topics.mapping"] = config["kusto.tables.topics.mapping"]
        .as_str()
        .map(|mapping| mapping.replace(&stage.topic, &format!("{}-none", stage.topic)))
        .into();
    config["tasks.max"] = i32::MAX.to_string().into();
    kafka.write(&stage.worker.config_topic(), &[stored(&huge, &config)]).await;
    let status = stage.worker.rest().wait_for_states(&huge, "RUNNING", &["RUNNING"]).await;
    assert!(status["tasks"].as_array().is_some_and(|tasks| tasks.len() <= 10_000));
    assert!(stage.worker.log().contains("tasks.max asks for more tasks than are made"));
    assert_good(&stage, kafka, &mut 0).await;
    assert_eq!(stage.worker.rest().delete(&format!("/connectors/{huge}")).await.status, 204);
    assert_good(&stage, kafka, &mut 50).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_config_under_another_name_does_not_take_that_connectors_group() {
    let kafka = Kafka::shared().await;
    let stage = Stage::running(kafka, 1).await;
    let mut rows = 0;
    assert_good(&stage, kafka, &mut rows).await;
    let (twin, mut config) = (format!("{}-twin", stage.connector), stage.config());
    config["name"] = stage.connector.as_str().into();
    kafka.write(&stage.worker.config_topic(), &[stored(&twin, &config)]).await;
    let rest = stage.worker.rest();
    rest.wait_for_states(&twin, "RUNNING", &["RUNNING"]).await;
    // In a group of its own it reads the topic from its beginning.
    rows *= 2;
    wait_for("the rows of both", Duration::from_mins(1), async || {
        (stage.adx.count("Numbers").await == rows).then_some(())
    })
    .await;
    let committed = async |name: &str| kafka.committed(&format!("connect-{name}"), &stage.topic, 1).await;
    wait_for("both groups to commit", Duration::from_mins(1), async || {
        (committed(&stage.connector).await == committed(&twin).await).then_some(())
    })
    .await;
}
