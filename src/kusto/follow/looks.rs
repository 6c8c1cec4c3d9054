//! When to look: once in an interval while something is open, at once when a look was full, and seldom where none is allowed.
//!
//! It owns the source while nobody looks.

use super::source::LookSource;
use crate::kusto::ingest;
use std::time::Duration;
use tokio::time::Instant;

/// When no connector says it.
pub(super) const INTERVAL: Duration = Duration::from_mins(1);
/// After the service said that we may not look.
const AFTER_DENIAL: Duration = Duration::from_mins(10);

/// The looks of one follower.
pub(super) struct Looks {
    /// None while a look is under way.
    source: Option<Box<dyn LookSource>>,
    /// The next one; none while nothing is open.
    at: Option<Instant>,
    is_failing: bool,
}

impl Looks {
    pub(super) fn new(source: Box<dyn LookSource>) -> Self {
        Self { source: Some(source), at: None, is_failing: false }
    }

    /// Something is open since `now`.
    pub(super) fn begin(&mut self, now: Instant, interval: Duration) {
        if self.at.is_some() {
            return;
        }
        // While a look is under way, something is.
        if let Some(source) = &mut self.source {
            source.begins(now);
        }
        self.at = Some(now + interval);
    }

    /// Nothing is open any more.
    pub(super) fn rest(&mut self) {
        self.at = None;
    }

    /// When the next look is due; none while one is under way or nothing is open.
    pub(super) fn due(&self) -> Option<Instant> {
        self.at.filter(|_| self.source.is_some())
    }

    /// True while something is open.
    pub(super) fn are_on(&self) -> bool {
        self.at.is_some()
    }

    /// To look with.
    pub(super) fn take(&mut self) -> Option<Box<dyn LookSource>> {
        self.source.take()
    }

    /// The source is not used any more.
    pub(super) fn put(&mut self, source: Box<dyn LookSource>) {
        self.source = Some(source);
    }

    /// A look succeeded; the next one comes so much later, when the source is there again.
    pub(super) fn succeeded(&mut self, pause: Duration) {
        self.at = Some(Instant::now() + pause);
        if std::mem::take(&mut self.is_failing) {
            tracing::info!("looks at .show ingestion failures succeed again");
        }
    }

    /// A look failed.
    pub(super) fn failed(&mut self, source: Box<dyn LookSource>, error: &ingest::Error, interval: Duration) {
        self.source = Some(source);
        self.at = Some(Instant::now() + interval);
        if !std::mem::replace(&mut self.is_failing, true) {
            tracing::warn!(
                %error,
                "what becomes of batches cannot be looked at for now; nothing is lost by that: it is tried again every {} s, and the \
                 service remembers failures for 14 days",
                interval.as_secs()
            );
        }
    }

    /// The service does not let us look: what is open now was given up.
    pub(super) fn denied(&mut self, mut source: Box<dyn LookSource>) {
        let now = Instant::now();
        source.begins(now);
        self.source = Some(source);
        self.at = Some(now + AFTER_DENIAL);
        self.is_failing = false;
    }
}
