//! What a batch survives, and what ends it.

use super::super::IngestClient as _;
use super::super::http::Timings;
use super::fake::{Fake, Fault, Op};
use super::{Settings, client, request, settings, timings};
use crate::kusto::ingest::Error;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

const BUSY: Fault = Fault::Answer(503, "<Error><Code>ServerBusy</Code><Message>busy</Message></Error>");

fn names(fake: &Fake) -> BTreeSet<String> {
    fake.seen(Op::Blob).iter().map(|seen| seen.path.rsplit('/').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn busy_storage_gets_the_same_blob_and_the_same_message_again() {
    let fake = Fake::start().await;
    fake.fail(Op::Blob, &[BUSY, BUSY, BUSY]);
    fake.fail(Op::Message, &[BUSY, Fault::Answer(500, "")]);
    let request = request(1);
    client(settings(&fake.url)).ingest(&request).await.unwrap();
    // Three refused and one good upload; none for the sake of the message.
    assert_eq!(fake.seen(Op::Blob).len(), 4);
    assert!(fake.seen(Op::Blob).iter().all(|seen| seen.body == request.body));
    assert_eq!(names(&fake), BTreeSet::from([request.blob_name.clone()]));
    assert_eq!(fake.seen(Op::Message).len(), 3);
    assert_eq!(fake.messages().len(), 1);
    assert_eq!(fake.messages()[0]["Id"], request.id.to_string());
}

#[tokio::test]
async fn a_failed_container_is_not_tried_twice_in_a_row() {
    let fake = Fake::start().await;
    fake.fail(Op::Blob, &[BUSY]);
    client(settings(&fake.url)).ingest(&request(1)).await.unwrap();
    let uploads = fake.seen(Op::Blob);
    assert_ne!(uploads[0].path, uploads[1].path);
}

#[tokio::test]
async fn an_expired_signature_is_replaced_at_once() {
    let fake = Fake::start().await;
    let hour =
        Timings { first_pause: Duration::from_hours(1), longest_pause: Duration::from_hours(1), ..timings() };
    let client = client(Settings { timings: hour, ..settings(&fake.url) });
    client.ingest(&request(1)).await.unwrap();
    fake.sign("SIGNATURE-second");
    // Would wait for an hour if the refresh were a try like any other.
    client.ingest(&request(2)).await.unwrap();
    let message = fake.messages().remove(1);
    assert!(message["BlobPath"].as_str().unwrap().ends_with("sig=SIGNATURE-second"));
    assert_eq!(fake.seen(Op::Command).len(), 4);
}

#[tokio::test]
async fn a_signature_that_expires_before_the_message_costs_no_second_upload() {
    let fake = Fake::start().await;
    let client = client(settings(&fake.url));
    client.ingest(&request(1)).await.unwrap();
    let gone = "<Error><Code>AuthenticationFailed</Code><Message>expired</Message></Error>";
    fake.fail(Op::Message, &[Fault::Answer(403, gone)]);
    client.ingest(&request(2)).await.unwrap();
    assert_eq!(fake.seen(Op::Blob).len(), 2);
    assert_eq!(fake.messages().len(), 2);
}

#[tokio::test]
async fn refused_signatures_never_end_a_batch() {
    let fake = Fake::start().await;
    let refused = Fault::Answer(403, "<Error><Code>AuthorizationFailure</Code></Error>");
    fake.fail(Op::Blob, &vec![refused; 30]);
    client(settings(&fake.url)).ingest(&request(1)).await.unwrap();
    assert_eq!(fake.messages().len(), 1);
}

#[tokio::test]
async fn a_vanished_container_is_left_for_another() {
    let fake = Fake::start().await;
    let client = client(settings(&fake.url));
    client.ingest(&request(1)).await.unwrap();
    fake.containers(&["acct3/c3"]);
    fake.queues(&["acct3/q3"]);
    client.ingest(&request(2)).await.unwrap();
    let name = request(2).blob_name;
    assert_eq!(fake.blobs()[&format!("acct3/c3/{name}")], request(2).body);
    assert!(fake.messages()[1]["BlobPath"].as_str().unwrap().contains("/acct3/c3/"));
}

#[tokio::test]
async fn a_container_that_vanishes_after_the_upload_is_written_again_elsewhere() {
    let fake = Fake::start().await;
    fake.containers(&["acct1/c1"]);
    let client = client(settings(&fake.url));
    client.ingest(&request(1)).await.unwrap();
    // The message of the second batch meets a vanished queue; the refresh then shows other containers too.
    fake.queues(&["acct2/q9"]);
    fake.fail(Op::Message, &[]);
    let second = request(2);
    let delivery = client.ingest(&second);
    tokio::pin!(delivery);
    // The upload goes to the old container before the lists change.
    while fake.seen(Op::Blob).len() < 2 {
        tokio::select! {
            biased;
            result = &mut delivery => panic!("too early: {result:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
    fake.containers(&["acct2/c9"]);
    delivery.await.unwrap();
    let message = fake.messages().remove(1);
    assert!(message["BlobPath"].as_str().unwrap().contains("/acct2/c9/"), "{}", message["BlobPath"]);
    assert!(fake.blobs().contains_key(&format!("acct2/c9/{}", second.blob_name)));
}

#[tokio::test]
async fn an_answer_that_breaks_off_may_double_the_message_but_not_its_id() {
    let fake = Fake::start().await;
    fake.fail(Op::Message, &[Fault::BreakAfter]);
    client(settings(&fake.url)).ingest(&request(7)).await.unwrap();
    let ids: Vec<_> = fake.messages().iter().map(|message| message["Id"].clone()).collect();
    assert_eq!(ids, [request(7).id.to_string(), request(7).id.to_string()]);
    assert_eq!(fake.seen(Op::Blob).len(), 1);
}

#[tokio::test]
async fn cut_connections_are_tried_again() {
    let fake = Fake::start().await;
    // A listener that closes every connection without a word.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut cutter = JoinSet::new();
    cutter.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(stream);
        }
    });
    let columns = serde_json::json!([{"ColumnName": "ResourceTypeName"}, {"ColumnName": "StorageRoot"}]);
    let url = fake.url.as_str();
    fake.answer(
        ".get ingestion resources",
        200,
        serde_json::json!({"Tables": [{"Columns": columns, "Rows": [
            ["TempStorage", format!("http://127.0.0.1:{port}/acct1/c1?sig=x")],
            ["TempStorage", format!("{url}acct2/c2?sv=1&sig=SIGNATURE-first")],
            ["SecuredReadyForAggregationQueue", format!("http://127.0.0.1:{port}/acct1/q1?sig=x")],
            ["SecuredReadyForAggregationQueue", format!("{url}acct2/q2?sv=1&sig=SIGNATURE-first")],
        ]}]}),
    );
    let client = client(settings(&fake.url));
    for number in 1..=10 {
        client.ingest(&request(number)).await.unwrap();
    }
    assert_eq!(fake.messages().len(), 10);
    assert!(fake.blobs().keys().all(|path| path.starts_with("acct2/c2/")));
}

#[tokio::test]
async fn a_hang_ends_at_the_deadline() {
    let fake = Fake::start().await;
    fake.fail(Op::Command, &[Fault::Hang]);
    fake.fail(Op::Blob, &[Fault::Hang]);
    fake.fail(Op::Message, &[Fault::Hang]);
    let impatient = Timings { call: Duration::from_millis(300), ..timings() };
    client(Settings { timings: impatient, ..settings(&fake.url) }).ingest(&request(1)).await.unwrap();
    assert_eq!(fake.messages().len(), 1);
}

#[tokio::test]
async fn a_cluster_that_is_down_at_first_is_waited_for() {
    let fake = Fake::start().await;
    let busy = Fault::Answer(503, "");
    let throttled = Fault::Answer(429, r#"{"error":{"code":"Throttled","@message":"slow down"}}"#);
    fake.fail(Op::Command, &[busy, throttled, Fault::BreakAfter, Fault::Answer(200, "<html>")]);
    client(settings(&fake.url)).ingest(&request(1)).await.unwrap();
    assert_eq!(fake.messages().len(), 1);
}

#[tokio::test]
async fn old_resources_serve_while_the_cluster_hangs() {
    let fake = Fake::start().await;
    let stale = Timings { refresh: Duration::ZERO, ..timings() };
    let client = client(Settings { timings: stale, ..settings(&fake.url) });
    client.ingest(&request(1)).await.unwrap();
    fake.fail(Op::Command, &[Fault::Hang, Fault::Hang]);
    for number in 2..=5 {
        client.ingest(&request(number)).await.unwrap();
    }
    assert_eq!(fake.messages().len(), 5);
    // Two from the first fetch; all later ones share the renewal that hangs.
    assert_eq!(fake.seen(Op::Command).len(), 3);
}

#[tokio::test]
async fn a_permanent_refusal_ends_the_batch_with_its_reason() {
    let fake = Fake::start().await;
    let bug = "<Error><Code>InvalidHeaderValue</Code><Message>x-ms-version is wrong</Message></Error>";
    fake.fail(Op::Blob, &[Fault::Answer(400, bug)]);
    let error = client(settings(&fake.url)).ingest(&request(1)).await.unwrap_err();
    assert!(!error.is_retriable());
    let text = error.to_string();
    for part in ["put blob", "127.0.0.1", "status 400", "InvalidHeaderValue", "x-ms-version is wrong"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains('?'), "{text}");
    assert_eq!(fake.seen(Op::Blob).len(), 1);
}

#[tokio::test]
async fn a_forbidden_cluster_names_the_role_and_a_wrong_url_the_setting() {
    for (status, part) in
        [(403, "Database Ingestor"), (404, "kusto.ingestion.url"), (400, "ingest- endpoint")]
    {
        let fake = Fake::start().await;
        fake.fail(Op::Command, &[Fault::Answer(status, "")]);
        let error = client(settings(&fake.url)).ingest(&request(1)).await.unwrap_err();
        assert!(!error.is_retriable());
        assert!(error.to_string().contains(part), "{error}");
        assert_eq!(fake.seen(Op::Command).len(), 1);
    }
}

#[tokio::test]
async fn retries_end_when_the_user_set_a_limit() {
    let fake = Fake::start().await;
    fake.fail(Op::Blob, &vec![BUSY; 1000]);
    let limit = Some(Duration::from_millis(100));
    let error = client(Settings { retry_max_time: limit, ..settings(&fake.url) }).ingest(&request(1)).await;
    let error = error.unwrap_err();
    assert!(!error.is_retriable());
    assert!(matches!(&error, Error::Exhausted { tries, .. } if *tries > 1), "{error}");
    assert!(
        error.to_string().contains("errors.retry.max.time.ms") && error.to_string().contains("ServerBusy")
    );
}

#[tokio::test]
async fn a_renewal_that_nobody_awaited_does_not_pass_for_a_fresh_one() {
    let fake = Fake::start().await;
    let hour = Duration::from_hours(1);
    let stale = Timings { refresh: Duration::ZERO, first_pause: hour, longest_pause: hour, ..timings() };
    let client = client(Settings { timings: stale, ..settings(&fake.url) });
    client.ingest(&request(1)).await.unwrap();
    client.ingest(&request(2)).await.unwrap();
    while client.queued.resources.current().is_none_or(|resources| resources.generation < 2) {
        tokio::task::yield_now().await;
    }
    fake.sign("SIGNATURE-second");
    let third = request(3);
    let in_time = tokio::time::timeout(Duration::from_secs(30), client.ingest(&third)).await;
    assert!(matches!(in_time, Ok(Ok(_))), "{in_time:?}");
}
