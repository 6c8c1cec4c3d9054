//! What OpenTelemetry calls the measures of Connect: the names, units and attributes of its JMX rules for Kafka Connect, so that a board
//! made for a JVM worker finds them. Times are in seconds. Data only.

use crate::metrics::Bean::{self, Connector, ConnectorTask, Fetch, Rebalance, SinkTask, TaskError, Worker};

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down, and sums over tasks and workers have a meaning.
    UpDown,
    /// It goes up and down.
    Gauge,
}

/// What further attribute a metric has.
#[derive(Debug, Clone, Copy)]
pub(super) enum Further {
    /// None.
    No,
    /// This one.
    Is(&'static str, &'static str),
    /// The text of the measure, under this name.
    Text(&'static str),
}

/// One measure under its name there. Rows of one name stand together.
#[derive(Debug)]
pub(super) struct Name {
    pub(super) measure: (Bean, &'static str),
    pub(super) called: &'static str,
    pub(super) unit: &'static str,
    pub(super) kind: Kind,
    pub(super) further: Further,
}

const fn row(
    measure: (Bean, &'static str),
    called: &'static str,
    unit: &'static str,
    kind: Kind,
    further: Further,
) -> Name {
    Name { measure, called, unit, kind, further }
}

use Further::{Is, No, Text};
use Kind::{Counter, Gauge, UpDown};

const CONNECTOR_START: &str = "kafka.connect.worker.connector.startup.result";
const TASK_START: &str = "kafka.connect.worker.task.startup.result";
const TASK_STATE: &str = "kafka.connect.worker.connector.task.state";

#[rustfmt::skip] // a table: one row is one name
pub(super) static NAMES: &[Name] = &[
    row((Worker, "connector-count"), "kafka.connect.worker.connector.count", "{connector}", UpDown, No),
    row((Worker, "connector-startup-success-total"), "kafka.connect.worker.connector.startup.count", "{startup}", Counter, Is(CONNECTOR_START, "success")),
    row((Worker, "connector-startup-failure-total"), "kafka.connect.worker.connector.startup.count", "{startup}", Counter, Is(CONNECTOR_START, "failure")),
    row((Worker, "task-count"), "kafka.connect.worker.task.count", "{task}", UpDown, No),
    row((Worker, "task-startup-success-total"), "kafka.connect.worker.task.startup.count", "{startup}", Counter, Is(TASK_START, "success")),
    row((Worker, "task-startup-failure-total"), "kafka.connect.worker.task.startup.count", "{startup}", Counter, Is(TASK_START, "failure")),
    row((Worker, "connector-destroyed-task-count"), "kafka.connect.worker.connector.task.count", "{task}", UpDown, Is(TASK_STATE, "destroyed")),
    row((Worker, "connector-failed-task-count"), "kafka.connect.worker.connector.task.count", "{task}", UpDown, Is(TASK_STATE, "failed")),
    row((Worker, "connector-paused-task-count"), "kafka.connect.worker.connector.task.count", "{task}", UpDown, Is(TASK_STATE, "paused")),
    row((Worker, "connector-restarting-task-count"), "kafka.connect.worker.connector.task.count", "{task}", UpDown, Is(TASK_STATE, "restarting")),
    row((Worker, "connector-running-task-count"), "kafka.connect.worker.connector.task.count", "{task}", UpDown, Is(TASK_STATE, "running")),
    row((Worker, "connector-unassigned-task-count"), "kafka.connect.worker.connector.task.count", "{task}", UpDown, Is(TASK_STATE, "unassigned")),
    row((Rebalance, "completed-rebalances-total"), "kafka.connect.worker.rebalance.completed.count", "{rebalance}", Counter, No),
    row((Rebalance, "epoch"), "kafka.connect.worker.rebalance.epoch", "{epoch}", Counter, No),
    row((Rebalance, "rebalance-avg-time-ms"), "kafka.connect.worker.rebalance.time.average", "s", Gauge, No),
    row((Rebalance, "rebalance-max-time-ms"), "kafka.connect.worker.rebalance.time.max", "s", Gauge, No),
    row((Connector, "status"), "kafka.connect.connector.status", "1", UpDown, Text("kafka.connect.connector.state")),
    row((ConnectorTask, "status"), "kafka.connect.task.status", "1", UpDown, Text("kafka.connect.task.state")),
    row((ConnectorTask, "running-ratio"), "kafka.connect.task.running.ratio", "1", Gauge, No),
    row((ConnectorTask, "batch-size-avg"), "kafka.connect.task.batch.size.average", "{record}", Gauge, No),
    row((ConnectorTask, "batch-size-max"), "kafka.connect.task.batch.size.max", "{record}", Gauge, No),
    row((ConnectorTask, "offset-commit-avg-time-ms"), "kafka.connect.task.offset.commit.time.average", "s", Gauge, No),
    row((ConnectorTask, "offset-commit-max-time-ms"), "kafka.connect.task.offset.commit.time.max", "s", Gauge, No),
    row((ConnectorTask, "offset-commit-failure-percentage"), "kafka.connect.task.offset.commit.failure.ratio", "1", Gauge, No),
    row((SinkTask, "sink-record-read-total"), "kafka.connect.sink.record.read.count", "{record}", Counter, No),
    row((SinkTask, "sink-record-send-total"), "kafka.connect.sink.record.send.count", "{record}", Counter, No),
    row((SinkTask, "sink-record-active-count"), "kafka.connect.sink.record.active.count", "{record}", UpDown, No),
    row((Fetch, "records-lag-max"), "kafka.connect.sink.record.lag.max", "{record}", Gauge, No),
    row((SinkTask, "partition-count"), "kafka.connect.sink.partition.count", "{partition}", UpDown, No),
    row((SinkTask, "put-batch-avg-time-ms"), "kafka.connect.sink.put.batch.time.average", "s", Gauge, No),
    row((SinkTask, "put-batch-max-time-ms"), "kafka.connect.sink.put.batch.time.max", "s", Gauge, No),
    row((SinkTask, "offset-commit-completion-total"), "kafka.connect.sink.offset.commit.completed.count", "{commit}", Counter, No),
    row((SinkTask, "offset-commit-skip-total"), "kafka.connect.sink.offset.commit.skipped.count", "{commit}", Counter, No),
    row((SinkTask, "offset-commit-seq-no"), "kafka.connect.sink.offset.commit.seq", "{sequence}", Counter, No),
    row((TaskError, "total-record-failures"), "kafka.connect.task.error.record.failure.count", "{record}", Counter, No),
    row((TaskError, "total-record-errors"), "kafka.connect.task.error.record.error.count", "{record}", Counter, No),
    row((TaskError, "total-records-skipped"), "kafka.connect.task.error.record.skipped.count", "{record}", Counter, No),
    row((TaskError, "total-errors-logged"), "kafka.connect.task.error.logged.count", "{error}", Counter, No),
    row((TaskError, "total-retries"), "kafka.connect.task.error.retry.count", "{retry}", Counter, No),
    row((TaskError, "deadletterqueue-produce-requests"), "kafka.connect.task.error.deadletterqueue.produce.request.count", "{request}", Counter, No),
    row((TaskError, "deadletterqueue-produce-failures"), "kafka.connect.task.error.deadletterqueue.produce.failure.count", "{failure}", Counter, No),
    row((TaskError, "last-error-timestamp"), "kafka.connect.task.error.last.error.timestamp", "s", Gauge, No),
];

/// The name and the unit of a name of ours in Prometheus' form, such that a collector makes the same name of it again.
pub(super) fn of_ours(name: &str) -> (String, &'static str) {
    let name = name.strip_suffix("_total").unwrap_or(name);
    let units = [("_seconds", "s"), ("_bytes", "By")];
    let found = units.iter().find_map(|(end, unit)| Some((name.strip_suffix(end)?, *unit)));
    let (name, unit) = found.unwrap_or((name, "1"));
    (format!("{}.{}", crate::product::PREFIX, name.replace('_', ".")), unit)
}

#[cfg(test)]
mod tests {
    use super::{NAMES, of_ours};
    use crate::metrics::measured;
    use crate::product::PREFIX;

    #[test]
    fn each_name_is_of_a_measure_and_rows_of_one_name_stand_together_and_agree() {
        for name in NAMES {
            assert!(measured(name.measure.0, name.measure.1).is_some(), "{name:?}");
            assert!(!name.measure.1.contains("-time-ms") || name.unit == "s", "{name:?}");
        }
        let mut seen: Vec<&str> = Vec::new();
        for pair in NAMES.chunk_by(|one, next| one.called == next.called) {
            assert!(!seen.contains(&pair[0].called), "{}", pair[0].called);
            assert!(pair.iter().all(|one| (one.unit, one.kind) == (pair[0].unit, pair[0].kind)));
            seen.push(pair[0].called);
        }
    }

    #[test]
    fn names_of_ours_lose_their_units_and_ends() {
        for (name, end, unit) in [
            ("batch_raw_bytes_total", "batch.raw", "By"),
            ("convert_seconds", "convert", "s"),
            ("batches_in_flight", "batches.in.flight", "1"),
        ] {
            assert_eq!(of_ours(name), (format!("{PREFIX}.{end}"), unit));
        }
    }
}
