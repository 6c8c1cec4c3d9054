//! At least once: whatever ends the worker, no record is lost; an orderly end repeats none.
//!
//! Each record has a number; the oracle compares all numbers sent with what the table holds.

use std::collections::BTreeMap;
use std::time::Duration;

use adx_emulator::Operation;

use crate::support::{Kafka, Random, Stage, wait_for};

/// Repeats the sequence of moments below.
const SEED: u64 = 20_070_101;

/// Records a second while the worker is being killed.
const RATE: u32 = 2_000;

/// What the worker is doing when it is killed.
const MOMENTS: [Operation; 3] = [Operation::PutBlob, Operation::PutMessage, Operation::IngestionResources];

/// Waits until `operation` was asked for `times` more.
async fn after(stage: &Stage, operation: Operation, times: u64) {
    let before = stage.adx.requests(operation);
    wait_for(format!("{times} more {operation:?}"), Duration::from_mins(1), async || {
        (stage.adx.requests(operation) >= before + times).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigkill_at_twenty_moments_loses_nothing() {
    let kafka = Kafka::shared().await;
    let mut stage = Stage::running(kafka, 3).await;
    let load = stage.load(kafka, RATE);
    let mut random = Random::new(SEED);
    println!("seed {SEED}");
    let mut lives = Vec::new();
    for kill in 1..=20 {
        // A worker that just started asks for the resources once, and for many blobs and messages afterwards.
        let operation = *random.pick(&MOMENTS);
        let times = if operation == Operation::IngestionResources { 1 } else { random.between(1, 60) };
        if kill > 1 || operation != Operation::IngestionResources {
            after(&stage, operation, times).await;
        }
        let more = random.between(0, 600 * u64::from(RATE) / 1_000);
        load.more(more).await;
        stage.worker.kill();
        let life = Life {
            committed: stage.committed(kafka).await,
            written: kafka.end_offsets(&stage.topic, stage.partitions).await,
        };
        println!("kill {kill}: after {times} {operation:?} and {more} records; {life:?}");
        lives.push(life);
        stage.worker.start_again().await;
    }
    let sent = load.stop().await;
    let verdict = stage.adx.wait_for_all(&sent, Duration::from_mins(2)).await;
    let share = verdict.duplicates * 1000 / verdict.sent;
    println!("{verdict:?}: {}.{} % of the rows twice", share / 10, share % 10);
    assert_eq!((verdict.missing, verdict.strange), (0, 0), "{verdict:?}");
    // Without commits soon after the acknowledgement each life would repeat all of those before it.
    assert!(verdict.duplicates * 2 <= verdict.sent, "{verdict:?}");
    for ((partition, number), repeats) in repeated(&stage).await {
        let lives = lives.iter().filter(|life| life.may_repeat(partition, number)).count();
        assert!(
            repeats <= lives,
            "{partition}-{number} is there {repeats} times too often, {lives} lives had it open"
        );
    }
    stage.assert_running().await;
}

/// How a life of the worker ended.
#[derive(Debug)]
struct Life {
    committed: Vec<i64>,
    /// The ends of the topic.
    written: Vec<i64>,
}

impl Life {
    /// True for what was not committed when it ended: only that is read again.
    fn may_repeat(&self, partition: usize, number: i64) -> bool {
        (self.committed[partition].max(0)..self.written[partition]).contains(&number)
    }
}

/// Records with more than one row, and how many too many.
async fn repeated(stage: &Stage) -> BTreeMap<(usize, i64), usize> {
    let mut rows: BTreeMap<(usize, i64), usize> = BTreeMap::new();
    for row in stage.adx.query("Numbers | project Partition, Number").await {
        let partition =
            row[0].as_u64().and_then(|partition| usize::try_from(partition).ok()).expect("a partition");
        *rows.entry((partition, row[1].as_i64().expect("a number"))).or_default() += 1;
    }
    rows.retain(|_, count| {
        *count -= 1;
        *count > 0
    });
    rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_under_load_repeats_nothing() {
    let kafka = Kafka::shared().await;
    let mut stage = Stage::running(kafka, 3).await;
    let load = stage.load(kafka, RATE);
    let mut random = Random::new(SEED);
    for round in 1..=6 {
        after(&stage, Operation::PutMessage, random.between(1, 12)).await;
        load.more(random.between(0, 60 * u64::from(RATE) / 1_000)).await;
        let end = stage.worker.terminate().await;
        assert!(end.success(), "round {round}: {end}");
        stage.worker.start_again().await;
    }
    let sent = load.stop().await;
    let verdict = stage.adx.wait_for_all(&sent, Duration::from_mins(2)).await;
    println!("{verdict:?}");
    assert_eq!((verdict.missing, verdict.duplicates, verdict.strange), (0, 0, 0), "{verdict:?}");
    stage.assert_running().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offsets_are_committed_behind_the_queue_message_only() {
    use adx_emulator::faults::{Effect, Rule};

    let kafka = Kafka::shared().await;
    let stage = Stage::running(kafka, 1).await;
    // Blobs go through, their messages do not: nothing may be committed.
    let busy = Effect::Status { status: 503, code: None, retry_after: None };
    stage.adx.faults().add(Rule::new(Operation::PutMessage, busy));
    let sent = stage.send(kafka, 2_000).await;
    after(&stage, Operation::PutMessage, 5).await;
    assert_eq!(stage.committed(kafka).await, [-1]);
    stage.adx.faults().clear();
    let verdict = stage.adx.wait_for_all(&sent, Duration::from_mins(1)).await;
    assert_eq!((verdict.missing, verdict.duplicates, verdict.strange), (0, 0, 0), "{verdict:?}");
    wait_for("the commit", Duration::from_secs(90), async || {
        (stage.committed(kafka).await == [2_000]).then_some(())
    })
    .await;
}
