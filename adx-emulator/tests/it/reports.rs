//! What a client is told about sources that succeed or fail.

use adx_emulator::Operation;
use adx_emulator::faults::Effect;
use serde_json::{Value, json};

use crate::support::Rig;

#[tokio::test]
async fn a_missing_table_is_reported_and_listed() {
    let rig = Rig::start().await;
    rig.create_table().await;
    let message = rig.ingest("a.csv.gz", "a,1\n", json!({"TableName": "Missing"})).await;
    rig.until("failed", |counts| counts.failures.values().sum::<u64>() == 1).await;
    let reports = reports(&rig, "FailedIngestionsQueue", 1).await;
    let report = &reports[0];
    assert_eq!(report["IngestionSourceId"], message["Id"]);
    assert_eq!((&report["Table"], &report["FailureStatus"]), (&json!("Missing"), &json!("Permanent")));
    assert!(report["ErrorCode"].as_str().unwrap().contains("Not"), "{report}");
    assert!(!report.to_string().contains("sig="));
    let listed = rig.rows(".show ingestion failures").await;
    assert_eq!(listed.len(), 1);
    assert!(!format!("{listed:?}").contains("sig="));
}

#[tokio::test]
async fn damaged_sources_fail_for_good_and_leave_no_row() {
    let rig = Rig::start().await;
    rig.create_table().await;
    let blob = rig.upload("damaged.csv.gz", b"no gzip at all".to_vec()).await;
    let message = rig.message(&blob, json!({})).await;
    rig.enqueue(&message).await;
    let absent = blob.replace("damaged", "absent");
    rig.enqueue(&rig.message(&absent, json!({})).await).await;
    let stranger = json!({"AdditionalProperties": {"authorizationContext": "of another cluster"}});
    rig.ingest("a.csv.gz", "a,1\n", stranger).await;
    rig.ingest("a.csv.zip", "a,1\n", json!({})).await;
    let counts = rig.until("failed", |counts| counts.failures.values().sum::<u64>() == 4).await;
    for code in [
        "BadRequest_FormatNotSupported",
        "BadRequest_InvalidArchive",
        "Download_SourceNotFound",
        "BadRequest_InvalidKustoIdentityToken",
    ] {
        assert_eq!(counts.failures.get(code), Some(&1), "{:?}", counts.failures);
    }
    assert_eq!(rig.rows("T | count").await[0][0], 0);
}

#[tokio::test]
async fn a_message_that_says_nothing_is_dropped() {
    let rig = Rig::start().await;
    let queue = rig.resource("SecuredReadyForAggregationQueue").await;
    rig.put_message(&queue, "bm8ganNvbg==").await;
    rig.until("dropped", |counts| counts.corrupted_messages == 1).await;
}

#[tokio::test]
async fn success_is_reported_when_asked_for_and_silence_is_kept_otherwise() {
    let rig = Rig::start().await;
    rig.create_table().await;
    let loud = rig.ingest("a.csv.gz", "a,1\n", json!({"ReportLevel": "FailuresAndSuccesses"})).await;
    rig.ingest("b.csv.gz", "b,1\n", json!({"ReportLevel": 1, "TableName": "Missing"})).await;
    rig.until("done", |counts| counts.ingested_blobs == 1 && counts.failures.len() == 1).await;
    let found = reports(&rig, "SuccessfulIngestionsQueue", 1).await;
    assert_eq!(found[0]["IngestionSourceId"], loud["Id"]);
    assert_eq!(rig.reports("FailedIngestionsQueue").await, Vec::<Value>::new());
}

#[tokio::test]
async fn the_status_table_is_updated() {
    let rig = Rig::start().await;
    rig.create_table().await;
    let table = rig.resource("IngestionsStatusTable").await;
    let entity = json!({"PartitionKey": "p", "RowKey": "r", "Status": "Pending"});
    let insert =
        || rig.http.post(table.url("", "")).header("prefer", "return-no-content").json(&entity).send();
    assert_eq!(insert().await.unwrap().status(), 204);
    assert_eq!(insert().await.unwrap().status(), 409);
    let status = json!({"ReportMethod": 1, "IngestionStatusInTable":
        {"TableConnectionString": table.url("", ""), "PartitionKey": "p", "RowKey": "r"}});
    rig.ingest("a.csv.gz", "a,1\n", status).await;
    rig.until("done", |counts| counts.ingested_blobs == 1).await;
    let url = table.url("", "").replace("ingestionsstatus", "ingestionsstatus(PartitionKey='p',RowKey='r')");
    let wait = async {
        loop {
            let found: Value = rig.http.get(&url).send().await.unwrap().json().await.unwrap();
            if found["Status"] == "Succeeded" {
                return found;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let found = tokio::time::timeout(crate::support::DEADLINE, wait).await.unwrap();
    assert_eq!(found["Table"], "T");
}

#[tokio::test]
async fn a_failure_that_passes_is_tried_again() {
    let rig = Rig::start().await;
    rig.create_table().await;
    let busy = |code: &str| Effect::Status { status: 503, code: Some(code.to_owned()), retry_after: None };
    rig.spoil(Operation::Download, 1, busy("Download_TransientNameResolutionFailure"));
    rig.spoil(Operation::Ingest, 2, busy("General_ThrottledIngestion"));
    rig.ingest("a.csv.gz", "a,1\n", json!({})).await;
    rig.until_rows(1).await;
    let counts = rig.until("counted", |counts| counts.ingested_blobs == 1).await;
    assert_eq!((counts.retries, counts.failures.len()), (3, 0));
}

/// Waits for `count` reports.
async fn reports(rig: &Rig, kind: &str, count: usize) -> Vec<Value> {
    let wait = async {
        loop {
            let found = rig.reports(kind).await;
            if found.len() >= count {
                return found;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let found = tokio::time::timeout(crate::support::DEADLINE, wait).await.expect("reports in time");
    assert_eq!(found.len(), count);
    found
}
