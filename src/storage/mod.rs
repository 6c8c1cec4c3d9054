//! What the worker keeps outside itself: connectors, task configs and target states (config topic), and states
//! (status topic), each behind a trait with a Kafka and a memory twin.
//!
//! Records have Connect's own keys and JSON, so a JVM worker can take over and hand back (`connect-runtime.md` §2).
//! The herder owns the one [`ConfigTopic`] and the one [`StatusTopic`]; nothing here starts or stops a connector.

mod config_state;
mod config_topic;
mod error;
mod kafka;
mod memory;
mod records;
mod standalone;
mod status;
mod status_cache;
mod status_records;
mod status_topic;

#[cfg(test)]
mod anew_tests;
#[cfg(test)]
pub(crate) mod contract_tests;
#[cfg(test)]
mod poison_tests;

pub use config_state::{Change, ClusterConfigState};
pub use config_topic::ConfigTopic;
pub use error::Error;
pub use kafka::{KafkaConfigBackingStore, KafkaStatusBackingStore, KafkaStores, storage_topics};
pub use memory::MemoryStores;
#[cfg(test)]
use memory::{MemoryConfigBackingStore, MemoryStatusBackingStore, MemoryTopic};
pub use records::{ConfigRecord, RestartRequest};
pub use standalone::StandaloneStores;
pub use status::{Status, StatusBackingStore, StatusId, TopicStatus};
#[cfg(test)]
use status::{StatusEntry, StatusNews, StatusRecord};
pub use status_topic::StatusTopic;

use crate::kafka::topic_watch::TopicWatch;
use async_trait::async_trait;

/// One record of the config topic as it was read: where the next one begins, and what it says (none when it is of no
/// use to us or cannot be read; that was logged).
#[derive(Debug, Clone, PartialEq)]
pub struct ConfigEntry {
    /// Offset of this record + 1.
    pub next_offset: i64,
    /// What it says.
    pub record: Option<ConfigRecord>,
}

/// The log below [`ConfigTopic`]: an ordered, compacted list of records that can be appended to and read back.
#[async_trait]
pub trait ConfigBackingStore: Send {
    /// Appends the records in this order; returns when all of them are safely stored.
    async fn append(&mut self, records: &[ConfigRecord]) -> Result<(), Error>;

    /// The next record, waiting for it. Safe to drop while it waits: no record is lost.
    async fn next(&mut self) -> Result<ConfigEntry, Error>;

    /// All records from where the reader stands to the end of the topic as it is now; everything appended before
    /// this call is among what has been read after it.
    async fn read_to_end(&mut self) -> Result<Vec<ConfigEntry>, Error>;
}

/// The opened stores of a worker and what was learnt on the way.
pub struct Stores {
    /// The config topic.
    pub config: Box<dyn ConfigBackingStore>,
    /// The status topic.
    pub status: Box<dyn StatusBackingStore>,
    /// The Kafka cluster's id, for `GET /`.
    pub cluster_id: Option<String>,
    /// The way to see whether the topics are still there; none where there are no topics.
    pub watch: Option<TopicWatch>,
}

/// How a worker gets its stores: called again while its error is retriable.
#[async_trait]
pub trait OpenStores: Send + Sync + 'static {
    /// Opens them: topics made or checked, readers started at the beginning.
    async fn open(&self) -> Result<Stores, Error>;
}
