//! Streaming ingestion: what arrives directly, what goes by the queue instead, and what is an error.

use super::super::{Error, IngestClient as _, IngestRequest};
use super::fake::{Fake, Fault, Op};
use super::{Settings, Timings, client, request, settings, timings};
use std::sync::Arc;
use std::time::Duration;

fn streamed(number: u128) -> IngestRequest {
    IngestRequest { streaming: true, ..request(number) }
}

const OFF: Fault = Fault::Answer(
    400,
    r#"{"error":{"code":"BadRequest_StreamingIngestionPolicyNotEnabled","@message":"not for this table","@permanent":true}}"#,
);
const BAD_DATA: Fault = Fault::Answer(
    400,
    r#"{"error":{"code":"Stream_WrongNumberOfFields","@message":"7 fields, not 8","@permanent":true}}"#,
);
const THROTTLED: Fault = Fault::Answer(429, r#"{"error":{"code":"Too many requests","@permanent":false}}"#);
const TOO_LARGE: Fault = Fault::Answer(413, "");
const BUSY: Fault = Fault::Answer(503, r#"{"error":{"code":"ServiceUnavailable","@permanent":false}}"#);

#[tokio::test]
async fn a_batch_is_the_body_of_one_request() {
    let fake = Fake::start().await;
    let odd = IngestRequest {
        database: Arc::from("my db/1"),
        table: Arc::from("a?b"),
        mapping: Some(Arc::from("m&n")),
        ..streamed(1)
    };
    client(settings(&fake.url)).ingest(&odd).await.unwrap();
    let seen = fake.seen(Op::Stream).remove(0);
    assert_eq!(seen.path, "v1/rest/ingest/my%20db%2F1/a%3Fb");
    assert_eq!(seen.query, "streamFormat=csv&mappingName=m%26n");
    assert_eq!(seen.body, odd.body);
    assert_eq!(seen.headers["content-encoding"], "gzip");
    assert_eq!(seen.headers["content-type"], "application/octet-stream");
    let id = format!("KCC.executeManagedStreamingIngest;{};1", odd.id);
    assert_eq!(seen.headers["x-ms-client-request-id"], id.as_str());
    assert!(fake.messages().is_empty() && fake.seen(Op::Command).is_empty());
}

#[tokio::test]
async fn topics_of_both_kinds_share_a_client() {
    let fake = Fake::start().await;
    let client = client(settings(&fake.url));
    client.ingest(&streamed(1)).await.unwrap();
    client.ingest(&request(2)).await.unwrap();
    assert_eq!((fake.seen(Op::Stream).len(), fake.messages().len()), (1, 1));
}

#[tokio::test]
async fn more_than_four_megabytes_are_queued() {
    let fake = Fake::start().await;
    let client = client(settings(&fake.url));
    let limit = 4 * 1024 * 1024;
    client.ingest(&IngestRequest { raw_size: limit, ..streamed(1) }).await.unwrap();
    client.ingest(&IngestRequest { raw_size: limit + 1, ..streamed(2) }).await.unwrap();
    assert_eq!(fake.seen(Op::Stream).len(), 1);
    assert_eq!(fake.messages()[0]["Id"], request(2).id.to_string());
}

#[tokio::test]
async fn a_table_that_is_not_enabled_is_asked_once_and_then_queued_under_the_same_id() {
    for fault in [OFF, Fault::Answer(404, ""), Fault::Answer(404, r#"{"error":{"code":"NotFound"}}"#)] {
        let fake = Fake::start().await;
        let client = client(settings(&fake.url));
        fake.fail(Op::Stream, &[fault]);
        for number in 1..=3 {
            client.ingest(&streamed(number)).await.unwrap();
        }
        assert_eq!(fake.seen(Op::Stream).len(), 1);
        let ids: Vec<_> = fake.messages().iter().map(|message| message["Id"].clone()).collect();
        assert_eq!(ids, [1, 2, 3].map(|number| request(number).id.to_string()));
        // Another table is another matter.
        client.ingest(&IngestRequest { table: Arc::from("Other"), ..streamed(4) }).await.unwrap();
        assert_eq!(fake.seen(Op::Stream).len(), 2);
    }
}

#[tokio::test]
async fn after_the_pause_it_is_streamed_again() {
    let fake = Fake::start().await;
    let short = Timings { streaming_off: Duration::ZERO, streaming_busy: Duration::ZERO, ..timings() };
    let client = client(Settings { timings: short, ..settings(&fake.url) });
    fake.fail(Op::Stream, &[OFF, THROTTLED]);
    for number in 1..=3 {
        client.ingest(&streamed(number)).await.unwrap();
    }
    assert_eq!((fake.seen(Op::Stream).len(), fake.messages().len()), (3, 2));
}

#[tokio::test]
async fn throttling_queues_the_table_for_a_while() {
    let fake = Fake::start().await;
    let client = client(settings(&fake.url));
    fake.fail(Op::Stream, &[THROTTLED]);
    client.ingest(&streamed(1)).await.unwrap();
    client.ingest(&streamed(2)).await.unwrap();
    assert_eq!((fake.seen(Op::Stream).len(), fake.messages().len()), (1, 2));
}

#[tokio::test]
async fn what_is_too_large_is_queued_and_smaller_batches_are_streamed() {
    let fake = Fake::start().await;
    let client = client(settings(&fake.url));
    fake.fail(Op::Stream, &[TOO_LARGE]);
    client.ingest(&streamed(2)).await.unwrap();
    client.ingest(&streamed(1)).await.unwrap();
    client.ingest(&streamed(3)).await.unwrap();
    assert_eq!(fake.seen(Op::Stream).len(), 2);
    let ids: Vec<_> = fake.messages().iter().map(|message| message["Id"].clone()).collect();
    assert_eq!(ids, [request(2).id.to_string(), request(3).id.to_string()]);
}

#[tokio::test]
async fn transient_trouble_is_tried_three_times_and_then_queued() {
    let fake = Fake::start().await;
    let client = client(settings(&fake.url));
    fake.fail(Op::Stream, &[BUSY, Fault::BreakAfter]);
    client.ingest(&streamed(1)).await.unwrap();
    assert!(fake.messages().is_empty());
    let tries: Vec<_> =
        fake.seen(Op::Stream).iter().map(|seen| seen.headers["x-ms-client-request-id"].clone()).collect();
    assert!(tries[2].to_str().unwrap().ends_with(";3") && tries.len() == 3, "{tries:?}");

    fake.fail(Op::Stream, &[BUSY, Fault::Answer(200, "<html>"), BUSY]);
    client.ingest(&streamed(2)).await.unwrap();
    client.ingest(&streamed(3)).await.unwrap();
    assert_eq!((fake.seen(Op::Stream).len(), fake.messages().len()), (6, 2));
}

#[tokio::test]
async fn a_permanent_refusal_is_the_batches_error_and_never_queued() {
    for (fault, words) in [
        (BAD_DATA, "Stream_WrongNumberOfFields: 7 fields, not 8 (check format and mapping"),
        (Fault::Answer(403, ""), "ingestors"),
        (
            Fault::Answer(404, r#"{"error":{"code":"BadRequest_EntityNotFound","@message":"no table"}}"#),
            "BadRequest_EntityNotFound",
        ),
    ] {
        let fake = Fake::start().await;
        fake.fail(Op::Stream, &[fault]);
        let error = client(settings(&fake.url)).ingest(&streamed(1)).await.unwrap_err();
        assert!(!error.is_retriable() && error.to_string().contains(words), "{error}");
        assert_eq!((fake.seen(Op::Stream).len(), fake.messages().len()), (1, 0));
    }
}

#[tokio::test]
async fn an_error_inside_a_good_answer_is_one() {
    let fake = Fake::start().await;
    let hidden = r#"{"Tables":[{"Columns":[],"Rows":[{"OneApiErrors":[{"error":{"code":"BadRequest_InvalidMapping","@permanent":true}}]}]}]}"#;
    fake.fail(Op::Stream, &[Fault::Answer(200, hidden)]);
    let error = client(settings(&fake.url)).ingest(&streamed(1)).await.unwrap_err();
    assert!(matches!(error, Error::Refused(_)) && fake.messages().is_empty(), "{error}");
}

#[tokio::test]
async fn an_update_policy_that_cannot_stream_is_left_to_the_queue() {
    let fake = Fake::start().await;
    let text = r#"{"error":{"code":"General_BadRequest","@message":"Update policy is not allowed to use plugins","@permanent":true}}"#;
    fake.fail(Op::Stream, &[Fault::Answer(400, text)]);
    client(settings(&fake.url)).ingest(&streamed(1)).await.unwrap();
    assert_eq!(fake.messages().len(), 1);
}
