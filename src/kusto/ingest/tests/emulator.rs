//! Against the emulator: another hand's reading of the same protocol, from the sign-in to the row in the table.
//!
//! Only the emulator's own loop is waited for, by looking at its counters.

use super::super::managed::ManagedIngestClient;
use super::super::{Error, IngestClient as _, IngestRequest, Target};
use super::{Settings, http, request, settings, target};
use crate::kusto::signin::Principal;
use crate::kusto::signin::SignIn;
use crate::kusto::signin::application::Application;
use crate::kusto::signin::nobody::Nobody;
use crate::secret::Secret;
use adx_emulator::engine::RequestOptions;
use adx_emulator::faults::{Effect, Moment, Rule};
use adx_emulator::options::AuthOptions;
use adx_emulator::stats::Snapshot;
use adx_emulator::{Emulator, Operation, Options, StorageBackend};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

const KEY: &str = "the right key";

pub(super) async fn start(auth: AuthOptions) -> Emulator {
    let emulator = Emulator::start(Options {
        tls_listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
        storage: StorageBackend::Own,
        max_batching_time: Some(Duration::from_millis(50)),
        auth,
        ..Options::default()
    })
    .await
    .unwrap();
    for command in [
        ".create table Storms (Number: long, State: string)",
        ".create table Storms ingestion csv mapping 'Storms_CSV_Mapping' \
         '[{\"Name\":\"Number\",\"Ordinal\":0},{\"Name\":\"State\",\"Ordinal\":1}]'",
    ] {
        emulator.engine().execute(Some("Samples"), command, &RequestOptions::default()).unwrap();
    }
    emulator
}

/// A client of the emulator's TLS port that trusts its certificate and nothing else of it.
pub(super) fn client(emulator: &Emulator, sign_in: Arc<dyn SignIn>) -> ManagedIngestClient {
    let url = Url::parse(&emulator.https_url().unwrap()).unwrap();
    let settings = Settings { sign_in, ..settings(&url) };
    let root = std::fs::read(emulator.ca_file().unwrap()).unwrap();
    let root = reqwest::Certificate::from_pem(&root).unwrap();
    let http = http(vec![root], settings.timings.clone());
    ManagedIngestClient::assemble(settings, http.clone(), http)
}

fn application(key: &str) -> Arc<dyn SignIn> {
    let principal = Principal::new("app-1".to_owned(), Some("tenant-1".to_owned()));
    Arc::new(Application { principal, key: Secret::new(key) })
}

fn strict() -> AuthOptions {
    AuthOptions {
        require: true,
        client_id: Some("app-1".to_owned()),
        client_secret: Some(KEY.to_owned()),
        ..AuthOptions::default()
    }
}

/// One row, numbered like its request.
pub(super) fn batch(number: u128) -> IngestRequest {
    let row = format!("{number},\"OHIO, north\"\n");
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(row.as_bytes()).unwrap();
    let raw_size = u64::try_from(row.len()).unwrap();
    IngestRequest { raw_size, body: Bytes::from(encoder.finish().unwrap()), ..request(number) }
}

