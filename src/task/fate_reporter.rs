//! Reports a batch to the connector's loop when it leaves, so that what is told of it later finds it there. Where the sink tells nothing of
//! fates, nothing is reported.
//!
//! It owns nothing but its channel. The loop hears of a batch before anything of it is handed over, and of its refusal before offsets
//! move past it.

use super::report::{PipelineReport, SentBatch};
use super::scope::PartitionScope;

/// Of one batch.
pub(super) struct FateReporter {
    scope: PartitionScope,
    /// None where nobody listens.
    batch: Option<SentBatch>,
}

impl FateReporter {
    /// Of a batch that is about to leave.
    pub(super) fn new(scope: PartitionScope, batch: Option<SentBatch>) -> Self {
        Self { scope, batch }
    }

    /// Before anything of it is handed over.
    pub(super) async fn leaves(&self) {
        if let Some(batch) = self.batch.filter(|batch| batch.id.is_some()) {
            self.scope.report(PipelineReport::Sent(self.scope.partition.clone(), batch)).await;
        }
    }

    /// It was handed over.
    pub(super) async fn handed_over(&self) {
        if let Some(batch) = self.batch.filter(|batch| batch.id.is_none()) {
            self.scope.report(PipelineReport::Sent(self.scope.partition.clone(), batch)).await;
        }
    }

    /// It was refused, and something else became of its records. Of one that was refused in part, the rest may have a fate.
    pub(super) async fn refused(&self, is_whole: bool) {
        match self.batch.and_then(|batch| batch.id) {
            Some(id) if is_whole => {
                self.scope.report(PipelineReport::Refused(self.scope.partition.clone(), id)).await;
            }
            None if !is_whole => self.handed_over().await,
            _ => {}
        }
    }
}
