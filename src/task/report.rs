//! What pipelines report to the connector's loop while they run. Pure.

use super::skipped::SkippedRecords;
use super::waiting::{Wait, WaitSubject};
use crate::id::TopicPartition;

/// From the pipeline of a partition.
#[derive(Debug)]
pub enum PipelineReport {
    /// Everything below this offset was handed over, or skipped.
    Progress(TopicPartition, i64),
    /// These records were not written and are in no dead-letter topic; reported before progress goes past them.
    Skipped(TopicPartition, SkippedRecords),
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
    /// The partition, if something of it begins to wait.
    pub(super) fn waiting(&self) -> Option<&TopicPartition> {
        if let Self::Waits(partition, ..) = self { Some(partition) } else { None }
    }
}
