//! Streaming ingestion from real Kafka: rows arrive without a blob; a table that does not take them gets them by the queue;
//! what the engine calls bad is the task's failure, and its offsets stay.

use std::time::Duration;

use adx_emulator::Operation;
use adx_emulator::faults::{Effect, Moment, Rule};
use serde_json::Value;

use crate::support::sentences::WRONG_FORMAT;
use crate::support::{DATABASE, Kafka, Stage, wait_for};

const ENABLE: &str = ".alter table Numbers policy streamingingestion enable";

/// The stage's settings with streaming for its topic; `more` are further fields of its mapping.
fn config(stage: &Stage, more: &str) -> Value {
    let mut config = stage.config();
    config["kusto.tables.topics.mapping"] = format!(
        "[{{'topic':'{}','db':'{DATABASE}','table':'Numbers','format':'csv','streaming':true{more}}}]",
        stage.topic
    )
    .into();
    config
}

async fn running(kafka: &Kafka, enabled: bool) -> Stage {
    let stage = Stage::set(kafka, 2).await;
    if enabled {
        stage.adx.command(ENABLE).await;
    }
    stage.worker.rest().create_running(&stage.connector, &config(&stage, "")).await;
    stage
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_arrive_without_a_blob_and_offsets_follow() {
    let kafka = Kafka::shared().await;
    let stage = running(kafka, true).await;
    let sent = stage.send(kafka, 1000).await;
    let verdict = stage.adx.wait_for_all(&sent, Duration::from_mins(1)).await;
    assert_eq!(verdict.duplicates, 0);
    assert_eq!((stage.adx.requests(Operation::PutBlob), stage.adx.requests(Operation::PutMessage)), (0, 0));
    wait_for("the offsets", Duration::from_mins(1), async || {
        (stage.committed(kafka).await == [500, 500]).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_connector_streams_one_topic_and_queues_the_other() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 1).await;
    stage.adx.command(ENABLE).await;
    let queued = crate::support::unique("queued");
    kafka.create_topic(&queued, 1).await;
    stage.adx.command(".create table Queued (Partition: int, Number: long, Text: string)").await;
    let mut config = config(&stage, "");
    config["topics"] = format!("{},{queued}", stage.topic).into();
    config["kusto.tables.topics.mapping"] = format!(
        "[{{'topic':'{}','db':'{DATABASE}','table':'Numbers','streaming':'true'}},\
         {{'topic':'{queued}','db':'{DATABASE}','table':'Queued','streaming':false}}]",
        stage.topic
    )
    .into();
    stage.worker.rest().create_running(&stage.connector, &config).await;
    let sent = stage.send(kafka, 100).await;
    crate::support::Numbers::send(kafka, &queued, 1, 100).await;
    stage.adx.wait_for_all(&sent, Duration::from_mins(1)).await;
    wait_for("the queued rows", Duration::from_mins(1), async || {
        (stage.adx.count("Queued").await == 100).then_some(())
    })
    .await;
    let counts = stage.adx.counts();
    assert!(counts.requests["StreamingIngest"] > 0);
    assert!(counts.messages.iter().all(|message| message.table == "Queued"), "{:?}", counts.messages);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_policy_the_rows_go_by_the_queue_and_the_log_says_why() {
    let kafka = Kafka::shared().await;
    let stage = running(kafka, false).await;
    let sent = stage.send(kafka, 500).await;
    let verdict = stage.adx.wait_for_all(&sent, Duration::from_mins(1)).await;
    assert_eq!(verdict.duplicates, 0);
    // Batches that were on their way together may each have asked.
    assert!((1..=8).contains(&stage.adx.requests(Operation::StreamingIngest)));
    let log = stage.worker.log();
    let told = |line: &str| line.contains("WARN") && line.contains("policy streamingingestion enable");
    assert!(log.lines().any(told), "{log}");
    stage.assert_running().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_through_throttling_outages_and_lost_answers() {
    let kafka = Kafka::shared().await;
    let stage = running(kafka, true).await;
    let status = |status| Effect::Status { status, code: None, retry_after: None };
    for (effect, every) in [
        (status(503), 3),
        (status(429), 11),
        (status(413), 13),
        (Effect::Reset { when: Moment::Before }, 4),
        (Effect::Reset { when: Moment::After }, 7),
        (Effect::Truncate, 5),
    ] {
        let rule = Rule { every: Some(every), ..Rule::new(Operation::StreamingIngest, effect) };
        stage.adx.faults().add(rule);
    }
    let load = stage.load(kafka, 2000);
    wait_for("trouble of many kinds", Duration::from_mins(1), async || {
        let fired = stage.adx.faults().list().iter().filter(|active| active.fired > 0).count();
        (fired >= 4 && stage.adx.requests(Operation::PutMessage) > 0).then_some(())
    })
    .await;
    let sent = load.stop().await;
    stage.adx.wait_for_all(&sent, Duration::from_mins(1)).await;
    stage.assert_running().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_permanent_error_fails_the_task_with_its_reason_and_moves_no_offset() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 1).await;
    stage.adx.command(ENABLE).await;
    let mut config = config(&stage, ",'mapping':'Nowhere'");
    // Else the mapping would be missed before the first record.
    config["kusto.validation.table.enable"] = "false".into();
    stage.worker.rest().create_running(&stage.connector, &config).await;
    let sent = stage.send(kafka, 50).await;
    let place = format!("{}-0, offsets ", stage.topic);
    let places = [&*place, "(table lab.Numbers)"];
    let trace = WRONG_FORMAT.fails(&stage.worker, &stage.connector, &places).await;
    assert!(trace.contains("Nowhere"), "{trace}");
    assert_eq!(stage.committed(kafka).await, [-1]);
    assert_eq!((stage.adx.requests(Operation::PutMessage), stage.adx.count("Numbers").await), (0, 0));

    stage.adx.command(".create table Numbers ingestion csv mapping 'Nowhere' '[{\"Name\":\"Partition\",\"Ordinal\":0},{\"Name\":\"Number\",\"Ordinal\":1},{\"Name\":\"Text\",\"Ordinal\":2}]'").await;
    let restart = format!("/connectors/{}/restart?includeTasks=true", stage.connector);
    assert_eq!(stage.worker.rest().post(&restart).await.status, 202);
    stage.adx.wait_for_all(&sent, Duration::from_mins(1)).await;
}
