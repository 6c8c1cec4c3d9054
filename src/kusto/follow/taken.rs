//! A batch that the service took, as its writer hands it in.

use crate::id::{BatchId, OffsetRange};
use crate::kusto::ingest::TakenBy;
use crate::kusto::outcome::BatchRoute;
use std::sync::Arc;

/// A batch that was handed over, whole or in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenBatch {
    /// The batch, as its delivery is called.
    pub id: BatchId,
    /// From where to where.
    pub route: Arc<BatchRoute>,
    /// First and last offset in it.
    pub offsets: OffsetRange,
    /// Records that were taken.
    pub records: u64,
    /// Bytes before compression.
    pub raw_bytes: u64,
    /// What of it waits in the service's queue: itself, or parts of it. Without any, all is in the table.
    pub queued: Vec<QueuedPart>,
}

/// A blob that waits in the service's queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueuedPart {
    /// What the service calls it.
    pub id: BatchId,
    /// First and last offset in it.
    pub offsets: OffsetRange,
    /// Records in it.
    pub records: u64,
    /// Bytes before compression.
    pub raw_bytes: u64,
}

/// Gathers what of a batch waits in the queue while the batch is handed over.
#[derive(Debug, Default)]
pub struct TakenParts(Vec<QueuedPart>);

impl TakenParts {
    /// A part was taken in that way.
    pub fn note(&mut self, part: QueuedPart, by: TakenBy) {
        match by {
            TakenBy::Engine => {}
            TakenBy::Queue => self.0.push(part),
        }
    }

    /// Those that wait in the queue.
    pub fn into_queued(self) -> Vec<QueuedPart> {
        self.0
    }
}
