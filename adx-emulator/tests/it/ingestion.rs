//! Queued and streaming ingestion: from the uploaded blob to rows.

use std::time::Duration;

use adx_emulator::Options;
use serde_json::json;

use crate::support::{Rig, gzip};

#[tokio::test]
async fn a_blob_and_its_message_become_rows() {
    let rig = Rig::start().await;
    rig.create_table().await;
    rig.ingest("a.csv.gz", "one,1\n\"t,wo\",2\n", json!({})).await;
    rig.until_rows(2).await;
    let rows = rig.rows("T | project Name, Number").await;
    assert_eq!(rows, [[json!("one"), json!(1)], [json!("t,wo"), json!(2)]]);
    let counts = rig.until("counted", |counts| counts.ingested_blobs == 1).await;
    assert_eq!((counts.ingested_rows, counts.ingested_raw_bytes, counts.raw_size_mismatches), (2, 15, 0));
    assert_eq!((counts.posted_messages, counts.read_messages, counts.messages.len()), (1, 1, 1));
    assert_eq!(counts.messages[0].raw_data_size, Some(15));
    assert!(!counts.messages[0].blob.contains("sig="));
}

#[tokio::test]
async fn the_batching_policy_seals_by_items() {
    let rig = Rig::with(Options::default()).await;
    rig.create_table().await;
    rig.rows(
        ".alter table T policy ingestionbatching @'{\"MaximumBatchingTimeSpan\":\"00:30:00\", \
         \"MaximumNumberOfItems\": 3, \"MaximumRawDataSizeMB\": 300}'",
    )
    .await;
    for number in 0..2 {
        rig.ingest(&format!("{number}.csv.gz"), "a,1\n", json!({})).await;
    }
    rig.until("read", |counts| counts.read_messages == 2).await;
    assert_eq!(rig.counts().ingested_blobs, 0);
    rig.ingest("2.csv.gz", "a,1\n", json!({})).await;
    rig.until_rows(3).await;
    assert_eq!(rig.counts().sealed.get("Count"), Some(&1));
}

#[tokio::test]
async fn what_cannot_wait_is_sealed_alone() {
    let rig = Rig::with(Options::default()).await;
    rig.create_table().await;
    rig.ingest("a.csv.gz", "a,1\n", json!({"RawDataSize": null})).await;
    rig.ingest("b.csv.gz", "b,1\n", json!({"FlushImmediately": true})).await;
    let tags = json!({"AdditionalProperties": {"tags": "[\"ingest-by:x\"]"}});
    rig.ingest("c.csv.gz", "c,1\n", tags).await;
    rig.until_rows(3).await;
    let sealed = rig.counts().sealed;
    for reason in ["SingleBlob_SizeUnknown", "FlushImmediately", "SingleBlob_IngestByTag"] {
        assert_eq!(sealed.get(reason), Some(&1), "{sealed:?}");
    }
}

#[tokio::test]
async fn a_tag_that_is_there_skips_the_blob() {
    let rig = Rig::start().await;
    rig.create_table().await;
    let once = json!({"AdditionalProperties": {"tags": "[\"ingest-by:x\"]", "ingestIfNotExists": "[\"x\"]"}});
    rig.ingest("a.csv.gz", "a,1\n", once.clone()).await;
    rig.until_rows(1).await;
    rig.ingest("b.csv.gz", "b,1\n", once).await;
    rig.until("skipped", |counts| counts.skipped_blobs == 1).await;
    assert_eq!(rig.rows("T | count").await[0][0], 1);
}

#[tokio::test]
async fn a_blob_is_deleted_when_the_client_asks_and_kept_otherwise() {
    let rig = Rig::start().await;
    rig.create_table().await;
    let kept = rig.ingest("kept.csv.gz", "a,1\n", json!({})).await;
    let gone = rig.ingest("gone.csv.gz", "b,1\n", json!({"RetainBlobOnSuccess": false})).await;
    let status = async |message: &serde_json::Value| {
        rig.http.get(message["BlobPath"].as_str().unwrap()).send().await.unwrap().status().as_u16()
    };
    rig.until_rows(2).await;
    let wait = async {
        while status(&gone).await != 404 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(crate::support::DEADLINE, wait).await.unwrap();
    assert_eq!(status(&kept).await, 200);
}

#[tokio::test]
async fn streaming_needs_its_policy_and_takes_gzip() {
    let rig = Rig::start().await;
    rig.create_table().await;
    let send = || {
        let request = rig.post("/v1/rest/ingest/lab/T?streamFormat=Csv").header("content-encoding", "gzip");
        request.body(gzip(b"a,1\nb,2\n")).send()
    };
    let refused = send().await.unwrap();
    assert_eq!(refused.status(), 400);
    let body: serde_json::Value = refused.json().await.unwrap();
    assert_eq!(body["error"]["code"], "BadRequest_StreamingIngestionPolicyNotEnabled");
    assert_eq!(body["error"]["@permanent"], true);
    rig.rows(".alter table T policy streamingingestion enable").await;
    let answer = send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let body: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(body["Tables"][0]["Rows"][0][0], 2);
    assert_eq!(rig.rows("T | count").await[0][0], 2);
}

#[tokio::test]
async fn streaming_takes_four_megabytes_and_no_bad_rows() {
    let rig = Rig::start().await;
    rig.create_table().await;
    rig.rows(".alter database lab policy streamingingestion enable").await;
    let send = |query: &str, text: String| {
        let request = rig.post(&format!("/v1/rest/ingest/lab/T?{query}"));
        request.header("content-encoding", "gzip").body(gzip(text.as_bytes())).send()
    };
    let large = format!("a,1\n{}", "b,2\n".repeat(1024 * 1024));
    for (query, text, status, code) in [
        ("streamFormat=csv", large, 413, "Request is too large"),
        (
            "streamFormat=csv&mappingName=nothing",
            "a,1\n".to_owned(),
            400,
            "BadRequest_MappingReferenceWasNotFound",
        ),
        ("streamFormat=csv", "a,1\nb,\"2".to_owned(), 400, "Stream_ClosingQuoteMissing"),
        ("streamFormat=abc", "a,1\n".to_owned(), 400, "BadRequest_FormatNotSupported"),
    ] {
        let answer = send(query, text).await.unwrap();
        assert_eq!(answer.status(), status, "{query}");
        let body: serde_json::Value = answer.json().await.unwrap();
        assert_eq!((&body["error"]["code"], &body["error"]["@permanent"]), (&json!(code), &json!(true)));
    }
    assert_eq!(rig.rows("T | count").await[0][0], 0);
}

#[tokio::test]
async fn a_measurement_counts_and_keeps_nothing() {
    let rig = Rig::with(Options { discard: true, ..Options::default() }).await;
    let text = "x".repeat(10_000);
    let message = rig.ingest("a.csv.gz", &text, json!({})).await;
    let counts = rig.until("counted", |counts| counts.ingested_blobs == 1).await;
    assert_eq!((counts.ingested_raw_bytes, counts.raw_size_mismatches), (10_000, 0));
    let blob = message["BlobPath"].as_str().unwrap();
    assert_eq!(rig.http.get(blob).send().await.unwrap().status(), 404);
    rig.ingest("b.csv.gz", &text, json!({"RawDataSize": 9_999})).await;
    rig.until("the wrong size is noticed", |counts| counts.raw_size_mismatches == 1).await;
}
