//! The follower against a cluster that is a list, under a clock that jumps: who is told what, when, and how often the cluster is asked.

use super::cluster::AskCluster;
use super::connector::FollowedConnector;
use super::followers::Followers;
use super::member::ClusterIdentity;
use super::taken::{QueuedPart, TakenBatch};
use crate::config::fixtures;
use crate::id::{BatchId, OffsetRange, TopicPartition};
use crate::kusto::config::OutcomeSettings;
use crate::kusto::ingest::{self, Class, EndListener as _, PostedEnd, Refusal, SasUrl, Table, parse_table};
use crate::kusto::outcome::BatchRoute;
use crate::kusto::outcome::queue::{QueueReceipt, QueuedReport};
use crate::metrics::{Metrics, SinkReading, SinkValue};
use crate::sink::{BatchNews, Fate, FateTeller, OnFailedBatch, Unfollowed};
use async_trait::async_trait;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::Instant;
use uuid::Uuid;

/// How the cluster answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Mood {
    #[default]
    Well,
    Down,
    Forbids,
    KnowsNothing,
}

#[derive(Default)]
struct Answers {
    mood: Mood,
    rows: Vec<Value>,
    /// When, since the start, and in which database what was asked.
    asked: Vec<(Duration, String, String)>,
    policies: usize,
}

struct FakeCluster {
    started: Instant,
    answers: Mutex<Answers>,
}

fn refusal(status: u16) -> ingest::Error {
    ingest::Error::Refused(Box::new(Refusal {
        operation: "show ingestion failures",
        url: SasUrl::new("http://engine/".parse().unwrap()),
        status,
        code: None,
        text: "no".to_owned(),
        advice: None,
        class: Class::Permanent,
        retry_after: None,
    }))
}

impl FakeCluster {
    fn set(&self, mood: Mood) {
        self.answers.lock().unwrap().mood = mood;
    }

    /// A blob failed for good.
    fn fail(&self, id: BatchId) {
        let at = OffsetDateTime::now_utc().format(&Rfc3339).unwrap();
        let path = format!("https://a/c/db__T__kafka_t_0_0-9__{id}.csv.gz");
        let row = json!([at, path, "BadRequest_EmptyBlob", "Permanent", "words", 1]);
        self.answers.lock().unwrap().rows.push(row);
    }

    /// Seconds of all looks.
    fn looks(&self) -> Vec<u64> {
        self.answers.lock().unwrap().asked.iter().map(|(at, ..)| at.as_secs()).collect()
    }
}

#[async_trait]
impl AskCluster for FakeCluster {
    async fn ask(&self, database: &str, command: &str) -> Result<Table, ingest::Error> {
        let mut answers = self.answers.lock().unwrap();
        let at = self.started.elapsed();
        answers.asked.push((at, database.to_owned(), command.to_owned()));
        let columns =
            ["FailedOn", "IngestionSourcePath", "ErrorCode", "FailureKind", "Details", "NumberOfSources"];
        let columns = columns.map(|name| json!({"ColumnName": name}));
        match answers.mood {
            Mood::Well => {
                let answer = json!({"Tables": [{"Columns": columns, "Rows": answers.rows}]});
                Ok(parse_table(&answer).unwrap())
            }
            Mood::Down => Err(ingest::Error::Setup("down".to_owned())),
            Mood::Forbids => Err(refusal(403)),
            Mood::KnowsNothing => Err(refusal(400)),
        }
    }

    async fn batching_time(&self, _: &str, _: &str) -> Result<Duration, ingest::Error> {
        let mut answers = self.answers.lock().unwrap();
        answers.policies += 1;
        if answers.mood == Mood::Well { Ok(Duration::from_mins(2)) } else { Err(refusal(403)) }
    }

    async fn failure_queues(&self) -> Result<Vec<SasUrl>, ingest::Error> {
        Ok(Vec::new())
    }

    async fn peek_failures(&self, _: &SasUrl) -> Result<Vec<String>, ingest::Error> {
        Ok(Vec::new())
    }

