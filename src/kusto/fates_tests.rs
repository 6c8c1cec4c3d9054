//! What tasks hear of their batches: from a writer by the real client into the emulator, and back by the follower.

use crate::config::fixtures;
use crate::data::{Converted, SinkRecord};
use crate::id::{BatchId, TopicPartition};
use crate::sink::{BatchNews, Fate, FateTeller, SinkContext, SinkTask, Unfollowed};
use adx_emulator::engine::RequestOptions;
use adx_emulator::faults::{Effect, Rule};
use adx_emulator::{Emulator, Operation, Options, StorageBackend};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// Records of each batch.
const RECORDS: i64 = 10;

struct Rig {
    emulator: Emulator,
    sink: Arc<dyn SinkTask>,
    /// Owns the follower.
    _context: SinkContext,
}

impl Rig {
    /// A sink that looks every three seconds, so that ten commands a minute are enough, and leaves the service no margin beyond its ten seconds.
    async fn new(streaming: bool, more: &[(&str, &str)]) -> Self {
        let emulator = Emulator::start(Options {
            storage: StorageBackend::Own,
            max_batching_time: Some(Duration::from_millis(50)),
            ..Options::default()
        })
        .await
        .unwrap();
        for command in [
            ".create table T (Text: string)",
            ".alter table T policy ingestionbatching @'{\"MaximumBatchingTimeSpan\":\"00:00:10\"}'",
            ".alter table T policy streamingingestion enable",
        ] {
            emulator.engine().execute(Some("Samples"), command, &RequestOptions::default()).unwrap();
        }
        let mapping = format!(
            "[{{'topic': 't', 'db': 'Samples', 'table': 'T', 'format': 'csv', 'streaming': {streaming}}}]"
        );
        let url = emulator.http_url();
        let least = [
            ("kusto.ingestion.url", url.as_str()),
            ("kusto.query.url", url.as_str()),
            ("kusto.tables.topics.mapping", mapping.as_str()),
            ("kusto.outcome.interval.ms", "3000"),
            ("kusto.outcome.margin.ms", "0"),
        ];
        let config = fixtures::sink(&[&least[..], more].concat());
        let context = SinkContext::default();
        let sink = config.sink.task(&config.name, &context).unwrap();
        sink.start().await.unwrap();
        Self { emulator, sink, _context: context }
    }

    /// A rule for the batch of that number.
    fn spoil(&self, operation: Operation, batch: i64, effect: Effect) {
        let (first, last) = (batch * RECORDS, (batch + 1) * RECORDS - 1);
        let path_contains = Some(format!("__kafka_t_0_{first}-{last}__"));
        self.emulator.faults().add(Rule { path_contains, ..Rule::new(operation, effect) });
    }

    /// Hands the batch of that number over; its id.
    async fn hand_over(&self, batch: i64) -> BatchId {
        let partition = TopicPartition::new("t", 0);
        let mut writer = self.sink.open(&partition, &partition.topic).unwrap();
        for offset in batch * RECORDS..(batch + 1) * RECORDS {
            let record = SinkRecord {
                topic: "t".into(),
                partition: 0,
                offset,
                timestamp: None,
                value: Converted::Text(offset.to_string().into()),
                key: Converted::Null,
                headers: Vec::new(),
            };
            let encoded = writer.encode(&record).unwrap().unwrap();
            writer.put(offset, &encoded).unwrap();
        }
        let delivery = writer.seal().unwrap().unwrap();
        let id = delivery.id.unwrap();
        delivery.work.await.unwrap();
        id
    }

    fn rows(&self) -> u64 {
        let counted =
            self.emulator.engine().execute(Some("Samples"), "T | count", &RequestOptions::default());
        counted.unwrap().tables[0].rows[0][0].as_u64().unwrap()
    }
}

/// So many news, in the order of offsets.
async fn hear(fates: &mut Box<dyn FateTeller>, many: usize) -> Vec<BatchNews> {
    let hearing = async {
        let mut all = Vec::new();
        while all.len() < many {
            all.extend(fates.news().await);
        }
        all
    };
    let mut all = tokio::time::timeout(Duration::from_mins(1), hearing).await.unwrap();
    assert_eq!(all.len(), many, "{all:?}");
    all.sort_by_key(|news| news.offsets.first);
    all
}

fn fail(permanent: bool) -> Effect {
    Effect::Fail { code: None, permanent: Some(permanent), details: Some("on purpose".to_owned()) }
}

