//! Records of every size that brokers take: they are read in whatever batches they come, and a bad one is a dead letter of
//! whatever size its topic takes.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Kafka, Raw, Stage, read_raw, root, send_raw, unique, wait_for};

const MINUTE: Duration = Duration::from_mins(1);
/// What says in a letter that it is not all of the record.
const LEFT_OUT: &str = "__kusto_connect.left_out";
const CONTEXT: &str = "__connect.errors.";
/// What a broker takes when nobody says otherwise.
const USUAL: usize = 1_048_588;

/// Connect's dead letters of what is no JSON.
fn letters_of_json(stage: &Stage, dlq: &str) -> Value {
    let mapping = stage.config()["kusto.tables.topics.mapping"].as_str().unwrap().replace("csv", "json");
    stage.one_task_with(&json!({
            "kusto.tables.topics.mapping": mapping,
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter.schemas.enable": "false",
            "errors.tolerance": "all",
            "errors.deadletterqueue.topic.name": dlq,
            "errors.deadletterqueue.topic.replication.factor": "1",
            "errors.deadletterqueue.context.headers.enable": "true",
    }))
}

/// A JSON text of `size` bytes that never ends.
fn broken(key: &str, size: usize) -> Raw {
    Raw::text(key, &format!("{{\"text\":\"{}", "a".repeat(size - 9)))
}

fn good(number: usize) -> Raw {
    Raw::text("good", &json!({ "Partition": 0, "Number": number, "Text": "text" }).to_string())
}

fn letter<'a>(letters: &'a [Raw], key: &str) -> &'a Raw {
    let found: Vec<_> =
        letters.iter().filter(|letter| letter.key.as_deref() == Some(key.as_bytes())).collect();
    assert_eq!(found.len(), 1, "{key}");
    found[0]
}

