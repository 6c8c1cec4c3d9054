//! One batch on its way: how far it has come, and how long to wait before the next try.
//!
//! Owned by the call that hands the batch over. No I/O.

use super::error::Class;
use super::http::Timings;
use super::resources::Resources;
use super::{Error, IngestRequest, SasUrl};
use crate::retry::Backoff;
use std::time::Duration;
use tokio::time::Instant;

/// How far one batch has come.
#[derive(Debug)]
pub struct BatchProgress<'a> {
    /// The batch.
    pub request: &'a IngestRequest,
    /// When its first try began, later by as long as others waited for their places.
    pub started: Instant,
    /// Tries so far, of both ways.
    pub tries: u32,
    /// It goes to the engine directly; no longer once the engine did not take it.
    pub streams: bool,
    /// The container that has the blob.
    pub holder: Option<SasUrl>,
    /// The container that failed last.
    pub bad_container: Option<SasUrl>,
    /// The queue that failed last.
    pub bad_queue: Option<SasUrl>,
    /// The generation of resources that storage refused.
    pub refused: Option<u64>,
    backoff: Backoff,
    streaming_backoff: Backoff,
    /// The one refresh without a pause was used.
    refreshed: bool,
}

impl<'a> BatchProgress<'a> {
    /// A batch that was not tried yet.
    pub fn new(request: &'a IngestRequest, timings: &Timings) -> Self {
        let seed = request.id.as_u64_pair().1;
        Self {
            request,
            started: Instant::now(),
            tries: 0,
            streams: request.streaming,
            holder: None,
            bad_container: None,
            bad_queue: None,
            refused: None,
            backoff: Backoff::new(timings.first_pause, timings.longest_pause, seed),
            streaming_backoff: Backoff::new(timings.streaming_pause, timings.longest_pause, seed),
            refreshed: false,
        }
    }

    /// How long to wait after `error`.
    pub fn pause(&mut self, error: &Error) -> Duration {
        if self.streams {
            return self.streaming_backoff.next_pause().max(error.retry_after().unwrap_or_default());
        }
        let storage = matches!(error.class(), Some(Class::Signature | Class::Gone));
        if storage && !self.refreshed {
            // Fresh resources most likely help: no reason to wait.
            self.refreshed = true;
            return Duration::ZERO;
        }
        self.backoff.next_pause().max(error.retry_after().unwrap_or_default())
    }

    /// Remembers that storage refused what `resources` gave.
    pub fn note(&mut self, error: &Error, resources: &Resources) {
        if matches!(error.class(), Some(Class::Signature | Class::Gone)) {
            self.refused = Some(resources.generation);
        }
    }

    /// For whoever looks closely: hundreds of batches may fail for the same cause.
    pub fn note_failure(&self, error: &Error, pause: Duration) {
        let IngestRequest { blob_name, database, table, .. } = self.request;
        let (tries, next_ms) = (self.tries, pause.as_millis());
        tracing::debug!(
            %error,
            tries,
            "ingestion of {blob_name} into {database}.{table} failed, next try in {next_ms} ms"
        );
    }

    /// The last line about it.
    pub fn succeeded(&self) {
        let IngestRequest { blob_name, database, table, id, .. } = self.request;
        let milliseconds = self.started.elapsed().as_millis();
        if self.tries > 1 {
            let tries = self.tries;
            tracing::debug!(
                %id,
                "ingestion of {blob_name} into {database}.{table} succeeded after {tries} tries in {milliseconds} ms"
            );
        } else {
            tracing::debug!(%id, "{blob_name} handed over to {database}.{table} in {milliseconds} ms");
        }
    }
}
