//! Kafka's own columns beside Avro records, in the Kusto class (`columns`) and in the Fabric class (keys, headers, kafkamd).

use std::time::Duration;

use serde_json::{Value, json};

use super::{AVRO, config, set, storm, wait_committed, write};
use crate::support::{DATABASE, Kafka, Registry, Stage, wait_for};

const COLUMNS: [&str; 5] = ["key as k", "headers as h", "topic as t", "partition as p", "offset as o"];

fn with_columns(stage: &Stage, format: &str, mapping: Option<&str>) -> String {
    let mut entry = json!({
        "topic": stage.topic, "db": DATABASE, "table": "Docs", "format": format, "columns": COLUMNS,
    });
    if let Some(mapping) = mapping {
        entry["mapping"] = mapping.into();
    }
    json!([entry]).to_string()
}

fn avro_keys(registry: &Registry) -> Value {
    json!({ "key.converter": AVRO, "key.converter.schema.registry.url": registry.url() })
}

async fn rows(stage: &Stage, query: &str, count: usize) -> Vec<Vec<Value>> {
    wait_for(format!("{count} rows of {query}"), Duration::from_mins(1), async || {
        let rows = stage.adx.query(query).await;
        (rows.len() == count).then_some(rows)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn avro_keys_and_headers_are_columns_beside_avro_values() {
    let kafka = Kafka::shared().await;
    let (stage, registry) = (set(kafka).await, Registry::start().await);
    let sent = write(kafka, &registry, &stage.topic, "avro").await;
    let mut config = config(&stage, &registry, AVRO, avro_keys(&registry));
    stage.adx.command(".create table Storms (id:int, name:string, address:dynamic, k:dynamic, h:dynamic, t:string, p:int, o:long)").await;
    let entry = with_columns(&stage, "json", None).replace("Docs", "Storms");
    config["kusto.tables.topics.mapping"] = entry.into();
    stage.worker.rest().create_running(&stage.connector, &config).await;
    wait_committed(kafka, &stage, sent).await;
    let found = rows(&stage, "Storms | project id, name, address, k, t, p, o | order by id asc", 60).await;
    let wanted: Vec<Vec<Value>> = (0..60)
        .map(|number| {
            let storm = storm(number);
            let place = [json!({ "id": number }), json!(stage.topic), json!(0), json!(number)];
            [&[json!(number), storm["name"].clone(), storm["address"].clone()][..], &place[..]].concat()
        })
        .collect();
    assert_eq!(found, wanted);
    // The last twenty have the schema's id in a header.
    for (number, row) in rows(&stage, "Storms | project h, o | order by o asc", 60).await.iter().enumerate() {
        let names: Vec<_> = row[0].as_object().unwrap().keys().collect();
        assert_eq!(names.contains(&&"__value_schema_id".to_owned()), number >= 40, "{number}: {row:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_line_they_stand_behind_the_fields_of_an_avro_record() {
    let kafka = Kafka::shared().await;
    let (stage, registry) = (set(kafka).await, Registry::start().await);
    let sent = write(kafka, &registry, &stage.topic, "avro_and_bad").await;
    stage.adx.command(".create table Storms (Id:int, Name:string, T:string, O:long)").await;
    // The record has twelve fields.
    let ordinals = [("Id", 0), ("Name", 1), ("T", 14), ("O", 16)]
        .map(|(column, ordinal)| json!({ "column": column, "Properties": { "Ordinal": ordinal } }));
    stage.adx.command(&format!(".create table Storms ingestion csv mapping 'm' '{}'", json!(ordinals))).await;
    let mut config = config(&stage, &registry, AVRO, json!({ "errors.tolerance": "all" }));
    config["kusto.tables.topics.mapping"] =
        with_columns(&stage, "csv", Some("m")).replace("Docs", "Storms").into();
    stage.worker.rest().create_running(&stage.connector, &config).await;
    wait_committed(kafka, &stage, sent).await;
    let found = rows(&stage, "Storms | project Id, Name, T, O | order by Id asc", 20).await;
    let row = |number: i64| {
        vec![json!(number), storm(number)["name"].clone(), json!(stage.topic), json!(2 * number)]
    };
    assert_eq!(found, (0..20).map(row).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_avro_has_no_place_for_them() {
    let kafka = Kafka::shared().await;
    let (stage, registry) = (set(kafka).await, Registry::start().await);
    for format in ["avro", "apacheavro", "parquet", "orc"] {
        let mut config = config(&stage, &registry, AVRO, json!({}));
        config["kusto.tables.topics.mapping"] = with_columns(&stage, format, None).into();
        let answer = stage.worker.rest().create(&stage.connector, &config).await;
        assert_eq!(answer.status, 400, "{format}");
        let refusal =
            format!("'columns' can be written in json, csv, tsv, tsve, scsv, sohsv and psv, not in {format}");
        assert!(answer.message().contains(&refusal), "{}", answer.message());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_fabric_class_lays_keys_and_headers_beside_avro_records() {
    let kafka = Kafka::shared().await;
    let registry = Registry::start().await;
    for format in ["avro", "json"] {
        let stage = set(kafka).await;
        write(kafka, &registry, &stage.topic, "avro").await;
        let table = ".create table Storms (id:int, name:string, address:dynamic, keys:dynamic, headers:dynamic, kafkamd:dynamic)";
        stage.adx.command(table).await;
        let entry = json!([{ "topic": stage.topic, "db": DATABASE, "table": "Storms", "format": format }]);
        let mut config = json!({
            "connector.class": "com.microsoft.fabric.connect.eventhouse.sink.FabricSinkConnector",
            "topics": stage.topic,
            "flush.interval.ms": "300",
            "connection.string": format!("Data Source={}", stage.adx.url()),
            "kusto.tables.topics.mapping": entry.to_string(),
            "headers.to.drop": "['__value_schema_id']",
            "value.converter": AVRO,
            "value.converter.schema.registry.url": registry.url(),
        });
        config.as_object_mut().unwrap().extend(avro_keys(&registry).as_object().unwrap().clone());
        stage.worker.rest().create_running(&stage.connector, &config).await;
        let query = "Storms | project id, name, address, keys, kafkamd | order by toint(kafkamd.offset) asc";
        // Tombstones are rows here.
        let found = rows(&stage, query, 61).await;
        let coordinates =
            |offset: i64| json!({ "partition": "0", "offset": offset.to_string(), "topic": stage.topic });
        for (row, number) in found.iter().zip(0_i64..60) {
            let storm = storm(number);
            let wanted = [
                json!(number),
                storm["name"].clone(),
                storm["address"].clone(),
                json!({ "id": number }),
                coordinates(number),
            ];
            assert_eq!(row[..], wanted, "{format}");
        }
        assert_eq!(found[60][3..], [json!({ "id": 0 }), coordinates(60)], "{format}: the tombstone");
        let headers = rows(
            &stage,
            "Storms | where isnotempty(headers) and tostring(headers) != '{}' | project headers",
            0,
        );
        headers.await;
    }
}
