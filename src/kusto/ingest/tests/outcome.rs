//! What became of batches, as another hand's reading of the same protocol tells it: the list of failures and the failure queue.

use super::super::{IngestClient as _, IngestRequest};
use super::emulator::{batch, client, start, wait_for};
use crate::id::{BatchId, OffsetRange, TopicPartition};
use crate::kusto::ingest::managed::ManagedIngestClient;
use crate::kusto::outcome::failures::{self, FailureLines, LookWindow};
use crate::kusto::outcome::matching::Matcher;
use crate::kusto::outcome::{BatchRoute, HandedOver, LEDGER_ROOM, Ledger, queue};
use crate::kusto::signin::nobody::Nobody;
use crate::sink::Fate;
use adx_emulator::options::AuthOptions;
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::time::Instant;
use uuid::Uuid;

/// The batch of that number as the ledger has it.
fn handed_over(number: u128) -> HandedOver {
    let first = i64::try_from(number).unwrap() * 10;
    HandedOver {
        id: BatchId(Uuid::new_v5(&Uuid::NAMESPACE_OID, &number.to_be_bytes())),
        route: Arc::new(BatchRoute {
            connector: Arc::from("storm"),
            partition: TopicPartition::new("storm-events", 0),
            database: Arc::from("Samples"),
            table: Arc::from("Storms"),
            extension: "csv",
        }),
        offsets: OffsetRange { first, last: first },
        records: 1,
        raw_bytes: 10,
        at: OffsetDateTime::now_utc(),
        hold: Duration::from_mins(10),
    }
}

/// Looks until there are failures, as the leader would.
async fn look(client: &ManagedIngestClient, window: &mut LookWindow) -> FailureLines {
    let looking = async {
        loop {
            let began = Instant::now();
            let command = failures::command(window.asks_from(began));
            let answer = client.engine.command("show ingestion failures", "Samples", &command).await.unwrap();
            let lines = failures::read(&answer);
            assert!(!window.read(began, &lines));
            assert_eq!(window.covered(), Some(began));
            if !lines.failures.is_empty() {
                return lines;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), looking).await.unwrap()
}

/// The first message of a failure queue, peeked: the service has several.
async fn first_report(client: &ManagedIngestClient) -> String {
    let resources =
        client.queued.dm.command("get ingestion resources", "NetDefaultDB", ".get ingestion resources");
    let resources = resources.await.unwrap();
    let queues = resources.texts(("ResourceTypeName", 0), ("StorageRoot", 1));
    let queues = queues.filter(|(kind, _)| *kind == "FailedIngestionsQueue");
    let urls: Vec<String> = queues
        .map(|(_, queue)| {
            let (root, signature) = queue.split_once('?').unwrap();
            format!("{root}/messages?peekonly=true&{signature}")
        })
        .collect();
    let peeking = async {
        for url in urls.iter().cycle() {
            let answer = client.queued.http.client.get(url).send().await.unwrap().text().await.unwrap();
            let text =
                answer.split_once("<MessageText>").and_then(|(_, rest)| rest.split_once("</MessageText>"));
            if let Some((text, _)) = text {
                return text.to_owned();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the service has no failure queue")
    };
    tokio::time::timeout(Duration::from_mins(1), peeking).await.unwrap()
}

#[tokio::test]
async fn a_batch_that_failed_later_is_found_and_its_neighbours_are_rows() {
    let emulator = start(AuthOptions::default()).await;
    let client = client(&emulator, Arc::new(Nobody));
    let mut ledger = Ledger::new(LEDGER_ROOM, Instant::now());
    for number in 1..=3 {
        let mapping = if number == 2 { "nothing" } else { "Storms_CSV_Mapping" };
        let handed_over = handed_over(number);
        let request = IngestRequest {
            id: handed_over.id.0,
            blob_name: handed_over.blob_name(),
            mapping: Some(Arc::from(mapping)),
            ..batch(number)
        };
        client.ingest(&request).await.unwrap();
        assert_eq!(ledger.enter(&handed_over, Instant::now()), []);
    }
    wait_for(&emulator, |seen| seen.ingested_blobs == 2).await;

    let mut window = LookWindow::new(Duration::from_mins(35), Instant::now());
    let lines = look(&client, &mut window).await;
    assert_eq!((lines.failures.len(), lines.unreadable, lines.is_full), (1, 0, false));
    let mut matcher = Matcher::default();
    let found = matcher.failed(&mut ledger, &lines.failures);
    assert_eq!((found.news.len(), found.foreign, ledger.len()), (1, 0, 2));
    let news = &found.news[0].news;
    assert_eq!((news.id, news.offsets.to_string()), (handed_over(2).id, "20-20".to_owned()));
    let Fate::Failed(failure) = &news.fate else { panic!("{news:?}") };
    assert_eq!(failure.code, "BadRequest_MappingReferenceWasNotFound");
    assert!(!failure.is_retriable && !failure.is_of_content, "{failure:?}");
    // The next look goes back a little, and finds nothing new.
    let again = look(&client, &mut window).await;
    assert_eq!(matcher.failed(&mut ledger, &again.failures).known, 1);

    let report = queue::read(&first_report(&client).await).unwrap();
    assert_eq!((report.id, report.verdict), (Some(handed_over(2).id), lines.failures[0].verdict));
    assert_eq!((&report.code, &report.path), (&lines.failures[0].code, &lines.failures[0].path));
    emulator.stop().await;
}
