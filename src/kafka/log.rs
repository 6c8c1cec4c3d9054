//! A storage topic as a log: written by one producer, read from the beginning by one reader without a group.
//!
//! The reader lives on its own thread and hands records over a bounded channel; it ends when the log is dropped.
//! "Read to the end" asks for the end offsets and reads until they are reached (`connect-runtime.md` §2.2, §2.3).
//! What the records mean is not known here, and nothing is ever committed.

use super::Error;
use super::blocking::blocking;
use super::create::create;
use super::error::fetch_advice;
use super::log_context::LogContext;
use super::oauth::{self, Keeper};
use super::topic_watch::TopicWatch;
use super::writer::{Outgoing, Undelivered, Writer};
use super::{settings, statistics};
use crate::config::WorkerConfig;
use crate::metrics::{ClientRole, Metrics};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::Producer;
use rdkafka::util::Timeout;
use rdkafka::{Offset, TopicPartitionList};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Records that wait between the reader's thread and us. They are small and short-lived.
const PLACES: usize = 256;
/// How long the reader's thread sleeps when nothing comes, before it looks whether it is still wanted.
const POLL: Duration = Duration::from_millis(250);
/// A write is given up after this, so that a failed answer is not followed by a late success.
const DELIVERY_TIMEOUT_MS: &str = "30000";
/// Java's default. The broker refuses a batch as a whole: many small records must not be together what one may not be.
const BATCH_SIZE: &str = "16384";
/// One question for end offsets.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// A read to the end in which nothing at all arrives for so long has failed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// At the end of the data, but before the end offset, with nothing coming: only control records are left (a JVM
/// leader may write in transactions; they are never handed over). Longer than a fetch may wait.
const CONTROL_RECORDS_PAUSE: Duration = Duration::from_secs(3);

/// One record of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRecord {
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value; none is a tombstone.
    pub value: Option<Vec<u8>>,
}

enum Event {
    Record(LogRecord),
    /// The reader stands at the end of a partition.
    End(i32),
}

/// How far a partition was read.
#[derive(Debug, Clone, Copy, Default)]
struct Position {
    next: i64,
    /// Nothing was left when the reader looked last.
    at_end: bool,
}

/// A topic that is written and read as a log.
pub struct KafkaBasedLog {
    topic: String,
    bootstrap: String,
    writer: Writer,
    events: mpsc::Receiver<Event>,
    positions: Vec<Position>,
    /// Read, but not given out yet: a read to the end that was dropped half way loses nothing.
    waiting: VecDeque<LogRecord>,
}

impl KafkaBasedLog {
    /// Opens the first `partitions` partitions of `topic` and starts reading at their beginning. `purpose` ends the
    /// client id (`configs`). Its clients tell `metrics` of their connections, if the settings ask for that.
    pub fn open(
        worker: &WorkerConfig,
        topic: &str,
        purpose: &str,
        partitions: i32,
        metrics: Option<&Metrics>,
    ) -> Result<Self, Error> {
        let bootstrap = worker.bootstrap_servers.clone();
        let client_error = |source| Error::Client { bootstrap: bootstrap.clone(), source };
        let mut base = settings::storage(worker, purpose)?;
        statistics::ask(&mut base, worker.metrics.clients);
        let client_id = base.get("client.id").unwrap_or(purpose).to_owned();
        let counts = |kind| metrics.map(|metrics| metrics.client(kind, &client_id));
        let writer =
            Writer::new(&producer_config(&base), counts(ClientRole::Producer)).map_err(client_error)?;
        let mut config = reader_config(&base, &worker.group_id);
        let source = oauth::take(&mut config);
        let reader: BaseConsumer<LogContext> =
            create(&config, LogContext::telling(&config, counts(ClientRole::Consumer)))
                .map_err(client_error)?;
        let reader = Arc::new(reader);
        let tokens = Keeper::start(source, &reader);
        let mut list = TopicPartitionList::new();
        for partition in 0..partitions {
            list.add_partition_offset(topic, partition, Offset::Beginning).map_err(client_error)?;
        }
        reader.assign(&list).map_err(client_error)?;
        let (sender, events) = mpsc::channel(PLACES);
        std::thread::Builder::new()
            .name(format!("log-{purpose}"))
            .spawn(move || {
                read(&reader, &sender);
                drop(tokens);
            })
            .map_err(|error| {
                Error::StorageTopic(format!("cannot start the reader of topic {topic}: {error}"))
            })?;
        let positions = vec![Position::default(); usize::try_from(partitions).unwrap_or(0)];
        let topic = topic.to_owned();
        let bootstrap = worker.bootstrap_servers.clone();
        Ok(Self { topic, bootstrap, writer, events, positions, waiting: VecDeque::new() })
    }

    /// A way to see whether `topics` are still there, by this log's own client.
    pub fn watch(&self, topics: Vec<String>) -> TopicWatch {
        TopicWatch::new(self.writer.producer(), topics, self.bootstrap.clone())
    }

    /// Appends records in this order (keys and values; no value is a tombstone); returns when all are acknowledged by
    /// all replicas in sync.
    pub async fn append(&self, records: &[(String, Option<String>)]) -> Result<(), Error> {
        let mut sent = Vec::with_capacity(records.len());
        for (key, value) in records {
            sent.push(self.send(key, value.as_deref()));
        }
        for delivered in sent {
            delivered.await?;
        }
        Ok(())
    }

