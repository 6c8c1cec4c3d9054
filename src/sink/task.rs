//! The traits: a sink, as all tasks of a connector share it, and the writer of one partition.

use super::{Delivery, Error, FateTeller, OnFailedBatch, RefusalPolicy};
use crate::data::{Schema, SinkRecord};
use crate::id::TopicPartition;
use async_trait::async_trait;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

/// What a writer wants after a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// More records.
    More,
    /// To be sealed.
    Full,
}

/// The sink's settings that messages of the tasks point at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettingNames {
    /// Says where records go and how they are written; to check when a record cannot be written.
    pub target: &'static str,
    /// Says where the service is; to check when it does not answer.
    pub service: &'static str,
}

/// The part of a connector that tasks run.
#[async_trait]
pub trait SinkTask: Send + Sync {
    /// Looks whether the target is there, before the first record is read.
    async fn start(&self) -> Result<(), Error>;

    /// A writer of records that come from the partition `origin` and go where those of `topic` go: the same topic unless
    /// a transformation renamed it.
    fn open(&self, origin: &TopicPartition, topic: &Arc<str>) -> Result<Box<dyn PartitionWriter>, Error>;

    /// True when it writes keys and headers too; else they are not converted for it.
    fn needs_key_and_headers(&self) -> bool;

    /// How old the first record of a batch may become.
    fn flush_interval(&self) -> Duration;

    /// What happens to what it cannot write or its service refuses.
    fn refusal_policy(&self) -> RefusalPolicy;

    /// The settings to point at.
    fn setting_names(&self) -> SettingNames;

    /// Tells what becomes of the batches that its writers hand over from now on; none when nothing is learned. There is one
    /// listener at a time: who asks again takes the place of the one before.
    fn fates(&self) -> Option<Box<dyn FateTeller>> {
        None
    }

    /// What happens when such a batch is known not to be in the target.
    fn on_failed_batch(&self) -> OnFailedBatch {
        OnFailedBatch::default()
    }
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
