//! What this sink counts about its service: each step of a delivery, refusals by operation and status, rows and bytes by table.
//!
//! Only names and meanings stand here; who does a step counts it ([`SinkCounts`]).

use crate::metrics::{STEPS, SinkCounts, SinkKind, SinkMetric};
use std::time::Duration;

/// Times of blobs' uploads that succeeded.
pub static UPLOAD: SinkMetric = SinkMetric {
    name: "upload_seconds",
    kind: SinkKind::Histogram(STEPS),
    help: "Times of uploads of a batch's blob, one try each, that succeeded",
    labels: &[],
};

/// Times of handing a blob over that succeeded.
pub static QUEUE_MESSAGE: SinkMetric = SinkMetric {
    name: "queue_message_seconds",
    kind: SinkKind::Histogram(STEPS),
    help: "Times of telling the service of a blob (a queue message, or a request of the REST protocol), that succeeded",
    labels: &[],
};

/// Times of streaming requests that succeeded.
pub static STREAMING: SinkMetric = SinkMetric {
    name: "streaming_request_seconds",
    kind: SinkKind::Histogram(STEPS),
    help: "Times of requests of streaming ingestion that succeeded",
    labels: &[],
};

/// Tries of a batch that failed.
pub static FAILURES: SinkMetric = SinkMetric {
    name: "request_failures_total",
    kind: SinkKind::Counter,
    help: "Tries of batches that failed, by operation, by status (a number of HTTP, none without an answer, other for all else), \
           and whether they are tried again",
    labels: &["operation", "status", "retried"],
};

/// Records by table.
pub static TABLE_RECORDS: SinkMetric = SinkMetric {
    name: "table_records_total",
    kind: SinkKind::Counter,
    help: "Records that were handed over, by table",
    labels: &["database", "table"],
};

/// Bytes by table.
pub static TABLE_BYTES: SinkMetric = SinkMetric {
    name: "table_raw_bytes_total",
    kind: SinkKind::Counter,
    help: "Bytes of whole batches that were handed over, before compression, by table",
    labels: &["database", "table"],
};

/// All of them, in the order of pages.
pub static ALL: [&SinkMetric; 6] =
    [&QUEUE_MESSAGE, &FAILURES, &STREAMING, &TABLE_RECORDS, &TABLE_BYTES, &UPLOAD];

/// Counts a step that succeeded.
pub fn observe(counts: &SinkCounts, step: &'static SinkMetric, took: Duration) {
    counts.observe(step, &[], took);
}
