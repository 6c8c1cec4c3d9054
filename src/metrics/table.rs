//! Every measure of a worker, once: where Connect's beans have it, what it means here, and where a snapshot has it.
//!
//! Names of series are made of these by the rules of each family (`families`). What Connect has and no table has stands in `absent`
//! with the reason.

use super::bean::Bean;
use super::client::{ClientView, NodeView};
use super::fates::{FateCounts, FatesReading};
use super::histogram::HistogramReading;
use super::number::{flag, float, millis, signed};
use super::snapshot::{Connector, Snapshot, Task};
use super::task_reading::{PartitionReading, TaskReading};
use crate::status::State;
use std::collections::BTreeMap;

/// What a series is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeriesType {
    /// Goes up and down.
    Gauge,
    /// Only grows.
    Counter,
    /// Prometheus is not told.
    Untyped,
    /// A text, as a label of a series that is 1.
    Text,
    /// Times in classes.
    Histogram,
}

/// Where a snapshot has the value, and so which labels it has. None: there is no series.
#[derive(Debug)]
pub enum MeasuredValue {
    /// Of the worker: no labels.
    Worker(fn(&Snapshot) -> Option<f64>),
    /// The same as a text.
    WorkerText(fn(&Snapshot) -> Option<String>),
    /// Of the worker's client: its id.
    Client(fn(&Snapshot) -> Option<f64>),
    /// The same as a text.
    ClientText(fn(&Snapshot) -> Option<String>),
    /// Of a connector.
    Connector(fn(&Connector) -> Option<f64>),
    /// The same as a text.
    ConnectorText(fn(&Connector) -> Option<String>),
    /// Of a connector, by one more label.
    ConnectorBy(&'static str, fn(&Connector) -> Vec<(&'static str, f64)>),
    /// Of a connector, in classes.
    Histogram(fn(&Connector) -> Option<&HistogramReading>),
    /// Of a task: connector and task.
    Task(fn(&Task) -> Option<f64>),
    /// The same as a text.
    TaskText(fn(&Task) -> Option<String>),
    /// Of the consumer that a task would have on a JVM worker: its client id.
    Consumer(fn(&TaskReading) -> Option<f64>),
    /// Of a Kafka client, as it tells: its id. The bean says which clients.
    KafkaClient(fn(&ClientView) -> Option<f64>),
    /// Of its connections to one broker: its id, and the broker.
    Node(fn(&NodeView) -> Option<f64>),
    /// Of a partition of that consumer: client id, topic, partition.
    Partition(fn(&PartitionReading) -> Option<f64>),
    /// Of a partition of a task: connector, task, topic, partition.
    TaskPartition(fn(&PartitionReading) -> Option<f64>),
}

/// One thing that is measured.
#[derive(Debug)]
pub struct Measure {
    /// The bean that has it.
    pub bean: Bean,
    /// What it is called there.
    pub attribute: &'static str,
    /// What it is.
    pub kind: SeriesType,
    /// What it means.
    pub help: &'static str,
    /// Where it is.
    pub value: MeasuredValue,
}

