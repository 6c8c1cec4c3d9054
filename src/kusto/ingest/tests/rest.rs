//! Ingestion by REST against the emulator: posting, falling back to the queue, and what is told of batches that fail later.

use super::super::{Error, IngestClient as _, IngestRequest};
use super::emulator::{batch, wait_for};
use super::secrets::Log;
use super::{Settings, client, settings, timings};
use crate::kusto::config::IngestionProtocol;
use crate::kusto::ingest::http::Timings;
use crate::kusto::ingest::{EndListener, PostedEnd};
use adx_emulator::engine::RequestOptions;
use adx_emulator::faults::{Effect, Moment, Rule};
use adx_emulator::{Emulator, Operation, Options};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use url::Url;
use uuid::Uuid;

async fn start() -> Emulator {
    let max_batching_time = Some(Duration::from_millis(50));
    let emulator = Emulator::start(Options { max_batching_time, ..Options::default() }).await.unwrap();
    for command in [
        ".create table Storms (Number: long, State: string)",
        ".create table Storms ingestion csv mapping 'Storms_CSV_Mapping' \
         '[{\"Name\":\"Number\",\"Ordinal\":0},{\"Name\":\"State\",\"Ordinal\":1}]'",
    ] {
        emulator.engine().execute(Some("Samples"), command, &RequestOptions::default()).unwrap();
    }
    emulator
}

/// Settings for `emulator` that ask soon what became of a batch.
fn by(protocol: IngestionProtocol, emulator: &Emulator) -> Settings {
    let soon = Duration::from_millis(20);
    let timings = Timings { follow_first: soon, follow_longest: soon, ..timings() };
    Settings { protocol, timings, ..settings(&Url::parse(&emulator.http_url()).unwrap()) }
}

fn status(status: u16) -> Effect {
    Effect::Status { status, code: None, retry_after: None }
}

/// A batch that is no CSV.
fn damaged(number: u128) -> IngestRequest {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(b"1,\"never closed\n").unwrap();
    IngestRequest { raw_size: 16, body: Bytes::from(encoder.finish().unwrap()), ..batch(number) }
}

/// Waits until `log` has `text`.
async fn until_logged(log: &Log, text: &str) {
    let waiting = async {
        while !log.text().contains(text) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_mins(1), waiting).await.is_ok(), "{text} in {}", log.text());
}

fn count(emulator: &Emulator, operation: Operation) -> u64 {
    emulator.stats().snapshot().requests.get(operation.as_str()).copied().unwrap_or_default()
}

/// Remembers the ends of batches.
#[derive(Debug, Default)]
struct Heard(Mutex<Vec<(Uuid, PostedEnd)>>);

impl EndListener for Heard {
    fn ended(&self, id: Uuid, end: PostedEnd) {
        self.0.lock().unwrap().push((id, end));
    }
}

#[tokio::test]
async fn batches_go_by_rest_alone_and_are_followed_to_their_end() {
    let (log, _guard) = Log::capture("trace");
    let emulator = start().await;
    let client = client(by(IngestionProtocol::V2, &emulator));
    let heard = Arc::new(Heard::default());
    client.tell_ends(Arc::clone(&heard) as Arc<dyn EndListener>);
    for number in 1..=3 {
        client.ingest(&batch(number)).await.unwrap();
    }
    for number in 1..=3 {
        until_logged(&log, &format!("{} is in Samples.Storms", batch(number).blob_name)).await;
    }
    let mut ends = heard.0.lock().unwrap().clone();
    ends.sort_by_key(|(id, _)| *id);
    assert_eq!(ends, [1, 2, 3].map(|number| (batch(number).id, PostedEnd::Succeeded)));
    let seen = emulator.stats().snapshot();
    assert_eq!((seen.ingested_rows, seen.raw_size_mismatches), (3, 0));
    assert!(seen.messages.iter().any(|message| message.id == batch(2).id.to_string()));
    assert_eq!(count(&emulator, Operation::QueuedIngest), 3);
    assert_eq!(count(&emulator, Operation::IngestionConfiguration), 1);
    assert_eq!(count(&emulator, Operation::IngestionResources) + count(&emulator, Operation::PutMessage), 0);
    assert!(!log.text().replace("sig=REDACTED", "").contains("sig="), "{}", log.text());
    emulator.stop().await;
}

#[tokio::test]
async fn a_batch_that_fails_in_the_service_is_told_with_its_name_and_reason() {
    let (log, _guard) = Log::capture("kusto_connect=info");
    let emulator = start().await;
    let client = client(by(IngestionProtocol::V2, &emulator));
    let heard = Arc::new(Heard::default());
    client.tell_ends(Arc::clone(&heard) as Arc<dyn EndListener>);
    client.ingest(&damaged(7)).await.unwrap();
    until_logged(&log, "Stream_ClosingQuoteMissing").await;
    let ends = heard.0.lock().unwrap().clone();
    let is_told = |end: &PostedEnd| matches!(end, PostedEnd::Failed { code, .. } if code == "Stream_ClosingQuoteMissing");
    assert!(ends.len() == 1 && ends[0].0 == damaged(7).id && is_told(&ends[0].1), "{ends:?}");
    let text = log.text();
    let line = text.lines().find(|line| line.contains("Stream_ClosingQuoteMissing")).unwrap();
    assert!(line.contains("ERROR") && line.contains(&damaged(7).blob_name), "{line}");
    assert!(line.contains("not in the table"), "{line}");
    emulator.stop().await;
}

