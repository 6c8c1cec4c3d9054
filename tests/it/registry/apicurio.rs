//! A real registry of Apicurio's: what its own converters and serializers write becomes the right rows, by each form of an id
//! and each of its protocols; and Confluent's serializers and our converters for them meet in it too.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt;
use serde_json::{Map, Value, json};

use super::{AVRO, base64, docs, protobuf_default, protobuf_storm, set, storm, wait_committed, write_by};
use crate::support::{Apicurio, DATABASE, Kafka, Raw, Stage, send_raw, unique, wait_for};

const RECORDS: i64 = 10;
const OWN_AVRO: &str = "io.apicurio.registry.utils.converter.AvroConverter";
const OWN_JSON: &str = "io.apicurio.registry.utils.converter.ExtJsonConverter";
const OWN_PROTOBUF: &str = "io.apicurio.registry.utils.converter.ProtobufConverter";

/// A case of the Java program, how it is read, and the API that is asked.
struct Case(&'static str, &'static str, &'static str, &'static [(&'static str, &'static str)]);

const CASES: &[Case] = &[
    Case("avro-usual", "registry/v2", OWN_AVRO, &[]),
    Case("avro-usual", "registry/v3", OWN_AVRO, &[]),
    Case("avro-content-headers", "registry/v2", OWN_AVRO, &[("use-id", "contentId")]),
    Case("avro-global", "registry/v2", OWN_AVRO, &[("headers.enabled", "false")]),
    Case("avro-content", "registry/v3", OWN_AVRO, &[("use-id", "contentId")]),
    Case("avro-confluent", "registry/v2", OWN_AVRO, &[("use-id", "contentId"), ("as-confluent", "true")]),
    // The same records are Confluent's too.
    Case("avro-confluent", "ccompat/v7", AVRO, &[]),
    Case("json-usual", "registry/v2", OWN_JSON, &[]),
    Case("json-compact", "registry/v3", OWN_JSON, &[("use-id", "contentId")]),
    Case("protobuf-address", "registry/v2", OWN_PROTOBUF, &[]),
    Case("protobuf-address-inline", "registry/v2", OWN_PROTOBUF, &[]),
    Case("protobuf-import", "registry/v2", OWN_PROTOBUF, &[]),
    Case("protobuf-import-inline", "registry/v3", OWN_PROTOBUF, &[]),
    Case("protobuf-other", "registry/v3", OWN_PROTOBUF, &[]),
    Case("protobuf-other-inline", "registry/v2", OWN_PROTOBUF, &[]),
];

fn config(stage: &Stage, registry: &Apicurio, case: &Case, topic: &str) -> Value {
    let Case(name, api, class, settings) = case;
    let entry = json!({
        "topic": topic, "db": DATABASE, "table": "Docs", "format": "json", "mapping": "docs",
        "columns": ["key as k", "topic as t", "offset as o"],
    });
    let mut config = stage.config();
    let object = config.as_object_mut().unwrap();
    object.extend(
        json!({
            "topics": topic, "tasks.max": "1", "kusto.tables.topics.mapping": json!([entry]).to_string(),
        })
        .as_object()
        .unwrap()
        .clone(),
    );
    let url = if *class == AVRO { "schema.registry.url" } else { "apicurio.registry.url" };
    let sides: &[&str] = if name.starts_with("protobuf") { &["value"] } else { &["key", "value"] };
    for side in sides {
        let key = |name: &str| format!("{side}.converter{name}");
        object.insert(key(""), (*class).into());
        object.insert(key(&format!(".{url}")), registry.url(api).into());
        for (name, value) in *settings {
            object.insert(key(&format!(".apicurio.registry.{name}")), (*value).into());
        }
    }
    config
}

/// What record `number` of a case becomes.
fn wanted(case: &str, number: i64) -> Value {
    if case.starts_with("protobuf-import") {
        return json!({ "start_time": number * 1000, "end_time": null });
    }
    if case.starts_with("protobuf-other") {
        return json!({ "locale": "de", "message": format!("Sturm {number}") });
    }
    if case.starts_with("protobuf") {
        let texts = ["region_code", "language_code", "postal_code", "sorting_code", "administrative_area"];
        let empty = texts.into_iter().chain(["sublocality", "organization"]);
        let mut doc: Map<_, _> = empty.map(|name| (name.to_owned(), json!(""))).collect();
        doc.insert("revision".into(), number.into());
        doc.insert("locality".into(), format!("city {number}").into());
        doc.insert("address_lines".into(), json!([]));
        doc.insert("recipients".into(), json!(["a", "b"]));
        return doc.into();
    }
    let unscaled = i16::try_from(number * 100 + 25).unwrap().to_be_bytes();
    let skip = usize::from(unscaled[0] == 0 && unscaled[1] < 0x80);
    let mut doc = json!({
        "id": number,
        "name": format!("storm {number} \u{2603}"),
        "address": { "city": format!("city {number}"), "zip": if number % 2 == 0 { json!(number) } else { Value::Null } },
        "amount": base64(&unscaled[skip..]),
        "day": number,
        "at": 1_767_225_600_000_i64 + number,
        "tags": ["a", "b"],
        "extra": { "n": number },
        "raw": base64(&[0xff, 0, u8::try_from(number).unwrap()]),
        "note": if number % 3 == 0 { json!("noted") } else { Value::Null },
    });
    if number >= RECORDS / 2 {
        doc["score"] = json!(f64::from(i32::try_from(number).unwrap()) / 4.0);
    }
    doc
}

