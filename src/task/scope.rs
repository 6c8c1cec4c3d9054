//! Which partition of which task a piece of work is for: its coordinates in messages, the numbers that count it, and the
//! way to report it to the connector's loop.

use super::at::At;
use super::error::Error;
use super::report::PipelineReport;
use crate::id::{ConnectorTaskId, TopicPartition};
use crate::metrics::{PartitionCounts, TaskCounts};
use crate::sink;
use std::sync::Arc;
use tokio::sync::mpsc;

/// A partition and its task.
#[derive(Clone)]
pub(super) struct PartitionScope {
    pub(super) task: ConnectorTaskId,
    pub(super) partition: TopicPartition,
    pub(super) counts: TaskCounts,
    /// What is open and on its way.
    pub(super) open: Arc<PartitionCounts>,
    reports: mpsc::Sender<PipelineReport>,
}

impl PartitionScope {
    pub(super) fn new(
        (task, counts): (ConnectorTaskId, TaskCounts),
        partition: TopicPartition,
        reports: mpsc::Sender<PipelineReport>,
    ) -> Self {
        let open = counts.partition(&partition);
        Self { task, partition, counts, open, reports }
    }

    /// The coordinates.
    pub(super) fn at(&self) -> At {
        At { task: self.task.clone(), partition: self.partition.clone() }
    }

    /// What the sink says of no single record.
    pub(super) fn sink_error(&self, source: sink::Error) -> Error {
        Error::Sink { at: self.at().into(), source: Box::new(source) }
    }

    /// Reports to the connector's loop; waits while it is busy.
    pub(super) async fn report(&self, report: PipelineReport) {
        // Nobody listens only when the connector's loop is gone, and then nobody commits.
        if let Err(late) = self.reports.send(report).await {
            tracing::debug!(report = ?late.0, "report after the connector ended");
        }
    }
}
