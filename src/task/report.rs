//! What pipelines tell the connector's loop while they run. Pure.

use super::passed_over::Dropped;
use super::trouble::{Wait, Waiter};
use crate::id::TopicPartition;

/// A word of a pipeline.
#[derive(Debug)]
pub enum Report {
    /// Everything below this offset was handed over, or passed over.
    Progress(TopicPartition, i64),
    /// These records are in no table and no dead-letter topic; told before progress goes past them.
    PassedOver(TopicPartition, Dropped),
    /// Records were read; told again every few seconds as long as there are any.
    Read(TopicPartition),
    /// There has been no room for records for a while: fetching more would only fill memory.
    Blocked(TopicPartition),
    /// There is room again.
    Unblocked(TopicPartition),
    /// Something waits for a service; told again when the cause is another.
    Waits(TopicPartition, Waiter, Wait),
    /// It does no longer.
    WaitsNoMore(TopicPartition, Waiter),
}
