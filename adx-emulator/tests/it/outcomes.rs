//! What becomes of sources on demand, and that the emulator tells it in every way, or keeps silent where a rule says so.

use std::time::Duration;

use adx_emulator::faults::{Effect, Rule};
use adx_emulator::{Operation, Options};
use serde_json::{Value, json};

use crate::support::{DATABASE, DEADLINE, Rig, gzip};

const STEPS: [(Operation, &str); 5] = [
    (Operation::Download, "Download_NotTransient"),
    (Operation::Decompress, "BadRequest_InvalidArchive"),
    (Operation::Parse, "BadRequest_InvalidBlob"),
    (Operation::Mapping, "BadRequest_InvalidMapping"),
    (Operation::UpdatePolicy, "UpdatePolicy_BadRequest"),
];

fn fail(permanent: Option<bool>) -> Effect {
    Effect::Fail { code: None, permanent, details: None }
}

/// A rule for the blobs whose name contains `name`.
fn rule(operation: Operation, name: &str, effect: Effect) -> Rule {
    Rule { path_contains: Some(name.to_owned()), ..Rule::new(operation, effect) }
}

fn short(options: Options) -> Options {
    Options { max_batching_time: Some(Duration::from_millis(200)), ..options }
}

/// Waits until `found` finds something.
async fn eventually<T>(what: &str, mut found: impl AsyncFnMut() -> Option<T>) -> T {
    let wait = async {
        loop {
            if let Some(found) = found().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let Ok(found) = tokio::time::timeout(DEADLINE, wait).await else { panic!("{what}: not in time") };
    found
}

#[tokio::test]
async fn each_step_fails_for_good_and_is_told_in_queue_and_list() {
    let rig = Rig::with(short(Options::default())).await;
    rig.create_table().await;
    let mut sent = Vec::new();
    for (step, code) in STEPS {
        let name = format!("bad-{}", step.as_str());
        rig.emulator.faults().add(rule(step, &name, fail(None)));
        let message = rig.ingest(&format!("{name}.csv.gz"), "a,1\n", json!({})).await;
        sent.push((message["Id"].clone(), name, code));
    }
    rig.ingest("good.csv.gz", "b,2\n", json!({})).await;
    rig.until_rows(1).await;
    let reports = eventually("five reports", async || {
        Some(rig.emulator.failure_reports()).filter(|reports| reports.len() == STEPS.len())
    })
    .await;
    for (id, name, code) in sent {
        let report = reports.iter().find(|report| report["IngestionSourceId"] == id).unwrap();
        assert_eq!((&report["ErrorCode"], &report["FailureStatus"]), (&json!(code), &json!("Permanent")));
        let of_policy = json!(code.starts_with("UpdatePolicy_"));
        assert_eq!(
            (&report["OriginatesFromUpdatePolicy"], &report["ShouldRetry"]),
            (&of_policy, &json!(false))
        );
        let listed = format!(
            ".show ingestion failures | where FailedOn > ago(1h) and IngestionSourcePath contains '{name}' \
             | project ErrorCode, FailureKind, OriginatesFromUpdatePolicy, OperationKind"
        );
        let expected = json!([[code, "Permanent", of_policy, "DataIngestPull"]]);
        assert_eq!(json!(rig.rows(&listed).await), expected);
    }
    assert_eq!(rig.rows("T | count").await[0][0], 1);
}

#[tokio::test]
async fn each_step_is_told_of_an_operation_too() {
    let rig = Rig::with(short(Options::default())).await;
    rig.create_table().await;
    let mut blobs = Vec::new();
    for (step, _) in STEPS {
        let name = format!("bad-{}", step.as_str());
        rig.emulator.faults().add(rule(step, &name, fail(None)));
        blobs.push(json!({"url": rig.upload(&format!("{name}.csv.gz"), gzip(b"a,1\n")).await}));
    }
    blobs.push(json!({"url": rig.upload("good.csv.gz", gzip(b"b,2\n")).await}));
    let posting = json!({"blobs": blobs, "properties": {"format": "csv", "enableTracking": true}});
    let path = format!("/v1/rest/ingestion/queued/{DATABASE}/T");
    let answer: Value = rig.post(&path).json(&posting).send().await.unwrap().json().await.unwrap();
    let operation = answer["ingestionOperationId"].as_str().unwrap();
    let url = format!("{}{path}/{operation}?details=true", rig.emulator.http_url());
    let status = eventually("all have ended", async || {
        let status: Value = rig.http.get(&url).send().await.unwrap().json().await.unwrap();
        (status["status"]["InProgress"] == 0).then_some(status)
    })
    .await;
    assert_eq!(status["status"], json!({"Succeeded": 1, "Failed": 5, "InProgress": 0, "Canceled": 0}));
    for ((_, code), detail) in STEPS.iter().zip(status["details"].as_array().unwrap()) {
        assert_eq!((&detail["errorCode"], &detail["failureStatus"]), (&json!(code), &json!("Permanent")));
    }
    assert_eq!(rig.rows("T | project Name").await, [[json!("b")]]);
}

#[tokio::test]
async fn a_try_that_failed_is_listed_and_reported_only_when_it_was_the_last() {
    let rig = Rig::with(short(Options { max_tries: 3, ..Options::default() })).await;
    rig.create_table().await;
    rig.emulator.faults().add(rule(Operation::Parse, "/twice", fail(Some(false))).times(2));
    rig.emulator.faults().add(rule(Operation::UpdatePolicy, "/ever", fail(Some(false))));
    rig.ingest("twice.csv.gz", "a,1\n", json!({})).await;
    let ever = rig.ingest("ever.csv.gz", "b,2\n", json!({})).await;
    rig.until_rows(1).await;
    let reports = eventually("a report", async || {
        Some(rig.emulator.failure_reports()).filter(|reports| !reports.is_empty())
    })
    .await;
    assert_eq!(reports.len(), 1);
    let report = &reports[0];
    assert_eq!(report["IngestionSourceId"], ever["Id"]);
    assert_eq!(report["ErrorCode"], "General_RetryAttemptsExceeded");
    assert_eq!((&report["FailureStatus"], &report["ShouldRetry"]), (&json!("Exhausted"), &json!(true)));
    let tries = async |name: &str| {
        let listed = format!(
            ".show ingestion failures | where IngestionSourcePath contains '{name}' | project ErrorCode, FailureKind"
        );
        json!(rig.rows(&listed).await)
    };
    assert_eq!(tries("/twice").await, json!([["Timeout", "Transient"], ["Timeout", "Transient"]]));
    let policy = json!(["UpdatePolicy_UnknownError", "Transient"]);
    let last = json!(["General_RetryAttemptsExceeded", "Permanent"]);
    assert_eq!(tries("/ever").await, json!([policy, policy, policy, last]));
}

#[tokio::test]
async fn what_never_comes_to_the_engine_is_reported_and_not_listed() {
    let rig = Rig::with(short(Options::default())).await;
    rig.create_table().await;
    let code = Some("BadRequest_TableAccessDenied".to_owned());
    let refusal = Effect::Fail { code, permanent: None, details: Some("No right.".to_owned()) };
    rig.emulator.faults().add(rule(Operation::Accept, "/refused", refusal));
    let message = rig.ingest("refused.csv.gz", "a,1\n", json!({})).await;
    let reports = eventually("a report", async || {
        Some(rig.emulator.failure_reports()).filter(|reports| !reports.is_empty())
    })
    .await;
    assert_eq!(reports[0]["IngestionSourceId"], message["Id"]);
    assert_eq!(reports[0]["Details"], "No right.");
    assert_eq!(rig.rows(".show ingestion failures").await, Vec::<Vec<Value>>::new());
}

#[tokio::test]
async fn a_rule_can_be_for_what_a_blob_has_inside() {
    let rig = Rig::with(short(Options::default())).await;
    rig.create_table().await;
    let code = Some("Stream_WrongNumberOfFields".to_owned());
    let effect = Effect::Fail { code, permanent: None, details: None };
    let poison = Rule { content_contains: Some("poison".to_owned()), ..Rule::new(Operation::Parse, effect) };
    rig.emulator.faults().add(poison);
    rig.ingest("both.csv.gz", "a,1\npoison,2\n", json!({})).await;
    rig.ingest("half.csv.gz", "a,1\n", json!({})).await;
    rig.until_rows(1).await;
    let counts = rig.until("one failed", |counts| !counts.failures.is_empty()).await;
    assert_eq!(counts.failures.get("Stream_WrongNumberOfFields"), Some(&1));
    assert_eq!(rig.rows("T | project Name").await, [[json!("a")]]);
}

#[tokio::test]
async fn a_batch_that_fails_as_one_is_one_line_and_a_report_for_each_source() {
    let rig = Rig::with(Options::default()).await;
    rig.create_table().await;
    let batching = ".alter table T policy ingestionbatching '{\"MaximumNumberOfItems\": 3}'";
    rig.rows(batching).await;
    let rule = rule(Operation::Batch, "/two", fail(None)).times(1);
    rig.emulator.faults().add(rule);
    let mut ids = Vec::new();
    for name in ["one", "two", "three"] {
        ids.push(rig.ingest(&format!("{name}.csv.gz"), "a,1\n", json!({})).await["Id"].clone());
    }
    rig.until("three failed", |counts| counts.failures.values().sum::<u64>() == 3).await;
    let reports = eventually("three reports", async || {
        Some(rig.emulator.failure_reports()).filter(|reports| reports.len() == 3)
    })
    .await;
    assert!(ids.iter().all(|id| reports.iter().any(|report| report["IngestionSourceId"] == *id)));
    let listed = ".show ingestion failures | project NumberOfSources, FailureKind, ErrorCode";
    assert_eq!(json!(rig.rows(listed).await), json!([[3, "Permanent", "General_BadRequest"]]));
}

#[tokio::test]
async fn what_ended_may_be_told_late_or_never() {
    let rig = Rig::with(short(Options::default())).await;
    rig.create_table().await;
    rig.emulator.faults().add(rule(Operation::Report, "/late", Effect::Delay { milliseconds: 3000 }));
    rig.emulator.faults().add(rule(Operation::Report, "/never", Effect::Lose));
    let loud = |table: &str| json!({"ReportLevel": 2, "TableName": table});
    rig.ingest("late-good.csv.gz", "a,1\n", loud("T")).await;
    rig.ingest("never-good.csv.gz", "b,2\n", loud("T")).await;
    rig.ingest("late-bad.csv.gz", "c,3\n", loud("Missing")).await;
    rig.ingest("never-bad.csv.gz", "d,4\n", loud("Missing")).await;
    rig.until("all ended", |counts| counts.ingested_blobs == 2 && counts.failures.values().sum::<u64>() == 2)
        .await;
    assert_eq!(rig.rows("T | count").await[0][0], 2);
    let list = ".show ingestion failures | project IngestionSourcePath";
    let told =
        async || (rig.emulator.success_reports(), rig.emulator.failure_reports(), rig.rows(list).await);
    assert_eq!(told().await, (Vec::new(), Vec::new(), Vec::new()));
    let (good, bad, listed) = eventually("what comes late", async || {
        let all = told().await;
        (!all.0.is_empty() && !all.1.is_empty() && !all.2.is_empty()).then_some(all)
    })
    .await;
    assert_eq!((good.len(), bad.len(), listed.len()), (1, 1, 1));
    for path in [&good[0]["IngestionSourcePath"], &bad[0]["IngestionSourcePath"], &listed[0][0]] {
        assert!(path.as_str().unwrap().contains("/late"), "{path}");
    }
}

#[tokio::test]
async fn what_is_lost_is_told_by_nobody() {
    let rig = Rig::with(short(Options::default())).await;
    rig.create_table().await;
    rig.emulator.faults().add(rule(Operation::Accept, "/lost", Effect::Lose));
    let loud = json!({"ReportLevel": 2});
    let url = rig.upload("lost-too.csv.gz", gzip(b"c,3\n")).await;
    let posting = json!({"blobs": [{"url": url}], "properties": {"format": "csv", "enableTracking": true}});
    let path = format!("/v1/rest/ingestion/queued/{DATABASE}/T");
    let answer: Value = rig.post(&path).json(&posting).send().await.unwrap().json().await.unwrap();
    rig.ingest("lost.csv.gz", "a,1\n", loud.clone()).await;
    let kept = rig.ingest("kept.csv.gz", "b,2\n", loud).await;
    rig.until_rows(1).await;
    rig.until("both are lost", |counts| counts.lost_messages == 2).await;
    let reports = eventually("a report", async || {
        Some(rig.emulator.success_reports()).filter(|reports| !reports.is_empty())
    })
    .await;
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0]["IngestionSourceId"], kept["Id"]);
    assert_eq!(rig.emulator.failure_reports(), Vec::<Value>::new());
    let operation = answer["ingestionOperationId"].as_str().unwrap();
    let url = format!("{}{path}/{operation}?details=true", rig.emulator.http_url());
    let status: Value = rig.http.get(&url).send().await.unwrap().json().await.unwrap();
    assert_eq!(
        (&status["status"]["InProgress"], &status["details"][0]["status"]),
        (&json!(1), &json!("Queued"))
    );
}

