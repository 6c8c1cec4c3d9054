//! The numbers of a worker: its connectors', its tasks', and its own.

use super::client::{ClientCounts, ClientRole, Clients};
use super::connector::{ConnectorNumbers, Totals};
use super::fates::FatesReading;
use super::history::MinuteReading;
use super::number::{flag, millis};
use super::partition_state::{PartitionState, PartitionWait};
use super::process::Process;
use super::sinks::{SinkCounts, SinkSeries};
use super::snapshot::{CountedConnector, CountedTask, Snapshot};
use super::task::{TaskCounts, TaskNumbers};
use super::window::{Sampling, Window};
use super::worker_reading::{MemoryReading, StartCounts, WorkerReading};
use crate::id::{ConnectorTaskId, TopicPartition};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// A worker's numbers; clones are the same ones.
#[derive(Clone)]
pub struct Metrics(Arc<Numbers>);

struct Numbers {
    sampling: Sampling,
    started: SystemTime,
    totals: Arc<Totals>,
    connectors: Mutex<BTreeMap<Arc<str>, Arc<Running>>>,
    clients: Clients,
    sinks: SinkSeries,
    starts: Mutex<Starts>,
    rebalances: Mutex<(u64, Option<Instant>)>,
    rebalance_times: Mutex<Window>,
    memory: OnceLock<Box<dyn Fn() -> MemoryReading + Send + Sync>>,
}

/// A connector with tasks that run.
struct Running {
    numbers: Arc<ConnectorNumbers>,
    tasks: Mutex<BTreeMap<u32, Arc<TaskNumbers>>>,
}

impl Running {
    fn read(&self, now: Instant) -> CountedConnector {
        let tasks: Vec<_> = lock(&self.tasks).values().cloned().collect();
        let read = |task: Arc<TaskNumbers>| CountedTask { task: task.task, reading: task.read(now) };
        CountedConnector {
            name: Arc::clone(&self.numbers.name),
            reading: self.numbers.read(),
            tasks: tasks.into_iter().map(read).collect(),
        }
    }
}

/// Starts of connectors and of tasks.
struct Starts {
    connectors: (StartCounts, Window),
    tasks: (StartCounts, Window),
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new(Sampling::default())
    }
}

impl Metrics {
    /// Nothing counted yet. Rates, averages and greatest values are those of the last moments, as `sampling` says.
    pub fn new(sampling: Sampling) -> Self {
        let starts = || (StartCounts::default(), Window::new(sampling));
        Self(Arc::new(Numbers {
            sampling,
            started: SystemTime::now(),
            totals: Arc::default(),
            connectors: Mutex::default(),
            clients: Clients::default(),
            sinks: SinkSeries::default(),
            starts: Mutex::new(Starts { connectors: starts(), tasks: starts() }),
            rebalances: Mutex::default(),
            rebalance_times: Mutex::new(Window::new(sampling)),
            memory: OnceLock::new(),
        }))
    }

    /// The numbers of a task that starts. Its series are there until what is given here is dropped.
    pub fn task(&self, id: &ConnectorTaskId) -> TaskMetrics {
        let mut connectors = lock(&self.0.connectors);
        let made = || {
            let numbers = ConnectorNumbers::new(Arc::clone(&id.connector), Arc::clone(&self.0.totals));
            Arc::new(Running { numbers: Arc::new(numbers), tasks: Mutex::default() })
        };
        let connector = connectors.entry(Arc::clone(&id.connector)).or_insert_with(made);
        let task = Arc::new(TaskNumbers::new(id.task, Arc::clone(&connector.numbers), self.0.sampling));
        // What an earlier run left would else go on.
        lock(&connector.tasks).insert(id.task, Arc::clone(&task));
        TaskMetrics {
            numbers: Arc::clone(&self.0),
            connector: Arc::clone(connector),
            counts: TaskCounts(task),
        }
    }

    /// For the sink of a connector.
    pub fn sink(&self, connector: &Arc<str>) -> SinkCounts {
        self.0.sinks.of(connector)
    }

    /// For what a Kafka client of the worker tells; `id` is its client id. Its series are there from when it tells first until
    /// what is given here is dropped.
    pub fn client(&self, kind: ClientRole, id: &str) -> ClientCounts {
        self.0.clients.add(kind, id, self.0.sampling)
    }

    /// A connector was started, with so many tasks, or could not be.
    pub fn started(&self, tasks: usize, succeeded: bool) {
        let (mut starts, now) = (lock(&self.0.starts), Instant::now());
        let Starts { connectors, tasks: of_tasks } = &mut *starts;
        let all = std::iter::repeat_n((), tasks).map(|()| true).chain([false]);
        for is_task in all {
            let (counts, window) = if is_task { &mut *of_tasks } else { &mut *connectors };
            counts.attempts += 1;
            counts.successes += u64::from(succeeded);
            window.record(flag(succeeded), now);
        }
    }

