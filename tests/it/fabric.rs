//! The Fabric connector's class, from real Kafka to rows.

use std::time::Duration;

use adx_emulator::Operation;
use adx_emulator::faults::{Effect, Rule};
use serde_json::{Value, json};

use crate::formats::files;
use crate::support::{DATABASE, Kafka, Raw, Stage, read_raw, send_raw, unique, wait_for};

fn config(stage: &Stage, format: &str, more: &Value) -> Value {
    let mapping = json!([{ "topic": stage.topic, "db": DATABASE, "table": "Events", "format": format }]);
    let mut config = json!({
        "connector.class": "com.microsoft.fabric.connect.eventhouse.sink.FabricSinkConnector",
        "topics": stage.topic,
        "flush.interval.ms": "300",
        "connection.string": format!("Data Source={}", stage.adx.url()),
        "kusto.tables.topics.mapping": mapping.to_string(),
        "headers.to.drop": "['secret']",
    });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    config
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_record_is_a_row_with_keys_headers_and_coordinates() {
    let kafka = Kafka::shared().await;
    for format in ["json", "csv"] {
        let stage = Stage::set(kafka, 1).await;
        stage
            .adx
            .command(".create table Events (id:int, keys:dynamic, headers:dynamic, kafkamd:dynamic)")
            .await;
        stage.worker.rest().create_running(&stage.connector, &config(&stage, format, &json!({}))).await;
        let status = stage.worker.rest().get(&format!("/connectors/{}", stage.connector)).await;
        assert_eq!(status.body["type"], "sink");
        let value = |id: u8| if format == "json" { json!({ "id": id }).to_string() } else { id.to_string() };
        let mut tombstone = Raw::text("k2", "");
        tombstone.value = None;
        let records = [Raw::text("k1", &value(1)).header("src", b"web").header("secret", b"x"), tombstone];
        send_raw(kafka, &stage.topic, &records).await;
        let query = "Events | project id, keys, headers, kafkamd";
        let mut found = wait_for("two rows", Duration::from_mins(1), async || {
            let rows = stage.adx.query(query).await;
            (rows.len() == 2).then_some(rows)
        })
        .await;
        found.sort_by_key(|row| row[3]["offset"].to_string());
        let coordinates = |offset: &str| json!({ "partition": "0", "offset": offset, "topic": stage.topic });
        assert_eq!(found[0], [json!(1), json!("k1"), json!({ "src": "web" }), coordinates("0")], "{format}");
        let no_headers = if format == "json" { Value::Null } else { json!({}) };
        assert_eq!(found[1], [Value::Null, json!("k2"), no_headers, coordinates("1")], "{format}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_row_of_an_avro_file_has_the_keys_and_headers_of_its_record() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 1).await;
    let table = ".create table Events (id:int, text:string, keys:dynamic, headers:dynamic, kafkamd:dynamic)";
    stage.adx.command(table).await;
    let more = json!({ "value.converter": "org.apache.kafka.connect.converters.ByteArrayConverter" });
    stage.worker.rest().create_running(&stage.connector, &config(&stage, "avro", &more)).await;
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path(), "avro").await;
    let record = |(number, file): (usize, Vec<u8>)| {
        let raw = Raw::text(&format!("k{number}"), "").header("src", b"web").header("secret", b"x");
        Raw { value: Some(file), ..raw }
    };
    let records: Vec<_> = files.into_iter().enumerate().map(record).collect();
    send_raw(kafka, &stage.topic, &records).await;
    let found = wait_for("all rows", Duration::from_mins(1), async || {
        let rows =
            stage.adx.query("Events | project id, text, keys, headers, kafkamd | order by id asc").await;
        (rows.len() == 30).then_some(rows)
    })
    .await;
    for (index, row) in found.iter().enumerate() {
        let (file, place) = (index / 3, index % 3);
        let coordinates = json!({ "partition": "0", "offset": file.to_string(), "topic": stage.topic });
        let wanted = [
            json!(10 * file + place),
            json!(format!("{file}, \n{place} é")),
            json!(format!("k{file}")),
            json!({ "src": "web" }),
            coordinates,
        ];
        assert_eq!(row[..], wanted);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_storage_refuses_goes_to_connects_dead_letter_topic() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 1).await;
    let dlq = unique("dead");
    stage.adx.command(".create table Events (id:int, keys:dynamic, headers:dynamic, kafkamd:dynamic)").await;
    let too_large =
        Effect::Status { status: 413, code: Some("RequestBodyTooLarge".into()), retry_after: None };
    stage.adx.faults().add(Rule::new(Operation::PutBlob, too_large).times(1));
    let more = json!({
        "flush.size.bytes": "2000",
        "behavior.on.error": "LOG",
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": dlq,
        "errors.deadletterqueue.topic.replication.factor": "1",
        "errors.deadletterqueue.context.headers.enable": "true",
    });
    let records: Vec<_> = (0..60)
        .map(|id| Raw::text(&format!("k{id}"), &json!({ "id": id }).to_string()).header("src", b"\xff"))
        .collect();
    send_raw(kafka, &stage.topic, &records).await;
    stage.worker.rest().create_running(&stage.connector, &config(&stage, "json", &more)).await;
    wait_for("the offsets", Duration::from_mins(1), async || {
        (stage.committed(kafka).await == [60]).then_some(())
    })
    .await;
    let letters = read_raw(kafka, &dlq).await;
    let wanted = 60 - u64::try_from(letters.len()).unwrap();
    wait_for("the other rows", Duration::from_mins(1), async || {
        (stage.adx.count("Events").await == wanted).then_some(())
    })
    .await;
    let rows = stage.adx.query("Events | project id").await;
    let mut all: Vec<_> = rows.iter().map(|row| row[0].as_u64().unwrap()).collect();
    assert!(!letters.is_empty() && !all.is_empty());
    for letter in &letters {
        let header = |name: &str| letter.header_text(&format!("__connect.errors.{name}")).unwrap_or_default();
        let offset: u64 = header("offset").parse().unwrap();
        let record = &records[usize::try_from(offset).unwrap()];
        assert_eq!((&letter.key, &letter.value), (&record.key, &record.value));
        assert_eq!(letter.headers[..1], record.headers);
        assert!(header("exception.message").contains("RequestBodyTooLarge"));
        all.push(offset);
    }
    all.sort_unstable();
    assert_eq!(all, (0..60).collect::<Vec<u64>>(), "each is a row or a letter");
    stage.assert_running().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_settings_are_checked_at_once() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 1).await;
    for (more, part) in [
        (json!({ "connection.string": "Endpoint=sb://x/;SharedAccessKey=k3y" }), "Eventstream"),
        (json!({ "connection.string": "https://localhost;Color=k3y" }), "no keyword 'Color'"),
        (json!({ "connection.string": "" }), "it or connection.string is needed"),
        (json!({ "headers.to.project": "src" }), "JSON array of names"),
    ] {
        let answer = stage.worker.rest().create(&stage.connector, &config(&stage, "json", &more)).await;
        assert_eq!(answer.status, 400, "{more}");
        assert!(answer.message().contains(part) && !answer.message().contains("k3y"), "{}", answer.message());
    }
    let shown = stage.worker.rest().send(
        "PUT",
        "/connector-plugins/FabricSink/config/validate",
        Some(
            config(
                &stage,
                "json",
                &json!({ "name": "n", "connection.string": "https://localhost;AppKey=k3y" }),
            )
            .to_string(),
        ),
    );
    let shown = shown.await;
    assert_eq!(shown.status, 200);
    assert!(!shown.body.to_string().contains("k3y") && !stage.worker.log().contains("k3y"));
    let plugins = stage.worker.rest().get("/connector-plugins").await.body;
    let row = plugins
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["class"].as_str().unwrap().ends_with("FabricSinkConnector"));
    assert_eq!(row.unwrap()["version"], "1.3.1");
}
