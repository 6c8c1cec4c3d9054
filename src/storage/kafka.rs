//! The Kafka twins of the config and the status topic, and how the three storage topics are opened.
//!
//! Opening makes or checks the topics first; what fails for want of a broker may be tried again, what fails because
//! a topic is wrong may not. The offset topic is for sources, so it is made for the other workers and never read.

use super::status::{StatusBackingStore, StatusEntry, StatusNews, StatusRecord};
use super::{ConfigBackingStore, ConfigEntry, ConfigRecord, Error, OpenStores, Stores};
use crate::config::WorkerConfig;
use crate::kafka::admin::{Admin, StorageTopicSpec};
use crate::kafka::log::{KafkaBasedLog, LogRecord};
use crate::metrics::Metrics;
use async_trait::async_trait;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use std::sync::Arc;

/// The config topic in Kafka.
pub struct KafkaConfigBackingStore {
    log: KafkaBasedLog,
}

impl KafkaConfigBackingStore {
    /// A store over a log that stands at the beginning.
    pub fn new(log: KafkaBasedLog) -> Self {
        Self { log }
    }
}

#[async_trait]
impl ConfigBackingStore for KafkaConfigBackingStore {
    async fn append(&mut self, records: &[ConfigRecord]) -> Result<(), Error> {
        let records: Vec<_> = records.iter().map(ConfigRecord::encode).collect();
        Ok(self.log.append(&records).await?)
    }

    async fn next(&mut self) -> Result<ConfigEntry, Error> {
        self.log.next().await.as_ref().map(entry).ok_or(Error::ReaderEnded)
    }

    async fn read_to_end(&mut self) -> Result<Vec<ConfigEntry>, Error> {
        Ok(self.log.read_to_end().await?.iter().map(entry).collect())
    }
}

fn entry(record: &LogRecord) -> ConfigEntry {
    let next_offset = record.offset + 1;
    ConfigEntry { next_offset, record: read_record(record.key.as_deref(), record.value.as_deref()) }
}

/// Reads a record of the config topic; what cannot be read is logged and skipped.
pub(super) fn read_record(key: Option<&[u8]>, value: Option<&[u8]>) -> Option<ConfigRecord> {
    ConfigRecord::decode(key, value).unwrap_or_else(|error| {
        tracing::warn!(%error, "skipped a record of the config topic");
        None
    })
}

/// The status topic in Kafka.
pub struct KafkaStatusBackingStore {
    log: KafkaBasedLog,
    on_their_way: FuturesUnordered<BoxFuture<'static, StatusNews>>,
}

impl KafkaStatusBackingStore {
    /// A store over a log that stands at the beginning.
    pub fn new(log: KafkaBasedLog) -> Self {
        Self { log, on_their_way: FuturesUnordered::new() }
    }
}

#[async_trait]
impl StatusBackingStore for KafkaStatusBackingStore {
    fn send(&mut self, ticket: u64, record: &StatusRecord) {
        let sent = self.log.send(&record.key(), record.value().as_deref());
        self.on_their_way.push(Box::pin(async move {
            match sent.await {
                Ok(offset) => StatusNews::Written { ticket, offset },
                Err(error) => StatusNews::Failed { ticket, error: error.into() },
            }
        }));
    }

    async fn next(&mut self) -> Result<StatusNews, Error> {
        tokio::select! {
            Some(news) = self.on_their_way.next() => Ok(news),
            record = self.log.next() => {
                record.as_ref().map(status_entry).map(StatusNews::Read).ok_or(Error::ReaderEnded)
            }
        }
    }

    async fn read_to_end(&mut self) -> Result<Vec<StatusEntry>, Error> {
        Ok(self.log.read_to_end().await?.iter().map(status_entry).collect())
    }
}

fn status_entry(record: &LogRecord) -> StatusEntry {
    let offset = record.offset;
    StatusEntry { offset, record: read_status(record.key.as_deref(), record.value.as_deref()) }
}

/// Reads a record of the status topic; what cannot be read is logged and skipped.
pub(super) fn read_status(key: Option<&[u8]>, value: Option<&[u8]>) -> Option<StatusRecord> {
    let record = StatusRecord::decode(key, value);
    record.inspect_err(|error| tracing::warn!(%error, "skipped a record of the status topic")).ok()
}

/// Opens the stores of a distributed worker.
pub struct KafkaStores {
    config: Arc<WorkerConfig>,
    metrics: Metrics,
}

impl KafkaStores {
    /// Stores on the topics that `config` names; their clients tell `metrics` of their connections.
    pub fn new(config: Arc<WorkerConfig>, metrics: Metrics) -> Self {
        Self { config, metrics }
    }

    async fn open_log(
        &self,
        admin: &Admin,
        spec: StorageTopicSpec<'_>,
        purpose: &str,
    ) -> Result<KafkaBasedLog, Error> {
        let partitions = admin.ensure(spec).await?;
        let metrics = Some(&self.metrics);
        Ok(KafkaBasedLog::open(&self.config, &spec.topic.name, purpose, partitions, metrics)?)
    }
}

/// What the offset, the status and the config topic have to be, in the order in which Connect opens them (`connect-runtime.md` §2.3).
pub fn storage_topics(worker: &WorkerConfig) -> [StorageTopicSpec<'_>; 3] {
    let spec = |topic, property, content, single_partition| StorageTopicSpec {
        topic,
        property,
        content,
        single_partition,
    };
    [
        spec(&worker.offset_topic, "offset.storage.topic", "source connector offsets", false),
        spec(&worker.status_topic, "status.storage.topic", "connector and task statuses", false),
        spec(&worker.config_topic, "config.storage.topic", "connector configurations", true),
    ]
}

#[async_trait]
impl OpenStores for KafkaStores {
    async fn open(&self) -> Result<Stores, Error> {
        let admin = Admin::new(&self.config)?;
        let specs = storage_topics(&self.config);
        let topics = specs.iter().map(|spec| spec.topic.name.clone()).collect();
        let [offsets, statuses, configs] = specs;
        admin.ensure(offsets).await?;
        let statuses = self.open_log(&admin, statuses, "statuses").await?;
        let configs = self.open_log(&admin, configs, "configs").await?;
        let watch = Some(configs.watch(topics));
        Ok(Stores {
            watch,
            config: Box::new(KafkaConfigBackingStore::new(configs)),
            status: Box::new(KafkaStatusBackingStore::new(statuses)),
            cluster_id: admin.cluster_id().await,
        })
    }
}