#[tokio::test]
async fn a_connector_that_stops_says_how_many_batches_it_does_not_know_the_end_of() {
    let (log, _guard) = Log::capture("kusto_connect=info");
    let emulator = start().await;
    let hour = Timings { follow_first: Duration::from_hours(1), ..timings() };
    let client = client(Settings { timings: hour, ..by(IngestionProtocol::V2, &emulator) });
    client.ingest(&batch(1)).await.unwrap();
    drop(client);
    assert!(log.text().contains("1 batches were handed over and their end is not known"), "{}", log.text());
    emulator.stop().await;
}

#[tokio::test]
async fn a_status_that_may_not_be_asked_is_told_once_and_holds_nothing_up() {
    let (log, _guard) = Log::capture("kusto_connect=info");
    let emulator = start().await;
    emulator.faults().add(Rule::new(Operation::IngestionStatus, status(403)));
    let client = client(by(IngestionProtocol::V2, &emulator));
    for number in 1..=3 {
        client.ingest(&batch(number)).await.unwrap();
    }
    wait_for(&emulator, |seen| seen.ingested_blobs == 3 && seen.faults.get("IngestionStatus") == Some(&3))
        .await;
    until_logged(&log, "cannot be followed").await;
    assert_eq!(log.text().matches("cannot be followed").count(), 1, "{}", log.text());
    emulator.stop().await;
}

#[tokio::test]
async fn auto_takes_rest_where_it_is_offered_and_the_queue_where_it_is_not() {
    let emulator = start().await;
    client(by(IngestionProtocol::Auto, &emulator)).ingest(&batch(1)).await.unwrap();
    assert_eq!((count(&emulator, Operation::QueuedIngest), count(&emulator, Operation::PutMessage)), (1, 0));
    emulator.faults().add(Rule::new(Operation::IngestionConfiguration, status(404)));
    client(by(IngestionProtocol::Auto, &emulator)).ingest(&batch(2)).await.unwrap();
    assert_eq!((count(&emulator, Operation::QueuedIngest), count(&emulator, Operation::PutMessage)), (1, 1));
    wait_for(&emulator, |seen| seen.ingested_rows == 2).await;
    emulator.stop().await;
}

#[tokio::test]
async fn v2_where_it_is_not_offered_names_the_setting() {
    let emulator = start().await;
    emulator.faults().add(Rule::new(Operation::IngestionConfiguration, status(404)));
    let error = client(by(IngestionProtocol::V2, &emulator)).ingest(&batch(1)).await.unwrap_err();
    assert!(!error.is_retriable() && error.to_string().contains("kusto.ingestion.protocol"), "{error}");
    emulator.stop().await;
}

#[tokio::test]
async fn a_missing_table_is_the_batchs_error_at_once() {
    let emulator = start().await;
    let request = IngestRequest { table: Arc::from("Nothing"), ..batch(1) };
    let error = client(by(IngestionProtocol::V2, &emulator)).ingest(&request).await.unwrap_err();
    assert!(matches!(&error, Error::Refused(refusal) if refusal.status == 400), "{error}");
    assert!(error.to_string().contains("Nothing"), "{error}");
    emulator.stop().await;
}

#[tokio::test]
async fn every_batch_arrives_by_rest_through_trouble_of_all_kinds() {
    let emulator = start().await;
    let client = client(by(IngestionProtocol::V2, &emulator));
    for (operation, effect, every) in [
        (Operation::PutBlob, status(503), 5),
        (Operation::PutBlob, Effect::ExpiredSas, 7),
        (Operation::PutBlob, Effect::ContainerNotFound, 11),
        (Operation::QueuedIngest, status(429), 3),
        (Operation::QueuedIngest, status(500), 5),
        (Operation::QueuedIngest, Effect::Reset { when: Moment::Before }, 7),
        (Operation::QueuedIngest, Effect::Truncate, 11),
        (Operation::IngestionConfiguration, status(429), 2),
        (Operation::IngestionConfiguration, Effect::Truncate, 3),
        (Operation::IngestionStatus, status(503), 2),
    ] {
        emulator.faults().add(Rule { every: Some(every), ..Rule::new(operation, effect) });
    }
    let batches: Vec<_> = (1..=50).map(batch).collect();
    for some in batches.chunks(10) {
        let results = futures::future::join_all(some.iter().map(|batch| client.ingest(batch))).await;
        assert!(results.iter().all(Result::is_ok), "{results:?}");
    }
    // An answer that broke off was followed by the same posting again.
    wait_for(&emulator, |seen| {
        batches.iter().all(|batch| seen.messages.iter().any(|message| message.id == batch.id.to_string()))
            && seen.ingested_rows >= 50
    })
    .await;
    emulator.stop().await;
}
