//! Schema registries: what Confluent's own serializers write becomes the right rows; what cannot be read is a dead
//! letter; a registry that is down is waited for.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::process::Command;

use crate::support::{DATABASE, Kafka, Registry, Stage, read_raw, rigs, root, unique, wait_for};

const AVRO: &str = "io.confluent.connect.avro.AvroConverter";

/// Runs a function of `registry.py`; how many records it wrote.
async fn write(kafka: &Kafka, registry: &Registry, topic: &str, what: &str) -> i64 {
    let run = Command::new(rigs().join("python/bin/python"))
        .arg(root().join("tests/it/registry.py"))
        .args([kafka.bootstrap(), &registry.url(), topic, what])
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
    let keys = json!({ "key.converter": AVRO, "key.converter.schema.registry.url": registry.url() });
    let config = config(&stage, &registry, AVRO, keys);
    let before = registry.asked_by_id();
    stage.worker.rest().create_running(&stage.connector, &config).await;
    wait_committed(kafka, &stage, sent).await;
    let wanted: Vec<Value> = (0..60)
        .map(|number| {
            let mut doc = storm(number);
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_is_a_dead_letter_and_its_neighbours_are_rows() {
    let kafka = Kafka::shared().await;
    let (stage, registry) = (set(kafka).await, Registry::start().await);
    let sent = write(kafka, &registry, &stage.topic, "avro_and_bad").await;
    let dlq = unique("dead");
    let tolerant = json!({
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": dlq,
        "errors.deadletterqueue.topic.replication.factor": "1",
        "errors.deadletterqueue.context.headers.enable": "true",
    });
    let config = config(&stage, &registry, AVRO, tolerant);
    stage.worker.rest().create_running(&stage.connector, &config).await;
    wait_committed(kafka, &stage, sent).await;
    assert_eq!(docs(&stage, 20).await, (0..20).map(storm).collect::<Vec<_>>());
    let (letters, records) = (read_raw(kafka, &dlq).await, read_raw(kafka, &stage.topic).await);
    let bad: Vec<_> = records.iter().skip(1).step_by(2).collect();
    assert_eq!(
        letters.iter().map(|letter| &letter.value).collect::<Vec<_>>(),
        bad.iter().map(|raw| &raw.value).collect::<Vec<_>>()
    );
    for (letter, words) in letters
        .iter()
        .zip(["Unknown magic byte!", "40403", "it ends early", "Unknown magic byte!"].iter().cycle())
    {
        let header = |name: &str| letter.header_text(&format!("__connect.errors.{name}")).unwrap_or_default();
        assert_eq!((header("stage"), header("class.name")), ("VALUE_CONVERTER", AVRO));
        assert_eq!(header("exception.class.name"), "org.apache.kafka.connect.errors.DataException");
        assert!(header("exception.message").contains(&stage.topic), "{}", header("exception.message"));
        assert!(
            header("exception.stacktrace").contains(words),
            "{words}: {}",
            header("exception.stacktrace")
        );
    }
    stage.assert_running().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_that_is_down_is_waited_for() {
    let kafka = Kafka::shared().await;
    let (stage, mut registry) = (set(kafka).await, Registry::start().await);
    let sent = write(kafka, &registry, &stage.topic, "avro").await;
    registry.down().await;
    let patient = json!({ "errors.retry.timeout": "-1", "errors.retry.delay.max.ms": "500" });
    let config = config(&stage, &registry, AVRO, patient);
    let rest = stage.worker.rest();
    rest.create_running(&stage.connector, &config).await;
    let waiting = "waiting for the schema registry (errors.retry.timeout)";
    wait_for("the worker to wait", Duration::from_mins(1), async || {
        stage.worker.log().contains(waiting).then_some(())
    })
    .await;
    // While it waits it can be paused and resumed, and nothing is committed.
    for (order, state) in [("pause", "PAUSED"), ("resume", "RUNNING")] {
        assert_eq!(
            rest.send("PUT", &format!("/connectors/{}/{order}", stage.connector), None).await.status,
            202
        );
        wait_for(state, Duration::from_mins(1), async || {
            let status = rest.get(&format!("/connectors/{}/status", stage.connector)).await.body;
            (status["tasks"][0]["state"] == state).then_some(())
        })
        .await;
    }
    assert_eq!(stage.adx.count("Docs").await, 0);
    registry.up().await;
    wait_committed(kafka, &stage, sent).await;
    assert_eq!(docs(&stage, 60).await.len(), 60);
    stage.assert_running().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_fails_the_task_with_the_setting_and_without_the_password() {
    let kafka = Kafka::shared().await;
    let (stage, open) = (set(kafka).await, Registry::start().await);
    write(kafka, &open, &stage.topic, "avro").await;
    let guarded = Registry::guarded(Some("Basic YW5uOnJpZ2h0")).await;
    let user = json!({
        "value.converter.basic.auth.credentials.source": "USER_INFO",
        "value.converter.basic.auth.user.info": "ann:s3cret",
    });
    let config = config(&stage, &guarded, AVRO, user);
    let rest = stage.worker.rest();
    let body = json!({ "name": stage.connector, "config": config }).to_string();
    assert_eq!(rest.send("POST", "/connectors", Some(body)).await.status, 201);
    let trace = rest.wait_for_trace(&stage.connector).await;
    for part in
        [&guarded.url(), "401", "value.converter.basic.auth.user.info", "offset 0", &stage.topic, "id 3"]
    {
        assert!(trace.contains(part), "{part} in {trace}");
    }
    assert!(!trace.contains("s3cret") && !stage.worker.log().contains("s3cret"), "{trace}");
}