    /// The cluster changed: who runs what is another one now.
    pub fn rebalanced(&self) {
        let mut rebalances = lock(&self.0.rebalances);
        *rebalances = (rebalances.0 + 1, Some(Instant::now()));
    }

    /// So long it took until this worker knew who its cluster is, from when its group began to settle.
    pub fn rebalance_took(&self, time: Duration) {
        lock(&self.0.rebalance_times).record(millis(time), Instant::now());
    }

    /// Where the memory for batches is looked up; the first one counts.
    pub fn set_memory(&self, read: impl Fn() -> MemoryReading + Send + Sync + 'static) {
        if self.0.memory.set(Box::new(read)).is_err() {
            tracing::debug!("the memory of a worker was told twice");
        }
    }

    /// All that was counted until now. What should run is not known here: the caller adds it.
    pub fn read(&self) -> Snapshot {
        let now = Instant::now();
        let mut all =
            Snapshot::counted(self.worker(now), self.counted(now), (self.0.sinks.read(), Process::read()));
        all.clients = self.0.clients.read(now);
        all
    }

    /// The same of connectors and their tasks alone, without what sinks count.
    pub fn read_connectors(&self) -> Snapshot {
        let now = Instant::now();
        Snapshot::counted(self.worker(now), self.counted(now), (Vec::new(), Process::default()))
    }

    fn counted(&self, now: Instant) -> Vec<CountedConnector> {
        let connectors: Vec<_> = lock(&self.0.connectors).values().cloned().collect();
        connectors.into_iter().map(|connector| connector.read(now)).collect()
    }

    /// The same of one connector alone, with the last hour; its snapshot is empty when it has no task here.
    pub fn read_connector(&self, name: &str) -> (Snapshot, Vec<MinuteReading>) {
        let now = Instant::now();
        let connector = lock(&self.0.connectors).get(name).cloned();
        let history = connector.as_ref().map(|connector| connector.numbers.history()).unwrap_or_default();
        let counted = connector.into_iter().map(|connector| connector.read(now)).collect();
        let sinks = self.0.sinks.read_of(|of| of == name);
        (Snapshot::counted(self.worker(now), counted, (sinks, Process::default())), history)
    }

    /// What the worker counts of itself, and what its process takes.
    pub fn read_worker(&self) -> (WorkerReading, Process) {
        (self.worker(Instant::now()), Process::read())
    }

    fn worker(&self, now: Instant) -> WorkerReading {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let starts = lock(&self.0.starts);
        let shares = |(counts, window): &(StartCounts, Window)| {
            let success_share = window.share(now);
            let failure_share = if window.average(now).is_nan() { 0.0 } else { 1.0 - success_share };
            StartCounts { success_share, failure_share, ..*counts }
        };
        let (rebalances, last) = *lock(&self.0.rebalances);
        let times = lock(&self.0.rebalance_times);
        let totals = &self.0.totals;
        let started = self.0.started.duration_since(UNIX_EPOCH).unwrap_or_default();
        WorkerReading {
            started_ms: u64::try_from(started.as_millis()).unwrap_or(u64::MAX),
            connector_starts: shares(&starts.connectors),
            task_starts: shares(&starts.tasks),
            rebalances,
            since_rebalance: last.map(|last| now.saturating_duration_since(last)),
            rebalance: (times.most(now), times.average(now)),
            memory: self.0.memory.get().map(|read| read()),
            records: (of(&totals.records), of(&totals.failed_records)),
            batches: [of(&totals.sealed), of(&totals.delivered), of(&totals.failed)],
            letters: of(&totals.letters),
        }
    }
}

/// The series of a task that runs.
pub struct TaskMetrics {
    numbers: Arc<Numbers>,
    connector: Arc<Running>,
    counts: TaskCounts,
}

impl TaskMetrics {
    /// For whoever counts for the task.
    pub fn counts(&self) -> TaskCounts {
        self.counts.clone()
    }

    /// An offset commit of some of its partitions ended.
    pub fn committed(&self, took: Duration, succeeded: bool) {
        self.counts.committed(took, succeeded);
    }

    /// How long a commit took, for all tasks of the connector together.
    pub fn observe_commit(&self, took: Duration) {
        self.connector.numbers.commit.observe(took);
    }

