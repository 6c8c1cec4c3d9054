//! `kusto-connect dry-run`: the rows that would be written are those that are, and bad records say why.

use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Kafka, Registry, Stage, unique, wait_for};

const STRING: &str = "org.apache.kafka.connect.storage.StringConverter";
const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";

/// A connector for the topic `storms`; `more` are further settings.
fn connector(format: &str, more: Value) -> Value {
    let mut config = json!({
        "name": "rehearsed", "connector.class": "KustoSinkConnector", "topics": "storms",
        "kusto.ingestion.url": "http://localhost:1", "kusto.query.url": "http://localhost:1",
        "key.converter": STRING, "value.converter": STRING,
        "kusto.tables.topics.mapping": format!("[{{'topic':'storms','db':'d','table':'T','format':'{format}'}}]"),
    });
    let Value::Object(more) = more else { panic!("no object: {more}") };
    config.as_object_mut().expect("an object").extend(more);
    config
}

/// What the command says, and the code it ends with.
async fn run(config: &Value, records: Option<&str>, arguments: &[&str]) -> (Option<i32>, String, String) {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("c.json"), config.to_string()).expect("a file");
    let mut command = Command::new(env!("CARGO_BIN_EXE_kusto-connect"));
    command.arg("dry-run").arg(path("c.json")).args(arguments);
    if let Some(records) = records {
        std::fs::write(path("records"), records).expect("a file");
        command.arg("--records").arg(path("records"));
    }
    let output = tokio::task::spawn_blocking(move || command.output().expect("the command runs"));
    let output = output.await.expect("its end");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// The same as JSON, a line for each record.
