//! Schema registries: what Confluent's own serializers write becomes the right rows; what cannot be read is a dead
//! letter; a registry that is down is waited for.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::process::Command;

use crate::support::{
    Authority, DATABASE, Kafka, Raw, Registry, Stage, read_raw, rigs, root, send_raw, unique, wait_for,
};

mod apicurio;
mod columns;
mod trouble;

const AVRO: &str = "io.confluent.connect.avro.AvroConverter";

/// Runs a function of `registry.py`; how many records it wrote.
async fn write(kafka: &Kafka, registry: &Registry, topic: &str, what: &str) -> i64 {
    write_by(kafka, &registry.url(), topic, what).await
}

/// The same with the schemas in the registry at `url`.
async fn write_by(kafka: &Kafka, url: &str, topic: &str, what: &str) -> i64 {
    let run = Command::new(rigs().join("python/bin/python"))
        .arg(root().join("tests/it/registry.py"))
        .args([kafka.bootstrap(), url, topic, what])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output =
        tokio::time::timeout(Duration::from_mins(2), run).await.expect("in time").expect("python runs");
    let [out, error] =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "{out}{error}");
    out.trim().parse().expect("a number")
}

/// A stage with a table of one column that holds whole documents.
async fn set(kafka: &Kafka) -> Stage {
    let stage = Stage::set(kafka, 1).await;
    stage.adx.command(".create table Docs (Id: int, Doc: dynamic)").await;
    let mapping =
        r#"[{"column":"Id","Properties":{"Path":"$.id"}},{"column":"Doc","Properties":{"Path":"$"}}]"#;
    stage.adx.command(&format!(".create table Docs ingestion json mapping 'docs' '{mapping}'")).await;
    stage
}

fn config(stage: &Stage, registry: &Registry, class: &str, more: Value) -> Value {
    let mut config = stage.config();
    let own = json!({
        "tasks.max": "1",
        "kusto.tables.topics.mapping": format!(
            "[{{'topic':'{}','db':'{DATABASE}','table':'Docs','format':'json','mapping':'docs'}}]", stage.topic
        ),
        "value.converter": class,
        "value.converter.schema.registry.url": registry.url(),
        "value.converter.max.retries": "0",
    });
    let object = config.as_object_mut().expect("an object");
    for part in [own, more] {
        object.extend(part.as_object().expect("an object").clone());
    }
    config
}

async fn wait_committed(kafka: &Kafka, stage: &Stage, offset: i64) {
    wait_for(format!("{offset} to be committed"), Duration::from_mins(1), async || {
        (stage.committed(kafka).await == [offset]).then_some(())
    })
    .await;
}

/// The documents, by their ids.
async fn docs(stage: &Stage, count: u64) -> Vec<Value> {
    wait_for(format!("{count} rows"), Duration::from_mins(1), async || {
        (stage.adx.count("Docs").await == count).then_some(())
    })
    .await;
    let rows = stage.adx.query("Docs | project Doc | order by toint(Doc.id) asc").await;
    rows.into_iter().map(|mut row| row.swap_remove(0)).collect()
}