    async fn get_failures(&self, _: &SasUrl, _: Duration) -> Result<Vec<QueuedReport>, ingest::Error> {
        Ok(Vec::new())
    }

    async fn delete_failure(&self, _: &SasUrl, _: &QueueReceipt) -> Result<(), ingest::Error> {
        Ok(())
    }

    fn monitor_role(&self, database: &str) -> String {
        format!(".add database ['{database}'] monitors ('us')")
    }

    fn address(&self) -> String {
        "https://engine".to_owned()
    }
}

struct Rig {
    followers: Arc<Followers>,
    cluster: Arc<FakeCluster>,
    metrics: Metrics,
}

impl Rig {
    fn new() -> Self {
        let (started, answers) = (Instant::now(), Mutex::default());
        let cluster = Arc::new(FakeCluster { started, answers });
        Self { followers: Arc::default(), cluster, metrics: Metrics::default() }
    }

    fn connector(&self, name: &str) -> FollowedConnector {
        let mapping = "[{'topic': 't', 'db': 'db', 'table': 'T', 'format': 'csv'}]";
        let config = fixtures::sink(&[("kusto.tables.topics.mapping", mapping)]);
        let identity = ClusterIdentity::of(fixtures::kusto_of(&config), name);
        let settings = OutcomeSettings {
            interval: Duration::from_mins(1),
            margin: Duration::from_mins(5),
            queue: None,
            on_failure: OnFailedBatch::Report,
        };
        let (name, cluster) = (Arc::<str>::from(name), Arc::clone(&self.cluster));
        let counts = self.metrics.sink(&name);
        FollowedConnector::asking(Arc::clone(&self.followers), identity, &name, (settings, cluster), counts)
    }

    fn count(&self, name: &str, label: &str) -> u64 {
        let all = self.metrics.read().sinks.into_iter();
        let meant = all.filter(|one| one.metric.name == name && one.labels.iter().any(|one| **one == *label));
        meant.map(|one| if let SinkValue::Count(count) = one.value { count } else { 0 }).sum()
    }
}

fn id(number: u64) -> BatchId {
    BatchId(Uuid::new_v5(&Uuid::NAMESPACE_OID, &number.to_be_bytes()))
}

/// A batch whose parts of these numbers are in the queue.
fn batch(connector: &str, number: u64, queued: &[u64]) -> TakenBatch {
    let first = i64::try_from(number).unwrap() * 10;
    let offsets = OffsetRange { first, last: first + 9 };
    let route = BatchRoute {
        connector: connector.into(),
        partition: TopicPartition::new("t", 0),
        database: "db".into(),
        table: "T".into(),
        extension: "csv",
    };
    let part = |number: &u64| QueuedPart { id: id(*number), offsets, records: 10, raw_bytes: 100 };
    TakenBatch {
        id: id(number),
        route: Arc::new(route),
        offsets,
        records: 10,
        raw_bytes: 100,
        queued: queued.iter().map(part).collect(),
    }
}

/// So many news.
async fn hear(fates: &mut Box<dyn FateTeller>, many: usize) -> Vec<BatchNews> {
    let mut all = Vec::new();
    while all.len() < many {
        all.extend(fates.news().await);
    }
    assert_eq!(all.len(), many, "{all:?}");
    all
}

fn is_failed(news: &BatchNews) -> bool {
    matches!(&news.fate, Fate::Failed(failure) if failure.code == "BadRequest_EmptyBlob" && failure.text == "words")
}

#[tokio::test(start_paused = true)]
async fn what_failed_is_told_at_the_next_look_and_all_else_after_its_time() {
    let rig = Rig::new();
    let connector = rig.connector("c");
    let mut fates = connector.fates();
    for number in 1..=3 {
        connector.took(batch("c", number, &[number]));
    }
    rig.cluster.fail(id(2));
    let news = hear(&mut fates, 1).await;
    assert_eq!((news[0].id, news[0].offsets.to_string(), news[0].records), (id(2), "20-29".to_owned(), 10));
    assert!(is_failed(&news[0]), "{news:?}");
    assert_eq!(rig.cluster.looks(), [60]);
    let news = hear(&mut fates, 2).await;
    assert_eq!([&news[0].fate, &news[1].fate], [&Fate::Unreported; 2]);
    assert_eq!([news[0].id, news[1].id], [id(1), id(3)]);
    // Two minutes of the table's policy and five of margin, by a look that began after them; then nobody asks any more.
    tokio::time::sleep(Duration::from_hours(3)).await;
    assert_eq!(rig.cluster.looks(), (1..=7).map(|minute| minute * 60).collect::<Vec<_>>());
    assert_eq!(rig.cluster.answers.lock().unwrap().policies, 1);
    assert_eq!(rig.count("outcome_looks_total", "whole"), 7);
}

