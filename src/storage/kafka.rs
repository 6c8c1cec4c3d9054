//! The Kafka twin of the config topic.
//!
//! Opening it makes or checks the topic first; what fails for want of a broker may be tried again, what fails because
//! the topic is wrong may not.

use super::status::MemoryStatusBackingStore;
use super::{ConfigBackingStore, ConfigEntry, ConfigRecord, Error, OpenStores, Stores};
use crate::config::WorkerConfig;
use crate::kafka::admin::{Admin, StorageTopicSpec};
use crate::kafka::log::{KafkaBasedLog, LogRecord};
use async_trait::async_trait;
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

/// Opens the stores of a distributed worker. States live in memory until the status topic is used.
pub struct KafkaStores {
    config: Arc<WorkerConfig>,
}

impl KafkaStores {
    /// Stores on the topics that `config` names.
    pub fn new(config: Arc<WorkerConfig>) -> Self {
        Self { config }
    }
}

#[async_trait]
impl OpenStores for KafkaStores {
    async fn open(&self) -> Result<Stores, Error> {
        let admin = Admin::new(&self.config)?;
        let topic = &self.config.config_topic;
        let partitions = admin
            .ensure(StorageTopicSpec {
                topic,
                property: "config.storage.topic",
                content: "connector configurations",
                single_partition: true,
            })
            .await?;
        let log = KafkaBasedLog::open(&self.config, &topic.name, "configs", partitions)?;
        Ok(Stores {
            config: Box::new(KafkaConfigBackingStore::new(log)),
            status: Box::new(MemoryStatusBackingStore::default()),
            cluster_id: admin.cluster_id().await,
        })
    }
}
