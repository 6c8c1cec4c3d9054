//! What becomes of batches after their service took them, by a sink that only this file knows: how far each partition is, what failed and why,
//! in REST, numbers and states, from a worker that really runs.

use std::borrow::Cow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use kusto_connect::configdef::Problems;
use kusto_connect::configdef::def::{Check, ConfigKey, Importance, KeyType, Row, RowDefault, Width};
use kusto_connect::data::{self, Converted, SinkRecord};
use kusto_connect::id::{BatchId, OffsetRange, TopicPartition};
use kusto_connect::plugins::{BUILT_IN, Plugins};
use kusto_connect::sink::{
    BatchFailure, BatchNews, Delivery, Encoded, Error, Fate, FateTeller, Fill, OnFailedBatch,
    PartitionWriter, RefusalPolicy, SettingNames, SinkClass, SinkConnector, SinkContext, SinkSettings,
    SinkTask, Unfollowed,
};

use crate::support::sentences::FAILED_LATER;
use crate::support::{Kafka, Scrape, TestWorker, unique, wait_for};

const MINUTE: Duration = Duration::from_mins(1);

const PLUGINS: Plugins = Plugins { sinks: &[&FOLLOWED], ..BUILT_IN };

static FOLLOWED: SinkClass = SinkClass {
    class: "org.example.FollowedSinkConnector",
    task_class: "org.example.FollowedSinkTask",
    version: "1.0.0",
    keys: || vec![ConfigKey::from(&ON_FAILURE)],
    build,
    warnings: |_| Vec::new(),
};

const ON_FAILURE: Row = Row(
    "on.failure",
    KeyType::String,
    RowDefault::Is("report"),
    Check::OneOf(&["report", "fail"]),
    Importance::High,
    ("Fates", 0),
    Width::Short,
    "On failure",
    "What a failed batch does.",
);

fn build(settings: &SinkSettings<'_>, _: &mut Problems) -> Option<Arc<dyn SinkConnector>> {
    let fails = settings.values.filled("on.failure")? == "fail";
    Some(Arc::new(Followed(if fails { OnFailedBatch::Fail } else { OnFailedBatch::Report })))
}

#[derive(Debug)]
struct Followed(OnFailedBatch);

impl SinkConnector for Followed {
    fn task(&self, _: &Arc<str>, _: &SinkContext) -> Result<Arc<dyn SinkTask>, Error> {
        let (learned, news) = mpsc::channel(1024);
        Ok(Arc::new(FollowedTask { on_failed: self.0, learned, news: Mutex::new(Some(news)) }))
    }
}

struct FollowedTask {
    on_failed: OnFailedBatch,
    learned: mpsc::Sender<BatchNews>,
    news: Mutex<Option<mpsc::Receiver<BatchNews>>>,
}

struct Teller(mpsc::Receiver<BatchNews>);

#[async_trait]
impl FateTeller for Teller {
    async fn news(&mut self) -> Vec<BatchNews> {
        match self.0.recv().await {
            Some(news) => vec![news],
            None => std::future::pending().await,
        }
    }
}

#[async_trait]
impl SinkTask for FollowedTask {
    async fn start(&self) -> Result<(), Error> {
        Ok(())
    }

    fn open(&self, origin: &TopicPartition, _: &Arc<str>) -> Result<Box<dyn PartitionWriter>, Error> {
        Ok(Box::new(Writer { origin: origin.clone(), learned: self.learned.clone(), record: None }))
    }

    fn needs_key_and_headers(&self) -> bool {
        false
    }

    fn flush_interval(&self) -> Duration {
        Duration::from_millis(100)
    }

    fn refusal_policy(&self) -> RefusalPolicy {
        RefusalPolicy::default()
    }

    fn setting_names(&self) -> SettingNames {
        SettingNames { target: "on.failure", service: "on.failure" }
    }

    fn fates(&self) -> Option<Box<dyn FateTeller>> {
        let news = self.news.lock().expect("no panic").take()?;
        Some(Box::new(Teller(news)))
    }

    fn on_failed_batch(&self) -> OnFailedBatch {
        self.on_failed
    }
}

/// Each record is a batch, and says what becomes of it.
struct Writer {
    origin: TopicPartition,
    learned: mpsc::Sender<BatchNews>,
    record: Option<(i64, String)>,
}

impl PartitionWriter for Writer {
    fn encode<'v>(&self, record: &'v SinkRecord<'_>) -> Result<Option<Encoded<'v>>, Error> {
        let Converted::Text(text) = &record.value else { return Err(data::Error::new("no text").into()) };
        Ok(Some(Encoded { bytes: Cow::Borrowed(text.as_bytes()), schema: None }))
    }

