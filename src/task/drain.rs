//! Ending pipelines in good order, and sending what may be committed.
//!
//! A drain hands over and commits what the deadline (`task.shutdown.graceful.timeout.ms`) allows and fences the rest:
//! an aborted pipeline's uploads end with it, and its offsets are read again by whoever comes next.

use tokio::time::Instant;

use super::consumer::ConnectorTasks;
use super::partition::Mode;
use super::trouble::What;
use super::until;
use crate::id::TopicPartition;

impl ConnectorTasks {
    pub(super) async fn drain_all(&mut self) -> bool {
        let partitions: Vec<_> = self.owner.keys().cloned().collect();
        self.drain(&partitions).await
    }

    /// Ends the pipelines of `partitions`: handed over and committed if the deadline allows, fenced if not.
    pub(super) async fn drain(&mut self, partitions: &[TopicPartition]) -> bool {
        for running in partitions.iter().filter_map(|partition| self.running.get(partition)) {
            running.mode.send_replace(Mode::Drain);
        }
        let mut deadline = Some(Instant::now() + self.parts.worker.task_shutdown_graceful_timeout);
        let mut drained = true;
        while partitions.iter().any(|partition| self.running.contains_key(partition)) {
            tokio::select! {
                biased;
                Some(report) = self.reports.recv() => self.reported(report),
                Some(ended) = self.pipelines.join_next_with_id() => self.ended(ended).await,
                () = until(deadline), if deadline.is_some() => {
                    deadline = None;
                    drained = false;
                    self.abort(partitions);
                }
            }
        }
        while let Ok(report) = self.reports.try_recv() {
            self.reported(report);
        }
        let committed = self.commit_now(partitions).await;
        self.troubles.set(What::Commits, self.committer.failing(), Instant::now());
        drained & committed
    }

    fn abort(&mut self, partitions: &[TopicPartition]) {
        let timeout_ms = self.parts.worker.task_shutdown_graceful_timeout.as_millis();
        for partition in partitions {
            if let Some(running) = self.running.get(partition) {
                running.abort.abort();
                tracing::warn!(
                    connector = %self.spec.name, %partition, timeout_ms,
                    "not drained within task.shutdown.graceful.timeout.ms; its records will be read again"
                );
            }
        }
    }

    async fn commit_now(&mut self, partitions: &[TopicPartition]) -> bool {
        let offsets = self.committer.take(partitions);
        if offsets.is_empty() {
            return true;
        }
        if self.consumer.assignment_lost() {
            tracing::warn!(
                connector = %self.spec.name, partitions = offsets.len(),
                "the group has given these partitions to others; last offsets not committed, what was handed over is read again"
            );
            return false;
        }
        let timeout = self.parts.worker.offset_flush_timeout;
        let Err(error) = self.consumer.commit(offsets, timeout).await else { return true };
        tracing::warn!(
            connector = %self.spec.name, %error, timeout_ms = timeout.as_millis(),
            "last offsets not committed within offset.flush.timeout.ms; they are read again later"
        );
        false
    }

    pub(super) fn commit(&mut self) {
        let offsets = self.committer.take_due(Instant::now());
        self.troubles.set(What::Commits, self.committer.failing(), Instant::now());
        if offsets.is_empty() {
            return;
        }
        if let Err(error) = self.consumer.commit_async(&offsets) {
            self.committer.failed(error.to_string());
        }
    }
}
