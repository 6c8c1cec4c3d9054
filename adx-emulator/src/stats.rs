//! Counters of what the emulator saw and did, for tests, benches and `GET /emulator/stats`.
//!
//! One lock, held for an addition only. Counts never go down; the list of messages is bounded.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::operation::Operation;

/// The newest messages kept by [`Snapshot::messages`].
const MESSAGES_KEPT: usize = 50_000;

/// One queue message as the data-management loop read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SeenMessage {
    /// The client's `Id` of the source.
    pub id: String,
    /// Target database.
    pub database: String,
    /// Target table.
    pub table: String,
    /// The blob's path, without its SAS.
    pub blob: String,
    /// Uncompressed size as the client stated it.
    pub raw_data_size: Option<u64>,
}

/// Everything counted so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// Requests received, by operation.
    pub requests: BTreeMap<String, u64>,
    /// Requests under way, by operation.
    pub under_way: BTreeMap<String, u64>,
    /// The most requests that were under way at once, by operation.
    pub most_at_once: BTreeMap<String, u64>,
    /// Faults injected, by operation.
    pub faults: BTreeMap<String, u64>,
    /// Tokens issued.
    pub tokens: u64,
    /// Blobs committed by Put Blob or Put Block List.
    pub blobs: u64,
    /// Bytes of these blobs, as uploaded.
    pub blob_bytes: u64,
    /// Queue messages accepted in the secured queues (own storage only).
    pub posted_messages: u64,
    /// Queue messages read by the data-management loop.
    pub read_messages: u64,
    /// Read messages that were no ingestion messages.
    pub corrupted_messages: u64,
    /// Read messages that a rule lost.
    pub lost_messages: u64,
    /// Sealed batches, by the reason of sealing.
    pub sealed: BTreeMap<String, u64>,
    /// Blobs ingested.
    pub ingested_blobs: u64,
    /// Rows ingested.
    pub ingested_rows: u64,
    /// Uncompressed bytes ingested.
    pub ingested_raw_bytes: u64,
    /// Sources whose stated `RawDataSize` was not their uncompressed size.
    pub raw_size_mismatches: u64,
    /// Blobs skipped because of `ingestIfNotExists`.
    pub skipped_blobs: u64,
    /// Tries that failed and were repeated.
    pub retries: u64,
    /// Permanent failures, by error code.
    pub failures: BTreeMap<String, u64>,
    /// The newest messages in the order read.
    pub messages: VecDeque<SeenMessage>,
}

/// The counters; a copy shares them.
#[derive(Debug, Clone, Default)]
pub struct Stats(Arc<Mutex<Snapshot>>);

impl Stats {
    /// What was counted so far.
    pub fn snapshot(&self) -> Snapshot {
        self.lock().clone()
    }

    /// How often `operation` was asked for, faults included.
    pub fn requests(&self, operation: Operation) -> u64 {
        self.lock().requests.get(operation.as_str()).copied().unwrap_or(0)
    }

    /// How many requests for `operation` were under way at once, at most.
    pub fn most_at_once(&self, operation: Operation) -> u64 {
        self.lock().most_at_once.get(operation.as_str()).copied().unwrap_or(0)
    }

    /// A request, which is under way until what comes back is dropped.
    pub(crate) fn request(&self, operation: Operation) -> UnderWay {
        let (all, key) = (&mut *self.lock(), operation.as_str());
        add(&mut all.requests, key);
        add(&mut all.under_way, key);
        let now = all.under_way[key];
        let most = all.most_at_once.entry(key.to_owned()).or_default();
        *most = now.max(*most);
        UnderWay { stats: self.clone(), operation }
    }

    pub(crate) fn fault(&self, operation: Operation) {
        add(&mut self.lock().faults, operation.as_str());
    }

    pub(crate) fn token(&self) {
        self.lock().tokens += 1;
    }

    pub(crate) fn blob(&self, bytes: u64) {
        let mut all = self.lock();
        all.blobs += 1;
        all.blob_bytes += bytes;
    }

    pub(crate) fn posted(&self) {
        self.lock().posted_messages += 1;
    }

    pub(crate) fn read(&self, message: SeenMessage) {
        let mut all = self.lock();
        all.read_messages += 1;
        if all.messages.len() == MESSAGES_KEPT {
            all.messages.pop_front();
        }
        all.messages.push_back(message);
    }

    pub(crate) fn corrupted(&self) {
        let mut all = self.lock();
        all.read_messages += 1;
        all.corrupted_messages += 1;
    }

    pub(crate) fn lost(&self) {
        self.lock().lost_messages += 1;
    }

    pub(crate) fn sealed(&self, reason: &str) {
        add(&mut self.lock().sealed, reason);
    }

    pub(crate) fn ingested(&self, rows: u64, raw_bytes: u64) {
        let mut all = self.lock();
        all.ingested_blobs += 1;
        all.ingested_rows += rows;
        all.ingested_raw_bytes += raw_bytes;
    }

    pub(crate) fn raw_size_mismatch(&self) {
        self.lock().raw_size_mismatches += 1;
    }

    pub(crate) fn skipped(&self) {
        self.lock().skipped_blobs += 1;
    }

    pub(crate) fn retried(&self) {
        self.lock().retries += 1;
    }

    pub(crate) fn failed(&self, code: &str) {
        add(&mut self.lock().failures, code);
    }

    fn lock(&self) -> MutexGuard<'_, Snapshot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is being answered.
pub(crate) struct UnderWay {
    stats: Stats,
    operation: Operation,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(count) = self.stats.lock().under_way.get_mut(self.operation.as_str()) {
            *count -= 1;
        }
    }
}

fn add(counts: &mut BTreeMap<String, u64>, key: &str) {
    if let Some(count) = counts.get_mut(key) {
        *count += 1;
    } else {
        counts.insert(key.to_owned(), 1);
    }
}

#[cfg(test)]
mod tests {
    use super::{MESSAGES_KEPT, SeenMessage, Stats};
    use crate::operation::Operation::{PutBlob, PutMessage};

    #[test]
    fn requests_are_counted_while_they_are_under_way() {
        let stats = Stats::default();
        let (one, two) = (stats.request(PutBlob), stats.request(PutBlob));
        drop((one, stats.request(PutMessage)));
        drop((two, stats.request(PutBlob)));
        assert_eq!((stats.requests(PutBlob), stats.most_at_once(PutBlob)), (3, 2));
        assert_eq!(stats.most_at_once(PutMessage), 1);
        assert!(stats.snapshot().under_way.values().all(|count| *count == 0));
    }

    #[test]
    fn the_list_of_messages_is_bounded_and_the_count_is_not() {
        let stats = Stats::default();
        for number in 0..=MESSAGES_KEPT {
            stats.read(SeenMessage {
                id: number.to_string(),
                database: String::new(),
                table: String::new(),
                blob: String::new(),
                raw_data_size: None,
            });
        }
        let seen = stats.snapshot();
        assert_eq!(seen.messages.len(), MESSAGES_KEPT);
        assert_eq!(seen.read_messages, MESSAGES_KEPT as u64 + 1);
        assert_eq!(seen.messages[0].id, "1");
    }
}