    fn put(&mut self, offset: i64, record: &Encoded<'_>) -> Result<Fill, Error> {
        self.record = Some((offset, String::from_utf8_lossy(&record.bytes).into_owned()));
        Ok(Fill::Full)
    }

    fn memory(&self) -> usize {
        self.record.as_ref().map_or(0, |(_, text)| text.len())
    }

    fn memory_with(&self, len: usize) -> usize {
        self.memory() + len
    }

    fn is_empty(&self) -> bool {
        self.record.is_none()
    }

    fn seal(&mut self) -> Result<Option<Delivery>, Error> {
        let Some((offset, text)) = self.record.take() else { return Ok(None) };
        let offsets = OffsetRange { first: offset, last: offset };
        let id =
            BatchId(Uuid::from_u64_pair(self.origin.partition.unsigned_abs().into(), offset.unsigned_abs()));
        let (learned, partition) = (self.learned.clone(), self.origin.clone());
        let news = BatchNews { id, partition, offsets, records: 1, raw_bytes: 1, fate: fate(&text) };
        Ok(Some(Delivery {
            id: Some(id),
            offsets,
            records: 1,
            raw_bytes: 1,
            body_bytes: 1,
            memory: text.len(),
            waiting: watch::channel(None).1,
            // What becomes of it is known before it is acknowledged: nothing may be missed by that.
            work: async move {
                learned.send(news).await.expect("a listener");
                Ok(())
            }
            .boxed(),
        }))
    }
}

fn fate(text: &str) -> Fate {
    match text {
        "gone" => Fate::Failed(Box::new(BatchFailure {
            code: "BadRequest_Gone".to_owned(),
            text: "It was there a moment ago.".to_owned(),
            is_retriable: false,
            is_of_derived: false,
            is_of_content: false,
        })),
        "silent" => Fate::Unreported,
        "lost" => Fate::Unknown(Unfollowed::NotAllowed),
        _ => Fate::Confirmed,
    }
}

/// A connector that reads `partitions` partitions of a topic of its own.
struct Followers {
    worker: TestWorker,
    topic: String,
    name: String,
}

impl Followers {
    async fn running(kafka: &Kafka, partitions: i32, on_failure: &str) -> Self {
        let worker = TestWorker::with_plugins(PLUGINS, kafka.bootstrap(), &unique("fates"), &[]).await;
        let (topic, name) = (unique("followed"), unique("followers"));
        kafka.create_topic(&topic, partitions).await;
        let config = json!({
            "connector.class": "org.example.FollowedSinkConnector", "topics": topic, "on.failure": on_failure,
            "value.converter": "org.apache.kafka.connect.storage.StringConverter",
        });
        let (status, created) =
            worker.send("PUT", &format!("/connectors/{name}/config"), Some(&config)).await;
        assert_eq!(status, 201, "{created}");
        Self { worker, topic, name }
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) =
            self.worker.send("GET", &format!("/connectors/{}/{path}", self.name), None).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    /// Waits for an answer about batches that is as wanted.
    async fn wait_for(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        wait_for(what.to_owned(), MINUTE, async || {
            let known = self.get("ingestion").await;
            is_so(&known).then_some(known)
        })
        .await
    }
}

/// What is known of a partition.
fn of(known: &Value, partition: usize) -> Value {
    known["partitions"][partition].clone()
}

