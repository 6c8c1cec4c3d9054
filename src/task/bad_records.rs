//! What happens to a record, or a batch, that got no further: it is logged, sent to a dead-letter topic, and passed over or
//! not, as `errors.*` says (`connect-runtime.md` §5) and, for what the sink itself refuses, its [`RefusalPolicy`].
//!
//! It owns the producers of the dead-letter topics. A letter is part of the partition's line of offsets, like a batch: no
//! offset moves over a record before it is in the topic. (The JVM forgets a letter that fails.)

use super::kept::{KeptRecords, Original};
use super::partition::Failed;
use super::passed_over::{self, Dropped};
use super::stages::{Fault, SINK_TASK, Stage};
use super::{Error, Reservation};
use crate::causes::chain;
use crate::config::{Hidden, WorkerConfig};
use crate::data::{self, TimestampType};
use crate::id::{ConnectorTaskId, OffsetRange, TopicPartition};
use crate::kafka::{
    self, DeadLetterClients as Clients, DeadLetterProducer, DeadLetterTopic, Letter, LetterBox,
};
use crate::plugins::{ErrorHandling, ErrorLog, SinkConnectorConfig};
use crate::sink::{self, OnRefusal, OwnDeadLetterTopic, RefusalPolicy};
use crate::telemetry::ErrorCounts;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt, TryFutureExt};
use std::sync::Arc;

/// The replication factor of a topic of which nothing is said.
const BROKERS_CHOICE: i16 = -1;

/// Where a bad record came from.
#[derive(Clone, Copy)]
pub(super) struct From<'a> {
    pub(super) task: &'a ConnectorTaskId,
    pub(super) partition: &'a TopicPartition,
    pub(super) counts: &'a ErrorCounts,
}

/// Ends when a letter is in its topic.
pub(super) type Delivered = BoxFuture<'static, Result<(), kafka::Error>>;

/// A batch that was not handed over, and why.
pub(super) struct RefusedBatch {
    pub(super) offsets: OffsetRange,
    pub(super) records: u64,
    /// Its records, if they were kept.
    pub(super) kept: KeptRecords,
    /// Memory that is reserved for it.
    pub(super) room: usize,
    pub(super) error: sink::Error,
}

/// How a connector's bad records are handled.
pub struct BadRecords {
    handling: ErrorHandling,
    letters: Option<Box<dyn LetterBox>>,
    policy: RefusalPolicy,
    /// The sink's own topic.
    sink_letters: Option<Box<dyn LetterBox>>,
    /// What no header of a letter may repeat.
    hidden: Hidden,
}

impl BadRecords {
    /// How many Kafka clients it will have.
    pub fn clients(config: &SinkConnectorConfig, policy: &RefusalPolicy) -> u64 {
        u64::from(config.errors.dead_letters.is_some()) + u64::from(policy.own_topic().is_some())
    }