/// The documents of each topic, in the order of its records.
async fn by_topic(stage: &Stage, count: usize) -> BTreeMap<String, Vec<Value>> {
    let rows = wait_for(format!("{count} rows"), Duration::from_mins(1), async || {
        let rows = stage.adx.query("Docs | project Doc | order by tolong(Doc.o) asc").await;
        (rows.len() >= count).then_some(rows)
    })
    .await;
    let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for mut row in rows {
        let mut doc = row.swap_remove(0);
        let topic = doc.as_object_mut().unwrap().remove("t").unwrap();
        found.entry(topic.as_str().unwrap().to_owned()).or_default().push(doc);
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_apicurios_and_confluents_serializers_write_by_a_real_registry_becomes_rows() {
    let kafka = Kafka::shared().await;
    // One for both: it takes its time to start.
    let registry = Apicurio::start().await;
    tokio::join!(apicurios(kafka, &registry), confluents(kafka, &registry));
}

async fn apicurios(kafka: &Kafka, registry: &Apicurio) {
    let stage = set(kafka).await;
    let mut written: BTreeMap<String, Vec<Raw>> = BTreeMap::new();
    for (case, record) in registry.write(&unique("written")).await {
        written.entry(case).or_default().push(record);
    }
    let topics: Vec<String> = CASES.iter().map(|case| unique(case.0)).collect();
    let create = async |(case, topic): (&Case, &String)| {
        kafka.create_topic(topic, 1).await;
        send_raw(kafka, topic, &written[case.0]).await;
        let answer = stage.worker.rest().create(topic, &config(&stage, registry, case, topic)).await;
        assert_eq!(answer.status, 201, "{}: {}", case.0, answer.body);
    };
    futures::stream::iter(CASES.iter().zip(&topics)).for_each_concurrent(8, create).await;
    for topic in &topics {
        stage.worker.rest().wait_for_states(topic, "RUNNING", &["RUNNING"]).await;
        wait_for(format!("the offsets of {topic}"), Duration::from_mins(1), async || {
            let status = stage.worker.rest().get(&format!("/connectors/{topic}/status")).await.body;
            assert_eq!(status["tasks"][0]["state"], "RUNNING", "{status}");
            (kafka.committed(&format!("connect-{topic}"), topic, 1).await == [RECORDS]).then_some(())
        })
        .await;
    }
    let records = usize::try_from(RECORDS).unwrap();
    let found = by_topic(&stage, CASES.len() * records).await;
    for (case, topic) in CASES.iter().zip(&topics) {
        let doc = |number: i64| {
            let mut doc = wanted(case.0, number);
            doc["k"] = if case.0.starts_with("protobuf") { Value::Null } else { json!({ "id": number }) };
            doc["o"] = number.into();
            doc
        };
        assert_eq!(found[topic], (0..RECORDS).map(doc).collect::<Vec<_>>(), "{} by {}", case.0, case.1);
    }
    refuse_the_json_encoding(kafka, &stage, registry, &written["avro-json"]).await;
}

/// Read as the usual encoding it would be nonsense, or even make sense.
async fn refuse_the_json_encoding(kafka: &Kafka, stage: &Stage, registry: &Apicurio, records: &[Raw]) {
    let topic = unique("avro-json");
    kafka.create_topic(&topic, 1).await;
    send_raw(kafka, &topic, records).await;
    let case = Case("avro-json", "registry/v2", OWN_AVRO, &[]);
    let mut config = config(stage, registry, &case, &topic);
    stage.worker.rest().create(&topic, &config).await;
    let trace = stage.worker.rest().wait_for_trace(&topic).await;
    assert!(trace.contains("set apicurio.registry.avro.encoding=BINARY"), "{trace}");
    config["value.converter.apicurio.registry.avro.encoding"] = "JSON".into();
    let answer = stage.worker.rest().create(&unique("x"), &config).await;
    assert_eq!(answer.status, 400);
    assert!(
        answer.message().contains("value.converter.apicurio.registry.avro.encoding"),
        "{}",
        answer.message()
    );
}

/// Confluent's serializers and our converters for them meet at the protocol of Confluent's that it speaks too.
async fn confluents(kafka: &Kafka, registry: &Apicurio) {
    let url = registry.url("ccompat/v7");
    for (what, class) in [
        // GUIDs are of newer registries of Confluent's.
        ("avro_and_bad", AVRO),
        ("json_schema", "io.confluent.connect.json.JsonSchemaConverter"),
        ("protobuf_without_guids", "io.confluent.connect.protobuf.ProtobufConverter"),
    ] {
        let stage = set(kafka).await;
        let sent = write_by(kafka, &url, &stage.topic, what).await;
        let mut config = stage.config();
        let entry = json!({ "topic": stage.topic, "db": DATABASE, "table": "Docs", "format": "json", "mapping": "docs" });
        config["kusto.tables.topics.mapping"] = json!([entry]).to_string().into();
        config["tasks.max"] = "1".into();
        config["errors.tolerance"] = "all".into();
        config["value.converter"] = class.into();
        config["value.converter.schema.registry.url"] = url.as_str().into();
        stage.worker.rest().create_running(&stage.connector, &config).await;
        wait_committed(kafka, &stage, sent).await;
        match what {
            "avro_and_bad" => assert_eq!(docs(&stage, 20).await, (0..20).map(storm).collect::<Vec<_>>()),
            "json_schema" => {
                assert_eq!(docs(&stage, 40).await[5]["address"], json!({ "city": "city 5", "zip": 5 }));
            }
            _ => {
                let found = docs(&stage, 31).await;
                for wanted in [protobuf_default(), protobuf_storm(7), json!({ "id": 105 })] {
                    assert!(found.contains(&wanted), "{wanted}");
                }
            }
        }
    }
}