/// Where a partition begins, what was accepted of it and what is confirmed.
fn marks(known: &Value, partition: usize) -> [Option<i64>; 3] {
    let one = of(known, partition);
    ["start", "accepted", "confirmed"].map(|field| one[field].as_i64())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_far_each_partition_is_and_what_failed_is_told_and_nobody_stops() {
    let kafka = Kafka::shared().await;
    let followers = Followers::running(kafka, 4, "report").await;
    let sender = kafka.producer();
    for (partition, texts) in [(0, &["a", "gone", "b"][..]), (1, &["c"]), (2, &["d", "silent", "lost", "e"])]
    {
        for text in texts {
            sender.send(&followers.topic, partition, Some(text.as_bytes())).await;
        }
    }
    sender.flush();
    let wanted = [[0, 3, 1], [0, 1, 1], [0, 4, 1]].map(|marks| marks.map(Some));
    let known = followers
        .wait_for("all fates", |known| {
            known["batches"]["confirmed"] == 5 && [0, 1, 2].map(|partition| marks(known, partition)) == wanted
        })
        .await;
    assert_eq!(known["batches"], json!({ "confirmed": 5, "failed": 1, "unreported": 1, "unknown": 1 }));
    assert_eq!(known["records"], known["batches"], "each has one record");
    assert_eq!((&of(&known, 2)["unreported"], &of(&known, 2)["unknown"]), (&json!(1), &json!(1)));
    let failed = of(&known, 0)["failed"][0].clone();
    assert_eq!((&failed["first"], &failed["last"]), (&json!(1), &json!(1)), "{known}");
    let sentence = failed["sentence"].as_str().expect("a sentence");
    let place = format!("{}-0, offsets 1-1", followers.topic);
    let said = [&*place, "BadRequest_Gone", "It was there a moment ago.", "check on.failure"];
    FAILED_LATER.assert_said(sentence, &said);
    idle_partitions_go_on(&followers, &known).await;
    is_seen_everywhere(&followers, sentence).await;
    assert!(followers.worker.stop().await);
}

/// Nothing was ever read of the last partition, and nothing comes to the others: what is whole is valid through now.
async fn idle_partitions_go_on(followers: &Followers, known: &Value) {
    let before = of(known, 1)["valid_through"].as_str().unwrap_or_default().to_owned();
    let idle = followers
        .wait_for("idle partitions to be valid through now", |known| {
            let through = of(known, 1)["valid_through"].as_str().map(str::to_owned);
            of(known, 3)["valid_through"].is_string() && through.is_some_and(|through| through > before)
        })
        .await;
    let times = (0..4).map(|partition| of(&idle, partition)["valid_through"].as_str().map(str::to_owned));
    let least = times.min().flatten();
    assert!(least.is_some() && idle["valid_through"].as_str() == least.as_deref(), "{idle}");
    assert!(of(&idle, 0)["valid_through"].as_str() < of(&idle, 1)["valid_through"].as_str(), "{idle}");
}

async fn is_seen_everywhere(followers: &Followers, sentence: &str) {
    let health = followers.get("health").await;
    assert_eq!((&health["state"], &health["failed_batches"]), (&json!("in_step"), &json!(1)), "{health}");
    assert_eq!((&health["failed_sentence"], &health["followed"]), (&json!(sentence), &json!(4)), "{health}");
    let status = followers.get("status").await;
    assert_eq!(
        (&status["tasks"][0]["state"], &status["tasks"][0]["trace"]),
        (&json!("RUNNING"), &json!(null))
    );
    let scrape = Scrape::of(&format!("http://{}/metrics", followers.worker.address())).await;
    for (name, labels, wanted) in [
        ("kusto_batch_fates_total", "fate=\"confirmed\"", 5.0),
        ("kusto_record_fates_total", "fate=\"failed\"", 1.0),
        ("kusto_batches_missing", "", 1.0),
        ("kusto_batches_followed", "", 0.0),
    ] {
        let found = scrape.sum(name, labels);
        assert!((found - wanted).abs() < 1e-9, "{name} is {found}");
    }
    assert!(scrape.sum("kusto_valid_through_age_seconds", &followers.name) > 0.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_batch_fails_its_task_where_the_sink_says_so_and_it_goes_on_behind_it() {
    let kafka = Kafka::shared().await;
    let followers = Followers::running(kafka, 1, "fail").await;
    let sender = kafka.producer();
    for text in ["a", "gone"] {
        sender.send(&followers.topic, 0, Some(text.as_bytes())).await;
    }
    sender.flush();
    let trace = wait_for("the task to fail", MINUTE, async || {
        let task = followers.get("status").await["tasks"][0].clone();
        let trace = task["trace"].as_str()?.to_owned();
        (task["state"] == "FAILED").then_some(trace)
    })
    .await;
    FAILED_LATER.assert_said(&trace, &[&format!("{}-0, offsets 1-1", followers.topic), "BadRequest_Gone"]);
    wait_for("the failed batch in health", MINUTE, async || {
        (followers.get("health").await["failed_batches"] == 1).then_some(())
    })
    .await;
    let restart = format!("/connectors/{}/tasks/0/restart", followers.name);
    assert_eq!(followers.worker.send("POST", &restart, None).await.0, 204);
    sender.send(&followers.topic, 0, Some(b"b")).await;
    sender.flush();
    let known = followers.wait_for("the next batch", |known| known["batches"]["confirmed"] == 2).await;
    assert_eq!(known["partitions"][0]["failed_batches"], 1, "it is not forgotten: {known}");
    assert!(followers.worker.stop().await);
}
