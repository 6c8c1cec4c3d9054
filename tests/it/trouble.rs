//! Trouble is not RUNNING, healthy and silent: what tasks wait for is in their states, in the log and in the numbers, at its
//! begin and at its end, and once however many partitions wait.

use std::time::Duration;

use adx_emulator::Operation;
use adx_emulator::faults::{Effect, Rule};
use serde_json::Value;

use crate::support::sentences::{EXPIRED_SAS, GONE, NO_IDENTITY, NO_KAFKA, NO_LETTERS, OUTAGE, THROTTLED};
use crate::support::{Kafka, Raw, Stage, send_raw, wait_for};

const MINUTE: Duration = Duration::from_mins(1);
const BEGINS: &str = "waits and is tried again";
const ENDS: &str = "goes on: what waited is done";

fn status(status: u16) -> Effect {
    Effect::Status { status, code: None, retry_after: None }
}

/// The traces of the tasks, all of which run.
async fn traces(stage: &Stage) -> Vec<Option<String>> {
    let answer = stage.worker.rest().get(&format!("/connectors/{}/status", stage.connector)).await;
    let tasks = answer.body["tasks"].as_array().expect("tasks");
    assert!(tasks.iter().all(|task| task["state"] == "RUNNING"), "{}", answer.body);
    tasks.iter().map(|task| task["trace"].as_str().map(str::to_owned)).collect()
}

async fn all_wait(stage: &Stage) -> Vec<String> {
    wait_for("a word of each task", MINUTE, async || traces(stage).await.into_iter().collect()).await
}

async fn none_waits(stage: &Stage) {
    wait_for("no word of any task", MINUTE, async || {
        traces(stage).await.iter().all(Option::is_none).then_some(())
    })
    .await;
}

/// The lines of the log about the connector with these words.
fn lines(stage: &Stage, words: &str) -> Vec<String> {
    let log = stage.worker.log();
    let is_meant = |line: &&str| line.contains(words) && line.contains(&stage.connector);
    log.lines().filter(is_meant).map(str::to_owned).collect()
}