    /// Sends a record on its way behind the others (no value is a tombstone). What comes back gives its offset, when
    /// all replicas in sync have it; the record goes its way whether that is waited for or not.
    pub fn send(
        &self,
        key: &str,
        value: Option<&str>,
    ) -> impl Future<Output = Result<i64, Error>> + Send + 'static {
        // A log of one partition stays in it, whatever the topic has: its records need one order.
        let partition = (self.positions.len() == 1).then_some(0);
        let delivery = self.writer.send(Outgoing {
            topic: &self.topic,
            partition,
            key: Some(key.as_bytes()),
            value: value.map(str::as_bytes),
            ..Outgoing::default()
        });
        let (topic, bootstrap) = (self.topic.clone(), self.bootstrap.clone());
        async move {
            delivery.await.map_err(|Undelivered { error, .. }| Error::Topic {
                topic,
                operation: "cannot write",
                bootstrap,
                source: Box::new(error),
            })
        }
    }

    /// The next record, waiting for it; none when the reader has ended. Safe to drop while it waits.
    pub async fn next(&mut self) -> Option<LogRecord> {
        while self.waiting.is_empty() {
            let event = self.events.recv().await?;
            self.take_in(event);
        }
        self.waiting.pop_front()
    }

    /// All records from here to the end of the topic as it is now. When it is dropped or fails half way, what it has
    /// read comes with the next call.
    pub async fn read_to_end(&mut self) -> Result<Vec<LogRecord>, Error> {
        let ends = self.end_offsets().await?;
        while !self.reached(&ends, |_| false) {
            let pause =
                if self.reached(&ends, |at| at.at_end) { CONTROL_RECORDS_PAUSE } else { IDLE_TIMEOUT };
            match tokio::time::timeout(pause, self.events.recv()).await {
                Ok(Some(event)) => self.take_in(event),
                Err(_) if pause == CONTROL_RECORDS_PAUSE => break,
                Ok(None) => return Err(self.error("the reader has ended", KafkaError::Canceled)),
                Err(_) => {
                    let code = RDKafkaErrorCode::OperationTimedOut;
                    return Err(self.error("cannot read to the end", KafkaError::MessageConsumption(code)));
                }
            }
        }
        Ok(self.waiting.drain(..).collect())
    }

    /// True when each partition was read to its end offset, or `or` holds for it.
    fn reached(&self, ends: &[i64], or: impl Fn(&Position) -> bool) -> bool {
        self.positions.iter().zip(ends).all(|(at, end)| at.next >= *end || or(at))
    }

    async fn end_offsets(&self) -> Result<Vec<i64>, Error> {
        let (producer, topic) = (self.writer.producer(), self.topic.clone());
        let partitions = i32::try_from(self.positions.len()).unwrap_or(i32::MAX);
        let ends = blocking(move || {
            let end = |partition| producer.client().fetch_watermarks(&topic, partition, REQUEST_TIMEOUT);
            (0..partitions).map(|partition| end(partition).map(|(_, high)| high)).collect()
        });
        ends.await.map_err(|source| self.error("cannot ask for its end", source))
    }

    fn take_in(&mut self, event: Event) {
        let (partition, record) = match event {
            Event::Record(record) => (record.partition, Some(record)),
            Event::End(partition) => (partition, None),
        };
        let at = usize::try_from(partition).ok().and_then(|partition| self.positions.get_mut(partition));
        if let Some(at) = at {
            at.at_end = record.is_none();
            at.next = record.as_ref().map_or(at.next, |record| record.offset + 1);
        }
        self.waiting.extend(record);
    }

    fn error(&self, operation: &'static str, source: KafkaError) -> Error {
        Error::Topic {
            topic: self.topic.clone(),
            operation,
            bootstrap: self.bootstrap.clone(),
            source: Box::new(source),
        }
    }
}

fn producer_config(base: &ClientConfig) -> ClientConfig {
    let mut config = base.clone();
    settings::limit_by_the_broker(&mut config);
    if config.get("batch.size").is_none() {
        config.set("batch.size", BATCH_SIZE);
    }
    config
        .set("acks", "all")
        // A topic that vanished must not come back because it is written to: brokers would not compact it.
        .set("allow.auto.create.topics", "false")
        .set("enable.idempotence", "false")
        .set("max.in.flight.requests.per.connection", "1")
        .set("delivery.timeout.ms", DELIVERY_TIMEOUT_MS)
        // What is sent together goes together anyway, so waiting for company only costs time.
        .set("linger.ms", "0")
        // Java's hash: compaction is per partition, so a JVM worker must put a key where we put it.
        .set("partitioner", "murmur2_random");
    config
}

fn reader_config(base: &ClientConfig, group: &str) -> ClientConfig {
    let mut config = base.clone();
    config
        // librdkafka wants a name before it lets itself be assigned; the group is never joined, nothing is committed.
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "earliest")
        .set("enable.partition.eof", "true")
        .set("isolation.level", "read_committed");
    config
}

/// The reader's thread: ends when nobody takes its events any more.
fn read(reader: &BaseConsumer<LogContext>, events: &mpsc::Sender<Event>) {
    while !events.is_closed() {
        reader.context().outage.reconnect(reader.client());
        let event = match reader.poll(Timeout::After(POLL)) {
            Some(Ok(message)) => Event::Record(LogRecord {
                partition: message.partition(),
                offset: message.offset(),
                key: message.key().map(<[u8]>::to_vec),
                value: message.payload().map(<[u8]>::to_vec),
            }),
            Some(Err(KafkaError::PartitionEOF(partition))) => Event::End(partition),
            // Other errors were said by its context. The library goes on by itself; who waits for the end has its own limit.
            Some(Err(error)) => {
                if let Some(advice) = fetch_advice(error.rdkafka_error_code()) {
                    tracing::error!(%error, advice, "a storage topic cannot be read");
                }
                continue;
            }
            None => continue,
        };
        if events.blocking_send(event).is_err() {
            break;
        }
    }
}
