//! What the sink or the service refuses, with each `behavior.on.error`: every record is a row, a letter, or counted.

use std::time::Duration;

use adx_emulator::Operation;
use adx_emulator::faults::{Effect, Rule};
use serde_json::json;

use crate::support::sentences::DROPPED;
use crate::support::{Kafka, Raw, Stage, read_raw, send_raw, unique, wait_for};

const MINUTE: Duration = Duration::from_mins(1);

/// The service will take one batch at no size.
fn refuse_one_batch(stage: &Stage) {
    let too_large =
        Effect::Status { status: 413, code: Some("RequestBodyTooLarge".into()), retry_after: None };
    stage.adx.faults().add(Rule::new(Operation::PutBlob, too_large).times(1));
}

fn numbers(count: usize) -> Vec<Raw> {
    let record = |number: usize| {
        let mut raw = Raw::text(&format!("k{number}"), &format!("0,{number},text of {number}"));
        raw.timestamp = Some(1_700_000_000_000);
        raw.header("h", b"\xff\x00")
    };
    (0..count).map(record).collect()
}

/// The trace of the only task, which runs.
async fn trace(stage: &Stage) -> Option<String> {
    let status = stage.worker.rest().get(&format!("/connectors/{}/status", stage.connector)).await.body;
    assert_eq!(status["tasks"][0]["state"], "RUNNING", "{status}");
    status["tasks"][0]["trace"].as_str().map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_batch_and_a_record_that_cannot_be_written_go_to_the_sinks_own_topic() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 1).await;
    let dlq = unique("sink-dead");
    let mut config = stage.one_task_with(&Stage::routed_to_letters(kafka, &dlq));
    for (key, value) in [
        ("transforms.route.predicate", "elsewhere"),
        ("predicates", "elsewhere"),
        ("predicates.elsewhere.type", "org.apache.kafka.connect.transforms.predicates.HasHeaderKey"),
        ("predicates.elsewhere.name", "elsewhere"),
    ] {
        config[key] = value.into();
    }
    refuse_one_batch(&stage);
    stage.worker.rest().create_running(&stage.connector, &config).await;
    let mut records = numbers(3000);
    records[2000] = records[2000].clone().header("elsewhere", b"1");
    send_raw(kafka, &stage.topic, &records).await;
    stage.wait_for_commit(kafka, records.len()).await;
    assert!(stage.adx.faults_are_used_up());
    let letters = read_raw(kafka, &dlq).await;
    let rows = u64::try_from(records.len() - letters.len()).unwrap();
    wait_for("the others", MINUTE, async || (stage.adx.count("Numbers").await == rows).then_some(())).await;
    let mut missing: Vec<usize> = (0..records.len()).collect();
    for row in stage.adx.query("Numbers | project Number").await {
        let number = usize::try_from(row[0].as_u64().unwrap()).unwrap();
        missing.retain(|known| *known != number);
    }
    assert!(missing.len() > 1 && missing.contains(&2000), "{missing:?}");
    assert_eq!(letters.len(), missing.len());
    for letter in &letters {
        let offset: usize = letter.header_text("kafka_offset").unwrap().parse().unwrap();
        let record = &records[offset];
        assert!(missing.contains(&offset), "{offset} is a row too");
        assert_eq!((&letter.key, &letter.value), (&record.key, &record.value));
        assert_eq!(
            (letter.timestamp, &letter.headers[..record.headers.len()]),
            (record.timestamp, &record.headers[..])
        );
        let header = |name: &str| letter.header_text(name).unwrap_or_default();
        assert_eq!((header("kafka_topic"), header("kafka_partition")), (&*stage.topic, "0"));
        assert_eq!(header("kafka_timestamp"), "1700000000000");
        assert_eq!(header("__connect.errors.stage"), "TASK_PUT");
        let why = if offset == 2000 { "no entry for topic nowhere" } else { "RequestBodyTooLarge" };
        assert!(header("__connect.errors.exception.message").contains(why), "{offset}");
    }
    assert_eq!(trace(&stage).await, None, "nothing is lost, so nothing is counted");
    assert!(stage.worker.log().contains("batch skipped"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_topic_for_it_what_is_dropped_is_counted_in_the_status() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 1).await;
    refuse_one_batch(&stage);
    let config = stage.one_task_with(&json!({ "behavior.on.error": "ignore" }));
    stage.worker.rest().create_running(&stage.connector, &config).await;
    send_raw(kafka, &stage.topic, &numbers(2000)).await;
    stage.wait_for_commit(kafka, 2000).await;
    let trace = wait_for("the count", MINUTE, async || trace(&stage).await).await;
    let dropped: u64 = trace.split(' ').next().unwrap().parse().unwrap();
    let place = format!("{}-0, offsets ", stage.topic);
    DROPPED.assert_said(&trace, &["RequestBodyTooLarge", &place, "errors.tolerance, behavior.on.error"]);
    wait_for("the others", MINUTE, async || {
        (stage.adx.count("Numbers").await == 2000 - dropped).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_dropped_for_what_would_cost_everything_behind_it_too() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 1).await;
    send_raw(kafka, &stage.topic, &numbers(100)).await;
    let rest = stage.worker.rest();
    for (number, (operation, status, code)) in [
        (Operation::IngestionResources, 403, None),
        (Operation::IngestionResources, 413, Some("RequestBodyTooLarge")),
        (Operation::IngestionResources, 431, None),
        (Operation::IdentityToken, 413, Some("RequestBodyTooLarge")),
        (Operation::IdentityToken, 400, Some("Stream_Broken")),
        (Operation::PutMessage, 413, Some("RequestBodyTooLarge")),
        (Operation::PutMessage, 400, Some("Stream_Broken")),
        (Operation::PutBlob, 400, Some("Stream_Broken")),
    ]
    .into_iter()
    .enumerate()
    {
        let code = code.map(str::to_owned);
        stage.adx.faults().add(Rule::new(operation, Effect::Status { status, code, retry_after: None }));
        let behavior = ["LOG", "IGNORE"][number % 2];
        let more = json!({ "behavior.on.error": behavior, "kusto.validation.table.enable": "false" });
        let name = format!("{}-{number}", stage.connector);
        let answer = rest.create(&name, &stage.one_task_with(&more)).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        let trace = rest.wait_for_trace(&name).await;
        let line = trace.lines().next().unwrap_or_default();
        for words in [&*format!("status {status}"), &stage.topic, "offsets 0-99", "(table lab.Numbers); "] {
            assert!(line.contains(words), "{operation:?} {status}: {words}: {trace}");
        }
        let committed = kafka.committed(&format!("connect-{name}"), &stage.topic, 1).await;
        assert_eq!(committed, [-1], "{operation:?} {status}");
        stage.adx.faults().clear();
        assert_eq!(rest.delete(&format!("/connectors/{name}")).await.status, 204);
    }
    assert_eq!(stage.adx.count("Numbers").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_dead_letter_topic_is_refused() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 1).await;
    for (key, other) in [
        ("misc.deadletterqueue.topic.name", "misc.deadletterqueue.bootstrap.servers"),
        ("misc.deadletterqueue.bootstrap.servers", "misc.deadletterqueue.topic.name"),
    ] {
        let config = stage.one_task_with(&json!({ key: "x:1" }));
        let answer = stage.worker.rest().create(&stage.connector, &config).await;
        assert_eq!(answer.status, 400);
        assert!(
            answer.message().contains(&format!("Missing configuration \"{other}\"")),
            "{}",
            answer.message()
        );
    }
}
