//! What Kusto refuses after it was handed over, from real Kafka: the service's list and its failure queues name the worker's
//! blobs, and their names tell exactly the offsets that no row has, whatever protocol handed them over.

use std::collections::BTreeSet;
use std::time::Duration;

use adx_emulator::Operation;
use adx_emulator::faults::Rule;
use serde_json::Value;

use crate::support::{Kafka, Sent, Stage, wait_for};

/// Enough for more than fifty blobs.
const RECORDS: u32 = 20_000;

const STEPS: [(Operation, &str); 5] = [
    (Operation::Download, "Download_SourceNotFound"),
    (Operation::Decompress, "BadRequest_InvalidArchive"),
    (Operation::Parse, "Stream_WrongNumberOfFields"),
    (Operation::Mapping, "BadRequest_InvalidMapping"),
    (Operation::UpdatePolicy, "UpdatePolicy_QuerySchemaDoesNotMatchTableSchema"),
];

/// A record: its partition and offset.
type Record = (i64, i64);

/// A line of the service's list about a source that will never be in the table.
struct Refused {
    path: String,
    code: String,
}

impl Refused {
    /// The records of the blob, which stand in its name: `…_PARTITION_FIRST-LAST__ID.csv.gz`.
    fn records(&self) -> Vec<Record> {
        let (name, _id) = self.path.rsplit_once("__").expect("an id at the end");
        let mut parts = name.rsplit('_');
        let (first, last) = parts.next().and_then(|offsets| offsets.split_once('-')).expect("offsets");
        let number = |text: &str| text.parse::<i64>().expect("a number");
        let partition = number(parts.next().expect("a partition"));
        (number(first)..=number(last)).map(|offset| (partition, offset)).collect()
    }
}

/// What is refused for good, as the service lists it to whoever asks, in the context of any database.
async fn refused(stage: &Stage) -> Vec<Refused> {
    let list = ".show ingestion failures | where FailureKind == 'Permanent' and Database == 'lab' and Table == 'Numbers' \
         and IngestionSourcePath contains '__kafka_' | project IngestionSourcePath, ErrorCode";
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let rows = stage.adx.command(list).await;
    rows.iter().map(|row| Refused { path: text(&row[0]), code: text(&row[1]) }).collect()
}

/// The records that are rows; each record is one at most.
async fn rows(stage: &Stage) -> BTreeSet<Record> {
    let rows = stage.adx.query("Numbers | project Partition, Number").await;
    let number = |value: &Value| value.as_i64().expect("a number");
    let records: BTreeSet<_> = rows.iter().map(|row| (number(&row[0]), number(&row[1]))).collect();
    assert_eq!(records.len(), rows.len(), "a record is in the table twice");
    records
}

/// A worker hands over numbers by `protocol`, and each step refuses some of its blobs.
async fn some_are_refused(kafka: &Kafka, protocol: &str) -> (Stage, Sent) {
    let stage = Stage::set(kafka, 2).await;
    let faults = stage.adx.faults();
    for (step, code) in STEPS {
        faults.add(Rule::fail_with(step, code).of_table("Numbers").each(5));
    }
    // Tries that fail for a while, and sources that overtake each other, change nothing in the end.
    faults.add(Rule::fail_for_a_while(Operation::Ingest).each(4));
    faults.add(Rule::scatter(Duration::from_secs(1), 1));
    let mut config = stage.config();
    config["kusto.ingestion.protocol"] = protocol.into();
    stage.worker.rest().create_running(&stage.connector, &config).await;
    let sent = stage.send(kafka, RECORDS).await;
    (stage, sent)
}

/// Waits until each record is a row or in a blob that the service names, and compares both; gives what was refused.
async fn wait_for_every_record(stage: &Stage, sent: &Sent) -> Vec<Refused> {
    let all = (0_i64..).zip(&sent.0).flat_map(|(partition, count)| {
        (0..i64::try_from(*count).expect("a count")).map(move |number| (partition, number))
    });
    let all: BTreeSet<Record> = all.collect();
    let refused = wait_for("rows and refusals of all records", Duration::from_mins(2), async || {
        let refused = refused(stage).await;
        let named: usize = refused.iter().map(|refused| refused.records().len()).sum();
        let count = usize::try_from(stage.adx.count("Numbers").await).expect("a count");
        (count + named >= all.len()).then_some(refused)
    })
    .await;
    let named: BTreeSet<Record> = refused.iter().flat_map(Refused::records).collect();
    let missing: BTreeSet<Record> = all.difference(&rows(stage).await).copied().collect();
    assert_eq!(named, missing);
    let codes: BTreeSet<&str> = refused.iter().map(|refused| refused.code.as_str()).collect();
    assert_eq!(codes, STEPS.map(|(_, code)| code).into());
    refused
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blobs_from_the_queue_are_named_by_list_and_queue_among_other_clients_failures() {
    let kafka = Kafka::shared().await;
    let (stage, sent) = some_are_refused(kafka, "queued").await;
    let foreign = stage.adx.post_foreign_failures(40).await;
    let refused = wait_for_every_record(&stage, &sent).await;
    let listed: BTreeSet<&str> = refused.iter().map(|refused| refused.path.as_str()).collect();
    let reports = wait_for("all reports", Duration::from_mins(1), async || {
        let reports = stage.adx.failure_reports();
        (reports.len() == foreign.len() + listed.len()).then_some(reports)
    })
    .await;
    let (theirs, ours): (Vec<_>, Vec<_>) = reports
        .iter()
        .partition(|report| foreign.iter().any(|source| report["IngestionSourceId"] == source.as_str()));
    assert_eq!(theirs.len(), foreign.len());
    let told: BTreeSet<_> = ours.iter().filter_map(|report| report["IngestionSourcePath"].as_str()).collect();
    assert_eq!(told, listed);
    stage.assert_running().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blobs_that_went_by_rest_are_named_by_the_list() {
    let kafka = Kafka::shared().await;
    let (stage, sent) = some_are_refused(kafka, "v2").await;
    wait_for_every_record(&stage, &sent).await;
}
