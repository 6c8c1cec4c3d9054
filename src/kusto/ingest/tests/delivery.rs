//! What arrives when all goes well.

use super::super::IngestClient as _;
use super::super::blob::Cut;
use super::super::progress::BatchProgress;
use super::fake::{Fake, IDENTITY, Op};
use super::{client, request, settings, timings};
use bytes::Bytes;
use std::time::Duration;
use url::Url;

#[tokio::test]
async fn a_batch_becomes_a_blob_and_a_message() {
    let fake = Fake::start().await;
    let client = client(settings(&fake.url));
    let request = request(1);
    client.ingest(&request).await.unwrap();

    let message = fake.messages().remove(0);
    assert_eq!(message["Id"], request.id.to_string());
    assert_eq!(message["RawDataSize"], request.raw_size);
    assert_eq!(message["DatabaseName"], "Samples");
    assert_eq!(message["AdditionalProperties"]["authorizationContext"], IDENTITY);
    assert_eq!(message["AdditionalProperties"]["ingestionMappingReference"], "Storms_CSV_Mapping");
    let blob = Url::parse(message["BlobPath"].as_str().unwrap()).unwrap();
    assert_eq!(blob.query(), Some("sv=1&sig=SIGNATURE-first"));
    assert!(blob.path().ends_with(&request.blob_name));
    assert_eq!(fake.blobs()[blob.path().trim_start_matches('/')], request.body);

    let upload = fake.seen(Op::Blob).remove(0);
    assert_eq!(upload.headers["content-type"], "application/octet-stream");
    assert_eq!(upload.headers["x-ms-version"], "2025-05-05");
    let command = fake.seen(Op::Command).remove(0);
    assert!(command.headers["x-ms-app"].to_str().unwrap().contains("|App.{storm}:"));
    assert!(command.headers["x-ms-client-request-id"].to_str().unwrap().starts_with("KCC.execute;"));
    assert!(!command.headers.contains_key("authorization"));
}

#[tokio::test(start_paused = true)]
async fn the_time_for_tries_is_not_used_up_by_waiting_for_a_place() {
    let client = client(settings(&Url::parse("http://127.0.0.1:9").unwrap()));
    let all = client.queued.http.uploads.enter(usize::MAX).await;
    let request = request(1);
    let mut delivery = BatchProgress::new(&request, &timings());
    let waiting = async {
        tokio::time::advance(Duration::from_hours(1)).await;
        drop(all);
    };
    tokio::join!(client.queued.place(&mut delivery), waiting);
    assert_eq!(delivery.started.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn resources_are_fetched_once_for_all() {
    let fake = Fake::start().await;
    let client = client(settings(&fake.url));
    let requests: Vec<_> = (1..=20).map(request).collect();
    let results = futures::future::join_all(requests.iter().map(|request| client.ingest(request))).await;
    assert!(results.iter().all(Result::is_ok));
    client.ingest(&request(21)).await.unwrap();
    assert_eq!(fake.messages().len(), 21);
    assert_eq!(fake.blobs().len(), 21);
    // One for the resources, one for the identity token.
    assert_eq!(fake.seen(Op::Command).len(), 2);
}

#[tokio::test]
async fn both_accounts_are_used() {
    let fake = Fake::start().await;
    let client = client(settings(&fake.url));
    for number in 1..=40 {
        client.ingest(&request(number)).await.unwrap();
    }
    // The chance that forty throws of a coin all fall on one side is nil.
    for account in ["acct1/c1/", "acct2/c2/"] {
        assert!(fake.blobs().keys().any(|path| path.starts_with(account)), "{account}");
    }
    for account in ["acct1/q1/", "acct2/q2/"] {
        assert!(fake.seen(Op::Message).iter().any(|seen| seen.path.starts_with(account)), "{account}");
    }
}

#[tokio::test]
async fn a_large_batch_goes_in_blocks() {
    let fake = Fake::start().await;
    let client = client(super::Settings { cut: Cut { single: 1000, block: 700 }, ..settings(&fake.url) });
    let body: Vec<u8> = (0..5000_u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
    let large = super::IngestRequest { body: Bytes::from(body.clone()), ..request(1) };
    client.ingest(&large).await.unwrap();
    assert_eq!(fake.blobs().into_values().collect::<Vec<_>>(), [body]);
    // Eight blocks and the list of them.
    assert_eq!(fake.seen(Op::Blob).len(), 9);
}

#[tokio::test]
async fn odd_names_are_encoded_once() {
    let fake = Fake::start().await;
    let client = client(settings(&fake.url));
    let odd = super::IngestRequest { blob_name: "a b+c%20ü#?.csv.gz".to_owned(), ..request(1) };
    client.ingest(&odd).await.unwrap();
    let message = fake.messages().remove(0);
    let blob = Url::parse(message["BlobPath"].as_str().unwrap()).unwrap();
    let stored = fake.blobs().into_keys().next().unwrap();
    assert_eq!(blob.path().trim_start_matches('/'), stored);
    assert!(stored.ends_with("/a%20b+c%2520%C3%BC%23%3F.csv.gz"), "{stored}");
}
