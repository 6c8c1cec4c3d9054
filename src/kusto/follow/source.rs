//! Where failures are learned: by asking the cluster itself.
//!
//! A [`LookSource`] brings what is new and says through which moment that is all; the follower neither knows nor cares who asked. [`OwnLooks`]
//! asks `.show ingestion failures` with a connector's own credentials, and owns how far back the next look goes.

use crate::kusto::ingest::{self, ClusterReader, Denial, Table};
use crate::kusto::outcome::failures::{self, IngestionFailure, LookWindow, OVERLAP};
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The command's name in errors.
const OPERATION: &str = "show ingestion failures";
/// Databases in which it is tried when one does not let us.
const MOST_DATABASES: usize = 4;

/// What a cluster is asked.
#[async_trait]
pub(super) trait AskCluster: Send + Sync {
    /// The first table of the answer to `command` in `database`.
    async fn ask(&self, database: &str, command: &str) -> Result<Table, ingest::Error>;

    /// How long batches of a table are gathered.
    async fn batching_time(&self, database: &str, table: &str) -> Result<Duration, ingest::Error>;

    /// KQL that gives the right to ask.
    fn monitor_role(&self, database: &str) -> String;

    /// Its address, for messages.
    fn address(&self) -> String;
}

#[async_trait]
impl AskCluster for ClusterReader {
    async fn ask(&self, database: &str, command: &str) -> Result<Table, ingest::Error> {
        Self::ask(self, OPERATION, database, command).await
    }

    async fn batching_time(&self, database: &str, table: &str) -> Result<Duration, ingest::Error> {
        Self::batching_time(self, database, table).await
    }

    fn monitor_role(&self, database: &str) -> String {
        Self::monitor_role(self, database)
    }

    fn address(&self) -> String {
        self.url()
    }
}

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

    /// Looks once, by `cluster`. `databases` are those that were written to, at least one. What was not returned is told by the next look.
    async fn look(
        &mut self,
        cluster: &dyn AskCluster,
        databases: &[Arc<str>],
    ) -> Result<FoundFailures, LookError>;
}

/// Asks the cluster itself.
#[derive(Debug)]
pub(super) struct OwnLooks {
    window: LookWindow,
    /// The database in which the last answer was given.
    database: Option<Arc<str>>,
    overrun: u64,
}

impl OwnLooks {
    pub(super) fn new(now: Instant) -> Self {
        // The service's clock may be behind ours.
        Self { window: LookWindow::new(OVERLAP, now), database: None, overrun: 0 }
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
    ) -> Result<FoundFailures, LookError> {
        let began = Instant::now();
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
