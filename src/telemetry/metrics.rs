//! What a worker counts, under the names that the exporters of Connect's JMX beans give (`connect-runtime.md` §11.2), in
//! Prometheus' text form.
//!
//! Nothing is global: the registry is handed down by argument, and whoever counts holds the numbers of its task. They
//! begin at zero when a task starts, and its series are gone when it ends, as a JVM worker's are. It owns no state of
//! the work itself: a number here is told, never asked.

use crate::id::ConnectorTaskId;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::prometheus_text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// The form of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Names and what they count; the order is that of [`Counts`].
const NAMES: [(&str, &str); 9] = [
    ("kafka_connect_task_error_total_record_failures", "Failed attempts at records and batches"),
    ("kafka_connect_task_error_total_record_errors", "Records that failed in the end"),
    (
        "kafka_connect_task_error_total_records_skipped",
        "Records skipped (errors.tolerance, behavior.on.error)",
    ),
    ("kafka_connect_task_error_total_retries", "Failed attempts that were followed by another"),
    ("kafka_connect_task_error_total_errors_logged", "Records that errors.log.enable has told in the log"),
    ("kafka_connect_task_error_deadletterqueue_produce_requests", "Letters sent to dead-letter topics"),
    ("kafka_connect_task_error_deadletterqueue_produce_failures", "Letters that could not be written"),
    ("kafka_connect_task_error_last_error_timestamp", "When the last attempt failed, in ms since the epoch"),
    ("kusto_sink_records_dropped", "Records skipped that are in no table and no dead-letter topic"),
];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    connector: String,
    task: u32,
}

/// JMX has gauges only, and so have its exporters: no name gets a suffix.
type Series = Family<Labels, Gauge>;

/// A worker's numbers; clones are the same ones.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    errors: [Series; NAMES.len()],
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let errors = NAMES.map(|(name, help)| {
            let series = Series::default();
            registry.register(name, help, series.clone());
            series
        });
        Self { registry: Arc::new(registry), errors }
    }
}

impl Metrics {
    /// The numbers of a task that starts. Its series are there until what is given here is dropped.
    pub fn task(&self, id: &ConnectorTaskId) -> TaskMetrics {
        let labels = Labels { connector: id.connector.to_string(), task: id.task };
        // What an earlier run left would else go on.
        self.remove(&labels);
        let [failures, errors, skipped, retries, logged, requests, failed_requests, last, dropped] =
            self.errors.each_ref().map(|series| series.get_or_create_owned(&labels));
        let counts =
            Counts { failures, errors, skipped, retries, logged, requests, failed_requests, last, dropped };
        TaskMetrics { metrics: self.clone(), labels, counts: ErrorCounts(Arc::new(counts)) }
    }

    /// All of them, as Prometheus reads them ([`CONTENT_TYPE`]).
    ///
    /// # Errors
    /// None that is known: it is written into memory.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }

    fn remove(&self, labels: &Labels) {
        for series in &self.errors {
            series.remove(labels);
        }
    }
}

/// The series of a task that runs.
pub struct TaskMetrics {
    metrics: Metrics,
    labels: Labels,
    counts: ErrorCounts,
}

impl TaskMetrics {
    /// For whoever counts the task's errors.
    pub fn errors(&self) -> ErrorCounts {
        self.counts.clone()
    }
}

impl Drop for TaskMetrics {
    fn drop(&mut self) {
        self.metrics.remove(&self.labels);
    }
}

struct Counts {
    failures: Gauge,
    errors: Gauge,
    skipped: Gauge,
    retries: Gauge,
    logged: Gauge,
    requests: Gauge,
    failed_requests: Gauge,
    last: Gauge,
    dropped: Gauge,
}

/// Counts what goes wrong in one task.
#[derive(Clone)]
pub struct ErrorCounts(Arc<Counts>);

impl ErrorCounts {
    /// As many records failed in the end, by one failure.
    pub fn failed(&self, records: u64) {
        self.0.failures.inc();
        add(&self.0.errors, records);
        self.note_time();
    }

    /// So many attempts failed that are followed by another.
    pub fn retried(&self, attempts: u64) {
        if attempts > 0 {
            add(&self.0.failures, attempts);
            add(&self.0.retries, attempts);
            self.note_time();
        }
    }

    fn note_time(&self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.0.last.set(i64::try_from(now.as_millis()).unwrap_or(i64::MAX));
    }

    /// They are skipped.
    pub fn skipped(&self, records: u64) {
        add(&self.0.skipped, records);
    }

    /// They are nowhere else.
    pub fn dropped(&self, records: u64) {
        add(&self.0.dropped, records);
    }

    /// One was told in the log because the user wants that.
    pub fn logged(&self) {
        self.0.logged.inc();
    }

    /// A letter is on its way.
    pub fn letter(&self) {
        self.0.requests.inc();
    }

    /// It could not be written.
    pub fn letter_failed(&self) {
        self.0.failed_requests.inc();
    }
}

fn add(gauge: &Gauge, records: u64) {
    gauge.inc_by(i64::try_from(records).unwrap_or(i64::MAX));
}

#[cfg(test)]
mod tests {
    use super::Metrics;
    use crate::id::ConnectorTaskId;

    #[test]
    fn a_tasks_numbers_are_there_while_it_runs_and_begin_at_zero() {
        let metrics = Metrics::default();
        let id = ConnectorTaskId { connector: "a\"b".into(), task: 3 };
        let value = |name: &str| {
            let start = format!("{name}{{connector=\"a\\\"b\",task=\"3\"}} ");
            let text = metrics.text().unwrap();
            text.lines().find_map(|line| line.strip_prefix(&start)?.parse::<i64>().ok())
        };
        let skipped = "kafka_connect_task_error_total_records_skipped";
        assert_eq!(value(skipped), None);
        let task = metrics.task(&id);
        assert_eq!(value(skipped), Some(0));
        let errors = task.errors();
        errors.failed(5);
        errors.skipped(5);
        errors.dropped(2);
        errors.letter();
        assert_eq!(value(skipped), Some(5));
        assert_eq!(value("kafka_connect_task_error_total_record_failures"), Some(1));
        errors.retried(3);
        assert_eq!(value("kafka_connect_task_error_total_record_failures"), Some(4));
        assert_eq!(value("kafka_connect_task_error_total_retries"), Some(3));
        assert_eq!(value("kafka_connect_task_error_total_record_errors"), Some(5));
        assert_eq!(value("kusto_sink_records_dropped"), Some(2));
        assert_eq!(value("kafka_connect_task_error_deadletterqueue_produce_requests"), Some(1));
        assert!(value("kafka_connect_task_error_last_error_timestamp").unwrap() > 1_700_000_000_000);
        drop(task);
        assert_eq!(value(skipped), None);
        drop(metrics.task(&id));
        let _again = metrics.task(&id);
        assert_eq!(value(skipped), Some(0));
    }
}
