//! For tests: the pipelines of a connector without a connector, over records from lists, into a sink that is a list.

use super::bad_records::BadRecordHandler;
use super::budget::ByteBudget;
use super::error::Error;
use super::list_sink::{Answers, List, ListOfLetters, ListSink};
use super::pipeline_context::PipelineContext;
use super::pipeline_mode::PipelineMode;
use super::pipelines::{PipelineEvent, Pipelines};
use super::record_converter::RecordConverter;
use super::report::{PipelineReport, SentBatch};
use super::skipped::SkippedRecords;
use crate::config::fixtures;
use crate::id::{BatchId, ConnectorTaskId, TopicPartition};
use crate::kafka::{DeadLetterQueue, ListedRecord, RecordList};
use crate::metrics::Metrics;
use crate::plugins::SinkConnectorConfig;
use crate::sink::{RefusalPolicy, SinkTask};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

pub(super) const TOPIC: &str = "t";
pub(super) const KIB: usize = 1024;
/// The worker's memory for batches.
pub(super) const TOTAL: usize = 64 * KIB;

/// A connector's pipelines, without a connector.
pub(super) struct PipelineRig {
    pub(super) list: Arc<List>,
    pub(super) budget: ByteBudget,
    pub(super) pipelines: Pipelines,
    /// The last progress of each partition.
    pub(super) progress: BTreeMap<i32, i64>,
    /// Partitions of which Kafka was asked to send no more.
    pub(super) blocked: BTreeSet<i32>,
    /// Causes for which partitions wait.
    pub(super) waits: BTreeMap<i32, String>,
    pub(super) skipped: Vec<SkippedRecords>,
    /// Batches that left, and those that were refused after all, with the partition of each.
    pub(super) sent: Vec<(i32, SentBatch)>,
    pub(super) refused: Vec<(i32, BatchId)>,
    /// How pipelines ended.
    pub(super) ended: BTreeMap<i32, Option<Error>>,
    partitions: i32,
}

/// How a connector of texts is changed for a test.
pub(super) struct Setup {
    pub(super) service: Answers,
    pub(super) policy: RefusalPolicy,
    pub(super) config: SinkConnectorConfig,
}

impl Setup {
    /// Bad records are skipped and have letters.
    pub(super) fn new(service: Answers) -> Self {
        let config = fixtures::sink_of_texts(&[
            ("topics", TOPIC),
            ("errors.tolerance", "all"),
            ("errors.deadletterqueue.topic.name", "letters"),
            ("errors.deadletterqueue.context.headers.enable", "true"),
        ]);
        let policy = RefusalPolicy { connector_topic_first: true, ..RefusalPolicy::default() };
        Self { service, policy, config }
    }

    pub(super) fn build(self) -> PipelineRig {
        let converter = RecordConverter::new(&self.config, false).unwrap();
        self.build_with(converter)
    }

    pub(super) fn build_with(self, converter: RecordConverter) -> PipelineRig {
        let Self { service, policy, config } = self;
        let list = List::new(service);
        let sink = ListSink { policy: policy.clone(), ..ListSink::new(&list) };
        let letters = config.errors.dead_letters.is_some();
        let letters = letters.then(|| Box::new(ListOfLetters(Arc::clone(&list))) as Box<dyn DeadLetterQueue>);
        let budget = ByteBudget::new(TOTAL as u64);
        let (sender, reports) = mpsc::channel(16);
        let context = PipelineContext {
            converter,
            bad_records: BadRecordHandler::with_letters(&config, (policy, sink.setting_names()), letters),
            setting_names: sink.setting_names(),
            budget: budget.connector(),
            tells_fates: true,
            reports: sender,
        };
        PipelineRig {
            list,
            budget,
            pipelines: Pipelines::new(Arc::new(sink), Arc::new(context), reports),
            progress: BTreeMap::new(),
            blocked: BTreeSet::new(),
            waits: BTreeMap::new(),
            skipped: Vec::new(),
            sent: Vec::new(),
            refused: Vec::new(),
            ended: BTreeMap::new(),
            partitions: 0,
        }
    }
}

impl PipelineRig {
    /// Of a connector that skips bad records and sends letters about them.
    pub(super) fn new(service: Answers) -> Self {
        Setup::new(service).build()
    }

