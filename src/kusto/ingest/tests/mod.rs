//! The whole flow against scripted services on loopback, with real sockets and short pauses.
//!
//! `fake` is a cluster with its storage; the other files are one promise each. No test sleeps: they wait for the
//! client, whose pauses are milliseconds here.

mod delivery;
mod emulator;
mod entra;
mod fake;
mod login;
mod outage;
mod outcome;
mod rest;
mod secrets;
mod sign_in;
mod streaming;
mod target;

use super::auth::Allowed;
use super::blob::Cut;
use super::http::{Http, Route, Timings, pool};
use super::managed::{ManagedIngestClient, Settings};
use super::{IngestRequest, Target};
use crate::config::Custody;
use crate::kusto::config::{DataFormat, IngestionProtocol};
use crate::kusto::signin::nobody::Nobody;
use crate::limits::{ConnectorUploads, Uploads};
use crate::metrics::{Metrics, SinkCounts, SinkValue};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use url::Url;
use uuid::Uuid;

/// The series of a metric: its labels beside the connector's, and its value.
fn series(metrics: &Metrics, name: &str) -> Vec<(Vec<String>, f64)> {
    let all = metrics.read().sinks.into_iter().filter(|series| series.metric.name == name);
    all.filter_map(|series| {
        let value = match series.value {
            // One that was only born tells of nothing.
            SinkValue::Count(0) | SinkValue::Times(_) => return None,
            SinkValue::Count(count) => f64::from(u32::try_from(count).unwrap()),
            SinkValue::Now(value) => value,
        };
        Some((series.labels.iter().map(ToString::to_string).collect(), value))
    })
    .collect()
}

/// Pauses of milliseconds, deadlines that a loaded machine still meets.
fn timings() -> Timings {
    Timings {
        first_pause: Duration::from_millis(1),
        longest_pause: Duration::from_millis(5),
        ..Timings::new(Duration::from_secs(10))
    }
}

/// The settings of a client of `cluster` without credentials.
fn settings(cluster: &Url) -> Settings {
    Settings {
        ingestion_url: cluster.clone(),
        query_url: cluster.clone(),
        sign_in: Arc::new(Nobody),
        allowed: Allowed::default(),
        protocol: IngestionProtocol::Queued,
        retry_max_time: None,
        timings: timings(),
        cut: Cut::default(),
        connector: "storm".to_owned(),
        counts: SinkCounts::default(),
    }
}

/// The operator's word that the worker's own identity may go to this machine.
fn own_identity() -> Allowed {
    Allowed { custody: Custody::naming(&["localhost", "127.0.0.1"]), ..Allowed::default() }
}

/// Connections of its own, none through a proxy, to whom the system and `roots` vouch for.
fn http(roots: Vec<reqwest::Certificate>, timings: Timings) -> Http {
    Http::new(pool(Route::Direct, roots, 8).unwrap(), timings, places())
}

/// Places for uploads, more than any test needs.
fn places() -> ConnectorUploads {
    Uploads::of(8).connector()
}

/// A client with its own connections, none through a proxy.
fn client(settings: Settings) -> ManagedIngestClient {
    let http = http(Vec::new(), settings.timings.clone());
    ManagedIngestClient::assemble(settings, http.clone(), http)
}

/// A table to look at.
fn target(database: &str, table: &str, mapping: Option<&str>) -> Target {
    Target {
        database: database.into(),
        table: table.into(),
        format: DataFormat::Csv,
        mapping: mapping.map(Arc::from),
        streaming: false,
    }
}

/// A batch named by `number`.
fn request(number: u128) -> IngestRequest {
    IngestRequest {
        database: Arc::from("Samples"),
        table: Arc::from("Storms"),
        format: DataFormat::Csv,
        mapping: Some(Arc::from("Storms_CSV_Mapping")),
        streaming: false,
        blob_name: format!("Samples__Storms__storm-events_0_{number}.csv.gz"),
        id: Uuid::from_u128(number),
        raw_size: 1000 + u64::try_from(number).unwrap(),
        body: Bytes::from(format!("gzip stream {number}")),
    }
}