/// Waits until the emulator's counters say so.
pub(super) async fn wait_for(emulator: &Emulator, done: impl Fn(&Snapshot) -> bool) {
    let waiting = async {
        while !done(&emulator.stats().snapshot()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_mins(1), waiting).await;
    assert!(in_time.is_ok(), "{:?}", emulator.stats().snapshot());
}

#[tokio::test]
async fn a_batch_becomes_rows() {
    let emulator = start(strict()).await;
    let client = client(&emulator, application(KEY));
    client.check_targets(&[target("Samples", "Storms", Some("Storms_CSV_Mapping"))], false).await.unwrap();
    for number in 1..=3 {
        client.ingest(&batch(number)).await.unwrap();
    }
    wait_for(&emulator, |seen| seen.ingested_blobs == 3).await;
    let seen = emulator.stats().snapshot();
    assert_eq!((seen.ingested_rows, seen.raw_size_mismatches, seen.corrupted_messages), (3, 0, 0));
    // One sign-in, one fetch of the resources.
    assert_eq!((seen.tokens, seen.requests["IngestionResources"], seen.requests["IdentityToken"]), (1, 1, 1));
    assert!(seen.messages.iter().any(|message| message.id == batch(2).id.to_string()));
    emulator.stop().await;
}

#[tokio::test]
async fn a_wrong_key_and_a_missing_table_are_told_apart() {
    let emulator = start(strict()).await;
    let wrong = client(&emulator, application("a wrong key"));
    let error = wrong.ingest(&batch(1)).await.unwrap_err();
    assert!(
        matches!(error, Error::Credentials { .. }) && error.to_string().contains("aad.auth.appkey"),
        "{error}"
    );
    let check = wrong.check_targets(&[target("Samples", "Storms", None)], false).await;
    assert!(matches!(check, Err(Error::Credentials { .. })), "{check:?}");

    let right = client(&emulator, application(KEY));
    for (database, table, mapping) in
        [("Samples", "Nothing", None), ("Nowhere", "Storms", None), ("Samples", "Storms", Some("nothing"))]
    {
        let check = right.check_targets(&[target(database, table, mapping)], false).await;
        assert!(
            matches!(check, Err(Error::TargetNotFound { .. })),
            "{database} {table} {mapping:?}: {check:?}"
        );
    }
    emulator.stop().await;
}

/// Each problem with the KQL that mends it, and after those commands none.
#[tokio::test]
async fn all_problems_are_told_at_once_with_the_commands_that_mend_them() {
    let emulator = start(strict()).await;
    let run = |command: &str| {
        emulator.engine().execute(Some("Samples"), command, &RequestOptions::default()).unwrap();
    };
    run(".add table Storms ingestors ('aadapp=someone-else;tenant-1')");
    run(
        ".create table Storms ingestion csv mapping 'wide' '[{\"Name\":\"Number\",\"Ordinal\":0},{\"Name\":\"Lost One\",\"Ordinal\":1}]'",
    );
    let client = client(&emulator, application(KEY));
    let targets = [
        target("Samples", "Storms", Some("nothing")),
        Target { streaming: true, ..target("Samples", "Storms", Some("wide")) },
        target("Samples", "my-table", None),
        target("Nowhere", "Storms", None),
    ];
    let error = client.check_targets(&targets, true).await.unwrap_err();
    assert!(!error.is_retriable());
    let text = error.to_string();
    for part in [
        "6 problems",
        ".create table ['Storms'] ingestion csv mapping 'nothing' '[...]'",
        ".add table ['Storms'] ingestors ('aadapp=app-1;tenant-1')",
        ".alter-merge table ['Storms'] (['Lost One']: <type>)",
        ".alter table ['Storms'] policy streamingingestion enable",
        ".create table ['my-table'] (<column>: <type>, ...)",
        "the database, in the Azure portal",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    // The short look sees what is missing, and no more.
    let short = client.check_targets(&targets, false).await.unwrap_err().to_string();
    assert!(short.contains("3 problems") && !short.contains("ingestors"), "{short}");

    run(".create table Storms ingestion csv mapping 'nothing' '[{\"Name\":\"Number\",\"Ordinal\":0}]'");
    run(".add table ['Storms'] ingestors ('aadapp=app-1;tenant-1')");
    run(".alter-merge table ['Storms'] (['Lost One']: string)");
    run(".alter table ['Storms'] policy streamingingestion enable");
    run(".create table ['my-table'] (a: int)");
    client.check_targets(&targets[..3], true).await.unwrap();
    emulator.stop().await;
}

/// What the service says of a message it has seen in the same batch.
const KNOWN: &str = "BlobAlreadyReceived_BlobAlreadyFoundInBatch";

/// Each kind of trouble that the emulator can make, all at once, many times over.
#[tokio::test]
async fn every_batch_arrives_through_trouble_of_all_kinds() {
    let emulator = start(AuthOptions::default()).await;
    let client = client(&emulator, Arc::new(Nobody));
    let status = |status| Effect::Status { status, code: None, retry_after: None };
    for (operation, effect, every) in [
        (Operation::PutBlob, status(503), 5),
        (Operation::PutBlob, Effect::Reset { when: Moment::Before }, 7),
        (Operation::PutBlob, Effect::Reset { when: Moment::After }, 11),
        (Operation::PutBlob, Effect::ExpiredSas, 13),
        (Operation::PutBlob, Effect::ContainerNotFound, 17),
        (Operation::PutMessage, status(500), 5),
        (Operation::PutMessage, Effect::ExpiredSas, 7),
        (Operation::PutMessage, Effect::Truncate, 11),
        (Operation::PutMessage, Effect::Reset { when: Moment::Before }, 13),
        (Operation::IngestionResources, status(429), 2),
        (Operation::IngestionResources, Effect::ExpiredSas, 3),
        (Operation::IdentityToken, Effect::Truncate, 3),
    ] {
        emulator.faults().add(Rule { every: Some(every), ..Rule::new(operation, effect) });
    }
    let batches: Vec<_> = (1..=100).map(batch).collect();
    for some in batches.chunks(10) {
        let results = futures::future::join_all(some.iter().map(|batch| client.ingest(batch))).await;
        assert!(results.iter().all(Result::is_ok), "{results:?}");
    }
    // A message whose answer broke off was sent twice, under the same id and for the same blob: where both copies fall
    // into one batch of the service, it takes the second for what it is.
    let posted = emulator.stats().snapshot().posted_messages;
    assert!(posted > 100, "{posted}");
    wait_for(&emulator, |seen| {
        seen.ingested_blobs + seen.failures.get(KNOWN).copied().unwrap_or_default() == posted
    })
    .await;
    let seen = emulator.stats().snapshot();
    let ids: BTreeSet<_> = seen.messages.iter().map(|message| message.id.clone()).collect();
    assert_eq!(ids, batches.iter().map(|batch| batch.id.to_string()).collect());
    assert!(seen.failures.keys().all(|code| code == KNOWN), "{:?}", seen.failures);
    let spoiled: Vec<_> = seen.faults.keys().map(String::as_str).collect();
    assert_eq!(spoiled, ["IdentityToken", "IngestionResources", "PutBlob", "PutMessage"]);
    emulator.stop().await;
}
