//! What becomes of sources on demand, and that the emulator tells it in every way, or keeps silent where a rule says so.

use std::time::Duration;

use adx_emulator::faults::{Effect, Rule};
use adx_emulator::{Data, Operation, Options};
use serde_json::{Value, json};

use crate::support::{DATABASE, DEADLINE, Rig, gzip};

const STEPS: [(Operation, &str); 5] = [
    (Operation::Download, "Download_NotTransient"),
    (Operation::Decompress, "BadRequest_InvalidArchive"),
    (Operation::Parse, "BadRequest_InvalidBlob"),
    (Operation::Mapping, "BadRequest_InvalidMapping"),
    (Operation::UpdatePolicy, "UpdatePolicy_BadRequest"),
];

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
        rig.emulator.faults().add(Rule::fail(step).of_path(&name));
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
        rig.emulator.faults().add(Rule::fail(step).of_path(&name));
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
    rig.emulator.faults().add(Rule::fail_for_a_while(Operation::Parse).of_path("/twice").times(2));
    rig.emulator.faults().add(Rule::fail_for_a_while(Operation::UpdatePolicy).of_path("/ever"));
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
    rig.emulator.faults().add(Rule::new(Operation::Accept, refusal).of_path("/refused"));
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
    let poison = Rule::fail_with(Operation::Parse, "Stream_WrongNumberOfFields").of_content("poison");
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
    rig.emulator.faults().add(Rule::fail(Operation::Batch).of_path("/two").times(1));
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
    rig.emulator.faults().add(Rule::tell_late(Duration::from_secs(3)).of_path("/late"));
    rig.emulator.faults().add(Rule::never_tell().of_path("/never"));
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
async fn a_stop_tells_what_is_to_be_told_late() {
    let folder = tempfile::tempdir().unwrap();
    let options = || short(Options { data: Data::Dir(folder.path().to_owned()), ..Options::default() });
    let rig = Rig::with(options()).await;
    rig.create_table().await;
    rig.emulator.faults().add(Rule::tell_late(Duration::from_hours(1)));
    let late = rig.ingest("late.csv.gz", "a,1\n", json!({"ReportLevel": 2})).await;
    rig.until("it is in", |counts| counts.ingested_blobs == 1).await;
    assert_eq!(rig.emulator.success_reports(), Vec::<Value>::new());
    tokio::time::timeout(DEADLINE, rig.emulator.stop()).await.unwrap();
    let rig = Rig::with(options()).await;
    let told: Vec<_> =
        rig.emulator.success_reports().iter().map(|told| told["IngestionSourceId"].clone()).collect();
    assert_eq!(told, [late["Id"].clone()]);
    // Its message is gone, so it does not come in again.
    rig.ingest("next.csv.gz", "b,2\n", json!({})).await;
    rig.until_rows(2).await;
    assert_eq!(rig.counts().read_messages, 1);
}

#[tokio::test]
async fn a_rule_for_a_table_leaves_others_alone_and_failures_of_all_databases_are_listed() {
    let rig = Rig::with(short(Options::default())).await;
    rig.create_table().await;
    rig.rows(".create table U (Name: string, Number: long)").await;
    rig.rows(".create database other").await;
    rig.emulator.faults().add(Rule::fail(Operation::Mapping).of_table("U"));
    rig.ingest("T.csv.gz", "a,1\n", json!({})).await;
    rig.ingest("U.csv.gz", "b,2\n", json!({"TableName": "U"})).await;
    rig.ingest("other.csv.gz", "c,3\n", json!({"DatabaseName": "other"})).await;
    rig.until_rows(1).await;
    rig.until("two failed", |counts| counts.failures.values().sum::<u64>() == 2).await;
    assert_eq!(rig.rows("U | count").await[0][0], 0);
    let list = ".show ingestion failures | project Database, Table, ErrorCode | sort by Table asc";
    let expected =
        json!([["other", "T", "BadRequest_TableNotExist"], [DATABASE, "U", "BadRequest_InvalidMapping"]]);
    for database in [DATABASE, "other", "NetDefaultDB"] {
        let question = json!({"db": database, "csl": list});
        let listed = eventually("two are listed", async || {
            let answer = rig.post("/v1/rest/mgmt").json(&question).send().await.unwrap();
            let answer: Value = answer.json().await.unwrap();
            let rows = answer["Tables"][0]["Rows"].clone();
            rows.as_array().is_some_and(|rows| rows.len() == 2).then_some(rows)
        });
        assert_eq!(listed.await, expected, "{database}");
    }
}

#[tokio::test]
async fn what_is_lost_is_told_by_nobody() {
    let rig = Rig::with(short(Options::default())).await;
    rig.create_table().await;
    rig.emulator.faults().add(Rule::lose().of_path("/lost"));
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
    rig.emulator.faults().add(Rule::hold_back(Duration::from_millis(1500)).of_path("/slow"));
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
    rig.emulator.faults().add(Rule::refuse_command(".show ingestion failures", 403));
    assert_eq!(rig.ask(".show ingestion failures | take 1").await.status(), 403);
    assert_eq!(rig.ask(".show data operations").await.status(), 200);
    rig.emulator.faults().add(Rule::fail(Operation::Query).of_path("ingestion_time"));
    assert_eq!(rig.ask("T | where ingestion_time() > ago(1h)").await.status(), 400);
    assert_eq!(rig.ask("T | count").await.status(), 200);
}
