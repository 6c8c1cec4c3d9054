//! The memory twin of the config topic: for tests, and for a standalone worker.
//!
//! The topic itself ([`MemoryTopic`]) outlives its stores, as a Kafka topic outlives a worker, so a test can stop a
//! worker and start another on the same topic. Nothing is written to disk.

use super::status::MemoryStatusBackingStore;
use super::{ConfigBackingStore, ConfigEntry, ConfigRecord, Error, OpenStores, Stores};
use async_trait::async_trait;
use tokio::sync::watch;

type Record = (String, Option<String>);

/// A topic in memory: keys and values as Kafka would hold them. Clones are the same topic.
#[derive(Debug, Clone)]
pub struct MemoryTopic {
    records: watch::Sender<Vec<Record>>,
}

impl Default for MemoryTopic {
    fn default() -> Self {
        Self { records: watch::Sender::new(Vec::new()) }
    }
}

impl MemoryTopic {
    /// Appends a record as any other worker could.
    pub fn append(&self, key: impl Into<String>, value: Option<String>) {
        let record = (key.into(), value);
        self.records.send_modify(|records| records.push(record));
    }

    /// A copy of all records.
    pub fn records(&self) -> Vec<(String, Option<String>)> {
        self.records.borrow().clone()
    }
}

/// A reader and writer of a [`MemoryTopic`].
pub struct MemoryConfigBackingStore {
    topic: MemoryTopic,
    records: watch::Receiver<Vec<Record>>,
    position: usize,
}

impl MemoryConfigBackingStore {
    /// A store that stands at the beginning of `topic`.
    pub fn new(topic: &MemoryTopic) -> Self {
        Self { topic: topic.clone(), records: topic.records.subscribe(), position: 0 }
    }

    fn take(&mut self) -> Option<ConfigEntry> {
        let record = self.records.borrow_and_update().get(self.position).cloned();
        record.map(|(key, value)| {
            self.position += 1;
            let record = super::kafka::read_record(Some(key.as_bytes()), value.as_deref().map(str::as_bytes));
            ConfigEntry { next_offset: i64::try_from(self.position).unwrap_or(i64::MAX), record }
        })
    }
}

#[async_trait]
impl ConfigBackingStore for MemoryConfigBackingStore {
    async fn append(&mut self, records: &[ConfigRecord]) -> Result<(), Error> {
        for record in records {
            let (key, value) = record.encode();
            self.topic.append(key, value);
        }
        Ok(())
    }

    async fn next(&mut self) -> Result<ConfigEntry, Error> {
        loop {
            if let Some(entry) = self.take() {
                return Ok(entry);
            }
            self.records.changed().await.map_err(|_| Error::ReaderEnded)?;
        }
    }

    async fn read_to_end(&mut self) -> Result<Vec<ConfigEntry>, Error> {
        Ok(std::iter::from_fn(|| self.take()).collect())
    }
}

/// Opens memory stores over one topic.
#[derive(Debug, Clone, Default)]
pub struct MemoryStores {
    /// The config topic.
    pub config: MemoryTopic,
}

#[async_trait]
impl OpenStores for MemoryStores {
    async fn open(&self) -> Result<Stores, Error> {
        Ok(Stores {
            config: Box::new(MemoryConfigBackingStore::new(&self.config)),
            status: Box::new(MemoryStatusBackingStore::default()),
            cluster_id: Some("memory".to_owned()),
        })
    }
}