#[tokio::test(start_paused = true)]
async fn a_batch_in_parts_is_told_once_and_by_its_own_name() {
    let rig = Rig::new();
    let connector = rig.connector("c");
    let mut fates = connector.fates();
    connector.took(batch("c", 1, &[]));
    let news = hear(&mut fates, 1).await;
    assert_eq!((news[0].id, &news[0].fate), (id(1), &Fate::Confirmed));
    assert_eq!(rig.cluster.looks(), [0_u64; 0], "what is in the table is not asked for");

    connector.took(batch("c", 2, &[21, 22, 23]));
    connector.took(batch("c", 3, &[31, 32]));
    rig.cluster.fail(id(22));
    let news = hear(&mut fates, 1).await;
    assert!(news[0].id == id(2) && is_failed(&news[0]), "{news:?}");
    // Of the same batch nothing more is told.
    rig.cluster.fail(id(23));
    let news = hear(&mut fates, 1).await;
    assert_eq!((news[0].id, &news[0].fate), (id(3), &Fate::Unreported));
}

#[tokio::test(start_paused = true)]
async fn what_is_told_of_a_batch_alone_needs_no_look() {
    let rig = Rig::new();
    let connector = rig.connector("c");
    let mut fates = connector.fates();
    for number in 1..=3 {
        connector.took(batch("c", number, &[number]));
    }
    connector.ended(id(1).0, PostedEnd::Succeeded);
    let (code, details) = ("BadRequest_EmptyBlob".to_owned(), "words".to_owned());
    connector.ended(id(2).0, PostedEnd::Failed { code, details });
    // Of what is not followed nothing is told.
    connector.ended(id(9).0, PostedEnd::Succeeded);
    let news = hear(&mut fates, 2).await;
    assert_eq!((news[0].id, &news[0].fate), (id(1), &Fate::Confirmed));
    assert!(news[1].id == id(2) && is_failed(&news[1]), "{news:?}");
    assert_eq!(rig.cluster.looks(), [0_u64; 0]);
    let rest = hear(&mut fates, 1).await;
    assert_eq!((rest[0].id, &rest[0].fate), (id(3), &Fate::Unreported));
}

#[tokio::test(start_paused = true)]
async fn without_the_right_to_ask_batches_end_as_unknown_until_it_is_given() {
    for mood in [Mood::Forbids, Mood::KnowsNothing] {
        let rig = Rig::new();
        let connector = rig.connector("c");
        let mut fates = connector.fates();
        rig.cluster.set(mood);
        connector.took(batch("c", 1, &[1]));
        let news = hear(&mut fates, 1).await;
        assert_eq!((news[0].id, &news[0].fate), (id(1), &Fate::Unknown(Unfollowed::NotAllowed)));
        // What is handed over from then on is followed, if the right is there in time.
        connector.took(batch("c", 2, &[2]));
        rig.cluster.fail(id(2));
        rig.cluster.set(Mood::Well);
        let news = hear(&mut fates, 1).await;
        assert!(news[0].id == id(2) && is_failed(&news[0]), "{news:?}");
        assert_eq!(rig.cluster.looks(), [60, 660]);
        assert_eq!(rig.count("outcome_looks_total", "denied"), 1);
        let asked = rig.cluster.answers.lock().unwrap().asked.last().unwrap().2.clone();
        assert!(asked.contains("ago(721s)"), "since it was denied, and the overlap: {asked}");
    }
}