async fn lines(config: &Value, records: Option<&str>, arguments: &[&str]) -> (Option<i32>, Vec<Value>) {
    let (code, said, complaints) = run(config, records, &[arguments, &["--json"]].concat()).await;
    let line = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("{said}{complaints}"));
    (code, said.lines().map(line).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_a_file_are_values() {
    let config = connector("csv", json!({}));
    let (code, said, _) = run(&config, Some("1,a\n2,\"b\n"), &[]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.starts_with("storms-0 offset 0 → table d.T, as csv"), "{said}");
    for words in [
        "\n  1,a\n",
        "storms-0 offset 1 → BAD; the headers of its dead letter:\n",
        "  __connect.errors.stage: TASK_PUT\n",
        "1 rows would be written, 0 records skipped, 1 are bad. Nothing was written.",
    ] {
        assert!(said.contains(words), "{words}\nis not in\n{said}");
    }
    let (code, _, complaints) = run(&config, None, &[]).await;
    assert!(code == Some(2) && complaints.contains("--records"), "{complaints}");
}

#[tokio::test(flavor = "multi_thread")]
async fn envelopes_go_through_converters_transformations_and_columns() {
    let mapping = "[{'topic':'storms','db':'d','table':'T','format':'json','columns':['key','headers','offset','topic']},\
        {'topic':'other','db':'d','table':'O','format':'json'}]";
    let config = connector(
        "json",
        json!({
            "kusto.tables.topics.mapping": mapping,
            "value.converter": JSON, "value.converter.schemas.enable": "false",
            "transforms": "gone,mask",
            "transforms.gone.type": "org.apache.kafka.connect.transforms.Filter",
            "transforms.gone.predicate": "deleted",
            "transforms.mask.type": "org.apache.kafka.connect.transforms.MaskField$Value",
            "transforms.mask.fields": "card",
            "predicates": "deleted",
            "predicates.deleted.type": "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone",
        }),
    );
    let records = [
        r#"{"key": "k1", "value": {"a": 1, "card": "4111"}, "headers": {"h": "x"}, "offset": 41, "partition": 2}"#,
        r#"{"value": null}"#,
        r#"{"value": "{not json"}"#,
        r#"{"value": {"a": 2}, "topic": "other"}"#,
    ]
    .join("\n");
    let (code, all) = lines(&config, Some(&records), &["--envelope"]).await;
    assert_eq!((code, all.len()), (Some(1), 4), "{all:?}");
    let row: Value = serde_json::from_str(all[0]["row"].as_str().expect("a row")).expect("JSON");
    assert_eq!(
        row,
        json!({ "a": 1, "card": "", "kafka_key": "k1", "kafka_headers": {"h": "x"}, "kafka_offset": 41,
        "kafka_topic": "storms" })
    );
    assert_eq!((&all[0]["partition"], &all[0]["offset"]), (&json!(2), &json!(41)));
    assert_eq!(all[1]["result"], "dropped");
    assert_eq!(all[2]["result"], "bad");
    let headers = &all[2]["headers"];
    assert_eq!(
        (
            &headers["__connect.errors.stage"],
            &headers["__connect.errors.class.name"],
            &headers["__connect.errors.offset"]
        ),
        (&json!("VALUE_CONVERTER"), &json!(JSON), &json!("2"))
    );
    assert!(all[3]["target"].as_str().expect("a target").starts_with("table d.O"), "{}", all[3]);
    let (code, _, complaints) = run(&config, Some("{\"vlaue\": 1}"), &["--envelope"]).await;
    assert!(code == Some(2) && complaints.contains("line 1: a field is unknown"), "{complaints}");
}

#[tokio::test(flavor = "multi_thread")]
async fn schemas_come_from_the_registry_and_their_lack_is_the_records_fault() {
    let mut registry = Registry::start().await;
    let schema = json!({ "schema": r#"{"type":"record","name":"R","fields":[{"name":"a","type":"long"}]}"# });
    let url = format!("{}/subjects/storms-value/versions", registry.url());
    let answer = reqwest::Client::new().post(url).json(&schema).send().await.expect("an answer");
    assert_eq!(answer.json::<Value>().await.expect("JSON")["id"], 1);
    let config = connector(
        "json",
        json!({ "value.converter": "io.confluent.connect.avro.AvroConverter",
            "value.converter.schema.registry.url": registry.url() }),
    );
    // A zero, the id, and 21 as Avro writes it; then the id of no schema.
    let records = "{\"value_base64\": \"AAAAAAEq\"}\n{\"value_base64\": \"AAAAAAkq\"}";
    let (code, all) = lines(&config, Some(records), &["--envelope"]).await;
    assert_eq!((code, &all[0]["row"]), (Some(1), &json!("{\"a\":21}")), "{all:?}");
    let message = |line: &Value| line["headers"]["__connect.errors.exception.stacktrace"].to_string();
    assert!(message(&all[1]).contains("Schema 9 not found"), "{}", all[1]);
    registry.down().await;
    let (code, all) = lines(&config, Some(records), &["--envelope"]).await;
    assert!(code == Some(1) && message(&all[0]).contains("no answer"), "{}", all[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_topic_would_give_is_what_arrives_and_nothing_is_committed() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 1).await;
    let values: Vec<String> = (0..5).map(|number| format!("0,{number},text {number}")).collect();
    let records: Vec<_> = values.iter().map(|value| (None, Some(value.clone().into_bytes()))).collect();
    kafka.write(&stage.topic, &records).await;
    let mut config = stage.config();
    config["name"] = stage.connector.clone().into();
    config["value.converter"] = STRING.into();
    config["key.converter"] = STRING.into();
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let worker = folder.path().join("worker.properties");
    let topics =
        ["config", "offset", "status"].map(|kind| format!("{kind}.storage.topic={}\n", unique(kind)));
    let text = format!(
        "bootstrap.servers={}\ngroup.id={}\nkey.converter={STRING}\nvalue.converter={STRING}\n{}",
        kafka.bootstrap(),
        unique("group"),
        topics.concat()
    );
    std::fs::write(&worker, text).expect("a file");
    let worker = worker.to_str().expect("a path");
    let (code, all) =
        lines(&config, None, &["--from-topic", &stage.topic, "--max", "3", "--worker", worker]).await;
    let rows: Vec<_> = all.iter().map(|line| line["row"].as_str().expect("a row").to_owned()).collect();
    assert_eq!((code, &rows[..]), (Some(0), &values[2..]));
    assert_eq!(all[0]["offset"], 2);
    assert_eq!(stage.committed(kafka).await, [-1], "nothing was committed");
    assert_eq!(stage.adx.count("Numbers").await, 0);
    stage.create().await;
    let arrived = async || (stage.adx.count("Numbers").await == 5).then_some(());
    wait_for("the rows", std::time::Duration::from_mins(1), arrived).await;
    let texts = stage.adx.query("Numbers | order by Number asc | project Text").await;
    let texts: Vec<_> = texts.iter().map(|row| row[0].as_str().expect("a text").to_owned()).collect();
    let expected: Vec<_> =
        values.iter().map(|value| value.rsplit(',').next().expect("a field").to_owned()).collect();
    assert_eq!(texts, expected);
}
