//! What happens to a record, or a batch, that got no further: it is logged, sent to a dead-letter topic, and skipped or
//! not, as `errors.*` says (`connect-runtime.md` §5) and, for what the sink itself refuses, its [`RefusalPolicy`].
//!
//! It owns the producers of the dead-letter topics. A dead letter is outstanding like a batch: no offset moves past a record
//! before it is in the topic. (The JVM forgets a letter that fails.)

use super::dead_letter_headers::{context, context_size, coordinates};
use super::error::Error;
use super::fault::{RecordFault, Stage};
use super::retained::{RawRecord, RetainedRecords};
use super::scope::PartitionScope;
use super::skipped::SkippedRecords;
use crate::brief::Brief;
use crate::causes::chain;
use crate::config::{Hidden, WorkerConfig};
use crate::data::{self, TimestampType};
use crate::id::{OffsetRange, TopicPartition};
use crate::kafka::{
    self, DeadLetter, DeadLetterClients as Clients, DeadLetterProducer, DeadLetterQueue, DeadLetterTopic,
};
use crate::metrics::Metrics;
use crate::plugins::{ErrorHandling, ErrorLog, SinkConnectorConfig};
use crate::sink::{self, OnRefusal, OwnDeadLetterTopic, RefusalPolicy, SettingNames};
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt, TryFutureExt};
use std::sync::Arc;

/// The replication factor of a topic of which nothing is said.
const BROKERS_CHOICE: i16 = -1;

/// Ends when a letter is in its topic.
pub(super) type Delivered = BoxFuture<'static, Result<(), kafka::Error>>;

/// A batch that was not handed over, and why.
pub(super) struct RefusedBatch {
    pub(super) offsets: OffsetRange,
    pub(super) records: u64,
    /// Its records, if they were retained.
    pub(super) retained: RetainedRecords,
    /// Memory that is reserved for it.
    pub(super) room: usize,
    pub(super) error: sink::Error,
}

/// What could not be delivered, for good.
pub(super) enum NotDelivered {
    Batch(sink::Error),
    Letter(kafka::Error),
}

/// How a connector's bad records are handled.
pub(super) struct BadRecordHandler {
    handling: ErrorHandling,
    letters: Option<Box<dyn DeadLetterQueue>>,
    policy: RefusalPolicy,
    /// The sink's setting that says where records go.
    target_setting: &'static str,
    /// The sink's own topic.
    sink_letters: Option<Box<dyn DeadLetterQueue>>,
    /// What no header of a letter may repeat.
    hidden: Hidden,
}

impl BadRecordHandler {
    /// How many Kafka clients it will have.
    pub(super) fn clients(config: &SinkConnectorConfig, policy: &RefusalPolicy) -> u64 {
        u64::from(config.errors.dead_letters.is_some()) + u64::from(policy.own_topic().is_some())
    }

    /// Makes the dead-letter topics if they are missing.
    pub(super) async fn open(
        config: &SinkConnectorConfig,
        (policy, names): (RefusalPolicy, SettingNames),
        worker: &Arc<WorkerConfig>,
        metrics: &Metrics,
    ) -> Result<Self, Error> {
        let (handling, connector) = (config.errors.clone(), &config.name);
        let letters = match &handling.dead_letters {
            None => None,
            Some(queue) => {
                let clients = Clients::OfWorker {
                    producer: config.producer_overrides.clone(),
                    admin: config.admin_overrides.clone(),
                };
                let topic =
                    DeadLetterTopic { connector: connector.clone(), topic: queue.topic.clone(), clients };
                let producer =
                    DeadLetterProducer::open(worker, topic, queue.replication_factor, metrics).await?;
                Some(Box::new(producer) as Box<dyn DeadLetterQueue>)
            }
        };
        let sink_letters = match policy.own_topic().cloned() {
            Some(OwnDeadLetterTopic { topic, prefix, client }) => {
                let clients = Clients::Own { prefix, properties: client };
                let topic = DeadLetterTopic { connector: connector.clone(), topic, clients };
                let producer = DeadLetterProducer::open(worker, topic, BROKERS_CHOICE, metrics).await?;
                Some(Box::new(producer) as Box<dyn DeadLetterQueue>)
            }
            None => None,
        };
        let (hidden, target_setting) = (config.hidden.clone(), names.target);
        Ok(Self { handling, letters, policy, target_setting, sink_letters, hidden })
    }

