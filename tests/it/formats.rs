//! From real Kafka to rows, for what is no text line: Avro made of structs, files in records, and Kafka's own columns.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::sentences::{MISSING_MAPPING, MISSING_TABLE};
use crate::support::{Adx, DATABASE, Kafka, Raw, Stage, read_raw, rigs, root, send_raw, unique, wait_for};

const MINUTE: Duration = Duration::from_mins(1);
const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";
const BYTES: &str = "org.apache.kafka.connect.converters.ByteArrayConverter";

fn config(stage: &Stage, mapping: &Value, more: &Value) -> Value {
    let mut config = stage.config();
    config["tasks.max"] = "1".into();
    let mut entry = json!({ "topic": stage.topic, "db": DATABASE, "table": "Events" });
    entry.as_object_mut().unwrap().extend(mapping.as_object().unwrap().clone());
    config["kusto.tables.topics.mapping"] = json!([entry]).to_string().into();
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    config
}

/// The rows, once there are as many as wanted.
async fn rows(adx: &Adx, query: &str, wanted: &[Vec<Value>]) {
    let count = wanted.len();
    let found = wait_for(format!("{count} rows of {query}"), MINUTE, async || {
        let rows = adx.query(query).await;
        (rows.len() >= count).then_some(rows)
    })
    .await;
    assert_eq!(found, wanted);
}

/// A JSON document with its schema around it.
fn enveloped(id: i32, with_more: bool) -> String {
    let mut fields = vec![
        json!({ "field": "id", "type": "int32", "optional": false }),
        json!({ "field": "text", "type": "string", "optional": true }),
        json!({ "field": "at", "type": "int64", "optional": false, "name": "org.apache.kafka.connect.data.Timestamp", "version": 1 }),
    ];
    let mut payload = json!({ "id": id, "text": null, "at": 1_700_000_000_123_i64 });
    if with_more {
        payload["text"] = format!("a \"{id}\"\n").into();
        payload["list"] = json!([id, null]);
        let items = json!({ "type": "int32", "optional": true });
        fields.push(json!({ "field": "list", "type": "array", "items": items, "optional": true }));
    }
    json!({ "schema": { "type": "struct", "fields": fields, "optional": false }, "payload": payload })
        .to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn structs_become_avro_files_of_one_schema_each() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 1).await;
    stage.adx.command(".create table Events (id:int, text:string, at:datetime, list:dynamic)").await;
    let more = json!({ "value.converter": JSON, "flush.size.bytes": "2000" });
    let config = config(&stage, &json!({ "format": "apacheavro" }), &more);
    stage.worker.rest().create_running(&stage.connector, &config).await;
    let records: Vec<_> = (0..300).map(|id| Raw::text("", &enveloped(id, id % 3 == 0))).collect();
    send_raw(kafka, &stage.topic, &records).await;
    let wanted: Vec<_> = (0..300)
        .map(|id| {
            let (text, list) = match id % 3 {
                0 => (json!(format!("a \"{id}\"\n")), json!([id, null])),
                _ => (json!(""), Value::Null),
            };
            vec![json!(id), text, json!("2023-11-14T22:13:20.1230000Z"), list]
        })
        .collect();
    rows(&stage.adx, "Events | project id, text, at, list | order by id asc", &wanted).await;
    wait_for("the commit", MINUTE, async || (stage.committed(kafka).await == [300]).then_some(())).await;
}