    /// What keeps all partitions of the connector from going on by `state`; none when that is over.
    pub fn set_connector_wait(&self, state: PartitionState, wait: Option<PartitionWait>) {
        self.connector.numbers.set_wait(state, wait);
    }

    /// A topic of the connector does not exist, as Kafka says; or, without words, it does.
    pub fn set_missing(&self, topic: &Arc<str>, words: Option<Arc<str>>) {
        self.connector.numbers.set_missing(topic, words);
    }

    /// What is known of the batches that were handed over, all tasks of the connector together.
    pub fn set_fates(&self, fates: Arc<FatesReading>) {
        self.connector.numbers.set_fates(fates);
    }

    /// What the connector did since the last time, once a minute.
    pub fn add_minute(&self, done: MinuteReading) {
        self.connector.numbers.add_minute(done);
    }

    /// An offset commit was given up because no answer came in time.
    pub fn commit_skipped(&self) {
        self.counts.commit_skipped();
    }

    /// Its partitions are these.
    pub fn set_partitions<'a>(&self, partitions: impl Iterator<Item = &'a TopicPartition>) {
        self.counts.set_partitions(partitions);
    }
}

impl Drop for TaskMetrics {
    fn drop(&mut self) {
        let mut connectors = lock(&self.numbers.connectors);
        let mut tasks = lock(&self.connector.tasks);
        // The task may have begun anew under the same number.
        if tasks.get(&self.counts.0.task).is_some_and(|task| Arc::ptr_eq(task, &self.counts.0)) {
            tasks.remove(&self.counts.0.task);
        }
        let known = connectors.get(&self.connector.numbers.name);
        if tasks.is_empty() && known.is_some_and(|known| Arc::ptr_eq(known, &self.connector)) {
            connectors.remove(&self.connector.numbers.name);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Only numbers and maps change while a lock is held.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::Metrics;
    use crate::id::ConnectorTaskId;
    use std::time::Duration;

    #[test]
    fn a_tasks_numbers_are_there_while_it_runs_and_begin_at_zero() {
        let metrics = Metrics::default();
        let id = ConnectorTaskId { connector: "a".into(), task: 3 };
        assert!(metrics.read().connectors.is_empty());
        let task = metrics.task(&id);
        let counts = task.counts();
        counts.failed(5);
        counts.retried(3);
        counts.skipped(5);
        counts.dropped(2);
        counts.letter();
        let errors = metrics.read().connectors[0].tasks[0].reading.as_ref().unwrap().errors;
        assert_eq!((errors.failures, errors.errors, errors.retries), (4, 5, 3));
        assert_eq!((errors.skipped, errors.dropped, errors.letters), (5, 2, 1));
        assert!(errors.last_ms > 1_700_000_000_000);
        // Begun anew before the last run was dropped.
        let again = metrics.task(&id);
        drop(task);
        let errors = metrics.read().connectors[0].tasks[0].reading.as_ref().unwrap().errors;
        assert_eq!(errors.errors, 0);
        drop(again);
        assert!(metrics.read().connectors.is_empty());
        // What the worker has done stays.
        assert_eq!(metrics.read().worker.records, (0, 5));
    }

    #[test]
    fn starts_are_shares_of_the_last_moments() {
        let metrics = Metrics::default();
        assert_eq!(metrics.read().worker.task_starts.attempts, 0);
        metrics.started(3, true);
        metrics.started(1, false);
        let worker = metrics.read().worker;
        assert_eq!((worker.connector_starts.attempts, worker.connector_starts.successes), (2, 1));
        assert_eq!((worker.task_starts.attempts, worker.task_starts.successes), (4, 3));
        assert!((worker.task_starts.failure_share - 0.25).abs() < 1e-9);
    }

    #[tokio::test(start_paused = true)]
    async fn a_commit_and_a_pause_are_seen() {
        let metrics = Metrics::default();
        let task = metrics.task(&ConnectorTaskId { connector: "a".into(), task: 0 });
        tokio::time::advance(Duration::from_secs(3)).await;
        task.counts().set_activity(super::super::Activity::Paused);
        tokio::time::advance(Duration::from_secs(1)).await;
        task.committed(Duration::from_millis(40), true);
        task.committed(Duration::from_millis(20), false);
        task.commit_skipped();
        let read = metrics.read().connectors[0].tasks[0].reading.clone().unwrap();
        assert_eq!((read.totals.commits, read.totals.completed, read.totals.skipped), (3, 1, 1));
        assert!((read.commit.0 - 40.0).abs() < 1e-9 && (read.commit.1 - 30.0).abs() < 1e-9);
        assert!((read.ratios.0 - 0.75).abs() < 1e-9 && (read.ratios.1 - 0.25).abs() < 1e-9);
    }
}