#[tokio::test]
async fn each_batch_has_the_fate_that_the_service_tells() {
    let rig = Rig::new(false, &[]).await;
    let mut fates = rig.sink.fates().unwrap();
    let bad = [
        (1, Operation::Parse, "BadRequest_InvalidBlob", true),
        (3, Operation::Mapping, "BadRequest_InvalidMapping", false),
        (5, Operation::Download, "Download_NotTransient", false),
    ];
    for (batch, step, ..) in bad {
        rig.spoil(step, batch, fail(true));
    }
    // What the service tries again by itself is no failure.
    rig.emulator.faults().add(Rule {
        path_contains: Some("__kafka_t_0_20-29__".to_owned()),
        ..Rule::new(Operation::Parse, fail(false)).times(1)
    });
    let mut ids = Vec::new();
    for batch in 0..7 {
        ids.push(rig.hand_over(batch).await);
    }
    let failed = hear(&mut fates, 3).await;
    for ((batch, _, code, is_of_content), news) in bad.iter().zip(&failed) {
        let (first, place) = (batch * RECORDS, usize::try_from(*batch).unwrap());
        assert_eq!((news.id, news.partition.to_string()), (ids[place], "t-0".to_owned()));
        assert_eq!((news.offsets.first, news.offsets.last, news.records), (first, first + 9, 10));
        let Fate::Failed(failure) = &news.fate else { panic!("{news:?}") };
        assert_eq!((failure.code.as_str(), failure.is_of_content), (*code, *is_of_content));
        assert!(failure.text.contains("on purpose") && !failure.is_retriable, "{failure:?}");
    }
    let rest = hear(&mut fates, 4).await;
    assert!(rest.iter().all(|news| news.fate == Fate::Unreported), "{rest:?}");
    assert_eq!(rest.iter().map(|news| news.id).collect::<Vec<_>>(), [ids[0], ids[2], ids[4], ids[6]]);
    assert_eq!(rig.rows(), 40);
    rig.emulator.stop().await;
}

#[tokio::test]
async fn what_the_engine_took_is_confirmed_and_what_it_did_not_is_followed() {
    let rig = Rig::new(true, &[]).await;
    let mut fates = rig.sink.fates().unwrap();
    let streamed = rig.hand_over(0).await;
    let news = hear(&mut fates, 1).await;
    assert_eq!((news[0].id, &news[0].fate), (streamed, &Fate::Confirmed));
    assert_eq!(rig.rows(), 10);
    let busy = Effect::Status { status: 429, code: None, retry_after: None };
    rig.emulator.faults().add(Rule::new(Operation::StreamingIngest, busy));
    rig.spoil(Operation::Parse, 1, fail(true));
    let queued = rig.hand_over(1).await;
    let news = hear(&mut fates, 1).await;
    assert!(news[0].id == queued && matches!(news[0].fate, Fate::Failed(_)), "{news:?}");
    rig.emulator.stop().await;
}

#[tokio::test]
async fn without_the_right_to_ask_batches_arrive_and_end_as_unknown() {
    let rig = Rig::new(false, &[]).await;
    let mut fates = rig.sink.fates().unwrap();
    let denied = Effect::Status { status: 403, code: None, retry_after: None };
    rig.emulator.faults().add(Rule {
        path_contains: Some(".show ingestion failures".to_owned()),
        ..Rule::new(Operation::Mgmt, denied)
    });
    let id = rig.hand_over(0).await;
    let news = hear(&mut fates, 1).await;
    assert_eq!((news[0].id, &news[0].fate), (id, &Fate::Unknown(Unfollowed::NotAllowed)));
    let arrived = async {
        while rig.rows() < 10 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), arrived).await.unwrap();
    rig.emulator.stop().await;
}

#[tokio::test]
async fn what_only_the_failure_queue_tells_is_heard_and_nothing_of_others_is_deleted() {
    for mode in ["shared", "exclusive"] {
        let rig = Rig::new(false, &[("kusto.outcome.queue", mode)]).await;
        let mut fates = rig.sink.fates().unwrap();
        let foreign = rig.emulator.post_foreign_failures(40).await.unwrap();
        rig.spoil(Operation::Accept, 1, fail(true));
        rig.spoil(Operation::Parse, 2, fail(true));
        let mut ids = Vec::new();
        for batch in 0..3 {
            ids.push(rig.hand_over(batch).await);
        }
        let failed = hear(&mut fates, 2).await;
        assert_eq!(failed.iter().map(|news| news.id).collect::<Vec<_>>(), ids[1..]);
        assert!(failed.iter().all(|news| matches!(news.fate, Fate::Failed(_))), "{failed:?}");
        let cleaned = async {
            let ours = |report: &Value| ids.iter().any(|id| report["IngestionSourceId"] == id.to_string());
            while rig.emulator.failure_reports().iter().any(ours) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), cleaned).await.unwrap();
        let left = rig.emulator.failure_reports();
        assert_eq!(left.len(), foreign.len());
        assert!(foreign.iter().all(|id| left.iter().any(|report| report["IngestionSourceId"] == **id)));
        let rest = hear(&mut fates, 1).await;
        assert_eq!((rest[0].id, &rest[0].fate), (ids[0], &Fate::Unreported));
        rig.emulator.stop().await;
    }
}
