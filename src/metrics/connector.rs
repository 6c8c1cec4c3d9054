//! What a worker counts of one connector, all its tasks together: batches, bytes, and how long each step takes.
//!
//! Histograms stand here and not in the tasks, because each has a dozen series.

use super::fates::FatesReading;
use super::histogram::{Histogram, HistogramReading, LATENESS, STEPS};
use super::history::{History, MinuteReading};
use super::partition_state::{PartitionState, PartitionWait};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// Why a batch was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealReason {
    /// It was full.
    Size,
    /// Its first record was old enough.
    Time,
    /// Others, or the next record, needed its memory.
    Memory,
    /// Its partition pauses, ends, or begins at an earlier offset.
    Drain,
}

impl SealReason {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Size, Self::Time, Self::Memory, Self::Drain];

    /// As the label says it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Time => "time",
            Self::Memory => "memory",
            Self::Drain => "drain",
        }
    }
}

/// A batch that was handed over.
#[derive(Debug, Clone, Copy)]
pub struct DeliveredBatch {
    /// Records in it.
    pub records: u64,
    /// Its bytes before compression.
    pub raw_bytes: u64,
    /// Its bytes as they were sent.
    pub body_bytes: u64,
    /// How long that took, from the seal.
    pub took: Duration,
    /// How old its first record was then, by its timestamp; none when it has none.
    pub lateness: Option<Duration>,
}

/// Batches of the whole worker since it started; those of connectors that are gone too.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) records: AtomicU64,
    pub(super) failed_records: AtomicU64,
    pub(super) sealed: AtomicU64,
    pub(super) delivered: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) letters: AtomicU64,
}

/// Of one connector.
#[derive(Debug)]
pub(super) struct ConnectorNumbers {
    pub(super) name: Arc<str>,
    pub(super) totals: Arc<Totals>,
    /// By reason: batches, and records in them.
    sealed: [(AtomicU64, AtomicU64); 4],
    records: AtomicU64,
    raw_bytes: AtomicU64,
    body_bytes: AtomicU64,
    pub(super) convert: Histogram,
    seal: Histogram,
    deliver: Histogram,
    pub(super) commit: Histogram,
    lateness: Histogram,
    told: Mutex<Told>,
}

/// What is told from time to time.
#[derive(Debug, Default)]
struct Told {
    /// What keeps all partitions from going on: one of each state.
    waits: Vec<PartitionWait>,
    /// Topics that do not exist, with Kafka's words.
    missing: BTreeMap<Arc<str>, Arc<str>>,
    /// What is known of batches that were handed over; none where nothing is learned.
    fates: Option<Arc<FatesReading>>,
    history: History,
}

/// What was counted up to a moment.
#[derive(Debug, Clone, Default)]
pub struct ConnectorReading {
    /// Batches and the records in them, by the reason of their sealing.
    pub sealed: Vec<(&'static str, u64, u64)>,
    /// Records that were handed over.
    pub records: u64,
    /// Their bytes before compression.
    pub raw_bytes: u64,
    /// Their bytes as they were sent.
    pub body_bytes: u64,
    /// Times of converting, encoding and putting what was polled together.
    pub convert: HistogramReading,
    /// Times of sealing a batch.
    pub seal: HistogramReading,
    /// Times from the seal to the acknowledgement.
    pub deliver: HistogramReading,
    /// Times of offset commits.
    pub commit: HistogramReading,
    /// Ages of first records at the acknowledgement.
    pub lateness: HistogramReading,
    /// Topics that do not exist, with what Kafka says of them.
    pub missing: BTreeMap<Arc<str>, Arc<str>>,
    /// What is known of batches that were handed over; none where nothing is learned.
    pub fates: Option<Arc<FatesReading>>,
    /// How long ago the time was through which all is known to be in the target.
    pub valid_through_age: Option<Duration>,
}

impl ConnectorReading {
    /// Batches whose first record has a timestamp.
    pub fn late_batches(&self) -> u64 {
        self.lateness.counts.last().copied().unwrap_or(0)
    }