/// A number of all tasks together.
async fn number(stage: &Stage, name: &str) -> u64 {
    let answer = reqwest::get(stage.worker.rest().url("/metrics")).await.expect("an answer");
    let text = answer.text().await.expect("a text");
    let start = format!("{name}{{connector=\"{}\",", stage.connector);
    let of_task = |line: &str| line.strip_prefix(&start)?.rsplit(' ').next()?.parse::<u64>().ok();
    text.lines().filter_map(of_task).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_of_adx_is_told_once_for_all_partitions_and_so_is_its_end() {
    let kafka = Kafka::shared().await;
    let stage = Stage::running(kafka, 24).await;
    let first = stage.send(kafka, 240).await;
    stage.adx.wait_for_all(&first, MINUTE).await;
    none_waits(&stage).await;
    for operation in [Operation::PutBlob, Operation::PutMessage, Operation::IngestionResources] {
        stage.adx.faults().add(Rule::new(operation, status(503)));
    }
    let before = stage.adx.requests(Operation::PutBlob);
    stage.send(kafka, 2_400).await;
    for trace in all_wait(&stage).await {
        let place = format!("{}-", stage.topic);
        THROTTLED.assert_said(&trace, &["batch(es) wait since 20", &place, "put blob: status 503"]);
        assert!(trace.contains("(table lab.Numbers)") && !trace.contains("sig="), "{trace}");
    }
    // Long enough for a line at each try to be a flood.
    wait_for("three hundred refused blobs", MINUTE, async || {
        (stage.adx.requests(Operation::PutBlob) >= before + 300).then_some(())
    })
    .await;
    let said = lines(&stage, BEGINS);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].contains("WARN") && said[0].contains("batch(es) wait") && said[0].contains("503"),
        "{said:?}"
    );
    let warned = stage.worker.log().lines().filter(|line| line.contains("WARN")).count();
    assert!(warned <= 5, "{warned} warnings:\n{}", stage.worker.log());
    assert_eq!(lines(&stage, ENDS), [""; 0]);
    let failures = number(&stage, "kafka_connect_task_error_total_record_failures").await;
    let retries = number(&stage, "kafka_connect_task_error_total_retries").await;
    assert!(failures >= 300 && retries >= 300, "{failures} {retries}");
    let refused = number(&stage, "kusto_request_failures_total").await;
    assert!(refused >= 300, "{refused} by operation and status");
    assert_eq!(
        number(&stage, "kafka_connect_task_error_total_record_errors").await,
        0,
        "none failed in the end"
    );

    stage.adx.faults().clear();
    none_waits(&stage).await;
    assert_eq!(lines(&stage, ENDS).len(), 1);
    assert_eq!(lines(&stage, BEGINS).len(), 1);
    wait_for("all rows", MINUTE, async || (stage.adx.count("Numbers").await == 2_640).then_some(())).await;
    // At most: the start, begin and end, and a rebalance between.
    let records = kafka.all_records(&stage.worker.status_topic(), 5).await;
    for task in 0..2 {
        let key = format!("status-task-{}-{task}", stage.connector);
        let own = records.iter().filter(|(_, of, _)| of.as_deref() == Some(&key)).count();
        assert!((3..=8).contains(&own), "{own} records of {key}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_waited_for_is_told_with_its_cause() {
    let kafka = Kafka::shared().await;
    let stage = Stage::running(kafka, 1).await;
    let gone = Effect::ContainerNotFound;
    for (kind, (operation, effect), words) in [
        // What was fetched once serves for an hour, so this comes first.
        (NO_IDENTITY, (Operation::IdentityToken, status(503)), "status 503"),
        (THROTTLED, (Operation::PutBlob, status(429)), "put blob: status 429"),
        (THROTTLED, (Operation::PutMessage, status(429)), "put message: status 429"),
        (OUTAGE, (Operation::PutBlob, status(500)), "put blob: status 500"),
        (GONE, (Operation::PutBlob, gone), "put blob: status 404 ContainerNotFound"),
        (EXPIRED_SAS, (Operation::PutBlob, Effect::ExpiredSas), "put blob: status 403 AuthenticationFailed"),
        (EXPIRED_SAS, (Operation::PutMessage, Effect::ExpiredSas), "put message: status 403"),
    ] {
        let what = kind.what;
        stage.adx.faults().add(Rule::new(operation, effect));
        let sent = stage.adx.count("Numbers").await + 10;
        stage.send(kafka, 10).await;
        let place = format!("{}-0, offsets ", stage.topic);
        kind.waits(&stage.worker, &stage.connector, &[&place, words, "(table lab.Numbers)"]).await;
        stage.adx.faults().clear();
        none_waits(&stage).await;
        wait_for(format!("the rows behind {what}"), MINUTE, async || {
            (stage.adx.count("Numbers").await >= sent).then_some(())
        })
        .await;
    }
    assert_eq!(lines(&stage, BEGINS).len(), lines(&stage, ENDS).len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_letters_that_nobody_takes_are_told() {
    let kafka = Kafka::shared().await;
    let mut letters = Kafka::own().await;
    let stage = Stage::set(kafka, 1).await;
    let mut config = stage.config();
    let all = config.as_object_mut().expect("an object");
    for (key, value) in [
        ("behavior.on.error", "LOG"),
        ("misc.deadletterqueue.bootstrap.servers", letters.bootstrap()),
        ("misc.deadletterqueue.topic.name", "dead"),
    ] {
        all.insert(key.to_owned(), Value::from(value));
    }
    stage.worker.rest().create_running(&stage.connector, &config).await;
    letters.stop().await;
    send_raw(kafka, &stage.topic, &[Raw::text("k", "0,1,\"open")]).await;
    let place = format!("{}-0, offsets 0-0", stage.topic);
    let places = [&*place, "(topic dead)", "check misc.deadletterqueue.bootstrap.servers"];
    NO_LETTERS.waits(&stage.worker, &stage.connector, &places).await;
    letters.start().await;
    none_waits(&stage).await;
    wait_for("the commit", MINUTE, async || (stage.committed(kafka).await == [1]).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn brokers_that_cannot_be_reached_are_told_though_there_is_nothing_to_commit() {
    let kafka = Kafka::shared().await;
    let mut source = Kafka::own().await;
    let stage = Stage::set(kafka, 1).await;
    source.create_topic(&stage.topic, 1).await;
    let mut config = stage.config();
    let servers = "consumer.override.bootstrap.servers".to_owned();
    config.as_object_mut().expect("an object").insert(servers, Value::from(source.bootstrap()));
    stage.worker.rest().create_running(&stage.connector, &config).await;
    wait_for("its partition", MINUTE, async || {
        (!lines(&stage, "partitions assigned").is_empty()).then_some(())
    })
    .await;
    source.stop().await;
    for trace in all_wait(&stage).await {
        NO_KAFKA.assert_said(&trace, &["since 20", "bootstrap.servers", source.bootstrap()]);
    }
    assert_eq!((lines(&stage, BEGINS).len(), lines(&stage, ENDS).len()), (1, 0));
    source.start().await;
    none_waits(&stage).await;
    assert_eq!((lines(&stage, BEGINS).len(), lines(&stage, ENDS).len()), (1, 1));
    stage.send(&source, 10).await;
    wait_for("the rows", MINUTE, async || (stage.adx.count("Numbers").await == 10).then_some(())).await;
}
