//! What this sink counts about its service: each step of a delivery, refusals by operation and status, rows and bytes by table;
//! and until when what it was lent is good.
//!
//! Only names and meanings stand here; who does a step counts it ([`SinkCounts`]).

use crate::metrics::{STEPS, SinkCounts, SinkKind, SinkMetric};
use crate::sink::{Fate, Unfollowed};
use std::time::Duration;
use time::OffsetDateTime;

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
    help: "Tries of batches that failed, by operation, by status (a number of HTTP, of a sign-in the login server's, none without an \
           answer, other for all else), and whether they are tried again",
    labels: &["operation", "status", "retried"],
};

/// Failures that tell of something to mend, and the usual ones of an outage, in the order of their labels: who watches them
/// grow must see the first. They are few, because each connector has them from its start.
const AWAITED: [[&str; 3]; 10] = [
    ["get ingestion resources", "401", "false"],
    ["get ingestion resources", "403", "false"],
    ["get ingestion resources", "none", "true"],
    ["put blob", "403", "true"],
    ["put blob", "503", "true"],
    ["put blob", "none", "true"],
    ["put message", "403", "true"],
    ["put message", "503", "true"],
    ["sign in", "400", "false"],
    ["sign in", "401", "false"],
];

/// When credentials end.
pub static CREDENTIALS_EXPIRY: SinkMetric = SinkMetric {
    name: "credentials_expiry_timestamp_seconds",
    kind: SinkKind::Gauge,
    help: "When a credential that is used ends, in seconds since 1970, where it says so itself; renewed: true is replaced without \
           anybody (with the next need of it), false by a person alone",
    labels: &["credential", "renewed"],
};

/// When resources were got.
pub static RESOURCES_REFRESHED: SinkMetric = SinkMetric {
    name: "resources_refreshed_timestamp_seconds",
    kind: SinkKind::Gauge,
    help: "When the ingestion resources were last got, in seconds since 1970; they are renewed after an hour, when a batch needs them",
    labels: &[],
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

/// Batches whose fate nobody will know.
pub static UNFOLLOWED: SinkMetric = SinkMetric {
    name: "outcome_unfollowed_total",
    kind: SinkKind::Counter,
    help: "Batches that were handed over and were not followed to the end, by why: no room, not allowed (to ask), too late (what the \
           service told is gone), stopped",
    labels: &["reason"],
};

/// Memory of the ledger.
pub static LEDGER: SinkMetric = SinkMetric {
    name: "outcome_ledger_bytes",
    kind: SinkKind::Gauge,
    help: "Memory of the ledger of what is followed, when it was last looked; all connectors of a worker that sign in alike at a \
           cluster share one",
    labels: &[],
};

/// Looks.
pub static LOOKS: SinkMetric = SinkMetric {
    name: "outcome_looks_total",
    kind: SinkKind::Counter,
    help: "Looks at what failed that were made in this connector's name (and count for all that sign in alike): whole, part (more is \
           there), failed (no answer, or one that may pass), denied",
    labels: &["outcome"],
};

/// When a look last succeeded.
pub static LOOKED: SinkMetric = SinkMetric {
    name: "outcome_looked_timestamp_seconds",
    kind: SinkKind::Gauge,
    help: "When a look at what failed last succeeded, in seconds since 1970; there is one a minute while batches are followed",
    labels: &[],
};

/// All of them, in the order of pages.
pub static ALL: [&SinkMetric; 12] = [
    &CREDENTIALS_EXPIRY,
    &LEDGER,
    &LOOKED,
    &LOOKS,
    &QUEUE_MESSAGE,
    &FAILURES,
    &RESOURCES_REFRESHED,
    &STREAMING,
    &TABLE_RECORDS,
    &TABLE_BYTES,
    &UNFOLLOWED,
    &UPLOAD,
];

/// Failures that are awaited begin at zero.
pub fn begin(counts: &SinkCounts) {
    for labels in &AWAITED {
        counts.add(&FAILURES, labels, 0);
    }
}

/// Counts a batch that was not followed to its end; all other fates are counted by the tasks.
pub fn count_unfollowed(counts: &SinkCounts, fate: &Fate) {
    let Fate::Unknown(why) = fate else { return };
    let reason = match why {
        Unfollowed::NoRoom => "no room",
        Unfollowed::NotAllowed => "not allowed",
        Unfollowed::TooLate => "too late",
        Unfollowed::Stopped => "stopped",
    };
    counts.add(&UNFOLLOWED, &[reason], 1);
}

/// Counts a look by how it ended.
pub fn count_look(counts: &SinkCounts, outcome: &'static str) {
    counts.add(&LOOKS, &[outcome], 1);
}

/// A look succeeded at `now`; the ledger takes so many bytes.
pub fn show_look(counts: &SinkCounts, now: OffsetDateTime, ledger_bytes: usize) {
    counts.set(&LOOKED, &[], (now - OffsetDateTime::UNIX_EPOCH).as_seconds_f64());
    counts.set(&LEDGER, &[], f64::from(u32::try_from(ledger_bytes).unwrap_or(u32::MAX)));
}

/// Counts a step that succeeded.
pub fn observe(counts: &SinkCounts, step: &'static SinkMetric, took: Duration) {
    counts.observe(step, &[], took);
}