    /// Makes the dead-letter topics if they are missing.
    pub async fn open(
        config: &SinkConnectorConfig,
        policy: RefusalPolicy,
        worker: &Arc<WorkerConfig>,
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
                let producer = DeadLetterProducer::open(worker, topic, queue.replication_factor).await?;
                Some(Box::new(producer) as Box<dyn LetterBox>)
            }
        };
        let sink_letters = match policy.own_topic().cloned() {
            Some(OwnDeadLetterTopic { topic, prefix, client }) => {
                let clients = Clients::Own { prefix, properties: client };
                let topic = DeadLetterTopic { connector: connector.clone(), topic, clients };
                let producer = DeadLetterProducer::open(worker, topic, BROKERS_CHOICE).await?;
                Some(Box::new(producer) as Box<dyn LetterBox>)
            }
            None => None,
        };
        Ok(Self { handling, letters, policy, sink_letters, hidden: config.hidden.clone() })
    }

    /// The same with Connect's topic in the hands of a test.
    #[cfg(test)]
    pub(super) fn with_letters(config: &SinkConnectorConfig, letters: Box<dyn LetterBox>) -> Self {
        let handling = config.errors.clone();
        let policy = RefusalPolicy { connector_topic_first: true, ..RefusalPolicy::default() };
        Self { handling, letters: Some(letters), policy, sink_letters: None, hidden: Hidden::default() }
    }

    /// The sink's setting that allows to pass over what it refuses.
    pub(super) fn sink_setting(&self) -> Option<&'static str> {
        self.policy.setting
    }

    /// True when records that fail at `stage` are passed over.
    pub(super) fn tolerates(&self, stage: Stage) -> bool {
        self.handling.tolerate || (stage == Stage::TaskPut && self.policy.skips())
    }

    /// True when the records of a batch are wanted if it is refused.
    pub(super) fn keeps_batches(&self) -> bool {
        self.policy.skips() && self.for_refused().is_some()
    }

    /// The topic for what the sink itself refuses, and whether it is its own.
    fn for_refused(&self) -> Option<(&dyn LetterBox, bool)> {
        let reporter = self
            .letters
            .as_deref()
            .filter(|_| self.policy.connector_topic_first)
            .map(|letters| (letters, false));
        reporter.or(self.sink_letters.as_deref().map(|letters| (letters, true)))
    }

    /// Memory that the letter about a record takes until it is in its topic; none when there is no topic for it.
    pub(super) fn letter_size(&self, record: &Original<'_>, fault: &Fault) -> Option<usize> {
        let refused = self.for_refused().filter(|_| fault.stage == Stage::TaskPut);
        (refused.is_some() || self.letters.is_some()).then(|| record.size() + context_size(fault))
    }

    /// Logs the record and sends it to the dead-letter topic, where these are set; what comes back has to end well before
    /// its offset may be committed. None when there is no such topic.
    pub(super) fn report(&self, from: From<'_>, record: &Original<'_>, fault: &Fault) -> Option<Delivered> {
        if self.handling.log != ErrorLog::Off {
            self.log(from, record, fault);
            from.counts.logged();
        }
        // The sink's own topic is for what the sink itself refuses.
        let refused = self.for_refused().filter(|_| fault.stage == Stage::TaskPut);
        let topic = refused.or(self.letters.as_deref().map(|letters| (letters, false)));
        let (producer, is_sinks) = topic?;
        let with_context = self.handling.dead_letters.as_ref().is_some_and(|queue| queue.context_headers);
        let context = if is_sinks {
            [coordinates(from, record), self.context(from, record, fault)].concat()
        } else if with_context {
            self.context(from, record, fault)
        } else {
            Vec::new()
        };
        let context: Vec<_> = context.iter().map(|(name, value)| (*name, Some(value.as_bytes()))).collect();
        let delivered = producer.send(Letter {
            key: record.key,
            value: record.value,
            headers: &record.headers,
            context: &context,
            timestamp: record.timestamp.map(|(ms, _)| ms),
            origin: (from.partition, record.offset),
        });
        from.counts.letter();
        let counts = from.counts.clone();
        Some(delivered.inspect_err(move |_| counts.letter_failed()).boxed())
    }

    /// What becomes of a batch that was refused: if refused records are skipped, they go to the dead-letter topic for
    /// them. Without one the batch is dropped, but only if the service refused its content: an outage, a missing right or
    /// a missing target would cost all that comes after it too. An error in all other cases.
    pub(super) async fn pass_over(
        &self,
        from: From<'_>,
        batch: RefusedBatch,
    ) -> Result<Option<Dropped>, Failed> {
        let RefusedBatch { offsets, records, kept, room, error } = batch;
        // The others were handed over.
        let records = error.records().map_or(records, sink::RefusedRecords::count);
        from.counts.failed(records);
        if !self.policy.may_skip(&error) {
            return Err(Failed::Batch(error));
        }
        let From { task, partition, counts } = from;
        counts.skipped(records);
        let dead_letters = self.keeps_batches();
        match self.policy.on_refusal {
            OnRefusal::SkipQuietly => {
                tracing::debug!(%task, %partition, %offsets, records, dead_letters, %error, "batch passed over");
            }
            _ => {
                tracing::error!(%task, %partition, %offsets, records, dead_letters, %error, "batch passed over");
            }
        }
        if !dead_letters {
            counts.dropped(records);
            return Ok(Some(Dropped { records, last: format!("{partition} offsets {offsets}: {error}") }));
        }
        let fault = Fault {
            stage: Stage::TaskPut,
            class: SINK_TASK.into(),
            source: data::Error::of_class(
                "org.apache.kafka.connect.errors.ConnectException",
                error.to_string(),
            ),
        };
        let is_bad = |record: &Original<'_>| error.records().is_none_or(|bad| bad.contain(record.offset));
        self.send_kept(from, (kept, room), &fault, is_bad).await.map_err(Failed::Letter)?;
        Ok(None)
    }

    /// Sends letters about records of a batch. A letter is a copy, so it takes the place of its record: what is kept and
    /// what is on its way fit into `room`, the memory of the batch, as long as that holds one letter.
    async fn send_kept(
        &self,
        from: From<'_>,
        (kept, room): (KeptRecords, usize),
        fault: &Fault,
        is_bad: impl Fn(&Original<'_>) -> bool,
    ) -> Result<(), kafka::Error> {
        let mut left = kept.memory();
        let mut sent = 0;
        let mut letters = FuturesUnordered::new();
        for record in kept {
            let record = record.as_original();
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
            if let Some(delivered) = self.report(from, &record, fault) {
                sent += size;
                letters.push(async move { delivered.await.map(|()| size) });
            }
        }
        while letters.next().await.transpose()?.is_some() {}
        Ok(())
    }

    /// Connect's context headers, in its order.
    fn context(&self, from: From<'_>, record: &Original<'_>, fault: &Fault) -> Vec<(&'static str, String)> {
        vec![
            ("__connect.errors.topic", from.partition.topic.to_string()),
            ("__connect.errors.partition", from.partition.partition.to_string()),
            ("__connect.errors.offset", record.offset.to_string()),
            ("__connect.errors.connector.name", from.task.connector.to_string()),
            ("__connect.errors.task.id", from.task.task.to_string()),
            ("__connect.errors.stage", fault.stage.as_str().to_owned()),
            ("__connect.errors.class.name", fault.class.to_string()),
            ("__connect.errors.exception.class.name", fault.source.class().to_owned()),
            (
                "__connect.errors.exception.message",
                self.hidden.redact(&fault.source.to_string()).into_owned(),
            ),
            ("__connect.errors.exception.stacktrace", self.hidden.redact(&trace(&fault.source)).into_owned()),
        ]
    }

    fn log(&self, from: From<'_>, record: &Original<'_>, fault: &Fault) {
        let mut place = String::new();
        if self.handling.log == ErrorLog::WithRecord {
            let time = record.timestamp.map(|(ms, kind)| {
                let kind = match kind {
                    TimestampType::CreateTime => "CreateTime",
                    TimestampType::LogAppendTime => "LogAppendTime",
                };
                format!(", timestamp={ms}, timestampType={kind}")
            });
            let TopicPartition { topic, partition } = from.partition;
            let time = time.unwrap_or_default();
            let offset = record.offset;
            place = format!(
                ", where consumed record is {{topic='{topic}', partition={partition}, offset={offset}{time}}}"
            );
        }
        let error = chain(&fault.source);
        tracing::error!(
            error = &*self.hidden.redact(&error),
            "Error encountered in task {}. Executing stage '{}' with class '{}'{place}.",
            from.task,
            fault.stage.as_str(),
            fault.class,
        );
    }
}