#[tokio::test]
async fn a_source_that_waits_is_overtaken() {
    let rig = Rig::with(short(Options::default())).await;
    rig.create_table().await;
    rig.emulator.faults().add(rule(Operation::Accept, "/slow", Effect::Delay { milliseconds: 1500 }));
    rig.ingest("slow.csv.gz", "slow,1\n", json!({})).await;
    rig.ingest("quick.csv.gz", "quick,2\n", json!({})).await;
    rig.until_rows(2).await;
    let order = rig.rows("T | extend at = ingestion_time() | sort by at asc | project Name").await;
    assert_eq!(order, [[json!("quick")], [json!("slow")]]);
    assert_eq!(rig.rows(".show data operations | summarize sum(RowCount)").await[0][0], 2);
}

#[tokio::test]
async fn other_clients_reports_stand_ahead_of_ours() {
    let rig = Rig::with(short(Options::default())).await;
    rig.create_table().await;
    let foreign = rig.emulator.post_foreign_failures(40).await.unwrap();
    assert_eq!(foreign.len(), 80);
    let ours = rig.ingest("a.csv.gz", "a,1\n", json!({"TableName": "Missing"})).await;
    eventually("our report", async || (rig.emulator.failure_reports().len() == 81).then_some(())).await;
    // A peek sees the first 32 of each queue.
    let seen = rig.reports("FailedIngestionsQueue").await;
    assert_eq!(seen.len(), 64);
    assert!(seen.iter().all(|report| report["IngestionSourceId"] != ours["Id"]));
    let all = rig.emulator.failure_reports();
    for id in &foreign {
        assert!(all.iter().any(|report| report["IngestionSourceId"] == **id));
    }
    let url = format!("{}/emulator/reports", rig.emulator.http_url());
    let posted = rig.http.post(&url).json(&json!({"succeeded": 3})).send().await.unwrap();
    let posted: Value = posted.json().await.unwrap();
    assert_eq!(posted["succeeded"].as_array().unwrap().len(), 6);
    let shown: Value = rig.http.get(&url).send().await.unwrap().json().await.unwrap();
    assert_eq!(shown["succeeded"].as_array().unwrap().len(), 6);
    assert_eq!(shown["failed"].as_array().unwrap().len(), 81);
    assert_eq!(rig.http.post(&url).body(r#"{"colour": 1}"#).send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn a_rule_can_be_for_one_command() {
    let rig = Rig::start().await;
    rig.create_table().await;
    let denied = Effect::Status { status: 403, code: None, retry_after: None };
    rig.emulator.faults().add(rule(Operation::Mgmt, ".show ingestion failures", denied));
    assert_eq!(rig.ask(".show ingestion failures | take 1").await.status(), 403);
    assert_eq!(rig.ask(".show data operations").await.status(), 200);
    rig.emulator.faults().add(rule(Operation::Query, "ingestion_time", fail(None)));
    assert_eq!(rig.ask("T | where ingestion_time() > ago(1h)").await.status(), 400);
    assert_eq!(rig.ask("T | count").await.status(), 200);
}
