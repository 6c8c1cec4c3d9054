//! Which tables take no streaming ingestion for the time being, and why.
//!
//! Owns that memory, for the tables of one connector. Pure but for the lock.

use super::IngestRequest;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// By database and table.
type Tables = HashMap<(Arc<str>, Arc<str>), Pause>;

/// The memory of all tables.
#[derive(Debug, Default)]
pub struct StreamingBackoff {
    tables: Mutex<Tables>,
}

/// What is remembered of one table.
#[derive(Debug, Default, Clone, Copy)]
struct Pause {
    /// All of its batches are queued until then.
    all: Option<Instant>,
    /// Batches of this many raw bytes and more are queued until then.
    large: Option<(u64, Instant)>,
}

impl StreamingBackoff {
    /// True when a batch like `request` may be streamed at `now`.
    pub fn admit(&self, request: &IngestRequest, now: Instant) -> bool {
        let tables = self.lock();
        let Some(pause) = tables.get(&key(request)) else { return true };
        pause.all.is_none_or(|until| now >= until)
            && pause.large.is_none_or(|(size, until)| request.raw_size < size || now >= until)
    }

    /// Batches of the table of `request` are queued for `time`. True when they were not already.
    pub fn pause(&self, request: &IngestRequest, now: Instant, time: Duration) -> bool {
        let mut tables = self.lock();
        let pause = tables.entry(key(request)).or_default();
        let is_new = pause.all.is_none_or(|until| now >= until);
        pause.all = pause.all.max(Some(now + time));
        is_new
    }

    /// Batches that are as large as `request`, or larger, are queued for `time`.
    pub fn too_large(&self, request: &IngestRequest, now: Instant, time: Duration) {
        let mut tables = self.lock();
        let pause = tables.entry(key(request)).or_default();
        let known = pause.large.filter(|(_, until)| now < *until).map_or(u64::MAX, |(size, _)| size);
        pause.large = Some((known.min(request.raw_size), now + time));
    }

    /// The table took a batch. True when it had not for a while.
    pub fn resumed(&self, request: &IngestRequest, now: Instant) -> bool {
        let mut tables = self.lock();
        let Some(pause) = tables.get_mut(&key(request)) else { return false };
        // A batch that was on its way when the pause began says nothing about it.
        pause.all.take_if(|until| now >= *until).is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        // Nothing panics while the lock is held; if it did, the plain values would still be good.
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(request: &IngestRequest) -> (Arc<str>, Arc<str>) {
    (Arc::clone(&request.database), Arc::clone(&request.table))
}

#[cfg(test)]
mod tests {
    use super::StreamingBackoff;
    use crate::kusto::config::DataFormat;
    use crate::kusto::ingest::IngestRequest;
    use std::sync::Arc;
    use std::time::Duration;
    use tokio::time::Instant;

    fn batch(table: &str, raw_size: u64) -> IngestRequest {
        IngestRequest {
            database: Arc::from("d"),
            table: Arc::from(table),
            format: DataFormat::Csv,
            mapping: None,
            streaming: true,
            blob_name: "b.csv.gz".to_owned(),
            id: uuid::Uuid::nil(),
            raw_size,
            body: bytes::Bytes::new(),
        }
    }

    #[test]
    fn a_pause_is_for_one_table_and_ends() {
        let (backoff, start, time) = (StreamingBackoff::default(), Instant::now(), Duration::from_secs(10));
        let (one, other) = (batch("one", 5), batch("other", 5));
        assert!(backoff.pause(&one, start, time), "it is new");
        assert!(!backoff.pause(&one, start, time), "it is known");
        assert!(!backoff.admit(&one, start + time / 2) && backoff.admit(&other, start));
        assert!(!backoff.resumed(&one, start + time / 2), "a late answer ends no pause");
        assert!(backoff.admit(&one, start + time));
        assert!(backoff.resumed(&one, start + time) && !backoff.resumed(&one, start + time));
    }

    #[test]
    fn a_shorter_pause_does_not_end_a_longer_one() {
        let (backoff, start) = (StreamingBackoff::default(), Instant::now());
        let one = batch("one", 5);
        backoff.pause(&one, start, Duration::from_mins(15));
        backoff.pause(&one, start, Duration::from_secs(10));
        assert!(!backoff.admit(&one, start + Duration::from_mins(1)));
    }

    #[test]
    fn only_batches_of_a_size_that_was_refused_are_queued() {
        let (backoff, start, time) = (StreamingBackoff::default(), Instant::now(), Duration::from_secs(10));
        backoff.too_large(&batch("one", 100), start, time);
        backoff.too_large(&batch("one", 200), start, time);
        assert!(backoff.admit(&batch("one", 99), start));
        assert!(!backoff.admit(&batch("one", 100), start));
        assert!(backoff.admit(&batch("one", 500), start + time));
    }
}
