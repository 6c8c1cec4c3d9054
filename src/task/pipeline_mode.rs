//! What a pipeline is told to do, and how it ended. Plain values.

use super::error::Error;
use crate::id::TopicPartition;

/// What a pipeline should do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PipelineMode {
    /// Read.
    Run,
    /// Hand over what was read, then wait.
    Hold,
    /// Hand over what was read, then end.
    Drain,
}

/// How a pipeline ended.
#[derive(Debug)]
pub(super) struct Exit {
    pub(super) partition: TopicPartition,
    pub(super) task: u32,
    /// Where reading starts again; none when nothing was read.
    pub(super) resume_at: Option<i64>,
    /// Why it ended by itself; none after a drain.
    pub(super) error: Option<Error>,
}