/// What `storm` of the script becomes.
fn storm(number: i64) -> Value {
    let is_odd = number % 2 == 1;
    let unscaled = u32::try_from(number * 100 + 25).unwrap();
    let unscaled = (-i64::from(unscaled)).to_be_bytes();
    // The shortest form of a negative number.
    let skip = (0..7).take_while(|at| unscaled[*at] == 0xff && unscaled[at + 1] >= 0x80).count();
    let address =
        json!({ "city": format!("city {number}"), "zip": if is_odd { Value::Null } else { json!(number) } });
    let either = |name: &str, value: Value| {
        let mut all: Map<String, Value> =
            ["int", "string", "Address"].map(|name| (name.to_owned(), Value::Null)).into_iter().collect();
        all[name] = value;
        Value::Object(all)
    };
    json!({
        "id": number,
        "name": format!("storm {number} \u{2603}"),
        "address": address,
        "amount": base64(&unscaled[skip..]),
        "day": number,
        "clock": number % 60 * 1000 + 7,
        "at": 1_767_225_600_000_i64 + number * 1000,
        "kind": if is_odd { "WIND" } else { "HAIL" },
        "tags": (0..number % 3).map(|n| format!("t{n}")).collect::<Vec<_>>(),
        "extra": { "n": number },
        "note": if number % 3 == 0 { json!("noted") } else { Value::Null },
        "either": match number % 4 {
            0 => Value::Null,
            1 => either("int", json!(number)),
            2 => either("string", json!(format!("text {number}"))),
            _ => either("Address", json!({ "city": "x", "zip": 5 })),
        },
    })
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn avro_of_two_versions_with_references_becomes_rows() {
    let kafka = Kafka::shared().await;
    let (stage, registry) = (set(kafka).await, Registry::start().await);
    let sent = write(kafka, &registry, &stage.topic, "avro").await;
    let more = json!({
        "key.converter": AVRO, "key.converter.schema.registry.url": registry.url(),
        "transforms": "add",
        "transforms.add.type": "org.apache.kafka.connect.transforms.InsertField$Value",
        "transforms.add.static.field": "by", "transforms.add.static.value": "a transformation",
    });
    let config = config(&stage, &registry, AVRO, more);
    let before = registry.asked_by_id();
    stage.worker.rest().create_running(&stage.connector, &config).await;
    wait_committed(kafka, &stage, sent).await;
    let wanted: Vec<Value> = (0..60)
        .map(|number| {
            let mut doc = storm(number);
            doc["by"] = json!("a transformation");
            if number >= 20 {
                doc["score"] = json!(f64::from(i32::try_from(number).unwrap()) / 4.0);
            }
            doc
        })
        .collect();
    assert_eq!(docs(&stage, 60).await, wanted);
    assert_eq!(
        registry.asked_by_id() - before,
        4,
        "two versions by number, one by GUID, and the key's, once each"
    );
    stage.assert_running().await;
}

/// What the script's JSON storm becomes; what was not there is null.
fn json_storm(number: i64) -> Value {
    let mut doc = json!({ "id": number, "name": format!("storm {number} \u{2603}") });
    let parts = [
        "address", "amount", "day", "ratio", "kind", "tags", "extra", "pairs", "note", "either", "both",
        "next",
    ];
    for part in parts {
        doc[part] = Value::Null;
    }
    if number % 4 != 0 {
        let either = |place: i64, value: Value| {
            let name = |place: i64| format!("io.confluent.connect.json.OneOf.field.{place}");
            (0..3)
                .map(|at| (name(at), if at == place { value.clone() } else { Value::Null }))
                .collect::<Map<_, _>>()
        };
        let mut inner = json_storm(0);
        inner["id"] = json!(-1);
        inner["name"] = json!("inner");
        let unscaled = u16::try_from(number * 100 + 25).unwrap().to_be_bytes();
        doc["address"] = json!({ "city": format!("city {number}"), "zip": number });
        doc["amount"] =
            json!(base64(if unscaled[0] == 0 && unscaled[1] < 0x80 { &unscaled[1..] } else { &unscaled }));
        doc["day"] = json!(number);
        doc["ratio"] = json!(f64::from(i32::try_from(number).unwrap()) / 8.0);
        doc["kind"] = json!("WIND");
        doc["tags"] = json!(["a", "b"]);
        doc["extra"] = json!({ "n": number });
        doc["pairs"] = json!([[number, "v"]]);
        doc["either"] = match number % 4 {
            1 => either(0, json!(number)),
            2 => either(1, json!(format!("text {number}"))),
            _ => either(2, json!({ "city": "x", "zip": 5 })),
        }
        .into();
        doc["both"] = json!({ "city": "y", "zip": null, "more": true });
        doc["next"] = inner;
    }
    doc
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_with_a_schema_of_two_versions_with_references_becomes_rows() {
    let kafka = Kafka::shared().await;
    let (stage, registry) = (set(kafka).await, Registry::start().await);
    let sent = write(kafka, &registry, &stage.topic, "json_schema").await;
    let config = config(&stage, &registry, "io.confluent.connect.json.JsonSchemaConverter", json!({}));
    stage.worker.rest().create_running(&stage.connector, &config).await;
    wait_committed(kafka, &stage, sent).await;
    let wanted = (0..40).map(|number| {
        let mut doc = json_storm(number);
        if number >= 20 {
            let score = |number: i64| {
                if number % 4 == 0 { 0.5 } else { f64::from(i32::try_from(number).unwrap()) / 4.0 }
            };
            doc["score"] = json!(score(number));
            if number % 4 != 0 {
                doc["next"]["score"] = json!(0.5);
            }
        }
        doc
    });
    assert_eq!(docs(&stage, 40).await, wanted.collect::<Vec<_>>());
    stage.assert_running().await;
}

/// What the script's Protobuf storm becomes.
fn protobuf_storm(number: i64) -> Value {
    let address = |city: &str| json!({ "city": city, "zip": 0 });
    let mut doc = protobuf_default();
    let unscaled =
        [0, (number * 100 + 25) / 256, (number * 100 + 25) % 256].map(|byte| u8::try_from(byte).unwrap());
    let skip = unscaled.windows(2).take_while(|pair| pair[0] == 0 && pair[1] < 0x80).count();
    doc["id"] = json!(number);
    doc["name"] = json!(format!("storm {number} \u{2603}"));
    doc["address"] = address(&format!("city {number}"));
    doc["amount"] = json!(base64(&unscaled[skip..]));
    doc["day"] = json!(number);
    doc["clock"] = json!(number * 1000 + 7);
    doc["at"] = json!(1_767_225_600_005_i64 + number * 1000);
    doc["kind"] = json!(if number % 2 == 1 { "WIND" } else { "HAIL" });
    doc["tags"] = json!(["a", "b"]);
    doc["extra"] = json!({ "n": number });
    if number % 3 == 0 {
        doc["note"] = json!("");
    }
    doc["either_0"] = match number % 4 {
        0 => Value::Null,
        1 => json!({ "number": 0, "text": null, "place": null }),
        2 => json!({ "number": null, "text": "text", "place": null }),
        _ => json!({ "number": null, "text": null, "place": address("x") }),
    };
    doc["wrapped"] = json!({ "value": "w" });
    // Java has no numbers without a sign.
    doc["big"] = json!(i64::MIN + number);
    doc["small"] = json!(u32::MAX);
    doc["ratio"] = json!(f64::from(i32::try_from(number).unwrap()) / 8.0);
    doc["raw"] = json!("/wA=");
    doc["places"] = json!([address("p")]);
    doc["inner"] = protobuf_default();
    doc["inner"]["id"] = json!(-1);
    doc
}

/// The same when nothing was set.
fn protobuf_default() -> Value {
    json!({
        "id": 0, "name": "", "address": null, "amount": null, "day": null, "clock": null, "at": null, "kind": "HAIL",
        "tags": [], "extra": {}, "note": null, "either_0": null, "wrapped": null, "big": 0, "raw": "", "places": [],
        "inner": null, "small": 0, "ratio": 0.0,
    })
}

async fn protobuf(what: &str) {
    let kafka = Kafka::shared().await;
    let (stage, registry) = (set(kafka).await, Registry::start().await);
    let sent = write(kafka, &registry, &stage.topic, what).await;
    let config = config(&stage, &registry, "io.confluent.connect.protobuf.ProtobufConverter", json!({}));
    stage.worker.rest().create_running(&stage.connector, &config).await;
    wait_committed(kafka, &stage, sent).await;
    let mut found = docs(&stage, 31).await;
    let mut wanted: Vec<Value> = (0..20).map(protobuf_storm).collect();
    wanted.push(protobuf_default());
    wanted.extend((100..110).map(|id| json!({ "id": id })));
    // Two have the id 0.
    let key = |doc: &Value| (doc["id"].as_i64(), doc["name"].as_str().map(str::to_owned));
    found.sort_by_key(key);
    wanted.sort_by_key(key);
    assert_eq!(found, wanted);
    stage.assert_running().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn protobuf_by_its_text_with_imports_becomes_rows() {
    protobuf("protobuf_text").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn protobuf_by_its_compiled_form_becomes_rows() {
    protobuf("protobuf").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_behind_mutual_tls_is_asked_with_the_stores_of_java() {
    let kafka = Kafka::shared().await;
    let (stage, mut registry) = (set(kafka).await, Registry::start().await);
    let sent = write(kafka, &registry, &stage.topic, "avro").await;
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path());
    let url = registry.up_by_tls(&authority).await;
    let key_store = authority.put("client.p12", &authority.keys("worker").pkcs12_bytes("s3cret-store"));
    let stores = json!({
        "value.converter.schema.registry.url": url,
        "value.converter.schema.registry.ssl.truststore.location": authority.java_trust_store("JKS", "s3cret-store"),
        "value.converter.schema.registry.ssl.truststore.password": "s3cret-store",
        "value.converter.schema.registry.ssl.keystore.location": key_store,
        "value.converter.schema.registry.ssl.keystore.password": "s3cret-store",
    });
    stage.worker.rest().create_running(&stage.connector, &config(&stage, &registry, AVRO, stores)).await;
    wait_committed(kafka, &stage, sent).await;
    assert_eq!(docs(&stage, 60).await.len(), 60);
    assert!(!stage.worker.log().contains("s3cret"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn apicurios_ids_of_eight_bytes_are_asked_for_in_its_own_protocol() {
    let kafka = Kafka::shared().await;
    let (stage, registry) = (set(kafka).await, Registry::start().await);
    let written = unique("written");
    kafka.create_topic(&written, 1).await;
    write(kafka, &registry, &written, "avro").await;
    // There is no serializer of Apicurio's for Python: the same bytes with its frame instead of Confluent's.
    let mut records = read_raw(kafka, &written).await;
    records.retain(|record| {
        record.value.as_ref().is_some_and(|value| value[0] == 0) && record.headers.is_empty()
    });
    for record in &mut records {
        let value = record.value.as_mut().unwrap();
        value.splice(1..1, [0; 4]);
        record.key = None;
    }
    send_raw(kafka, &stage.topic, &records).await;
    let by_content = json!({
        "value.converter.apicurio.registry.url": registry.url(),
        "value.converter.apicurio.registry.use-id": "contentId",
    });
    let class = "io.apicurio.registry.utils.converter.AvroConverter";
    stage.worker.rest().create_running(&stage.connector, &config(&stage, &registry, class, by_content)).await;
    wait_committed(kafka, &stage, 40).await;
    let found = docs(&stage, 40).await;
    assert_eq!(found[..20], (0..20).map(storm).collect::<Vec<_>>());
    assert_eq!(found[39]["score"], json!(9.75));
}
