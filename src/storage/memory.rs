//! The memory twins of the config and the status topic: for tests, and for a standalone worker.
//!
//! The topic itself ([`MemoryTopic`]) outlives its stores, as a Kafka topic outlives a worker, so a test can stop a
//! worker and start another on the same topic. Nothing is written to disk.

use super::kafka::{read_record, read_status};
use super::status::{StatusBackingStore, StatusEntry, StatusNews, StatusRecord};
use super::{ConfigBackingStore, ConfigEntry, ConfigRecord, Error, OpenStores, Stores};
use async_trait::async_trait;
use std::collections::{BTreeMap, HashMap, VecDeque};
use tokio::sync::watch;

type Record = (String, Option<String>);

#[derive(Debug, Default)]
struct Log {
    records: BTreeMap<i64, Record>,
    end: i64,
    /// Of a compacted topic: where the last record of each key stands.
    last: Option<HashMap<String, i64>>,
}

/// A topic in memory: keys and values as Kafka would hold them. Clones are the same topic.
#[derive(Debug, Clone)]
pub struct MemoryTopic {
    log: watch::Sender<Log>,
}

impl Default for MemoryTopic {
    fn default() -> Self {
        Self { log: watch::Sender::new(Log::default()) }
    }
}

impl MemoryTopic {
    /// A topic that keeps only the last record of each key, so that it does not grow with time.
    pub fn compacted() -> Self {
        Self { log: watch::Sender::new(Log { last: Some(HashMap::new()), ..Log::default() }) }
    }

    /// Appends a record as any other worker could; gives its offset.
    pub fn append(&self, key: impl Into<String>, value: Option<String>) -> i64 {
        let record = (key.into(), value);
        let mut offset = 0;
        self.log.send_modify(|log| {
            offset = log.end;
            log.end += 1;
            let before = log.last.as_mut().and_then(|last| last.insert(record.0.clone(), offset));
            if let Some(before) = before {
                log.records.remove(&before);
            }
            log.records.insert(offset, record);
        });
        offset
    }

    /// A copy of all records.
    #[cfg(test)]
    pub fn records(&self) -> Vec<(String, Option<String>)> {
        self.log.borrow().records.values().cloned().collect()
    }
}

/// Reads a [`MemoryTopic`] from its beginning.
struct Reader {
    log: watch::Receiver<Log>,
    position: i64,
}

impl Reader {
    fn new(topic: &MemoryTopic) -> Self {
        Self { log: topic.log.subscribe(), position: 0 }
    }

    /// The next record and its offset, when there is one.
    fn take(&mut self) -> Option<(i64, Record)> {
        let log = self.log.borrow_and_update();
        let (offset, record) = log.records.range(self.position..).next()?;
        self.position = offset + 1;
        Some((*offset, record.clone()))
    }

    async fn next(&mut self) -> Result<(i64, Record), Error> {
        loop {
            if let Some(found) = self.take() {
                return Ok(found);
            }
            self.log.changed().await.map_err(|_| Error::ReaderEnded)?;
        }
    }
}

/// A reader and writer of the config topic in memory.
pub struct MemoryConfigBackingStore {
    topic: MemoryTopic,
    reader: Reader,
}

impl MemoryConfigBackingStore {
    /// A store that stands at the beginning of `topic`.
    pub fn new(topic: &MemoryTopic) -> Self {
        Self { topic: topic.clone(), reader: Reader::new(topic) }
    }
}

fn config_entry((offset, (key, value)): (i64, Record)) -> ConfigEntry {
    let record = read_record(Some(key.as_bytes()), value.as_deref().map(str::as_bytes));
    ConfigEntry { next_offset: offset + 1, record }
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
        self.reader.next().await.map(config_entry)
    }

    async fn read_to_end(&mut self) -> Result<Vec<ConfigEntry>, Error> {
        Ok(std::iter::from_fn(|| self.reader.take()).map(config_entry).collect())
    }
}

/// A reader and writer of the status topic in memory.
pub struct MemoryStatusBackingStore {
    topic: MemoryTopic,
    reader: Reader,
    written: VecDeque<StatusNews>,
}

impl MemoryStatusBackingStore {
    /// A store that stands at the beginning of `topic`.
    pub fn new(topic: &MemoryTopic) -> Self {
        Self { topic: topic.clone(), reader: Reader::new(topic), written: VecDeque::new() }
    }
}

fn status_entry((offset, (key, value)): (i64, Record)) -> StatusEntry {
    StatusEntry { offset, record: read_status(Some(key.as_bytes()), value.as_deref().map(str::as_bytes)) }
}

#[async_trait]
impl StatusBackingStore for MemoryStatusBackingStore {
    fn send(&mut self, ticket: u64, record: &StatusRecord) {
        let offset = self.topic.append(record.key(), record.value());
        self.written.push_back(StatusNews::Written { ticket, offset });
    }

    async fn next(&mut self) -> Result<StatusNews, Error> {
        match self.written.pop_front() {
            Some(written) => Ok(written),
            None => self.reader.next().await.map(|found| StatusNews::Read(status_entry(found))),
        }
    }

    async fn read_to_end(&mut self) -> Result<Vec<StatusEntry>, Error> {
        Ok(std::iter::from_fn(|| self.reader.take()).map(status_entry).collect())
    }
}

/// Opens memory stores over the same topics each time.
#[derive(Debug, Clone)]
pub struct MemoryStores {
    /// The config topic.
    pub config: MemoryTopic,
    /// The status topic.
    pub status: MemoryTopic,
}

impl Default for MemoryStores {
    fn default() -> Self {
        Self { config: MemoryTopic::default(), status: MemoryTopic::compacted() }
    }
}

#[async_trait]
impl OpenStores for MemoryStores {
    async fn open(&self) -> Result<Stores, Error> {
        Ok(Stores {
            config: Box::new(MemoryConfigBackingStore::new(&self.config)),
            status: Box::new(MemoryStatusBackingStore::new(&self.status)),
            cluster_id: Some("memory".to_owned()),
            watch: None,
        })
    }
}