/// A row of a table.
pub const fn measure(
    (bean, attribute): (Bean, &'static str),
    kind: SeriesType,
    value: MeasuredValue,
    help: &'static str,
) -> Measure {
    Measure { bean, attribute, kind, help, value }
}

use Bean::{
    App, Connector as OfConnector, ConnectorTask, ConsumerCoordinator, Coordinator, Fetch, Own,
    Process as OfProcess, Rebalance, SinkTask, TaskError, Worker,
};
use SeriesType::{Counter, Gauge, Histogram, Text};
use measure as row;

fn of_task(task: &Task, value: fn(&TaskReading) -> f64) -> Option<f64> {
    task.reading.as_ref().map(value)
}

/// How many of this worker's tasks of a connector are in a state.
fn in_state(connector: &Connector, states: &[State]) -> Option<f64> {
    let tasks = &connector.known.as_ref()?.tasks;
    Some(float(tasks.iter().filter(|(_, state)| states.contains(state)).count() as u64))
}

fn word(state: State) -> String {
    state.as_str().to_ascii_lowercase()
}

/// What the state of the connector itself is told by; only the worker that has the connector tells it.
fn instance(connector: &Connector) -> Option<&super::snapshot::KnownConnector> {
    connector.known.as_ref().filter(|known| known.is_instance)
}

fn lags(task: &TaskReading) -> impl Iterator<Item = f64> {
    task.partitions.iter().filter_map(|partition| partition.offsets.lag())
}

/// All measures but those of Kafka clients (`client_table`), in the order of pages.
#[rustfmt::skip] // a table: one row is one measure
pub static MEASURES: &[Measure] = &[
    row((Worker, "connector-count"), Gauge, MeasuredValue::Worker(|all| Some(float(all.known().filter(|one| one.is_instance).count() as u64))),
        "Connectors that this worker has"),
    row((Worker, "task-count"), Gauge, MeasuredValue::Worker(|all| Some(float(all.known().map(|one| one.tasks.len() as u64).sum()))),
        "Tasks that this worker has"),
    row((Worker, "connector-startup-attempts-total"), Counter, MeasuredValue::Worker(|all| Some(float(all.worker.connector_starts.attempts))),
        "Starts of connectors"),
    row((Worker, "connector-startup-success-total"), Counter, MeasuredValue::Worker(|all| Some(float(all.worker.connector_starts.successes))),
        "Starts of connectors that succeeded"),
    row((Worker, "connector-startup-success-percentage"), Gauge, MeasuredValue::Worker(|all| Some(all.worker.connector_starts.success_share)),
        "Share of the latest starts of connectors that succeeded, from 0 to 1"),
    row((Worker, "connector-startup-failure-total"), Counter, MeasuredValue::Worker(|all| { let starts = all.worker.connector_starts; Some(float(starts.attempts - starts.successes)) }),
        "Starts of connectors that failed"),
    row((Worker, "connector-startup-failure-percentage"), Gauge, MeasuredValue::Worker(|all| Some(all.worker.connector_starts.failure_share)),
        "Share of the latest starts of connectors that failed, from 0 to 1"),
    row((Worker, "task-startup-attempts-total"), Counter, MeasuredValue::Worker(|all| Some(float(all.worker.task_starts.attempts))),
        "Starts of tasks"),
    row((Worker, "task-startup-success-total"), Counter, MeasuredValue::Worker(|all| Some(float(all.worker.task_starts.successes))),
        "Starts of tasks that succeeded"),
    row((Worker, "task-startup-success-percentage"), Gauge, MeasuredValue::Worker(|all| Some(all.worker.task_starts.success_share)),
        "Share of the latest starts of tasks that succeeded, from 0 to 1"),
    row((Worker, "task-startup-failure-total"), Counter, MeasuredValue::Worker(|all| { let starts = all.worker.task_starts; Some(float(starts.attempts - starts.successes)) }),
        "Starts of tasks that failed"),
    row((Worker, "task-startup-failure-percentage"), Gauge, MeasuredValue::Worker(|all| Some(all.worker.task_starts.failure_share)),
        "Share of the latest starts of tasks that failed, from 0 to 1"),
    row((Worker, "connector-total-task-count"), Gauge, MeasuredValue::Connector(|one| in_state(one, &State::ALL)),
        "Tasks of the connector on this worker"),
    row((Worker, "connector-running-task-count"), Gauge, MeasuredValue::Connector(|one| in_state(one, &[State::Running])),
        "Those that run"),
    row((Worker, "connector-paused-task-count"), Gauge, MeasuredValue::Connector(|one| in_state(one, &[State::Paused])),
        "Those that are paused"),
    row((Worker, "connector-failed-task-count"), Gauge, MeasuredValue::Connector(|one| in_state(one, &[State::Failed])),
        "Those that have failed"),
    row((Worker, "connector-unassigned-task-count"), Gauge, MeasuredValue::Connector(|one| in_state(one, &[State::Unassigned])),
        "Those that nobody has started yet"),
    row((Worker, "connector-destroyed-task-count"), Gauge, MeasuredValue::Connector(|one| one.known.as_ref().map(|_| 0.0)),
        "Those that were deleted; never any, for their series end with them"),
    row((Worker, "connector-restarting-task-count"), Gauge, MeasuredValue::Connector(|one| in_state(one, &[State::Restarting])),
        "Those that restart"),

    row((Rebalance, "leader-name"), Text, MeasuredValue::WorkerText(|all| Some(all.cluster.as_ref()?.leader.to_string())),
        "The advertised URL of the worker that leads"),
    row((Rebalance, "epoch"), Gauge, MeasuredValue::Worker(|all| Some(signed(all.cluster.as_ref()?.epoch))),
        "The number of the cluster's present state, as in records of states"),
    row((Rebalance, "completed-rebalances-total"), Counter, MeasuredValue::Worker(|all| Some(float(all.worker.rebalances))),
        "Changes of the cluster since this worker started"),
    row((Rebalance, "rebalancing"), Gauge, MeasuredValue::Worker(|all| Some(flag(all.cluster.as_ref()?.rebalancing))),
        "1 while the worker is not in its cluster yet, or leaves it"),
    row((Rebalance, "rebalance-max-time-ms"), Gauge, MeasuredValue::Worker(|all| Some(all.worker.rebalance.0)),
        "Milliseconds from when the cluster's group began to settle until this worker knew who its cluster is, at most"),
    row((Rebalance, "rebalance-avg-time-ms"), Gauge, MeasuredValue::Worker(|all| Some(all.worker.rebalance.1)),
        "The same, on average"),
    row((Rebalance, "time-since-last-rebalance-ms"), Gauge, MeasuredValue::Worker(|all| all.worker.since_rebalance.map(millis)),
        "Milliseconds since the cluster changed"),

    row((OfConnector, "status"), Text, MeasuredValue::ConnectorText(|one| instance(one)?.state.map(word)),
        "The state of the connector"),
    row((OfConnector, "connector-class"), Text, MeasuredValue::ConnectorText(|one| Some(instance(one)?.class.as_ref()?.to_string())),
        "Its class"),
    row((OfConnector, "connector-type"), Text, MeasuredValue::ConnectorText(|one| instance(one).map(|known| known.kind.to_owned())),
        "Its type"),
    row((OfConnector, "connector-version"), Text, MeasuredValue::ConnectorText(|one| Some(instance(one)?.version.as_ref()?.to_string())),
        "The version of its class"),

    row((ConnectorTask, "status"), Text, MeasuredValue::TaskText(|task| task.state.map(word)),
        "The state of the task"),
    row((ConnectorTask, "running-ratio"), Gauge, MeasuredValue::Task(|task| of_task(task, |read| read.ratios.0)),
        "Share of its life in which the task ran"),
    row((ConnectorTask, "pause-ratio"), Gauge, MeasuredValue::Task(|task| of_task(task, |read| read.ratios.1)),
        "Share of its life in which the task was paused"),
    row((ConnectorTask, "batch-size-max"), Gauge, MeasuredValue::Task(|task| of_task(task, |read| read.batch_size.0)),
        "Records of one poll, at most"),
    row((ConnectorTask, "batch-size-avg"), Gauge, MeasuredValue::Task(|task| of_task(task, |read| read.batch_size.1)),
        "Records of one poll, on average"),
    row((ConnectorTask, "offset-commit-max-time-ms"), Gauge, MeasuredValue::Task(|task| of_task(task, |read| read.commit.0)),
        "Milliseconds of an offset commit, at most"),
    row((ConnectorTask, "offset-commit-avg-time-ms"), Gauge, MeasuredValue::Task(|task| of_task(task, |read| read.commit.1)),
        "Milliseconds of an offset commit, on average"),
    row((ConnectorTask, "offset-commit-failure-percentage"), Gauge, MeasuredValue::Task(|task| of_task(task, |read| read.commit_shares.0)),
        "Share of the latest offset commits that failed, from 0 to 1"),
    row((ConnectorTask, "offset-commit-success-percentage"), Gauge, MeasuredValue::Task(|task| of_task(task, |read| read.commit_shares.1)),
        "Share of the latest offset commits that succeeded, from 0 to 1"),

    row((SinkTask, "sink-record-read-rate"), Gauge, MeasuredValue::Task(|task| of_task(task, |read| read.rates[0])),
        "Records read in a second"),
    row((SinkTask, "sink-record-read-total"), Counter, MeasuredValue::Task(|task| of_task(task, |read| float(read.totals.read))),
        "Records read from Kafka"),
    row((SinkTask, "sink-record-send-rate"), Gauge, MeasuredValue::Task(|task| of_task(task, |read| read.rates[2])),
        "Records that went through the transformations to the sink, in a second"),
    row((SinkTask, "sink-record-send-total"), Counter, MeasuredValue::Task(|task| of_task(task, |read| float(read.totals.sent))),
        "Records that went through the transformations to the sink"),
    row((SinkTask, "sink-record-active-count"), Gauge, MeasuredValue::Task(|task| of_task(task, |read| read.active[0])),
        "Records in batches that are not handed over"),
    row((SinkTask, "sink-record-active-count-max"), Gauge, MeasuredValue::Task(|task| of_task(task, |read| read.active[1])),
        "The same, at most"),
    row((SinkTask, "sink-record-active-count-avg"), Gauge, MeasuredValue::Task(|task| of_task(task, |read| read.active[2])),
        "The same, on average"),
    row((SinkTask, "partition-count"), Gauge, MeasuredValue::Task(|task| of_task(task, |read| float(read.partitions.len() as u64))),
        "Partitions that the task reads"),
    row((SinkTask, "offset-commit-seq-no"), Gauge, MeasuredValue::Task(|task| of_task(task, |read| float(read.totals.commits))),
        "The number of the last offset commit"),
    row((SinkTask, "offset-commit-completion-rate"), Gauge, MeasuredValue::Task(|task| of_task(task, |read| read.rates[3])),
        "Offset commits that succeeded, in a second"),
    row((SinkTask, "offset-commit-completion-total"), Counter, MeasuredValue::Task(|task| of_task(task, |read| float(read.totals.completed))),
        "Offset commits that succeeded"),
    row((SinkTask, "offset-commit-skip-rate"), Gauge, MeasuredValue::Task(|task| of_task(task, |read| read.rates[4])),
        "Offset commits that were given up, in a second"),
    row((SinkTask, "offset-commit-skip-total"), Counter, MeasuredValue::Task(|task| of_task(task, |read| float(read.totals.skipped))),
        "Offset commits that were given up because no answer came within offset.flush.timeout.ms"),
    row((SinkTask, "put-batch-max-time-ms"), Gauge, MeasuredValue::Task(|task| of_task(task, |read| read.put.0)),
        "Milliseconds in which what one poll brought was converted and put into batches, at most"),
    row((SinkTask, "put-batch-avg-time-ms"), Gauge, MeasuredValue::Task(|task| of_task(task, |read| read.put.1)),
        "Milliseconds in which what one poll brought was converted and put into batches, on average"),

    row((TaskError, "total-record-failures"), Gauge, MeasuredValue::Task(|task| of_task(task, |read| float(read.errors.failures))),
        "Failed attempts at records and batches, those that were repeated among them"),
    row((TaskError, "total-record-errors"), Gauge, MeasuredValue::Task(|task| of_task(task, |read| float(read.errors.errors))),
        "Records that failed in the end"),
    row((TaskError, "total-records-skipped"), Gauge, MeasuredValue::Task(|task| of_task(task, |read| float(read.errors.skipped))),
        "Records that were skipped (errors.tolerance, behavior.on.error)"),
    row((TaskError, "total-retries"), Gauge, MeasuredValue::Task(|task| of_task(task, |read| float(read.errors.retries))),
        "Failed attempts that were followed by another"),
    row((TaskError, "total-errors-logged"), Gauge, MeasuredValue::Task(|task| of_task(task, |read| float(read.errors.logged))),
        "Records that errors.log.enable told in the log"),
    row((TaskError, "deadletterqueue-produce-requests"), Gauge, MeasuredValue::Task(|task| of_task(task, |read| float(read.errors.letters))),
        "Letters sent to dead-letter topics"),
    row((TaskError, "deadletterqueue-produce-failures"), Gauge, MeasuredValue::Task(|task| of_task(task, |read| float(read.errors.failed_letters))),
        "Letters that could not be written"),
    row((TaskError, "last-error-timestamp"), Gauge, MeasuredValue::Task(|task| of_task(task, |read| float(read.errors.last_ms))),
        "When the last attempt failed, in ms since the epoch; 0 for never"),

    row((Coordinator, "assigned-connectors"), Gauge, MeasuredValue::Client(|all| Some(float(all.known().filter(|one| one.is_instance).count() as u64))),
        "Connectors that the cluster gave to this worker"),
    row((Coordinator, "assigned-tasks"), Gauge, MeasuredValue::Client(|all| Some(float(all.known().map(|one| one.tasks.len() as u64).sum()))),
        "Tasks that the cluster gave to this worker"),
    row((App, "version"), Text, MeasuredValue::ClientText(|_| Some(env!("CARGO_PKG_VERSION").to_owned())),
        "The version of this worker"),
    row((App, "start-time-seconds"), Gauge, MeasuredValue::Client(|all| Some(float(all.worker.started_ms) / 1000.0)),
        "When the worker started, in seconds since the epoch"),
    row((App, "start-time-ms"), Text, MeasuredValue::ClientText(|all| Some(all.worker.started_ms.to_string())),
        "When the worker started, in ms since the epoch"),

    row((Fetch, "bytes-consumed-total"), Counter, MeasuredValue::Consumer(|read| Some(float(read.totals.bytes))),
        "Bytes of keys and values that the task read"),
    row((Fetch, "bytes-consumed-rate"), Gauge, MeasuredValue::Consumer(|read| Some(read.rates[1])),
        "The same in a second"),
    row((Fetch, "records-consumed-total"), Counter, MeasuredValue::Consumer(|read| Some(float(read.totals.read))),
        "Records that the task read"),
    row((Fetch, "records-consumed-rate"), Gauge, MeasuredValue::Consumer(|read| Some(read.rates[0])),
        "The same in a second"),
    row((Fetch, "records-lag-max"), Gauge, MeasuredValue::Consumer(|read| Some(lags(read).fold(f64::NAN, f64::max))),
        "Records of one partition that the task has not read, at most"),
    row((Fetch, "records-lag"), Gauge, MeasuredValue::Partition(|one| one.offsets.lag()),
        "Records of the partition that the task has not read"),
    row((Fetch, "records-lead"), Gauge, MeasuredValue::Partition(|one| one.offsets.lead()),
        "Records between the partition's first one and the next to be read"),
    row((ConsumerCoordinator, "commit-latency-avg"), Gauge, MeasuredValue::Consumer(|read| Some(read.commit.1)),
        "Milliseconds of an offset commit, on average"),
    row((ConsumerCoordinator, "commit-latency-max"), Gauge, MeasuredValue::Consumer(|read| Some(read.commit.0)),
        "Milliseconds of an offset commit, at most"),
    row((ConsumerCoordinator, "commit-total"), Counter, MeasuredValue::Consumer(|read| Some(float(read.totals.commits))),
        "Offset commits"),
    row((ConsumerCoordinator, "assigned-partitions"), Gauge, MeasuredValue::Consumer(|read| Some(float(read.partitions.len() as u64))),
        "Partitions that the group gave to the task"),

    row((Own, "build_info"), Text, MeasuredValue::WorkerText(|_| Some(env!("CARGO_PKG_VERSION").to_owned())),
        "The version of this worker"),
    row((Own, "records_delivered_total"), Counter, MeasuredValue::Connector(|one| Some(float(one.reading.as_ref()?.records))),
        "Records that were handed over"),
    row((Own, "records_sealed_total"), Counter, MeasuredValue::ConnectorBy("reason", |one| sealed(one, |(_, _, records)| *records)),
        "Records in batches that were sealed, by why: size, time (flush.interval.ms), memory (worker.buffer.bytes), drain"),
    row((Own, "batches_sealed_total"), Counter, MeasuredValue::ConnectorBy("reason", |one| sealed(one, |(_, batches, _)| *batches)),
        "Batches that were sealed, by why"),
    row((Own, "batch_raw_bytes_total"), Counter, MeasuredValue::Connector(|one| Some(float(one.reading.as_ref()?.raw_bytes))),
        "Bytes of batches that were handed over, before compression"),
    row((Own, "batch_compressed_bytes_total"), Counter, MeasuredValue::Connector(|one| Some(float(one.reading.as_ref()?.body_bytes))),
        "Bytes of batches that were handed over, as they were sent"),
    row((Own, "batches_in_flight"), Gauge, MeasuredValue::Task(|task| of_task(task, |read| float(read.in_flight))),
        "Batches and groups of dead letters that are on their way"),
    row((Own, "batch_fates_total"), Counter, MeasuredValue::ConnectorBy("fate", |one| told(one, |counts| counts.batches)),
        "Batches that were handed over, by what became of them: confirmed (in their target), failed (known not to be there), unreported (no failure was told for as long as one would be), unknown (not followed to the end)"),
    row((Own, "record_fates_total"), Counter, MeasuredValue::ConnectorBy("fate", |one| told(one, |counts| counts.records)),
        "Records in these batches"),
    row((Own, "batches_followed"), Gauge, MeasuredValue::Connector(|one| Some(float(fates(one)?.partitions.iter().map(|one| one.waiting).sum()))),
        "Batches that were handed over and whose fate may still be told"),
    row((Own, "batches_missing"), Gauge, MeasuredValue::Connector(|one| Some(float(fates(one)?.failed_batches()))),
        "Batches that are known not to be in their target now, as many as are kept (GET /connectors/X/health says why)"),
    row((Own, "valid_through_age_seconds"), Gauge, MeasuredValue::Connector(|one| Some(one.reading.as_ref()?.valid_through_age?.as_secs_f64())),
        "Time since the newest record time through which all that was handed over is known to be in its target, of all partitions that this worker reads; no series while that is not known"),
    row((Own, "convert_seconds"), Histogram, MeasuredValue::Histogram(|one| Some(&one.reading.as_ref()?.convert)),
        "Times in which what one poll brought was converted, compressed and put into batches"),
    row((Own, "seal_seconds"), Histogram, MeasuredValue::Histogram(|one| Some(&one.reading.as_ref()?.seal)),
        "Times of sealing a batch, which ends its compression"),
    row((Own, "delivery_seconds"), Histogram, MeasuredValue::Histogram(|one| Some(&one.reading.as_ref()?.deliver)),
        "Times from sealing a batch to its acknowledgement, all tries together"),
    row((Own, "commit_seconds"), Histogram, MeasuredValue::Histogram(|one| Some(&one.reading.as_ref()?.commit)),
        "Times of offset commits"),
    row((Own, "record_lateness_seconds"), Histogram, MeasuredValue::Histogram(|one| Some(&one.reading.as_ref()?.lateness)),
        "Times from the timestamp of a batch's first record to the batch's acknowledgement"),
    row((Own, "partitions"), Gauge, MeasuredValue::ConnectorBy("state", partitions_by_state),
        "Partitions that this worker reads, by what they do (GET /connectors/X/health says why); no series for none"),
    row((Own, "oldest_record_age_seconds"), Gauge, MeasuredValue::TaskPartition(|one| one.oldest.map(|age| age.as_secs_f64())),
        "Time since the oldest record of the partition was read that is not handed over; no series while there is none"),
    row((Own, "sink_records_dropped"), Gauge, MeasuredValue::Task(|task| of_task(task, |read| float(read.errors.dropped))),
        "Records that were skipped and are in no table and no dead-letter topic"),
    row((Own, "memory_reserved_bytes"), Gauge, MeasuredValue::Worker(|all| Some(float(all.worker.memory?.reserved))),
        "Memory that batches and dead letters hold"),
    row((Own, "memory_limit_bytes"), Gauge, MeasuredValue::Worker(|all| Some(float(all.worker.memory?.limit))),
        "Memory that they may hold (worker.buffer.bytes)"),

    row((OfProcess, "cpu_seconds_total"), Counter, MeasuredValue::Worker(|all| all.process.cpu_seconds),
        "Processor time of the process"),
    row((OfProcess, "resident_memory_bytes"), Gauge, MeasuredValue::Worker(|all| all.process.resident_bytes),
        "Memory of the process"),
    row((OfProcess, "virtual_memory_bytes"), Gauge, MeasuredValue::Worker(|all| all.process.virtual_bytes),
        "Address space of the process"),
    row((OfProcess, "start_time_seconds"), Gauge, MeasuredValue::Worker(|all| all.process.start_seconds),
        "When the process started, in seconds since the epoch"),
    row((OfProcess, "threads"), Gauge, MeasuredValue::Worker(|all| all.process.threads),
        "Threads of the process"),
    row((OfProcess, "open_fds"), Gauge, MeasuredValue::Worker(|all| all.process.open_fds),
        "File descriptors in use"),
    row((OfProcess, "max_fds"), Gauge, MeasuredValue::Worker(|all| all.process.max_fds),
        "File descriptors that the process may have"),
];

fn partitions_by_state(connector: &Connector) -> Vec<(&'static str, f64)> {
    let readings = connector.tasks.iter().filter_map(|task| task.reading.as_ref());
    let mut counts = BTreeMap::new();
    for partition in readings.flat_map(|reading| &reading.partitions) {
        *counts.entry(partition.state.state).or_insert(0_u64) += 1;
    }
    counts.into_iter().map(|(state, count)| (state.as_str(), float(count))).collect()
}

fn fates(connector: &Connector) -> Option<&FatesReading> {
    connector.reading.as_ref()?.fates.as_deref()
}

fn told(connector: &Connector, count: fn(FateCounts) -> u64) -> Vec<(&'static str, f64)> {
    let told = fates(connector).into_iter().flat_map(|fates| fates.told.by_kind());
    told.map(|(kind, counts)| (kind.as_str(), float(count(counts)))).collect()
}

fn sealed(connector: &Connector, count: fn(&(&'static str, u64, u64)) -> u64) -> Vec<(&'static str, f64)> {
    let reasons = connector.reading.iter().flat_map(|reading| &reading.sealed);
    reasons.map(|reason| (reason.0, float(count(reason)))).collect()
}