    /// The same with Connect's topic, if there is one, in the hands of a test.
    #[cfg(test)]
    pub(super) fn with_letters(
        config: &SinkConnectorConfig,
        (policy, names): (RefusalPolicy, SettingNames),
        letters: Option<Box<dyn DeadLetterQueue>>,
    ) -> Self {
        let (handling, hidden, target_setting) = (config.errors.clone(), Hidden::default(), names.target);
        Self { handling, letters, policy, target_setting, sink_letters: None, hidden }
    }

    /// What to say while letters wait: for which topics, and which settings say where those are.
    pub(super) fn letters_wait(&self) -> Brief {
        let own = self.policy.own_topic().map(|own| (&own.topic, format!("{}bootstrap.servers", own.prefix)));
        let connectors = self.handling.dead_letters.as_ref();
        let connectors =
            connectors.map(|queue| (&queue.topic, "producer.override.bootstrap.servers".to_owned()));
        let (topics, settings): (Vec<_>, Vec<_>) = own.into_iter().chain(connectors).unzip();
        let topics = topics.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        Brief::new("no answer yet from the brokers")
            .about(format!("topic {topics}"))
            .mended_by(format!("check {} and those brokers", settings.join(", ")))
    }

    /// The sink's setting that allows to skip what it refuses.
    pub(super) fn sink_setting(&self) -> Option<&'static str> {
        self.policy.setting
    }

    /// True when records that fail at `stage` are skipped.
    pub(super) fn tolerates(&self, stage: Stage) -> bool {
        self.handling.tolerate || (stage == Stage::TaskPut && self.policy.skips())
    }

    /// True when the records of a batch are wanted if it is refused.
    pub(super) fn retains_batches(&self) -> bool {
        self.policy.skips() && self.for_refused().is_some()
    }

    /// The topic for what the sink itself refuses, and whether it is its own.
    fn for_refused(&self) -> Option<(&dyn DeadLetterQueue, bool)> {
        let reporter = self
            .letters
            .as_deref()
            .filter(|_| self.policy.connector_topic_first)
            .map(|letters| (letters, false));
        reporter.or(self.sink_letters.as_deref().map(|letters| (letters, true)))
    }

    /// Memory that the letter about a record takes until it is in its topic; none when there is no topic for it.
    pub(super) fn letter_size(&self, record: &RawRecord<'_>, fault: &RecordFault) -> Option<usize> {
        let refused = self.for_refused().filter(|_| fault.stage == Stage::TaskPut);
        (refused.is_some() || self.letters.is_some()).then(|| record.size() + context_size(fault))
    }

    /// Logs the record and sends it to the dead-letter topic, where these are set; what comes back has to end well before
    /// its offset may be committed. None when there is no such topic.
    pub(super) fn report(
        &self,
        scope: &PartitionScope,
        record: &RawRecord<'_>,
        fault: &RecordFault,
    ) -> Option<Delivered> {
        if self.handling.log != ErrorLog::Off {
            self.log(scope, record, fault);
            scope.counts.logged();
        }
        // The sink's own topic is for what the sink itself refuses.
        let refused = self.for_refused().filter(|_| fault.stage == Stage::TaskPut);
        let topic = refused.or(self.letters.as_deref().map(|letters| (letters, false)));
        let (producer, is_sinks) = topic?;
        let with_context = self.handling.dead_letters.as_ref().is_some_and(|queue| queue.context_headers);
        let place = (&scope.task, &scope.partition);
        let context = if is_sinks {
            [coordinates(scope, record), context(place, record, fault, &self.hidden)].concat()
        } else if with_context {
            context(place, record, fault, &self.hidden)
        } else {
            Vec::new()
        };
        let context: Vec<_> = context.iter().map(|(name, value)| (*name, Some(value.as_bytes()))).collect();
        let delivered = producer.send(DeadLetter {
            key: record.key,
            value: record.value,
            headers: &record.headers,
            context: &context,
            timestamp: record.timestamp.map(|(ms, _)| ms),
            origin: (&scope.partition, record.offset),
        });
        scope.counts.letter();
        let counts = scope.counts.clone();
        Some(delivered.inspect_err(move |_| counts.letter_failed()).boxed())
    }

    /// What becomes of a batch that was refused: if refused records are skipped, they go to the dead-letter topic for
    /// them. Without one the batch is dropped, but only if the service refused its content: an outage, a missing right or
    /// a missing target would cost all that comes after it too. An error in all other cases.
    pub(super) async fn skip_batch(
        &self,
        scope: &PartitionScope,
        batch: RefusedBatch,
    ) -> Result<Option<SkippedRecords>, NotDelivered> {
        let RefusedBatch { offsets, records, retained, room, error } = batch;
        // The others were handed over.
        let records = error.records().map_or(records, sink::RefusedRecords::count);
        scope.counts.failed(records);
        if !self.policy.may_skip(&error) {
            return Err(NotDelivered::Batch(error));
        }
        let PartitionScope { task, partition, counts, .. } = scope;
        counts.skipped(records);
        let dead_letters = self.retains_batches();
        match self.policy.on_refusal {
            OnRefusal::SkipQuietly => {
                tracing::debug!(%task, %partition, %offsets, records, dead_letters, %error, "batch skipped");
            }
            _ => {
                tracing::error!(%task, %partition, %offsets, records, dead_letters, %error, "batch skipped");
            }
        }
        if !dead_letters {
            counts.dropped(records);
            let last = format!("{partition} offsets {offsets}: {error}");
            let brief = error.brief().at(format!("{partition}, offsets {offsets}"));
            return Ok(Some(SkippedRecords { records, last, brief }));
        }
        let class = "org.apache.kafka.connect.errors.ConnectException";
        let fault = RecordFault::of_sink(data::Error::of_class(class, error.to_string()));
        let is_bad = |record: &RawRecord<'_>| error.records().is_none_or(|bad| bad.contain(record.offset));
        self.send_retained(scope, (retained, room), &fault, is_bad).await.map_err(NotDelivered::Letter)?;
        Ok(None)
    }

    /// Sends letters about records of a batch. A letter is a copy, so it takes the place of its record: what is retained and
    /// what is on its way fit into `room`, the memory of the batch, as long as that holds one letter.
    async fn send_retained(
        &self,
        scope: &PartitionScope,
        (retained, room): (RetainedRecords, usize),
        fault: &RecordFault,
        is_bad: impl Fn(&RawRecord<'_>) -> bool,
    ) -> Result<(), kafka::Error> {
        let mut left = retained.memory();
        let mut sent = 0;
        let mut letters = FuturesUnordered::new();
        for record in retained {
            let record = record.as_raw();
            let size = record.size() + context_size(fault);
            left -= record.size();
            if !is_bad(&record) {
                continue;
            }
            while sent + left + size > room
                && let Some(done) = letters.next().await
            {
                sent -= done?;
            }
            if let Some(delivered) = self.report(scope, &record, fault) {
                sent += size;
                letters.push(async move { delivered.await.map(|()| size) });
            }
        }
        while letters.next().await.transpose()?.is_some() {}
        Ok(())
    }

    fn log(&self, scope: &PartitionScope, record: &RawRecord<'_>, fault: &RecordFault) {
        let mut place = String::new();
        if self.handling.log == ErrorLog::WithRecord {
            let time = record.timestamp.map(|(ms, kind)| {
                let kind = match kind {
                    TimestampType::CreateTime => "CreateTime",
                    TimestampType::LogAppendTime => "LogAppendTime",
                };
                format!(", timestamp={ms}, timestampType={kind}")
            });
            let TopicPartition { topic, partition } = &scope.partition;
            let time = time.unwrap_or_default();
            let offset = record.offset;
            place = format!(
                ", where consumed record is {{topic='{topic}', partition={partition}, offset={offset}{time}}}"
            );
        }
        let hide = |text: &str| self.hidden.redact(text).into_owned();
        let error = hide(&chain(&fault.source));
        let what = fault
            .brief()
            .at(format!("{}, offset {}", scope.partition, record.offset))
            .or_mended_by(format!("check {}", fault.stage.setting(self.target_setting)))
            .map(hide);
        tracing::error!(
            error,
            %what,
            "Error encountered in task {}. Executing stage '{}' with class '{}'{place}.",
            scope.task,
            fault.stage.as_str(),
            fault.class,
        );
    }
}
