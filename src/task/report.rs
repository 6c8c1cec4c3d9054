//! What pipelines report to the connector's loop while they run. Pure.

use super::offsets::OffsetRun;
use super::skipped::SkippedRecords;
use super::waiting::{Wait, WaitSubject};
use crate::id::{BatchId, OffsetRange, TopicPartition};
use crate::metrics::RecordTimes;

/// A sealed batch whose fate is of interest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentBatch {
    /// None when nothing will be told of it.
    pub id: Option<BatchId>,
    /// Its first and last offset.
    pub offsets: OffsetRange,
    /// Records in it.
    pub records: u64,
    /// Their timestamps; none when one has none.
    pub times: Option<RecordTimes>,
    /// When it was read.
    pub run: OffsetRun,
}

/// From the pipeline of a partition.
#[derive(Debug)]
pub enum PipelineReport {
    /// Everything below this offset was handed over, or skipped.
    Progress(TopicPartition, i64),
    /// These records were not written and are in no dead-letter topic; reported before progress goes past them.
    Skipped(TopicPartition, SkippedRecords),
    /// From here on it is read without going back; reported before progress, where the sink tells of fates.
    Began(TopicPartition, OffsetRun),
    /// A batch leaves; reported before anything of it is handed over. One without an id was handed over.
    Sent(TopicPartition, SentBatch),
    /// It was refused as a whole, and its records are in a dead-letter topic or were skipped.
    Refused(TopicPartition, BatchId),
    /// Records were read; reported again every few seconds as long as there are any.
    Read(TopicPartition),
    /// There has been no room for records for a while: fetching more would only fill memory.
    Blocked(TopicPartition),
    /// There is room again.
    Unblocked(TopicPartition),
    /// Something waits for a service; reported again when the cause is another.
    Waits(TopicPartition, WaitSubject, Wait),
    /// It does no longer.
    WaitsNoMore(TopicPartition, WaitSubject),
}

impl PipelineReport {
    /// The partition of a batch that leaves, or of reading that begins.
    pub(super) fn leaving(&self) -> Option<&TopicPartition> {
        if let Self::Began(partition, _) | Self::Sent(partition, _) = self { Some(partition) } else { None }
    }

    /// The partition, if something of it begins to wait.
    pub(super) fn waiting(&self) -> Option<&TopicPartition> {
        if let Self::Waits(partition, ..) = self { Some(partition) } else { None }
    }
}
