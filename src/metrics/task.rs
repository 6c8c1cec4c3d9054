//! What one task counts: Connect's numbers of a task and of its sink (`connect-runtime.md` §11.1).
//!
//! [`TaskCounts`] is for those who count; they do so once for each batch that was polled, sealed, delivered or committed,
//! never once for each record. The lock is held for a few additions.

use super::connector::{ConnectorNumbers, ConnectorReading, DeliveredBatch, SealReason};
use super::errors::ErrorCounts;
use super::number::{flag, float, millis};
use super::partition::{PartitionCounts, PartitionOffsets};
use super::partition_state::{self, Activity, Pace, PartitionWait};
use super::task_reading::{PartitionReading, TaskReading, TaskTotals};
use super::window::{Sampling, Window};
use crate::id::TopicPartition;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::time::Instant;

/// Of one task.
#[derive(Debug)]
pub(super) struct TaskNumbers {
    pub(super) task: u32,
    connector: Arc<ConnectorNumbers>,
    errors: ErrorCounts,
    /// Records in batches that are open or on their way.
    active: Arc<AtomicU64>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    totals: TaskTotals,
    windows: Windows,
    started: Instant,
    activity: (Activity, Instant),
    running: Duration,
    paused: Duration,
    partitions: BTreeMap<TopicPartition, Partition>,
}

/// Of one of its partitions.
#[derive(Debug)]
struct Partition {
    pace: Pace,
    open: Weak<PartitionCounts>,
    wait: Option<PartitionWait>,
}

impl Partition {
    fn new(now: Instant) -> Self {
        Self { pace: Pace::new(now), open: Weak::new(), wait: None }
    }
}

#[derive(Debug)]
struct Windows {
    read: Window,
    bytes: Window,
    sent: Window,
    put: Window,
    active: Window,
    commit: Window,
    succeeded: Window,
    completed: Window,
    skipped: Window,
}

