//! What became of a batch after its service took it: what a sink learns later and tells the tasks.
//!
//! A batch that was handed over counts as delivered, and its offsets are committed; news change nothing about that. A sink that
//! learns nothing has no [`FateTeller`].

use crate::id::{BatchId, OffsetRange, TopicPartition};
use async_trait::async_trait;

/// What became of a batch that was handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Its records are known to be in the target.
    Confirmed,
    /// Its records are known not to be there.
    Failed(Box<BatchFailure>),
    /// The service told of no failure for as long as it would have told of one. That is no proof.
    Unreported,
    /// It was not followed to its end.
    Unknown(Unfollowed),
}

/// Why the service did not keep a batch that it had taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchFailure {
    /// The service's code, or what stands for it.
    pub code: String,
    /// Its words, fit to be shown.
    pub text: String,
    /// The same batch may be taken another time.
    pub is_retriable: bool,
    /// What stands beside its own target did not take it (what derives rows from others, for example): its own records may be there.
    pub is_of_derived: bool,
    /// Some of its records are what is not taken: others may be taken without them.
    pub is_of_content: bool,
}

/// Why a batch was not followed to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unfollowed {
    /// Younger ones took its place: there is room for so many.
    NoRoom,
    /// The service does not let us ask.
    NotAllowed,
    /// What the service told at that time is gone.
    TooLate,
    /// The worker stopped.
    Stopped,
}

/// What became of one batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchNews {
    /// The batch.
    pub id: BatchId,
    /// Where it was read.
    pub partition: TopicPartition,
    /// First and last offset in it.
    pub offsets: OffsetRange,
    /// Records in it.
    pub records: u64,
    /// Bytes before compression.
    pub raw_bytes: u64,
    /// What became of it.
    pub fate: Fate,
}

/// What a connector does when a batch that was handed over is known not to be in the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFailedBatch {
    /// It goes on; log, numbers and health tell of it.
    #[default]
    Report,
    /// The task that handed it over fails.
    Fail,
}

/// Tells what became of the batches of one connector that this worker handed over.
#[async_trait]
pub trait FateTeller: Send {
    /// The next news, at least one. Waits without an end while there are none; cancel-safe: what was not returned is told by the
    /// next call. Each batch is told once for each time it was handed over.
    async fn news(&mut self) -> Vec<BatchNews>;
}
