//! When sources are ingested together: grouping and sealing by the table's batching policy.
//!
//! Owns the open batches. Pure: time comes from the caller. Blobs are never split and never wait longer than the
//! policy says.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use adx_engine::BatchingPolicy;

const MEGABYTE: u64 = 1024 * 1024;

/// Why a batch was sealed, by the service's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The oldest source waited long enough.
    Time,
    /// Enough sources.
    Count,
    /// Enough raw bytes.
    Size,
    /// The client asked for it.
    FlushImmediately,
    /// A source whose raw size is not known.
    SizeUnknown,
    /// A source with an `ingest-by` tag.
    IngestByTag,
    /// A source with `ingestIfNotExists`.
    IngestIfNotExists,
    /// Only counted (`--discard`).
    Discard,
}

impl Reason {
    /// The service's name of it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Time => "Time",
            Self::Count => "Count",
            Self::Size => "Size",
            Self::FlushImmediately => "FlushImmediately",
            Self::SizeUnknown => "SingleBlob_SizeUnknown",
            Self::IngestByTag => "SingleBlob_IngestByTag",
            Self::IngestIfNotExists => "SingleBlob_IngestIfNotExists",
            Self::Discard => "Discard",
        }
    }
}

#[derive(Debug)]
struct Batch<T> {
    sources: Vec<T>,
    raw_bytes: u64,
    deadline: Instant,
}

/// The open batches of sources `T`, one for each `K`.
#[derive(Debug)]
pub(crate) struct Batcher<K, T> {
    open: BTreeMap<K, Batch<T>>,
    max_time: Option<Duration>,
}

impl<K: Ord, T> Batcher<K, T> {
    /// No open batches; none will wait longer than `max_time`.
    pub(crate) fn new(max_time: Option<Duration>) -> Self {
        Self { open: BTreeMap::new(), max_time }
    }

    /// Adds a source of `raw_bytes` to the batch `key`; the batch comes back when that seals it.
    pub(crate) fn add(
        &mut self,
        key: &K,
        (source, raw_bytes): (T, u64),
        policy: &BatchingPolicy,
        now: Instant,
    ) -> Option<(Reason, Vec<T>)>
    where
        K: Clone,
    {
        let wait = self.max_time.map_or(policy.time_span, |most| most.min(policy.time_span));
        let batch = self.open.entry(key.clone()).or_insert_with(|| Batch {
            sources: Vec::new(),
            raw_bytes: 0,
            deadline: now + wait,
        });
        batch.sources.push(source);
        batch.raw_bytes += raw_bytes;
        let reason = if batch.sources.len() as u64 >= u64::from(policy.items) {
            Reason::Count
        } else if batch.raw_bytes >= u64::from(policy.raw_size_mb) * MEGABYTE {
            Reason::Size
        } else {
            return None;
        };
        self.open.remove(key).map(|batch| (reason, batch.sources))
    }

    /// Seals and takes the batches that have waited long enough.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<Vec<T>> {
        let due = self.open.extract_if(.., |_, batch| batch.deadline <= now);
        due.map(|(_, batch)| batch.sources).collect()
    }

    /// When the next batch has waited long enough.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.open.values().map(|batch| batch.deadline).min()
    }
}

#[cfg(test)]
mod tests {
    use super::{Batcher, BatchingPolicy, MEGABYTE, Reason};
    use std::time::{Duration, Instant};

    const POLICY: BatchingPolicy =
        BatchingPolicy { time_span: Duration::from_secs(10), items: 3, raw_size_mb: 100 };

    #[test]
    fn items_seal_their_own_group_only() {
        let now = Instant::now();
        let mut batcher = Batcher::new(None);
        assert_eq!(batcher.add(&"a", (1, 0), &POLICY, now), None);
        assert_eq!(batcher.add(&"b", (2, 0), &POLICY, now), None);
        assert_eq!(batcher.add(&"a", (3, 0), &POLICY, now), None);
        assert_eq!(batcher.add(&"a", (4, 0), &POLICY, now), Some((Reason::Count, vec![1, 3, 4])));
        assert_eq!(batcher.due(now + Duration::from_secs(10)), [vec![2]]);
        assert_eq!(batcher.next_deadline(), None);
    }

    #[test]
    fn raw_bytes_seal() {
        let now = Instant::now();
        let mut batcher = Batcher::new(None);
        assert_eq!(batcher.add(&"a", (1, 100 * MEGABYTE - 1), &POLICY, now), None);
        assert_eq!(batcher.add(&"a", (2, 1), &POLICY, now), Some((Reason::Size, vec![1, 2])));
    }

    #[test]
    fn the_oldest_source_starts_the_clock() {
        let now = Instant::now();
        let mut batcher = Batcher::new(None);
        batcher.add(&"a", (1, 0), &POLICY, now);
        batcher.add(&"a", (2, 0), &POLICY, now + Duration::from_secs(9));
        assert_eq!(batcher.next_deadline(), Some(now + Duration::from_secs(10)));
        assert_eq!(batcher.due(now + Duration::from_millis(9999)), Vec::<Vec<i32>>::new());
        assert_eq!(batcher.due(now + Duration::from_secs(10)), [vec![1, 2]]);
    }

    #[test]
    fn the_emulators_limit_shortens_the_wait() {
        let now = Instant::now();
        let mut batcher = Batcher::new(Some(Duration::from_secs(1)));
        batcher.add(&"a", (1, 0), &POLICY, now);
        assert_eq!(batcher.next_deadline(), Some(now + Duration::from_secs(1)));
    }
}
