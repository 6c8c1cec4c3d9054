//! Ingestion by REST from real Kafka: rows arrive without a queue and offsets follow, through trouble too; a cluster that
//! does not offer it gets its batches by the queue, or the task says which setting asks for it.

use std::time::Duration;

use adx_emulator::Operation;
use adx_emulator::faults::{Effect, Moment, Rule};
use serde_json::Value;

use crate::support::sentences::NO_REST;
use crate::support::{Kafka, Stage, wait_for};

fn config(stage: &Stage, protocol: &str) -> Value {
    let mut config = stage.config();
    config["kusto.ingestion.protocol"] = protocol.into();
    config
}

fn status(status: u16) -> Effect {
    Effect::Status { status, code: None, retry_after: None }
}

async fn running(kafka: &Kafka, protocol: &str) -> Stage {
    let stage = Stage::set(kafka, 2).await;
    stage.worker.rest().create_running(&stage.connector, &config(&stage, protocol)).await;
    stage
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_arrive_without_a_queue_and_offsets_follow() {
    let kafka = Kafka::shared().await;
    let stage = running(kafka, "v2").await;
    let sent = stage.send(kafka, 1000).await;
    let verdict = stage.adx.wait_for_all(&sent, Duration::from_mins(1)).await;
    assert_eq!(verdict.duplicates, 0);
    let asked = |operation| stage.adx.requests(operation);
    assert_eq!((asked(Operation::PutMessage), asked(Operation::IngestionResources)), (0, 0));
    assert!(asked(Operation::QueuedIngest) > 0);
    wait_for("the offsets", Duration::from_mins(1), async || {
        (stage.committed(kafka).await == [500, 500]).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_through_throttling_outages_and_lost_answers() {
    let kafka = Kafka::shared().await;
    let stage = running(kafka, "v2").await;
    for (operation, effect, every) in [
        (Operation::QueuedIngest, status(429), 3),
        (Operation::QueuedIngest, status(503), 5),
        (Operation::QueuedIngest, Effect::Reset { when: Moment::After }, 7),
        (Operation::QueuedIngest, Effect::Truncate, 11),
        (Operation::PutBlob, Effect::ExpiredSas, 4),
        (Operation::IngestionConfiguration, status(503), 2),
    ] {
        stage.adx.faults().add(Rule { every: Some(every), ..Rule::new(operation, effect) });
    }
    let load = stage.load(kafka, 2000);
    wait_for("trouble of many kinds", Duration::from_mins(1), async || {
        let fired = stage.adx.faults().list().iter().filter(|active| active.fired > 0).count();
        (fired >= 4).then_some(())
    })
    .await;
    let sent = load.stop().await;
    stage.adx.wait_for_all(&sent, Duration::from_mins(1)).await;
    stage.assert_running().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_without_it_gets_its_batches_by_the_queue_when_auto_was_asked_for() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 1).await;
    stage.adx.faults().add(Rule::new(Operation::IngestionConfiguration, status(404)));
    stage.worker.rest().create_running(&stage.connector, &config(&stage, "auto")).await;
    let sent = stage.send(kafka, 200).await;
    stage.adx.wait_for_all(&sent, Duration::from_mins(1)).await;
    assert_eq!(stage.adx.requests(Operation::QueuedIngest), 0);
    assert!(stage.adx.requests(Operation::PutMessage) > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_without_it_fails_the_task_with_the_settings_name_when_v2_was_asked_for() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 1).await;
    stage.adx.faults().add(Rule::new(Operation::IngestionConfiguration, status(404)));
    stage.worker.rest().create_running(&stage.connector, &config(&stage, "v2")).await;
    let sent = stage.send(kafka, 50).await;
    NO_REST.fails(&stage.worker, &stage.connector, &[&stage.topic, "(table lab.Numbers)"]).await;
    assert_eq!((stage.committed(kafka).await, stage.adx.count("Numbers").await), (vec![-1], 0));

    let path = format!("/connectors/{}/config", stage.connector);
    let answer = stage.worker.rest().send("PUT", &path, Some(config(&stage, "auto").to_string())).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    stage.adx.wait_for_all(&sent, Duration::from_mins(1)).await;
}