impl TaskNumbers {
    pub(super) fn new(task: u32, connector: Arc<ConnectorNumbers>, sampling: Sampling) -> Self {
        let now = Instant::now();
        let window = || Window::new(sampling);
        let windows = Windows {
            read: window(),
            bytes: window(),
            sent: window(),
            put: window(),
            active: window(),
            commit: window(),
            succeeded: window(),
            completed: window(),
            skipped: window(),
        };
        let state = State {
            totals: TaskTotals::default(),
            windows,
            started: now,
            activity: (Activity::Running, now),
            running: Duration::ZERO,
            paused: Duration::ZERO,
            partitions: BTreeMap::new(),
        };
        Self {
            task,
            connector,
            errors: ErrorCounts::default(),
            active: Arc::default(),
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Numbers are whole between any two statements that may panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn read(&self, now: Instant) -> TaskReading {
        let state = self.state();
        let State { totals, windows, .. } = &*state;
        let wide = self.connector.waits();
        let rates = [&windows.read, &windows.bytes, &windows.sent, &windows.completed, &windows.skipped];
        let both = |window: &Window| (window.most(now), window.average(now));
        let succeeded = windows.succeeded.share(now);
        let failed = if windows.succeeded.average(now).is_nan() { 0.0 } else { 1.0 - succeeded };
        let read = |(id, partition): (&TopicPartition, &Partition)| {
            let open = partition.open.upgrade();
            let waits: Vec<_> = wide.iter().chain(&partition.wait).map(Some).collect();
            PartitionReading {
                topic: Arc::clone(&id.topic),
                partition: id.partition,
                offsets: partition.pace.offsets(),
                oldest: open.as_ref().and_then(|open| open.oldest(now)),
                active: open.as_ref().map_or(0, |open| open.active()),
                in_flight: open.as_ref().map_or(0, |open| open.in_flight()),
                state: partition_state::state(state.activity.0, &waits, &partition.pace, now),
            }
        };
        let partitions: Vec<_> = state.partitions.iter().map(read).collect();
        let active = self.active.load(Ordering::Relaxed);
        TaskReading {
            errors: self.errors.read(),
            totals: *totals,
            ratios: state.ratios(now),
            rates: rates.map(|window| window.rate(now)),
            batch_size: both(&windows.read),
            put: both(&windows.put),
            commit: both(&windows.commit),
            commit_shares: (failed, succeeded),
            active: [float(active), windows.active.most(now), windows.active.average(now)],
            in_flight: partitions.iter().map(|partition| partition.in_flight).sum(),
            partitions,
        }
    }
}

impl State {
    /// The shares of its life in which it ran, and in which it was paused.
    fn ratios(&self, now: Instant) -> (f64, f64) {
        let (activity, since) = self.activity;
        let age = now.saturating_duration_since(since);
        let with = |time: Duration, wanted| if activity == wanted { time + age } else { time };
        let life = now.saturating_duration_since(self.started).as_secs_f64();
        let (running, paused) = (with(self.running, Activity::Running), with(self.paused, Activity::Paused));
        if life > 0.0 {
            (running.as_secs_f64() / life, paused.as_secs_f64() / life)
        } else {
            (flag(activity == Activity::Running), flag(activity == Activity::Paused))
        }
    }

    fn set_activity(&mut self, to: Activity, now: Instant) {
        let (activity, since) = std::mem::replace(&mut self.activity, (to, now));
        let age = now.saturating_duration_since(since);
        match activity {
            Activity::Running => self.running += age,
            Activity::Paused => self.paused += age,
            Activity::Failed => {}
        }
    }
}

/// Counts for one task. Clones count for the same one.
#[derive(Debug, Clone)]
pub struct TaskCounts(pub(super) Arc<TaskNumbers>);

impl TaskCounts {
    /// What was counted of its connector on this worker, all tasks together, and of the task.
    pub fn read(&self) -> (ConnectorReading, TaskReading) {
        (self.0.connector.read(), self.0.read(Instant::now()))
    }

    /// As many records failed in the end, by one failure.
    pub fn failed(&self, records: u64) {
        let errors = &self.0.errors;
        add(&errors.failures, 1);
        add(&errors.errors, records);
        add(&self.0.connector.totals.failed_records, records);
        errors.note_time();
    }

    /// A batch was refused for good.
    pub fn batch_failed(&self) {
        add(&self.0.connector.totals.failed, 1);
    }

    /// So many attempts failed that are followed by another.
    pub fn retried(&self, attempts: u64) {
        if attempts > 0 {
            add(&self.0.errors.failures, attempts);
            add(&self.0.errors.retries, attempts);
            self.0.errors.note_time();
        }
    }

    /// They are skipped.
    pub fn skipped(&self, records: u64) {
        add(&self.0.errors.skipped, records);
    }

    /// They are nowhere else.
    pub fn dropped(&self, records: u64) {
        add(&self.0.errors.dropped, records);
    }

    /// One was told in the log because the user wants that.
    pub fn logged(&self) {
        add(&self.0.errors.logged, 1);
    }

    /// A letter is on its way.
    pub fn letter(&self) {
        add(&self.0.errors.letters, 1);
        add(&self.0.connector.totals.letters, 1);
    }

    /// It could not be written.
    pub fn letter_failed(&self) {
        add(&self.0.errors.failed_letters, 1);
    }

    /// One poll brought so many records, with so many bytes of keys and values.
    pub fn polled(&self, records: u64, bytes: u64) {
        let now = Instant::now();
        let mut state = self.0.state();
        state.totals.read += records;
        state.totals.bytes += bytes;
        state.windows.read.record(float(records), now);
        state.windows.bytes.record(float(bytes), now);
    }

    /// Of what one poll brought, so many records went to the sink; converting and putting them took so long.
    pub fn put(&self, records: u64, took: Duration) {
        self.0.connector.convert.observe(took);
        let now = Instant::now();
        let mut state = self.0.state();
        state.totals.sent += records;
        state.windows.sent.record(float(records), now);
        state.windows.put.record(millis(took), now);
        state.windows.active.record(float(self.0.active.load(Ordering::Relaxed)), now);
    }

    /// A batch of so many records was sealed, which took so long.
    pub fn sealed(&self, reason: SealReason, records: u64, took: Duration) {
        self.0.connector.sealed(reason, records, took);
    }

    /// A batch was handed over.
    pub fn delivered(&self, batch: &DeliveredBatch) {
        self.0.connector.delivered(batch);
    }

    /// An offset commit ended.
    pub(super) fn committed(&self, took: Duration, succeeded: bool) {
        let now = Instant::now();
        let mut state = self.0.state();
        state.totals.commits += 1;
        state.windows.commit.record(millis(took), now);
        state.windows.succeeded.record(flag(succeeded), now);
        if succeeded {
            state.totals.completed += 1;
            state.windows.completed.record(1.0, now);
        }
    }

    /// An offset commit was given up because no answer came in time.
    pub(super) fn commit_skipped(&self) {
        let now = Instant::now();
        let mut state = self.0.state();
        state.totals.commits += 1;
        state.totals.skipped += 1;
        state.windows.skipped.record(1.0, now);
    }

    /// What the task does from now on.
    pub fn set_activity(&self, to: Activity) {
        self.0.state().set_activity(to, Instant::now());
    }

    /// For the pipeline of `partition`.
    pub fn partition(&self, partition: &TopicPartition) -> Arc<PartitionCounts> {
        let counts = Arc::new(PartitionCounts::new(Arc::clone(&self.0.active)));
        let mut state = self.0.state();
        let known = state.partitions.entry(partition.clone());
        known.or_insert_with(|| Partition::new(Instant::now())).open = Arc::downgrade(&counts);
        counts
    }

    /// Its partitions are these.
    pub fn set_partitions<'a>(&self, partitions: impl Iterator<Item = &'a TopicPartition>) {
        let mut state = self.0.state();
        let (mut known, now) = (std::mem::take(&mut state.partitions), Instant::now());
        let mut of = |id: &TopicPartition| known.remove(id).unwrap_or_else(|| Partition::new(now));
        state.partitions = partitions.map(|id| (id.clone(), of(id))).collect();
    }

    /// Nobody reads its partitions any more.
    pub fn forget_offsets(&self) {
        let now = Instant::now();
        for partition in self.0.state().partitions.values_mut() {
            partition.pace = Pace::new(now);
        }
    }

    /// Where a partition of it is read.
    pub fn set_offsets(&self, partition: &TopicPartition, offsets: PartitionOffsets) {
        if let Some(known) = self.0.state().partitions.get_mut(partition) {
            known.pace.set(offsets, Instant::now());
        }
    }

    /// What keeps a partition of it from going on; none when nothing does any more.
    pub fn set_wait(&self, partition: &TopicPartition, wait: Option<PartitionWait>) {
        if let Some(known) = self.0.state().partitions.get_mut(partition) {
            known.wait = wait;
        }
    }
}

fn add(count: &AtomicU64, records: u64) {
    count.fetch_add(records, Ordering::Relaxed);
}