    /// How old those records were at the acknowledgement, together, in milliseconds.
    pub fn late_ms(&self) -> u64 {
        u64::try_from(Duration::try_from_secs_f64(self.lateness.sum).unwrap_or_default().as_millis())
            .unwrap_or(0)
    }
}

impl ConnectorNumbers {
    pub(super) fn new(name: Arc<str>, totals: Arc<Totals>) -> Self {
        Self {
            name,
            totals,
            sealed: Default::default(),
            records: AtomicU64::default(),
            raw_bytes: AtomicU64::default(),
            body_bytes: AtomicU64::default(),
            convert: Histogram::new(STEPS),
            seal: Histogram::new(STEPS),
            deliver: Histogram::new(STEPS),
            commit: Histogram::new(STEPS),
            lateness: Histogram::new(LATENESS),
            told: Mutex::default(),
        }
    }

    pub(super) fn sealed(&self, reason: SealReason, records: u64, took: Duration) {
        let place = SealReason::ALL.iter().position(|one| *one == reason).unwrap_or(0);
        if let Some((batches, of_records)) = self.sealed.get(place) {
            batches.fetch_add(1, Ordering::Relaxed);
            of_records.fetch_add(records, Ordering::Relaxed);
        }
        self.seal.observe(took);
        self.totals.sealed.fetch_add(1, Ordering::Relaxed);
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn waits(&self) -> Vec<PartitionWait> {
        self.told().waits.clone()
    }

    /// What keeps all partitions from going on by `state`; none when that is over.
    pub(super) fn set_wait(&self, state: PartitionState, wait: Option<PartitionWait>) {
        let mut told = self.told();
        told.waits.retain(|known| known.state != state);
        told.waits.extend(wait);
    }

    /// A topic does not exist, as Kafka says; or, without words, it does.
    pub(super) fn set_missing(&self, topic: &Arc<str>, words: Option<Arc<str>>) {
        let mut told = self.told();
        match words {
            Some(words) => drop(told.missing.insert(Arc::clone(topic), words)),
            None => drop(told.missing.remove(topic)),
        }
    }

    pub(super) fn set_fates(&self, fates: Arc<FatesReading>) {
        self.told().fates = Some(fates);
    }

    pub(super) fn add_minute(&self, done: MinuteReading) {
        self.told().history.add(done, SystemTime::now());
    }

    pub(super) fn history(&self) -> Vec<MinuteReading> {
        self.told().history.read()
    }

    pub(super) fn delivered(&self, batch: &DeliveredBatch) {
        self.records.fetch_add(batch.records, Ordering::Relaxed);
        self.raw_bytes.fetch_add(batch.raw_bytes, Ordering::Relaxed);
        self.body_bytes.fetch_add(batch.body_bytes, Ordering::Relaxed);
        self.deliver.observe(batch.took);
        if let Some(age) = batch.lateness {
            self.lateness.observe(age);
        }
        self.totals.records.fetch_add(batch.records, Ordering::Relaxed);
        self.totals.delivered.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> ConnectorReading {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let reasons = SealReason::ALL.iter().zip(&self.sealed);
        let told = self.told();
        ConnectorReading {
            sealed: reasons
                .map(|(reason, (batches, records))| (reason.as_str(), of(batches), of(records)))
                .collect(),
            records: of(&self.records),
            raw_bytes: of(&self.raw_bytes),
            body_bytes: of(&self.body_bytes),
            convert: self.convert.read(),
            seal: self.seal.read(),
            deliver: self.deliver.read(),
            commit: self.commit.read(),
            lateness: self.lateness.read(),
            missing: told.missing.clone(),
            valid_through_age: told
                .fates
                .as_ref()
                .and_then(|fates| fates.valid_through_age(SystemTime::now())),
            fates: told.fates.clone(),
        }
    }
}
