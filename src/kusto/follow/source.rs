//! Where failures are learned: by asking the cluster itself, its list and, where that is wanted, its failure queues.
//!
//! A [`LookSource`] brings what is new and says through which moment that is all; the follower neither knows nor cares who asked. [`OwnLooks`]
//! asks `.show ingestion failures` with a connector's own credentials, and owns how far back the next look goes.

use super::cluster::AskCluster;
use super::queue_looks::QueueLooks;
use crate::id::BatchId;
use crate::kusto::config::QueueUse;
use crate::kusto::ingest::{self, Denial, Table};
use crate::kusto::outcome::failures::{self, IngestionFailure, LookWindow, OVERLAP};
use async_trait::async_trait;
use std::sync::Arc;
use tokio::time::Instant;

/// Databases in which it is tried when one does not let us.
const MOST_DATABASES: usize = 4;

/// What a look brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FoundFailures {
    /// In their order.
    pub(super) failures: Vec<IngestionFailure>,
    /// With these, all that failed before this moment was told.
    pub(super) covered: Option<Instant>,
    /// Something is gone that nobody read: what was handed over until now has no certain fate by looks.
    pub(super) is_gap: bool,
    /// There is more: the next look should not wait.
    pub(super) is_part: bool,
}

/// Why a look brought nothing.
#[derive(Debug)]
pub(super) enum LookError {
    /// The service will not answer: why, and what would change that.
    Denied {
        /// The service's words.
        said: String,
        /// What to do.
        advice: String,
    },
    /// It may the next time.
    Failed(ingest::Error),
}

/// Where failures are learned.
#[async_trait]
pub(super) trait LookSource: Send {
    /// Nothing that was handed over before `now` is open: looks need not go back behind it.
    fn begins(&mut self, now: Instant);

    /// Looks once, by `cluster`, also at the failure queues where `queue` says how. `databases` are those that were written to, at least one.
    /// What was not returned is told by the next look.
    async fn look(
        &mut self,
        cluster: &dyn AskCluster,
        databases: &[Arc<str>],
        queue: Option<QueueUse>,
    ) -> Result<FoundFailures, LookError>;

    /// A ledger has claimed these batches of what was found in a failure queue.
    async fn claimed(&mut self, cluster: &dyn AskCluster, ids: &[BatchId]);
}

/// Asks the cluster itself.
#[derive(Debug)]
pub(super) struct OwnLooks {
    window: LookWindow,
    /// The database in which the last answer was given.
    database: Option<Arc<str>>,
    overrun: u64,
    queues: QueueLooks,
    /// It was said that the queues cannot be read.
    is_told: bool,
}

impl OwnLooks {
    pub(super) fn new(now: Instant) -> Self {
        // The service's clock may be behind ours.
        Self {
            window: LookWindow::new(OVERLAP, now),
            database: None,
            overrun: 0,
            queues: QueueLooks::default(),
            is_told: false,
        }
    }

    fn read(&mut self, began: Instant, answer: &Table) -> FoundFailures {
        let lines = failures::read(answer);
        let is_part = self.window.read(began, &lines);
        if lines.unreadable > 0 {
            tracing::warn!(lines = lines.unreadable, "lines of .show ingestion failures are not understood");
        }
        let overrun = self.window.overrun() - self.overrun;
        if overrun > 0 {
            self.overrun += overrun;
            tracing::warn!("more failures of one moment than a look takes: some were passed over");
        }
        FoundFailures { failures: lines.failures, covered: self.window.covered(), is_gap: false, is_part }
    }
}

#[async_trait]
impl LookSource for OwnLooks {
    fn begins(&mut self, now: Instant) {
        self.window = LookWindow::new(OVERLAP, now);
        self.overrun = 0;
    }

    async fn look(
        &mut self,
        cluster: &dyn AskCluster,
        databases: &[Arc<str>],
        queue: Option<QueueUse>,
    ) -> Result<FoundFailures, LookError> {
        let began = Instant::now();
        let queued = match queue {
            Some(mode) => self.walk(cluster, mode).await,
            None => None,
        };
        match (self.list(cluster, databases, began).await, queued) {
            (Ok(mut found), queued) => {
                found.failures.extend(queued.unwrap_or_default());
                Ok(found)
            }
            // Each failure has a message in the queue, so without a right to the list that is all.
            (Err(LookError::Denied { .. }), Some(failures)) => {
                Ok(FoundFailures { failures, covered: Some(began), is_gap: false, is_part: false })
            }
            (Err(error), _) => Err(error),
        }
    }

    async fn claimed(&mut self, cluster: &dyn AskCluster, ids: &[BatchId]) {
        if let Err(error) = self.queues.claimed(cluster, ids).await {
            tracing::debug!(%error, "messages of ours are deleted when they come back");
        }
    }
}

impl OwnLooks {
    /// What the queues tell; none when they cannot be read.
    async fn walk(&mut self, cluster: &dyn AskCluster, mode: QueueUse) -> Option<Vec<IngestionFailure>> {
        match self.queues.walk(cluster, mode).await {
            Ok(failures) => {
                self.is_told = false;
                Some(failures)
            }
            Err(error) => {
                if !std::mem::replace(&mut self.is_told, true) {
                    tracing::warn!(%error, "the failure queue cannot be read (kusto.outcome.queue); it is tried again at each look");
                }
                None
            }
        }
    }

    /// What the list tells.
    async fn list(
        &mut self,
        cluster: &dyn AskCluster,
        databases: &[Arc<str>],
        began: Instant,
    ) -> Result<FoundFailures, LookError> {
        let command = failures::command(self.window.asks_from(began));
        let known = self.database.iter().filter(|known| databases.contains(known));
        let others = databases.iter().filter(|name| self.database.as_ref() != Some(*name));
        let order: Vec<Arc<str>> = known.chain(others).take(MOST_DATABASES).cloned().collect();
        let mut denied = None;
        for database in order {
            match cluster.ask(&database, &command).await {
                Ok(answer) => {
                    self.database = Some(database);
                    return Ok(self.read(began, &answer));
                }
                Err(error) => match Denial::of(&error) {
                    Some(denial) => denied = denied.or(Some(words(denial, cluster, &database))),
                    None => return Err(LookError::Failed(error)),
                },
            }
        }
        Err(denied
            .unwrap_or_else(|| LookError::Failed(ingest::Error::Setup("no database to ask in".to_owned()))))
    }
}

fn words(denial: Denial, cluster: &dyn AskCluster, database: &str) -> LookError {
    match denial {
        Denial::Forbidden(said) => {
            let advice = format!("give the role Database Monitor: {}", cluster.monitor_role(database));
            LookError::Denied { said, advice }
        }
        Denial::Unknown(said) => {
            let advice =
                "the cluster does not know the command; kusto.outcome.enable=false ends it".to_owned();
            LookError::Denied { said, advice }
        }
    }
}
