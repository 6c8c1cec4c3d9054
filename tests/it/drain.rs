//! A drain that takes too long is fenced at the deadline: what is late writes nothing afterwards, and is read again.

use std::time::Duration;

use adx_emulator::Operation;
use adx_emulator::faults::{Effect, Rule};

use crate::support::{Kafka, Stage, Worker, unique, wait_for};

const RECORDS: u32 = 2_000;

/// Takes `operation` away, sends records, and stops the connector while they are tried again and again; then gives it back.
async fn late(operation: Operation) {
    let kafka = Kafka::shared().await;
    let worker = Worker::with(kafka, &[("task.shutdown.graceful.timeout.ms", "1000")]).await;
    let stage = Stage::around(kafka, 2, worker).await;
    stage.create().await;
    let busy = Effect::Status { status: 503, code: None, retry_after: None };
    stage.adx.faults().add(Rule::new(operation, busy));
    let sent = stage.send(kafka, RECORDS).await;
    wait_for("a few refused attempts", Duration::from_mins(1), async || {
        (stage.adx.requests(operation) >= 4).then_some(())
    })
    .await;
    let rest = stage.worker.rest();
    assert_eq!(rest.put(&format!("/connectors/{}/stop", stage.connector)).await.status, 204);
    wait_for("the fence", Duration::from_mins(1), async || {
        let log = stage.worker.log();
        (log.contains("not drained within task.shutdown.graceful.timeout.ms")).then_some(())
    })
    .await;
    rest.wait_for_states(&stage.connector, "STOPPED", &[]).await;
    assert_eq!(stage.committed(kafka).await, [-1, -1], "nothing was handed over");
    let asked = stage.adx.requests(operation);
    stage.adx.faults().clear();

    // Another connector of the same worker reads the same records and is done: several times the pause between two attempts.
    let other = unique("other");
    rest.create_running(&other, &stage.config()).await;
    let verdict = stage.adx.wait_for_all(&sent, Duration::from_mins(1)).await;
    assert_eq!((verdict.missing, verdict.duplicates), (0, 0), "the fenced batches were written: {verdict:?}");
    assert!(stage.adx.requests(operation) > asked);
    wait_for("its commits", Duration::from_mins(1), async || {
        let committed = kafka.committed(&format!("connect-{other}"), &stage.topic, 2).await;
        (committed.iter().sum::<i64>() == i64::from(RECORDS)).then_some(())
    })
    .await;
    assert_eq!(rest.delete(&format!("/connectors/{other}")).await.status, 204);
    assert_eq!(stage.committed(kafka).await, [-1, -1], "the fenced connector has committed nothing since");

    // It reads all of it again, once.
    assert_eq!(rest.put(&format!("/connectors/{}/resume", stage.connector)).await.status, 202);
    wait_for("each record twice", Duration::from_mins(1), async || {
        (stage.adx.count("Numbers").await >= 2 * u64::from(RECORDS)).then_some(())
    })
    .await;
    wait_for("all committed", Duration::from_mins(1), async || {
        (stage.committed(kafka).await.iter().sum::<i64>() == i64::from(RECORDS)).then_some(())
    })
    .await;
    let verdict = stage.adx.verdict(&sent).await;
    assert_eq!((verdict.missing, verdict.duplicates), (0, u64::from(RECORDS)), "{verdict:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn late_uploads_are_fenced() {
    late(Operation::PutBlob).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn late_queue_messages_are_fenced() {
    late(Operation::PutMessage).await;
}