/// The letters of one take of records, and what was passed over in it.
#[derive(Default)]
pub(super) struct Letters {
    sent: Vec<Delivered>,
    /// What they hold until they are in their topic.
    pub(super) memory: Reservation,
    /// So much of it is used.
    pub(super) size: usize,
    offsets: Option<OffsetRange>,
    passed: u64,
    last: Option<(i64, String)>,
}

/// Letters on their way.
pub(super) struct Sent {
    /// First and last offset of the records in them.
    pub(super) offsets: OffsetRange,
    /// Ends when all are in their topic.
    pub(super) delivered: Delivered,
    /// Theirs until then.
    pub(super) memory: Reservation,
}

impl Letters {
    /// True when there are letters of this take.
    pub(super) fn are_any(&self) -> bool {
        !self.sent.is_empty()
    }

    /// A letter about the record at `offset` is on its way.
    pub(super) fn push(&mut self, offset: i64, delivered: Delivered) {
        self.sent.push(delivered);
        let first = self.offsets.map_or(offset, |offsets| offsets.first);
        self.offsets = Some(OffsetRange { first, last: offset });
    }

    /// The record at `offset` is passed over; gives the reason in one line.
    pub(super) fn passed_over(&mut self, offset: i64, fault: &Fault) -> String {
        let reason = format!("{} ({}): {}", fault.stage.as_str(), fault.class, chain(&fault.source));
        self.passed += 1;
        self.last = Some((offset, reason.clone()));
        reason
    }

    /// Says what was passed over, once for all of the take, and gives the letters; none when there are none. `setting` is
    /// the sink's that allows it.
    pub(super) fn take(
        &mut self,
        (task, partition): (&ConnectorTaskId, &TopicPartition),
        setting: Option<&str>,
    ) -> Option<Sent> {
        let Self { sent, memory, size: _, offsets, passed, last } = std::mem::take(self);
        if let Some((offset, reason)) = last {
            let (dead_letters, settings) = (sent.len(), passed_over::settings(setting));
            tracing::warn!(
                %task, %partition, records = passed, dead_letters, last_offset = offset, last_reason = reason,
                "records passed over ({settings})"
            );
        }
        let delivered = futures::future::try_join_all(sent).map_ok(drop).boxed();
        offsets.map(|offsets| Sent { offsets, delivered, memory })
    }
}

/// Where the record was, in the headers of dead letters in a topic of the sink's own.
fn coordinates(from: From<'_>, record: &Original<'_>) -> Vec<(&'static str, String)> {
    let timestamp = record.timestamp.map_or_else(|| "null".to_owned(), |(ms, _)| ms.to_string());
    vec![
        ("kafka_topic", from.partition.topic.to_string()),
        ("kafka_partition", from.partition.partition.to_string()),
        ("kafka_offset", record.offset.to_string()),
        ("kafka_timestamp", timestamp),
    ]
}

/// What the headers of a letter take beside the record, at most about: the error's texts stand in two of them.
fn context_size(fault: &Fault) -> usize {
    const FIXED: usize = 2048;
    FIXED + fault.class.len() + 2 * trace(&fault.source).len()
}

/// The error and its causes as Java prints them, without the lines of a stack that we do not have.
fn trace(error: &data::Error) -> String {
    let mut lines = format!("{}: {error}", error.class());
    let mut cause = error.cause();
    while let Some(error) = cause {
        lines = format!("{lines}\nCaused by: {}: {error}", error.class());
        cause = error.cause();
    }
    lines
}
