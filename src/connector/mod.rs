//! Connectors: what a sink does with records, behind the two traits the tasks see, and the table of those we have.
//!
//! A [`SinkTask`] opens one [`PartitionWriter`] per partition, so partitions share no state. Writers are pure up to the
//! sealed [`Delivery`], whose future does the I/O. Offsets, states and restarts are the tasks' business.

mod apart;
mod avro;
mod columns;
#[cfg(test)]
mod doubling_tests;
mod encode;
mod fabric;
mod kusto;
mod lines;
mod unread;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use tokio::sync::watch;

use crate::causes::chain;
use crate::config::SinkConnectorConfig;
use crate::data::{self, Schema, SinkRecord};
use crate::id::{OffsetRange, TopicPartition};
/// The connections to the service, which all connectors of a worker share.
pub use crate::ingest::HttpPools;
/// What keeps a batch that is tried again.
pub use crate::ingest::Waiting;
use crate::{batch, ingest};
pub use apart::BadRecords;
pub use kusto::KustoSink;

/// Why a record or a batch cannot be handed over.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The topic is not mapped to a table.
    #[error("no entry for topic {0} in kusto.tables.topics.mapping, and none for *")]
    NoMapping(Arc<str>),
    /// A value cannot be written in the table's format.
    #[error("{}", chain(.0))]
    Data(#[from] data::Error),
    /// The batch could not be written.
    #[error(transparent)]
    Batch(#[from] batch::Error),
    /// The service did not take the batch, or will take none.
    #[error(transparent)]
    Ingest(#[from] ingest::Error),
    /// The service took the batch but for some records.
    #[error("{bad}: {source}")]
    Records {
        /// Which.
        bad: BadRecords,
        /// What was said of one of them.
        source: ingest::Error,
    },
}

impl Error {
    /// True when the same call may succeed later without anyone changing anything.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::NoMapping(_) => false,
            Self::Data(error) => error.is_retriable(),
            Self::Batch(error) => error.is_retriable(),
            Self::Ingest(error) | Self::Records { source: error, .. } => error.is_retriable(),
        }
    }

    /// True when the service refused what is in a batch, and would take another.
    pub fn is_of_batch(&self) -> bool {
        matches!(self, Self::Ingest(error) | Self::Records { source: error, .. } if error.is_of_batch())
    }

    /// The records that it is about; none when it is all of the batch.
    pub fn records(&self) -> Option<&BadRecords> {
        if let Self::Records { bad, .. } = self { Some(bad) } else { None }
    }
}

/// What a writer wants after a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// More records.
    More,
    /// To be sealed.
    Full,
}

/// The part of a connector that tasks run.
#[async_trait]
pub trait SinkTask: Send + Sync {
    /// Looks whether the target is there, before the first record is read.
    async fn start(&self) -> Result<(), Error>;

    /// A writer of records that come from the partition `origin` and go to the table of `topic`: the same topic unless
    /// a transformation renamed it.
    fn open(&self, origin: &TopicPartition, topic: &Arc<str>) -> Result<Box<dyn PartitionWriter>, Error>;

    /// True when it writes keys and headers too; else they are not converted for it.
    fn wants_whole_records(&self) -> bool;

    /// How old the first record of a batch may become.
    fn flush_interval(&self) -> Duration;
}

/// A record as it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoded<'v> {
    /// Its bytes.
    pub bytes: Cow<'v, [u8]>,
    /// The schema that all records of one batch must have; none when any record may stand beside any other.
    pub schema: Option<Arc<Schema>>,
}

/// Writes records of one partition, batch by batch.
pub trait PartitionWriter: Send {
    /// A record as it is written; none when there is nothing to write.
    fn encode<'v>(&self, record: &'v SinkRecord<'_>) -> Result<Option<Encoded<'v>>, Error>;

    /// Appends what [`Self::encode`] gave; the caller gives only records of one schema to a batch.
    fn put(&mut self, offset: i64, record: &Encoded<'_>) -> Result<Fill, Error>;

    /// Memory held now, in bytes.
    fn memory(&self) -> usize;

    /// Memory that may be held after a value of `len` bytes more.
    fn memory_with(&self, len: usize) -> usize;

    /// True when there is nothing to seal.
    fn is_empty(&self) -> bool;

    /// Seals what was put; none when there is nothing.
    fn seal(&mut self) -> Result<Option<Delivery>, Error>;
}

/// A sealed batch and the work that hands it over.
pub struct Delivery {
    /// First and last offset in it.
    pub offsets: OffsetRange,
    /// Records in it.
    pub records: u64,
    /// Bytes before compression.
    pub raw_bytes: u64,
    /// Memory it holds until it is handed over, in bytes.
    pub memory: usize,
    /// What keeps it, told at each try that failed.
    pub waiting: watch::Receiver<Option<Waiting>>,
    /// Ends when the batch was acknowledged, or with an error that no retry mends: of the batch, or of some of its records
    /// ([`Error::records`]) while all others were acknowledged. Dropping it gives the batch up.
    pub work: BoxFuture<'static, Result<(), Error>>,
}

/// The sink of a connector, over the worker's connections. Each class of the table in `config` is one to us: its row has
/// made its settings alike.
pub fn sink_task(config: &SinkConnectorConfig, http: &HttpPools) -> Result<Arc<dyn SinkTask>, Error> {
    let client = ingest::ManagedIngestClient::new(&config.kusto, &config.name, http)?;
    Ok(Arc::new(KustoSink::new(Arc::clone(&config.name), config.kusto.clone(), Arc::new(client))))
}
