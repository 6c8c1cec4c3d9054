//! The worker's memory: a record larger than all of it goes through alone and stands in nobody's way.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::json;

use adx_emulator::Options;

use crate::support::{Adx, Kafka, Random, Sent, Stage, Worker, unique, wait_for};

/// Memory in use, in MiB.
fn resident(worker: &Worker) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{}/status", worker.pid())).expect("its status");
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("that line");
    line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).expect("a number") / 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_deleted_connectors_held_goes_back() {
    const CYCLES: u32 = 6;
    let kafka = Kafka::shared().await;
    let worker = Worker::start(kafka).await;
    let mut stage = Stage::around(kafka, 4, worker).await;
    let sent = stage.send(kafka, 600_000).await;
    stage.adx = Adx::with(Options { discard: true, ..Options::default() }).await;
    let before = resident(&stage.worker);
    let mut config = stage.config();
    config["flush.size.bytes"] = json!("1048576");
    config["kusto.validation.table.enable"] = json!("false");
    for cycle in 0..CYCLES {
        let connector = format!("{}-{cycle}", stage.connector);
        stage.worker.rest().create_running(&connector, &config).await;
        wait_for("all to be handed over", Duration::from_mins(2), async || {
            let committed = kafka.committed(&format!("connect-{connector}"), &stage.topic, 4).await;
            let read: i64 = committed.iter().sum();
            (u64::try_from(read).ok()? == sent.total()).then_some(())
        })
        .await;
        assert_eq!(stage.worker.rest().delete(&format!("/connectors/{connector}")).await.status, 204);
    }
    // Without a word to the allocator six of them leave some 100 MiB.
    wait_for(format!("{before} MiB and at most 30 more"), Duration::from_mins(1), async || {
        (resident(&stage.worker) <= before + 30).then_some(())
    })
    .await;
    assert!(stage.worker.terminate().await.success());
}

const PARTITIONS: i32 = 2;
/// Of each partition.
const GIANTS: u64 = 3;
const GIANT: usize = 9_000_000;

/// Text that gzip makes only half as large.
pub fn noise(random: &mut Random, len: usize) -> String {
    let mut text = String::with_capacity(len + 16);
    while text.len() < len {
        write!(text, "{:016x}", random.between(0, u64::MAX)).expect("text");
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_larger_than_all_memory_go_through_and_others_go_on() {
    let kafka = Kafka::shared().await;
    let worker = Worker::with(kafka, &[("worker.buffer.bytes", "8388608")]).await;
    let mut stage = Stage::around(kafka, PARTITIONS, worker).await;
    let giants = unique("giants");
    kafka.create_topic(&giants, PARTITIONS).await;
    kafka.set_topic(&giants, "max.message.bytes", "20000000").await;
    let sender = kafka.producer();
    let mut random = Random::new(7);
    for number in 0..GIANTS {
        for partition in 0..PARTITIONS {
            let value = format!("{partition},{number},\"{}\"", noise(&mut random, GIANT));
            sender.send(&giants, partition, Some(value.as_bytes())).await;
        }
    }
    sender.flush();

    let connector = unique("giants");
    let mut config = stage.config();
    config["topics"] = json!(giants);
    let mapping = config["kusto.tables.topics.mapping"].as_str().expect("text");
    config["kusto.tables.topics.mapping"] =
        json!(mapping.replace(&stage.topic, &giants).replace("Numbers", "Giants"));
    stage.adx.command(".create table Giants (Partition: int, Number: long, Text: string)").await;
    let load = stage.load(kafka, 500);
    stage.create().await;
    stage.worker.rest().create_running(&connector, &config).await;

    let sent = Sent(vec![GIANTS; usize::try_from(PARTITIONS).expect("a count")]);
    let verdict = wait_for("the giants", Duration::from_mins(2), async || {
        let rows = stage.adx.query("Giants | project Partition, Number").await;
        let rows =
            rows.iter().map(|row| (row[0].as_i64().expect("a number"), row[1].as_i64().expect("a number")));
        let verdict = sent.compare(rows);
        (verdict.missing == 0).then_some(verdict)
    });
    assert_eq!(verdict.await.duplicates, 0);
    let numbers = load.stop().await;
    let verdict = stage.adx.wait_for_all(&numbers, Duration::from_mins(1)).await;
    assert_eq!((verdict.missing, verdict.duplicates), (0, 0), "{verdict:?}");
    stage.assert_running().await;
    let log = stage.worker.log();
    let said: Vec<_> = log.lines().filter(|line| line.contains("goes through alone")).collect();
    assert_eq!(said.len(), 1, "said once: {said:?}");
    for words in ["set worker.buffer.bytes to", &format!("partition={giants}-"), "offset="] {
        assert!(said[0].contains(words), "{words}: {said:?}");
    }
    assert!(stage.worker.terminate().await.success());
}
