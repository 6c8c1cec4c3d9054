//! Tasks and their partitions: one that fails leaves its siblings alone, memory has a limit, tombstones count.

use std::time::Duration;

use adx_emulator::Operation;
use adx_emulator::faults::{Effect, Rule};
use serde_json::json;

use crate::support::sentences::BAD_RECORD;
use crate::support::{Kafka, Stage, Worker, wait_for};

const PARTITIONS: i32 = 4;
/// Records of each partition before and after the bad one.
const EACH: i32 = 50;

async fn send_documents(stage: &Stage, kafka: &Kafka, first: i32) {
    let sender = kafka.producer();
    for partition in 0..PARTITIONS {
        for number in first..first + EACH {
            let document = format!("{{\"Partition\":{partition},\"Number\":{number}}}");
            sender.send(&stage.topic, partition, Some(document.as_bytes())).await;
        }
    }
    sender.flush();
}

async fn rows_of(stage: &Stage, partition: i32) -> u64 {
    let query = format!("Numbers | where Partition == {partition} | count");
    stage.adx.query(&query).await[0][0].as_u64().expect("a count")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_task_keeps_its_place_and_its_siblings_go_on() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, PARTITIONS).await;
    let mut config = stage.config();
    config["value.converter"] = json!("org.apache.kafka.connect.json.JsonConverter");
    config["value.converter.schemas.enable"] = json!("false");
    let mapping = config["kusto.tables.topics.mapping"].as_str().expect("text").replace("csv", "json");
    config["kusto.tables.topics.mapping"] = json!(mapping.clone());
    stage.worker.rest().create_running(&stage.connector, &config).await;
    send_documents(&stage, kafka, 0).await;
    let sender = kafka.producer();
    sender.send(&stage.topic, 0, Some(b"{no document")).await;
    sender.flush();
    send_documents(&stage, kafka, EACH).await;

    // Partitions are dealt in turn: task 0 has 0 and 2, task 1 has 1 and 3.
    let wanted = format!("{}-0, offset {EACH}", stage.topic);
    BAD_RECORD.fails(&stage.worker, &stage.connector, &[&wanted, "check value.converter"]).await;
    let all = u64::try_from(2 * EACH).expect("positive");
    for partition in [1, 3] {
        wait_for(format!("all rows of partition {partition}"), Duration::from_mins(1), async || {
            (rows_of(&stage, partition).await == all).then_some(())
        })
        .await;
    }
    let status = stage.worker.rest().get(&format!("/connectors/{}/status", stage.connector)).await.body;
    assert_eq!(
        (&status["connector"]["state"], &status["tasks"][1]["state"]),
        (&json!("RUNNING"), &json!("RUNNING"))
    );

    // With a converter that takes it, the record and all behind it arrive: the task had kept its place.
    stage.adx.command(".create table Lines (Text: string)").await;
    config["value.converter"] = json!("org.apache.kafka.connect.storage.StringConverter");
    config["kusto.tables.topics.mapping"] = json!(mapping.replace("Numbers", "Lines").replace("json", "txt"));
    let path = format!("/connectors/{}/config", stage.connector);
    assert_eq!(stage.worker.rest().send("PUT", &path, Some(config.to_string())).await.status, 200);
    let behind = "Lines | where Text startswith '{\"Partition\":0,' | count";
    wait_for("the records of partition 0", Duration::from_mins(1), async || {
        (stage.adx.query(behind).await[0][0].as_i64()? >= i64::from(EACH)).then_some(())
    })
    .await;
    let bad = stage.adx.query("Lines | where Text == '{no document' | count").await;
    assert_eq!(bad[0][0], json!(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_memory_makes_partitions_wait_and_loses_nothing() {
    let kafka = Kafka::shared().await;
    let mut stage = Stage::set(kafka, PARTITIONS).await;
    // One MiB is less than the open batches of four partitions want.
    stage.worker = Worker::with(kafka, &[("worker.buffer.bytes", "1048576")]).await;
    let busy = Effect::Status { status: 503, code: Some("ServerBusy".to_owned()), retry_after: None };
    stage.adx.faults().add(Rule::new(Operation::PutBlob, busy).times(20));
    let mut config = stage.config();
    config["flush.size.bytes"] = json!("100000000");
    config["flush.interval.ms"] = json!("5000");
    let sent = stage.send(kafka, 100_000).await;
    stage.worker.rest().create_running(&stage.connector, &config).await;
    let verdict = stage.adx.wait_for_all(&sent, Duration::from_mins(2)).await;
    assert_eq!((verdict.missing, verdict.duplicates), (0, 0), "{verdict:?}");
    stage.assert_running().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tombstones_move_the_offset_and_write_nothing() {
    let kafka = Kafka::shared().await;
    let stage = Stage::running(kafka, 1).await;
    let sender = kafka.producer();
    for _ in 0..5 {
        sender.send(&stage.topic, 0, None).await;
    }
    sender.flush();
    wait_for("the tombstones to be committed", Duration::from_secs(30), async || {
        (stage.committed(kafka).await == [5]).then_some(())
    })
    .await;
    assert_eq!(stage.adx.counts().blobs, 0);
}
