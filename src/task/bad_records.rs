//! What happens to a record that got no further: it is logged, sent to the dead-letter topic, and passed over or not, as
//! `errors.*` says (`connect-runtime.md` §5).
//!
//! It owns the producer of the dead-letter topic. A letter is part of the partition's line of offsets, like a batch: no
//! offset moves over a record before it is in the topic. (The JVM forgets a letter that fails.)

use super::Error;
use super::stages::Fault;
use crate::config::{ErrorHandling, ErrorLog, SinkConnectorConfig, WorkerConfig};
use crate::data::{self, TimestampType};
use crate::id::{ConnectorTaskId, OffsetRange, TopicPartition};
use crate::kafka::{self, DeadLetterProducer, DeadLetterTopic, Letter};
use futures::future::BoxFuture;
use futures::{FutureExt, TryFutureExt};
use std::error::Error as _;

/// Where a bad record came from.
#[derive(Debug, Clone, Copy)]
pub(super) struct From<'a> {
    pub(super) task: &'a ConnectorTaskId,
    pub(super) partition: &'a TopicPartition,
}

/// Ends when a letter is in its topic.
pub(super) type Delivered = BoxFuture<'static, Result<(), kafka::Error>>;

/// How a connector's bad records are handled.
pub struct BadRecords {
    handling: ErrorHandling,
    letters: Option<DeadLetterProducer>,
}

impl BadRecords {
    /// Makes the dead-letter topic if it is missing.
    pub async fn open(config: &SinkConnectorConfig, worker: &WorkerConfig) -> Result<Self, Error> {
        let handling = config.errors.clone();
        let letters = match &handling.dead_letters {
            None => None,
            Some(queue) => {
                let topic = DeadLetterTopic {
                    connector: &config.name,
                    topic: &queue.topic,
                    replication_factor: queue.replication_factor,
                    producer: &config.producer_overrides,
                    admin: &config.admin_overrides,
                };
                Some(DeadLetterProducer::open(worker, topic).await?)
            }
        };
        Ok(Self { handling, letters })
    }

    /// True when bad records are passed over.
    pub(super) fn tolerates(&self) -> bool {
        self.handling.tolerate
    }

    /// Logs the record and sends it to the dead-letter topic, where these are set; what comes back has to end well before
    /// its offset may be committed. None when there is no such topic.
    pub(super) fn report(
        &self,
        from: From<'_>,
        record: &kafka::Record<'_>,
        fault: &Fault,
    ) -> Result<Option<Delivered>, kafka::Error> {
        if self.handling.log != ErrorLog::Off {
            self.log(from, record, fault);
        }
        let (Some(producer), Some(queue)) = (&self.letters, &self.handling.dead_letters) else {
            return Ok(None);
        };
        let context = if queue.context_headers { context(from, record, fault) } else { Vec::new() };
        let mut headers = record.headers();
        headers.extend(context.iter().map(|(name, value)| (*name, Some(value.as_bytes()))));
        let timestamp = record.timestamp().map(|(ms, _)| ms);
        let letter = Letter { key: record.key, value: record.value, headers: &headers, timestamp };
        let delivered = producer.send(letter)?;
        Ok(Some(Box::pin(delivered)))
    }

    fn log(&self, from: From<'_>, record: &kafka::Record<'_>, fault: &Fault) {
        let mut place = String::new();
        if self.handling.log == ErrorLog::WithRecord {
            let time = record.timestamp().map(|(ms, kind)| {
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
        tracing::error!(
            error = %fault.source,
            cause = fault.source.source().map(ToString::to_string),
            "Error encountered in task {}. Executing stage '{}' with class '{}'{place}.",
            from.task, fault.stage.as_str(), fault.class,
        );
    }
}

/// The letters of one take of records, and what was passed over in it.
#[derive(Default)]
pub(super) struct Letters {
    sent: Vec<Delivered>,
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
}

impl Letters {
    /// A letter about the record at `offset` is on its way.
    pub(super) fn push(&mut self, offset: i64, delivered: Delivered) {
        self.sent.push(delivered);
        let first = self.offsets.map_or(offset, |offsets| offsets.first);
        self.offsets = Some(OffsetRange { first, last: offset });
    }

    /// The record at `offset` is passed over.
    pub(super) fn passed_over(&mut self, offset: i64, fault: &Fault) {
        self.passed += 1;
        self.last = Some((offset, format!("{} ({}): {}", fault.stage.as_str(), fault.class, fault.source)));
    }

    /// Says what was passed over, once for all of the take, and gives the letters; none when there are none.
    pub(super) fn take(&mut self, task: &ConnectorTaskId, partition: &TopicPartition) -> Option<Sent> {
        let Self { sent, offsets, passed, last } = std::mem::take(self);
        if let Some((offset, reason)) = last {
            let dead_letters = sent.len();
            tracing::warn!(
                %task, %partition, records = passed, dead_letters, last_offset = offset, last_reason = reason,
                "records passed over (errors.tolerance=all)"
            );
        }
        let delivered = futures::future::try_join_all(sent).map_ok(drop).boxed();
        offsets.map(|offsets| Sent { offsets, delivered })
    }
}

/// Connect's context headers, in its order.
fn context(from: From<'_>, record: &kafka::Record<'_>, fault: &Fault) -> Vec<(&'static str, String)> {
    vec![
        ("__connect.errors.topic", from.partition.topic.to_string()),
        ("__connect.errors.partition", from.partition.partition.to_string()),
        ("__connect.errors.offset", record.offset.to_string()),
        ("__connect.errors.connector.name", from.task.connector.to_string()),
        ("__connect.errors.task.id", from.task.task.to_string()),
        ("__connect.errors.stage", fault.stage.as_str().to_owned()),
        ("__connect.errors.class.name", fault.class.to_string()),
        ("__connect.errors.exception.class.name", fault.source.class().to_owned()),
        ("__connect.errors.exception.message", fault.source.to_string()),
        ("__connect.errors.exception.stacktrace", trace(&fault.source)),
    ]
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