/// Ten files of `format` with three rows each.
pub async fn files(folder: &std::path::Path, format: &str) -> Vec<Vec<u8>> {
    let made = Command::new(rigs().join("python/bin/python"))
        .arg(root().join("tests/it/files.py"))
        .arg(folder)
        .arg(format)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .status();
    assert!(tokio::time::timeout(MINUTE, made).await.expect("in time").expect("python runs").success());
    (0..10).map(|number| std::fs::read(folder.join(format!("{format}-{number}"))).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_in_a_record_is_ingested_byte_for_byte_and_a_broken_one_is_a_letter() {
    let kafka = Kafka::shared().await;
    let folder = tempfile::tempdir().unwrap();
    for format in ["avro", "apacheavro", "parquet", "orc"] {
        let stage = Stage::set(kafka, 1).await;
        let dlq = unique("broken");
        stage.adx.command(".create table Events (id:int, text:string)").await;
        let more = json!({
            "value.converter": BYTES,
            "errors.tolerance": "all",
            "errors.deadletterqueue.topic.name": dlq,
            "errors.deadletterqueue.topic.replication.factor": "1",
        });
        let config = config(&stage, &json!({ "format": format }), &more);
        stage.worker.rest().create_running(&stage.connector, &config).await;
        let value = |value: Vec<u8>| Raw { value: Some(value), ..Raw::default() };
        let mut records: Vec<_> = files(folder.path(), format).await.into_iter().map(value).collect();
        let broken = value(b"no file".to_vec());
        records.insert(4, broken.clone());
        send_raw(kafka, &stage.topic, &records).await;
        let row =
            |number: i32, row: i32| vec![json!(10 * number + row), json!(format!("{number}, \n{row} é"))];
        let wanted: Vec<_> = (0..10).flat_map(|number| (0..3).map(move |index| row(number, index))).collect();
        rows(&stage.adx, "Events | project id, text | order by id asc", &wanted).await;
        wait_for("the commit", MINUTE, async || (stage.committed(kafka).await == [11]).then_some(())).await;
        let letters = read_raw(kafka, &dlq).await;
        assert_eq!(
            letters.iter().map(|letter| &letter.value).collect::<Vec<_>>(),
            [&broken.value],
            "{format}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ingestion_mapping_says_which_column_takes_what_of_a_file() {
    let kafka = Kafka::shared().await;
    let folder = tempfile::tempdir().unwrap();
    for (format, kind, place) in [
        ("parquet", "parquet", "Path"),
        ("orc", "orc", "Field"),
        ("avro", "avro", "Field"),
        ("apacheavro", "avro", "Path"),
    ] {
        let stage = Stage::set(kafka, 1).await;
        stage.adx.command(".create table Events (Words:string, Number:int, id:int)").await;
        let part = |column: &str, field: &str| {
            let path = if place == "Path" { format!("$.{field}") } else { field.to_owned() };
            json!({ "column": column, "Properties": { place: path } })
        };
        let mapping = json!([part("Number", "id"), part("Words", "text")]);
        stage.adx.command(&format!(".create table Events ingestion {kind} mapping 'm' '{mapping}'")).await;
        let more = json!({ "value.converter": BYTES, "kusto.validation.table.enable": "true" });
        let settings = config(&stage, &json!({ "format": format, "mapping": "nowhere" }), &more);
        stage.worker.rest().create(&stage.connector, &settings).await;
        let trace = stage.worker.rest().wait_for_trace(&stage.connector).await;
        let repair = format!(".create table ['Events'] ingestion {kind} mapping 'nowhere'");
        assert!(trace.contains(&repair), "{format}: {repair}: {trace}");
        MISSING_MAPPING.assert_said(&trace, &["mapping nowhere of table Events in database lab"]);
        let settings = config(&stage, &json!({ "format": format, "mapping": "m" }), &more);
        let path = format!("/connectors/{}/config", stage.connector);
        let answer = stage.worker.rest().send("PUT", &path, Some(settings.to_string())).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let files = files(folder.path(), format).await;
        let records: Vec<_> =
            files.into_iter().map(|value| Raw { value: Some(value), ..Raw::default() }).collect();
        send_raw(kafka, &stage.topic, &records).await;
        let row = |file: i32, row: i32| {
            vec![json!(10 * file + row), json!(format!("{file}, \n{row} é")), Value::Null]
        };
        let wanted: Vec<_> = (0..10).flat_map(|file| (0..3).map(move |index| row(file, index))).collect();
        rows(&stage.adx, "Events | project Number, Words, id | order by Number asc", &wanted).await;
        wait_for("the commit", MINUTE, async || (stage.committed(kafka).await == [10]).then_some(())).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ingestion_mapping_finds_the_fields_of_structs_in_avro() {
    let kafka = Kafka::shared().await;
    for format in ["avro", "apacheavro"] {
        let stage = Stage::set(kafka, 1).await;
        stage.adx.command(".create table Events (Number:int, Words:string, id:int)").await;
        let mapping = r#"[{"column":"Number","Properties":{"Path":"$.id"}},{"column":"Words","Properties":{"Field":"text"}}]"#;
        stage.adx.command(&format!(".create table Events ingestion avro mapping 'm' '{mapping}'")).await;
        let more = json!({ "value.converter": JSON, "flush.size.bytes": "2000" });
        let config = config(&stage, &json!({ "format": format, "mapping": "m" }), &more);
        stage.worker.rest().create_running(&stage.connector, &config).await;
        let records: Vec<_> = (0..100).map(|id| Raw::text("", &enveloped(id, true))).collect();
        send_raw(kafka, &stage.topic, &records).await;
        let row = |id: i32| vec![json!(id), json!(format!("a \"{id}\"\n")), Value::Null];
        let wanted: Vec<_> = (0..100).map(row).collect();
        rows(&stage.adx, "Events | project Number, Words, id | order by Number asc", &wanted).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn log_files_are_joined_with_their_directives() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 1).await;
    stage.adx.command(".create table Events (method:string, status:int)").await;
    let mapping = r#"[{"column":"method","Properties":{"Field":"cs-method"}},{"column":"status","Properties":{"Field":"sc-status"}}]"#;
    stage.adx.command(&format!(".create table Events ingestion w3clogfile mapping 'm' '{mapping}'")).await;
    let config = config(&stage, &json!({ "format": "w3clogfile", "mapping": "m" }), &json!({}));
    stage.worker.rest().create_running(&stage.connector, &config).await;
    let texts = [
        "#Version: 1.0\n#Fields: time cs-method sc-status\n00:00:01 GET 200",
        "#Fields: sc-status cs-method\n404 PUT\n500 POST",
    ];
    send_raw(kafka, &stage.topic, &texts.map(|text| Raw::text("", text))).await;
    let wanted = [("GET", 200), ("PUT", 404), ("POST", 500)]
        .map(|(method, status)| vec![json!(method), json!(status)]);
    rows(&stage.adx, "Events | project method, status | order by status asc", &wanted).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn key_headers_and_coordinates_become_columns() {
    let kafka = Kafka::shared().await;
    // Headers are texts as they came, unless a converter is asked for.
    let simple = json!({ "header.converter": "org.apache.kafka.connect.storage.SimpleHeaderConverter" });
    for (format, more, a) in [("json", json!({}), json!("000123")), ("csv", simple, json!(123))] {
        let stage = Stage::set(kafka, 1).await;
        stage
            .adx
            .command(
                ".create table Events (n:int, k:string, h:dynamic, t:string, p:int, o:long, at:datetime)",
            )
            .await;
        let columns =
            ["key as k", "headers as h", "topic as t", "partition as p", "offset as o", "timestamp as at"];
        let config = config(&stage, &json!({ "format": format, "columns": columns }), &more);
        stage.worker.rest().create_running(&stage.connector, &config).await;
        let records: Vec<_> = (0..50)
            .map(|n| {
                let value = if format == "json" { json!({ "n": n }).to_string() } else { format!("{n}\n") };
                let mut raw =
                    Raw::text(&format!("k,{n}"), &value).header("a", b"000123").header("b", b"x,\"y\"");
                raw.timestamp = Some(1_700_000_000_000 + i64::from(n));
                raw
            })
            .collect();
        send_raw(kafka, &stage.topic, &records).await;
        let wanted: Vec<_> = (0..50)
            .map(|n| {
                let at = format!("2023-11-14T22:13:20.{n:03}0000Z");
                vec![
                    json!(n),
                    json!(format!("k,{n}")),
                    json!({ "a": a, "b": "x,\"y\"" }),
                    json!(stage.topic),
                    json!(0),
                    json!(n),
                    json!(at),
                ]
            })
            .collect();
        rows(&stage.adx, "Events | project n, k, h, t, p, o, at | order by n asc", &wanted).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_that_come_later_go_to_tables_of_their_names() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 1).await;
    let prefix = unique("region");
    let (first, second) = (format!("{prefix}-north"), format!("{prefix}-south"));
    let unread = format!("{prefix}-old");
    for table in ["Storms_north", "Storms_south"] {
        stage.adx.command(&format!(".create table {table} (n:int)")).await;
    }
    for topic in [&first, &unread] {
        kafka.create_topic(topic, 1).await;
        send_raw(kafka, topic, &[Raw::text("", "1")]).await;
    }
    let mapping = json!([{ "topicRegex": format!("{prefix}-(?<where>.+)"), "db": DATABASE, "table": "Storms_${where}" }]);
    let mut config = config(&stage, &json!({}), &json!({ "consumer.override.metadata.max.age.ms": "1000" }));
    config.as_object_mut().unwrap().remove("topics");
    config["topics.regex"] = format!("{prefix}-(?!old).++").into();
    config["kusto.tables.topics.mapping"] = mapping.to_string().into();
    stage.worker.rest().create_running(&stage.connector, &config).await;
    rows(&stage.adx, "Storms_north | project n", &[vec![json!(1)]]).await;
    kafka.create_topic(&second, 1).await;
    send_raw(kafka, &second, &[Raw::text("", "2")]).await;
    rows(&stage.adx, "Storms_south | project n", &[vec![json!(2)]]).await;
    let third = format!("{prefix}-west");
    kafka.create_topic(&third, 1).await;
    send_raw(kafka, &third, &[Raw::text("", "3")]).await;
    let places = [&*format!("{third}-0, offsets 0-0"), "table Storms_west in database lab"];
    MISSING_TABLE.fails(&stage.worker, &stage.connector, &places).await;
    assert!(!stage.worker.log().contains(&unread), "a topic that the expression leaves out is never read");
}