fn context_of(letter: &Raw) -> usize {
    letter.headers.iter().filter(|(name, _)| name.starts_with(CONTEXT)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_letter_is_as_much_of_its_record_as_the_topic_takes() {
    let kafka = Kafka::shared().await;
    let mut stage = Stage::set(kafka, 1).await;
    stage.topic = unique("large");
    kafka.create_topic_with(&stage.topic, 1, &[("max.message.bytes", "8000000")]).await;
    let dlq = unique("dead");
    stage.worker.rest().create_running(&stage.connector, &letters_of_json(&stage, &dlq)).await;
    let header = |key: &str| broken(key, 50).header("large", &vec![b'h'; 2_000_000]);
    let bad = [
        // More than librdkafka's producers take by themselves, less than brokers do.
        broken("whole", 1_010_000),
        broken("without context", USUAL - 300),
        broken("without value", 3_000_000),
        header("without anything"),
    ];
    let mut records = vec![good(0)];
    for (number, record) in bad.iter().enumerate() {
        records.extend([record.clone(), good(number + 1)]);
    }
    send_raw(kafka, &stage.topic, &records).await;
    stage.wait_for_commit(kafka, records.len()).await;
    stage.assert_running().await;
    wait_for("its neighbours", MINUTE, async || (stage.adx.count("Numbers").await == 5).then_some(())).await;

    let letters = read_raw(kafka, &dlq).await;
    assert_eq!(letters.len(), bad.len());
    let whole = letter(&letters, "whole");
    assert_eq!((&whole.value, context_of(whole)), (&bad[0].value, 10));
    let plain = letter(&letters, "without context");
    assert_eq!((&plain.value, plain.headers.len()), (&bad[1].value, 0));
    let empty = letter(&letters, "without value");
    assert_eq!((&empty.value, context_of(empty)), (&None, 10));
    let left_out = empty.header_text(LEFT_OUT).expect("what is not there");
    for part in ["value of 3000000 bytes", "max.message.bytes", &format!("{}-0 offset 5", stage.topic)] {
        assert!(left_out.contains(part), "{part}: {left_out}");
    }
    let nothing = letters.iter().find(|letter| letter.key.is_none()).expect("a letter of nothing");
    assert_eq!((&nothing.value, nothing.headers.len()), (&None, 1));
    let left_out = nothing.header_text(LEFT_OUT).expect("what is not there");
    assert!(left_out.contains("key and headers") && left_out.contains("offset 7"), "{left_out}");
    assert!(stage.worker.log().contains("a dead letter is larger than its topic takes"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn letters_that_are_only_too_large_together_are_whole() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 1).await;
    let dlq = unique("small");
    kafka.create_topic_with(&dlq, 1, &[("max.message.bytes", "3000")]).await;
    let bad: Vec<Raw> = (0..300).map(|number| broken(&number.to_string(), 60)).collect();
    send_raw(kafka, &stage.topic, &bad).await;
    stage.worker.rest().create_running(&stage.connector, &letters_of_json(&stage, &dlq)).await;
    stage.wait_for_commit(kafka, bad.len()).await;
    let letters = read_raw(kafka, &dlq).await;
    assert_eq!(letters.len(), bad.len());
    for record in &bad {
        let key = String::from_utf8(record.key.clone().unwrap()).unwrap();
        let letter = letter(&letters, &key);
        assert_eq!((&letter.value, context_of(letter)), (&record.value, 10), "{key}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sinks_own_dead_letters_and_a_limit_of_the_users_are_cut_alike() {
    let kafka = Kafka::shared().await;
    let mut stage = Stage::set(kafka, 1).await;
    stage.topic = unique("large");
    kafka.create_topic_with(&stage.topic, 1, &[("max.message.bytes", "8000000")]).await;
    let csv = |key: &str, size: usize| Raw::text(key, &format!("0,1,{}", "a".repeat(size)));
    let records = [csv("whole", 1_020_000), csv("large", 2_000_000)];
    send_raw(kafka, &stage.topic, &records).await;
    // Once the broker says no, once the client's own limit does.
    for (limit, is_whole) in [("100000000", true), ("1000000", false)] {
        let dlq = unique("sink-dead");
        let mut config = stage.one_task_with(&Stage::routed_to_letters(kafka, &dlq));
        config["misc.deadletterqueue.max.request.size"] = limit.into();
        stage.connector = unique("sink");
        stage.worker.rest().create_running(&stage.connector, &config).await;
        stage.wait_for_commit(kafka, records.len()).await;
        stage.assert_running().await;
        let letters = read_raw(kafka, &dlq).await;
        assert_eq!(letters.len(), 2);
        let whole = letter(&letters, "whole");
        assert_eq!(whole.value == records[0].value, is_whole, "{limit}");
        let large = letter(&letters, "large");
        assert_eq!((&large.value, large.header_text("kafka_offset")), (&None, Some("1")));
        assert!(large.header_text(LEFT_OUT).expect("said").contains("value of 2000004 bytes"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_is_large_when_it_is_decompressed_is_read() {
    const RECORDS: u64 = 60;
    let kafka = Kafka::shared().await;
    let mut stage = Stage::set(kafka, 1).await;
    stage.topic = unique("zstd");
    kafka.create_topic_with(&stage.topic, 1, &[("max.message.bytes", "60000000")]).await;
    let payload = tempfile::NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a file");
    std::fs::write(payload.path(), format!("0,1,\"{}\"", "storm ".repeat(150_000))).expect("a record");
    // Java's zstd does not say in a batch how large it is inside; librdkafka then tries greater and greater buffers.
    let sent = Command::new(root().join("scripts/kafka"))
        .args(["tool", "org.apache.kafka.tools.ProducerPerformance", "--topic", &stage.topic])
        .args(["--bootstrap-server", kafka.bootstrap(), "--throughput", "-1"])
        .args(["--num-records", &RECORDS.to_string()])
        .arg("--payload-file")
        .arg(payload.path())
        .args(["--command-property", "compression.type=zstd", "batch.size=60000000", "linger.ms=20000"])
        .args(["max.request.size=60000000", "buffer.memory=100000000"])
        .output()
        .expect("the tool");
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    stage.create().await;
    stage.wait_for_commit(kafka, usize::try_from(RECORDS).unwrap()).await;
    stage.assert_running().await;
    wait_for("the rows", MINUTE, async || (stage.adx.count("Numbers").await == RECORDS).then_some(())).await;
}
