//! What becomes of batches that were posted by REST: each is asked about until the service is done with it, and a batch
//! that failed there is told.
//!
//! A batch counts as handed over when the service took it; what is learned here changes nothing about offsets. Owns the
//! batches that are followed, up to a number; what is beyond it, or still under way when the connector stops, is not
//! followed and that is told too; who listens hears of each end. Never holds up a batch.

use super::error::Class;
use super::http::Timings;
use super::kusto::KustoClient;
use super::rest::{self, Progress};
use super::{Error, IngestRequest};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::Instrument as _;
use uuid::Uuid;

/// The most batches followed at once.
const MOST: usize = 5000;
/// The most questions at once: the service throttles this way in sooner than the other.
const CALLS: usize = 2;

/// What became of a batch that was posted by REST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostedEnd {
    /// Its rows are in the table.
    Succeeded,
    /// They never will be.
    Failed {
        /// The service's error code, or what stands for it.
        code: String,
        /// The service's words, redacted.
        details: String,
    },
}

/// Hears of the ends of posted batches.
pub trait EndListener: fmt::Debug + Send + Sync {
    /// The batch of that id has come to its end. Must not wait.
    fn ended(&self, id: Uuid, end: PostedEnd);
}

/// Follows the batches of one connector.
#[derive(Debug)]
pub struct StatusPoller {
    dm: Arc<KustoClient>,
    timings: Arc<Timings>,
    calls: Arc<Semaphore>,
    tasks: Mutex<JoinSet<()>>,
    /// It was told that nothing can be followed.
    told: Arc<AtomicBool>,
    listener: OnceLock<Arc<dyn EndListener>>,
}

impl StatusPoller {
    /// Nothing followed yet. No I/O.
    pub fn new(dm: Arc<KustoClient>, timings: Arc<Timings>) -> Self {
        let calls = Arc::new(Semaphore::new(CALLS));
        Self { dm, timings, calls, tasks: Mutex::default(), told: Arc::default(), listener: OnceLock::new() }
    }

    /// Lets `listener` hear of the ends of what is followed from now on. There is one; a second is not heard of.
    pub fn tell(&self, listener: Arc<dyn EndListener>) {
        let _is_first = self.listener.set(listener).is_ok();
    }

    /// Follows `batch`, which the service took as `operation`.
    pub fn follow(&self, batch: &IngestRequest, operation: String) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        if tasks.len() >= MOST {
            if !self.told.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    "{MOST} batches are with the service and not at their end; further ones are handed over and not \
                     followed (see the table's ingestion batching policy, and .show ingestion failures)"
                );
            }
            return;
        }
        let followed = Followed {
            dm: Arc::clone(&self.dm),
            timings: Arc::clone(&self.timings),
            calls: Arc::clone(&self.calls),
            told: Arc::clone(&self.told),
            listener: self.listener.get().cloned(),
            batch: IngestRequest { body: bytes::Bytes::new(), ..batch.clone() },
            operation,
        };
        tasks.spawn(followed.until_its_end().in_current_span());
    }
}

impl Drop for StatusPoller {
    fn drop(&mut self) {
        let tasks = self.tasks.get_mut().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        if !tasks.is_empty() {
            tracing::info!(
                "{} batches were handed over and their end is not known yet; .show ingestion failures has those that \
                 fail",
                tasks.len()
            );
        }
    }
}

/// One batch with the service.
struct Followed {
    dm: Arc<KustoClient>,
    timings: Arc<Timings>,
    calls: Arc<Semaphore>,
    told: Arc<AtomicBool>,
    listener: Option<Arc<dyn EndListener>>,
    /// Without its body.
    batch: IngestRequest,
    operation: String,
}

impl Followed {
    async fn until_its_end(self) {
        let started = Instant::now();
        let mut pause = self.timings.follow_first;
        loop {
            tokio::time::sleep(pause).await;
            let IngestRequest { blob_name, database, table, id, .. } = &self.batch;
            match self.ask().await {
                Ok(Progress::Pending) => {}
                Ok(Progress::Succeeded) => {
                    self.end(PostedEnd::Succeeded);
                    tracing::debug!(%id, "{blob_name} is in {database}.{table}");
                    return;
                }
                Ok(Progress::Failed { code, details }) => {
                    self.end(PostedEnd::Failed { code: code.clone(), details: details.clone() });
                    tracing::error!(
                        code,
                        %id,
                        "the service took {blob_name} over and could not ingest it into {database}.{table}: {details}; \
                         its records are not in the table (topic, partition and offsets stand in its name)"
                    );
                    return;
                }
                Err(error) if is_lasting(&error) => {
                    if !self.told.swap(true, Ordering::Relaxed) {
                        tracing::warn!(%error, "batches are handed over, but what becomes of them cannot be followed");
                    }
                    return;
                }
                Err(error) => tracing::debug!(%error, %id, "no status of {blob_name} yet"),
            }
            if started.elapsed() >= self.timings.follow_limit {
                tracing::warn!(%id, "{blob_name} was handed over to {database}.{table} and its end is not known yet");
                return;
            }
            pause = (pause * 2).min(self.timings.follow_longest);
        }
    }

    fn end(&self, end: PostedEnd) {
        if let Some(listener) = &self.listener {
            listener.ended(self.batch.id, end);
        }
    }

    async fn ask(&self) -> Result<Progress, Error> {
        // Nobody closes it.
        let _call = self.calls.acquire().await.ok();
        let IngestRequest { database, table, id, .. } = &self.batch;
        rest::progress(&self.dm, (database, table), &self.operation, *id).await
    }
}

/// Asking again would bring the same answer. An operation that is not known may be known a little later.
fn is_lasting(error: &Error) -> bool {
    match error {
        Error::Refused(refusal) => refusal.status != 404 && refusal.class == Class::Permanent,
        error => !error.is_retriable(),
    }
}