#[tokio::test(start_paused = true)]
async fn looks_that_fail_age_nothing_and_what_failed_meanwhile_is_found() {
    let rig = Rig::new();
    let connector = rig.connector("c");
    let mut fates = connector.fates();
    rig.cluster.set(Mood::Down);
    connector.took(batch("c", 1, &[1]));
    connector.took(batch("c", 2, &[2]));
    rig.cluster.fail(id(1));
    tokio::time::sleep(Duration::from_hours(2)).await;
    let unheard = tokio::time::timeout(Duration::from_secs(1), fates.news()).await;
    assert!(unheard.is_err(), "{unheard:?}");
    rig.cluster.set(Mood::Well);
    let news = hear(&mut fates, 2).await;
    assert!(news[0].id == id(1) && is_failed(&news[0]), "{news:?}");
    assert_eq!((news[1].id, &news[1].fate), (id(2), &Fate::Unreported));
    let asked =
        rig.cluster.answers.lock().unwrap().asked.iter().map(|asked| asked.2.clone()).collect::<Vec<_>>();
    assert_eq!(asked.len(), 121);
    assert!(asked[120].contains(&format!("ago({}s)", 121 * 60 + 120 + 1)), "{}", asked[120]);
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_is_slow_holds_nothing_up_but_news() {
    let rig = Rig::new();
    let connector = rig.connector("c");
    let mut fates = connector.fates();
    for number in 0..5000 {
        connector.took(batch("c", number, &[]));
        tokio::task::yield_now().await;
    }
    let news = hear(&mut fates, 5000).await;
    let heard: Vec<_> = news.iter().map(|news| news.id).collect();
    assert_eq!(heard, (0..5000).map(id).collect::<Vec<_>>());
    assert!(news.iter().all(|news| news.fate == Fate::Confirmed));
}

#[tokio::test(start_paused = true)]
async fn what_finds_no_place_is_told_as_such_and_never_waits() {
    let rig = Rig::new();
    let connector = rig.connector("c");
    let mut fates = connector.fates();
    // Nobody takes them meanwhile: this test has one thread.
    for number in 0..5000 {
        connector.took(batch("c", number, &[number]));
    }
    let news = hear(&mut fates, 904).await;
    assert!(news.iter().all(|news| news.fate == Fate::Unknown(Unfollowed::NoRoom)));
    assert_eq!((news[0].id, news[903].id), (id(4096), id(4999)));
    assert_eq!(rig.count("outcome_unfollowed_total", "no room"), 904);
    let rest = hear(&mut fates, 4096).await;
    assert!(rest.iter().all(|news| news.fate == Fate::Unreported));
}

#[tokio::test(start_paused = true)]
async fn a_connector_that_starts_again_hears_of_what_it_handed_over_before() {
    let rig = Rig::new();
    let (one, other) = (rig.connector("one"), rig.connector("other"));
    let (first, mut others) = (one.fates(), other.fates());
    one.took(batch("one", 1, &[1]));
    other.took(batch("other", 2, &[2]));
    // It is looked once.
    tokio::time::sleep(Duration::from_secs(61)).await;
    let looked = |name: &str| {
        let all = rig.metrics.read().sinks;
        let is_meant = |one: &&SinkReading| {
            one.metric.name == "outcome_looked_timestamp_seconds" && *one.connector == *name
        };
        all.iter().filter(is_meant).count()
    };
    assert_eq!((looked("one"), looked("other")), (1, 1));
    drop((one, first));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!((looked("one"), looked("other")), (0, 1), "a connector that is gone has no numbers");
    let again = rig.connector("one");
    let mut fates = again.fates();
    rig.cluster.fail(id(1));
    let news = hear(&mut fates, 1).await;
    assert!(news[0].id == id(1) && is_failed(&news[0]), "{news:?}");
    // Both go by one look a minute; when both are gone, the follower ends with what is open.
    assert_eq!(rig.cluster.looks(), [60, 120]);
    drop((again, other));
    others.news().await;
    tokio::time::sleep(Duration::from_mins(10)).await;
    let last = rig.connector("one");
    assert!(rig.followers.running(last.identity()).is_none(), "it has ended");
}
