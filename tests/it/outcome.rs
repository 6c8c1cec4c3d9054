//! What becomes of batches after the service took them: a real worker hands over, the service fails later, and the worker knows which
//! batch it was, while its neighbours are rows.

use std::collections::BTreeSet;
use std::time::Duration;

use adx_emulator::Operation;
use adx_emulator::faults::{Effect, Rule};
use serde_json::{Value, json};

use crate::support::{Kafka, Scrape, Stage, wait_for};

const MINUTE: Duration = Duration::from_mins(1);
const RECORDS: u32 = 2000;
/// The least that the service allows.
const BATCHING: &str =
    ".alter table Numbers policy ingestionbatching @'{\"MaximumBatchingTimeSpan\":\"00:00:10\"}'";

/// A look every three seconds, so that ten commands a minute are enough, and no margin.
fn quick() -> Value {
    json!({"kusto.outcome.interval.ms": "3000", "kusto.outcome.margin.ms": "0"})
}

/// A series of batches.
async fn batches(stage: &Stage, name: &str, label: &str) -> f64 {
    let own = format!("connector=\"{}\",{label}", stage.connector);
    Scrape::of(&stage.worker.rest().url("/metrics")).await.sum(name, &own)
}

async fn until(stage: &Stage, name: &str, label: &str, count: f64) {
    wait_for(format!("{count} batches with {label}"), MINUTE, async || {
        (batches(stage, name, label).await >= count).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_that_fail_later_are_counted_and_their_neighbours_are_rows() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 1).await;
    stage.adx.command(BATCHING).await;
    for (step, content) in [(Operation::Parse, "0,700,"), (Operation::Mapping, "0,1500,")] {
        let rule = Rule::fail(step);
        stage.adx.faults().add(Rule { content_contains: Some(content.to_owned()), ..rule });
    }
    stage.worker.rest().create_running(&stage.connector, &stage.one_task_with(&quick())).await;
    stage.send(kafka, RECORDS).await;
    until(&stage, "kusto_batch_fates_total", "fate=\"failed\"", 2.0).await;
    // Whoever had no failure is followed for its time, and no longer.
    wait_for("nothing to be followed", MINUTE, async || {
        let scrape = Scrape::of(&stage.worker.rest().url("/metrics")).await;
        let own = format!("connector=\"{}\"", stage.connector);
        let all = scrape.sum("kusto_batches_sealed_total", &own);
        let told = scrape.sum("kusto_batch_fates_total", &own);
        (told >= all && scrape.sum("kusto_batches_followed", &own) < 0.5).then_some(())
    })
    .await;
    let sealed = stage.adx.requests(Operation::PutBlob);
    let unreported = batches(&stage, "kusto_batch_fates_total", "fate=\"unreported\"").await;
    assert!(
        (unreported + 2.0 - f64::from(u32::try_from(sealed).unwrap())).abs() < 0.5,
        "{unreported} of {sealed}"
    );
    // What is missing are two whole batches.
    let rows = stage.adx.query("Numbers | project Number").await;
    let there: BTreeSet<i64> = rows.iter().map(|row| row[0].as_i64().unwrap()).collect();
    let missing: Vec<i64> = (0..i64::from(RECORDS)).filter(|number| !there.contains(number)).collect();
    assert!(missing.contains(&700) && missing.contains(&1500), "{missing:?}");
    let breaks = missing.windows(2).filter(|pair| pair[1] != pair[0] + 1).count();
    assert!(breaks <= 1 && rows.len() == there.len(), "{missing:?}");
    // REST names exactly these offsets, each batch with its code.
    let failed = wait_for("both to be named", MINUTE, async || {
        let fates = stage.worker.rest().get(&format!("/connectors/{}/ingestion", stage.connector)).await.body;
        let failed = fates["partitions"][0]["failed"].as_array().cloned().unwrap_or_default();
        (failed.len() == 2).then_some(failed)
    })
    .await;
    let offset = |batch: &Value, end: &str| batch[end].as_i64().unwrap();
    let mut named: Vec<i64> =
        failed.iter().flat_map(|batch| offset(batch, "first")..=offset(batch, "last")).collect();
    named.sort_unstable();
    assert_eq!(named, missing);
    let codes: BTreeSet<&str> = failed.iter().map(|batch| batch["code"].as_str().unwrap()).collect();
    assert_eq!(codes, BTreeSet::from(["BadRequest_InvalidBlob", "BadRequest_InvalidMapping"]));
    let log = stage.worker.log();
    assert!(codes.iter().all(|code| log.contains(code)), "{log}");
    stage.assert_running().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_fails_for_a_batch_that_failed_later_where_that_is_wanted() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 1).await;
    let rule = Rule::fail(Operation::Parse);
    stage.adx.faults().add(Rule { content_contains: Some("0,700,".to_owned()), ..rule });
    let mut config = stage.one_task_with(&quick());
    config["kusto.outcome.on.failure"] = "fail".into();
    stage.worker.rest().create_running(&stage.connector, &config).await;
    stage.send(kafka, RECORDS).await;
    let trace = stage.worker.rest().wait_for_trace(&stage.connector).await;
    assert!(trace.contains("BadRequest_InvalidBlob"), "{trace}");
    // What was handed over is committed: it is not read again.
    stage.wait_for_commit(kafka, usize::try_from(RECORDS).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_right_to_ask_rows_arrive_and_the_log_says_once_which_right_is_missing() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 1).await;
    let denied = Effect::Status { status: 403, code: None, retry_after: None };
    stage.adx.faults().add(Rule {
        path_contains: Some(".show ingestion failures".to_owned()),
        ..Rule::new(Operation::Mgmt, denied)
    });
    stage.worker.rest().create_running(&stage.connector, &stage.one_task_with(&quick())).await;
    let sent = stage.send(kafka, RECORDS).await;
    stage.adx.wait_for_all(&sent, MINUTE).await;
    until(&stage, "kusto_outcome_unfollowed_total", "reason=\"not allowed\"", 1.0).await;
    let log = stage.worker.log();
    let told =
        |line: &&str| line.contains("WARN") && line.contains("give the role Database Monitor: .add database");
    assert_eq!(log.lines().filter(told).count(), 1, "{log}");
    stage.assert_running().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_it_is_turned_off_nobody_is_asked() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 1).await;
    let mut config = stage.one_task_with(&quick());
    config["kusto.outcome.enable"] = "false".into();
    stage.worker.rest().create_running(&stage.connector, &config).await;
    let sent = stage.send(kafka, RECORDS).await;
    stage.adx.wait_for_all(&sent, MINUTE).await;
    // Another one is followed: a look that it has caused would be shown for all that are, and its fates come later than ours would.
    let other = format!("{}-followed", stage.connector);
    stage.worker.rest().create_running(&other, &stage.one_task_with(&quick())).await;
    let (url, theirs) = (stage.worker.rest().url("/metrics"), format!("connector=\"{other}\""));
    let shown =
        ["kusto_outcome_looked_timestamp_seconds", "kusto_batches_followed", "kusto_batch_fates_total"];
    let scrape = wait_for("the other one's numbers", MINUTE, async || {
        let scrape = Scrape::of(&url).await;
        shown.iter().all(|name| !scrape.all(name, &theirs).is_empty()).then_some(scrape)
    })
    .await;
    let own = format!("connector=\"{}\"", stage.connector);
    for name in shown.into_iter().chain(["kusto_outcome_looks_total", "kusto_outcome_unfollowed_total"]) {
        assert!(scrape.all(name, &own).is_empty(), "{name}");
    }
    assert!(scrape.sum("kusto_batches_sealed_total", &own) > 0.5);
}
