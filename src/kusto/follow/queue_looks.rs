//! Looks at the cluster's failure queues, which all its clients share: what is ours is deleted once a ledger has claimed it, all else comes
//! back by itself.
//!
//! It owns what is known of each queue, and the receipts. An error ends a walk; what it had got comes back.

use super::cluster::AskCluster;
use crate::id::BatchId;
use crate::kusto::config::QueueUse;
use crate::kusto::ingest::{self, SasUrl};
use crate::kusto::outcome::failures::IngestionFailure;
use crate::kusto::outcome::queue::{FailureQueue, QueueReceipt};
use std::collections::HashMap;
use tokio::time::Instant;

/// The queues of one cluster.
#[derive(Debug, Default)]
pub(super) struct QueueLooks {
    /// By their addresses without signatures.
    queues: HashMap<String, FailureQueue>,
}

impl QueueLooks {
    /// The failures that are told in all queues now.
    pub(super) async fn walk(
        &mut self,
        cluster: &dyn AskCluster,
        mode: QueueUse,
    ) -> Result<Vec<IngestionFailure>, ingest::Error> {
        let mut failures = Vec::new();
        for queue in cluster.failure_queues().await? {
            self.walk_one((cluster, &queue), mode, &mut failures).await?;
        }
        Ok(failures)
    }

    async fn walk_one(
        &mut self,
        (cluster, queue): (&dyn AskCluster, &SasUrl),
        mode: QueueUse,
        failures: &mut Vec<IngestionFailure>,
    ) -> Result<(), ingest::Error> {
        let first = cluster.peek_failures(queue).await?;
        let known = self.known(queue, mode);
        let cut = known.cut();
        if !known.begins(&first.iter().map(String::as_str).collect::<Vec<_>>()) {
            return Ok(());
        }
        loop {
            let sent = Instant::now();
            let got = cluster.get_failures(queue, mode.hides_for()).await?;
            let harvest = self.known(queue, mode).got(got, sent);
            failures.extend(harvest.failures);
            delete((cluster, queue), harvest.deletable).await?;
            if !harvest.goes_on {
                break;
            }
        }
        if self.known(queue, mode).cut() > cut {
            tracing::warn!(
                %queue,
                "the failure queue holds more messages of others than one look walks through: failures of ours may lie behind them"
            );
        }
        Ok(())
    }

    fn known(&mut self, queue: &SasUrl, mode: QueueUse) -> &mut FailureQueue {
        let known = self.queues.entry(queue.to_string()).or_insert_with(|| FailureQueue::new(mode));
        if known.mode() != mode {
            *known = FailureQueue::new(mode);
        }
        known
    }

    /// A ledger has claimed these batches: what is known of them is deleted now, what comes later when it comes.
    pub(super) async fn claimed(
        &mut self,
        cluster: &dyn AskCluster,
        ids: &[BatchId],
    ) -> Result<(), ingest::Error> {
        for queue in cluster.failure_queues().await? {
            let Some(known) = self.queues.get_mut(&queue.to_string()) else { continue };
            let receipts = known.claimed(ids.iter().copied(), Instant::now());
            delete((cluster, &queue), receipts).await?;
        }
        Ok(())
    }
}

async fn delete(
    (cluster, queue): (&dyn AskCluster, &SasUrl),
    receipts: Vec<QueueReceipt>,
) -> Result<(), ingest::Error> {
    for receipt in receipts {
        cluster.delete_failure(queue, &receipt).await?;
    }
    Ok(())
}
