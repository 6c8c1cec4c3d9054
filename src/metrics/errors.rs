//! What goes wrong in one task, counted as Connect's `task-error-metrics` are (`connect-runtime.md` §11.1).

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Of one task.
#[derive(Debug, Default)]
pub(super) struct ErrorCounts {
    pub(super) failures: AtomicU64,
    pub(super) errors: AtomicU64,
    pub(super) skipped: AtomicU64,
    pub(super) retries: AtomicU64,
    pub(super) logged: AtomicU64,
    pub(super) letters: AtomicU64,
    pub(super) failed_letters: AtomicU64,
    pub(super) last: AtomicU64,
    pub(super) dropped: AtomicU64,
}

/// What was counted up to a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ErrorReading {
    /// Failed attempts at records and batches.
    pub failures: u64,
    /// Records that failed in the end.
    pub errors: u64,
    /// Records that were skipped.
    pub skipped: u64,
    /// Failed attempts that were followed by another.
    pub retries: u64,
    /// Records that the log told of.
    pub logged: u64,
    /// Letters sent to dead-letter topics.
    pub letters: u64,
    /// Letters that could not be written.
    pub failed_letters: u64,
    /// When the last attempt failed, in ms since the epoch; zero is never.
    pub last_ms: u64,
    /// Records that are in no table and no dead-letter topic.
    pub dropped: u64,
}

impl ErrorCounts {
    pub(super) fn note_time(&self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.last.store(u64::try_from(now.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> ErrorReading {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        ErrorReading {
            failures: of(&self.failures),
            errors: of(&self.errors),
            skipped: of(&self.skipped),
            retries: of(&self.retries),
            logged: of(&self.logged),
            letters: of(&self.letters),
            failed_letters: of(&self.failed_letters),
            last_ms: of(&self.last),
            dropped: of(&self.dropped),
        }
    }
}