    /// Starts the pipeline of the next partition.
    pub(super) fn start(&mut self) -> RecordList {
        let list = RecordList::new(partition(self.partitions));
        self.partitions += 1;
        self.start_again(&list);
        list
    }

    /// Starts the pipeline of a partition whose last one has ended.
    pub(super) fn start_again(&mut self, list: &RecordList) {
        let task = ConnectorTaskId { connector: "sink".into(), task: 0 };
        let counts = Metrics::default().task(&task).counts();
        self.pipelines.start(list.clone(), (task, counts), PipelineMode::Run).unwrap();
    }

    pub(super) fn set_mode(&self, mode: PipelineMode) {
        self.pipelines.set_mode(&self.all(), mode);
    }

    fn all(&self) -> Vec<TopicPartition> {
        (0..self.partitions).map(partition).collect()
    }

    fn note(&mut self, event: PipelineEvent) {
        match event {
            PipelineEvent::Reported(PipelineReport::Progress(partition, offset)) => {
                self.progress.insert(partition.partition, offset);
            }
            PipelineEvent::Reported(PipelineReport::Blocked(partition)) => {
                self.blocked.insert(partition.partition);
            }
            PipelineEvent::Reported(PipelineReport::Unblocked(partition)) => {
                assert!(self.blocked.remove(&partition.partition), "it was not blocked");
            }
            PipelineEvent::Reported(PipelineReport::Skipped(_, records)) => self.skipped.push(records),
            PipelineEvent::Reported(PipelineReport::Waits(partition, _, wait)) => {
                self.waits.insert(partition.partition, wait.cause);
            }
            PipelineEvent::Reported(PipelineReport::WaitsNoMore(partition, _)) => {
                self.waits.remove(&partition.partition);
            }
            PipelineEvent::Reported(PipelineReport::Sent(partition, batch)) => {
                let progress = self.progress.get(&partition.partition).filter(|_| batch.run.rewinds == 0);
                assert!(
                    progress.is_none_or(|known| *known <= batch.offsets.first),
                    "{batch:?} was passed before"
                );
                self.sent.push((partition.partition, batch));
            }
            PipelineEvent::Reported(PipelineReport::Refused(partition, id)) => {
                self.refused.push((partition.partition, id));
            }
            PipelineEvent::Reported(PipelineReport::Read(_) | PipelineReport::Began(..)) => {}
            PipelineEvent::Ended { partition, error, .. } => {
                self.ended.insert(partition.partition, error);
            }
        }
    }

    /// Takes events until `is_done`.
    pub(super) async fn until(&mut self, is_done: impl Fn(&Self) -> bool) {
        while !is_done(self) {
            let event = self.pipelines.next().await;
            self.note(event);
        }
    }

    /// Takes events for so long.
    pub(super) async fn pass(&mut self, time: Duration) {
        let end = tokio::time::Instant::now() + time;
        while let Ok(event) = tokio::time::timeout_at(end, self.pipelines.next()).await {
            self.note(event);
        }
    }

    /// Drains all pipelines; true when they all ended in time.
    pub(super) async fn drain(&mut self, timeout: Duration) -> bool {
        let mut drain = self.pipelines.drain(&self.all(), timeout);
        while let Some(event) = self.pipelines.next_of_drain(&mut drain).await {
            self.note(event);
        }
        drain.is_in_time()
    }

    /// Bytes that are held within the budget and beyond it, and at the sink.
    pub(super) fn held(&self) -> (usize, usize, usize) {
        let (within, beyond) = self.budget.held();
        (within, beyond, self.list.bytes_now())
    }

    /// What was written, in order.
    pub(super) fn written(&self) -> Vec<(i32, i64)> {
        let mut written = self.list.written();
        written.sort_unstable();
        written
    }
}

pub(super) fn partition(number: i32) -> TopicPartition {
    TopicPartition::new(TOPIC, number)
}

pub(super) fn record(offset: i64, len: usize) -> ListedRecord {
    beginning_with('x', offset, len)
}

/// Its value begins with this letter.
pub(super) fn beginning_with(first: char, offset: i64, len: usize) -> ListedRecord {
    let mut value = vec![b'x'; len];
    value[0] = u8::try_from(first).unwrap();
    ListedRecord { offset, value: Some(value) }
}
