//! One try of streaming ingestion: a batch as the body of a request to the engine (`kusto-protocol.md` §5).
//!
//! Decides what a refusal means: try again, queue the batch, or the batch's error. Owns the memory of tables that take
//! none for a while ([`StreamingBackoff`]). What is tried again, and when, is decided by `managed`.

use super::answer::Table;
use super::endpoint::INGESTOR;
use super::error::{Class, STREAM};
use super::http::Timings;
use super::kusto::{KustoClient, Post, below};
use super::streaming_backoff::StreamingBackoff;
use super::{Error, IngestRequest, target};
use std::sync::Arc;
use tokio::time::Instant;
use url::Url;

/// The most raw bytes that the service takes in one request (§5.2).
const LIMIT: u64 = 4 * 1024 * 1024;
/// Tries of a batch before it is queued, as in Microsoft's clients (§5.4).
const TRIES: u32 = 3;

/// The direct way into the tables of one cluster.
#[derive(Debug)]
pub struct Streaming {
    engine: Arc<KustoClient>,
    timings: Arc<Timings>,
    backoff: StreamingBackoff,
}

/// Why a batch was not taken.
#[derive(Debug)]
pub enum StreamingFailure {
    /// An error like any other: tried again when it is retriable.
    Again(Error),
    /// The batch is to be queued.
    Queue(Error),
}

impl Streaming {
    /// Ingestion by `engine`. No I/O.
    pub fn new(engine: Arc<KustoClient>, timings: Arc<Timings>) -> Self {
        Self { engine, timings, backoff: StreamingBackoff::default() }
    }

    /// True when `request` is small enough and its table is not known to refuse it.
    pub fn is_open(&self, request: &IngestRequest) -> bool {
        request.raw_size <= LIMIT && self.backoff.admit(request, Instant::now())
    }

    /// Sends the batch; `number` counts its tries from 1.
    pub async fn attempt(&self, request: &IngestRequest, number: u32) -> Result<(), StreamingFailure> {
        let post = Post {
            operation: STREAM,
            url: address(self.engine.base(), request),
            id: format!("KCC.executeManagedStreamingIngest;{};{number}", request.id),
            content_type: "application/octet-stream",
            // As in queued ingestion, the name says how the bytes are packed.
            gzip: request.blob_name.rsplit('.').next() == Some("gz"),
            body: request.body.clone(),
            limit: self.timings.upload(request.body.len()),
        };
        match self.engine.post(&post).await {
            Ok(answer) => {
                self.taken(request, &answer);
                Ok(())
            }
            Err(error) => Err(self.judged(request, with_advice(error), number)),
        }
    }

    fn taken(&self, request: &IngestRequest, answer: &Table) {
        let IngestRequest { blob_name, database, table, .. } = request;
        if self.backoff.resumed(request, Instant::now()) {
            tracing::info!("{database}.{table} takes streaming ingestion again");
        }
        // The rows are in the table, but what its update policy should have made of them is not: a second try would
        // double them, and queued ingestion ends the same way.
        if let Some(reason) = answer.text("UpdatePolicyFailureReason").filter(|text| !text.is_empty()) {
            let code = answer.text("UpdatePolicyFailureCode").unwrap_or_default();
            let reason = crate::secret::foreign(reason);
            tracing::error!(
                code,
                "{blob_name} is in {database}.{table}, but the table's update policy failed on it: {reason}"
            );
        }
    }

    fn judged(&self, request: &IngestRequest, error: Error, number: u32) -> StreamingFailure {
        let (now, timings) = (Instant::now(), &self.timings);
        let (time, what) = match meaning(&error) {
            Meaning::TooLarge => {
                self.backoff.too_large(request, now, timings.streaming_off);
                return StreamingFailure::Queue(error);
            }
            Meaning::Off => (timings.streaming_off, "takes no streaming ingestion"),
            Meaning::UpdatePolicy => {
                (timings.streaming_off, "has an update policy that streaming ingestion cannot run")
            }
            Meaning::Busy => (timings.streaming_busy, "is throttled"),
            Meaning::Other if error.is_retriable() && number >= TRIES => {
                (timings.streaming_busy, "did not take a batch by streaming ingestion")
            }
            Meaning::Other => return StreamingFailure::Again(error),
        };
        if self.backoff.pause(request, now, time) {
            let IngestRequest { database, table, .. } = request;
            let seconds = time.as_secs();
            tracing::warn!(
                %error,
                "{database}.{table} {what}: its batches are queued for {seconds} s, which delays them by the table's \
                 batching policy"
            );
        }
        StreamingFailure::Queue(error)
    }
}

/// What an error says about streaming ingestion.
#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    /// It is not enabled.
    Off,
    /// The table's update policy is not fit for it.
    UpdatePolicy,
    /// This batch is too much for one request.
    TooLarge,
    /// Too many requests.
    Busy,
    /// Nothing in particular.
    Other,
}

/// By status, code and words: services of different age say it differently (§5.3).
fn meaning(error: &Error) -> Meaning {
    let Error::Refused(refusal) = error else { return Meaning::Other };
    let words =
        format!("{} {}", refusal.code.as_deref().unwrap_or_default(), refusal.text).to_ascii_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
    match refusal.status {
        429 => Meaning::Busy,
        413 => Meaning::TooLarge,
        404 if !target::says_missing(refusal) => Meaning::Off,
        400..500 if has(&["payloadtoolarge", "inputstreamtoolarge", "maximum allowed size"]) => {
            Meaning::TooLarge
        }
        400..500 if words.contains("streaming") && has(&["disabled", "not enabled", "notenabled"]) => {
            Meaning::Off
        }
        400..500 if has(&["update policy", "updatepolicy"]) => Meaning::UpdatePolicy,
        _ if has(&["throttled"]) && refusal.class == Class::Transient => Meaning::Busy,
        _ => Meaning::Other,
    }
}

/// The same error with what to do about it on this way.
fn with_advice(mut error: Error) -> Error {
    let meaning = meaning(&error);
    if let Error::Refused(refusal) = &mut error {
        let advice = match (refusal.status, meaning) {
            (403, _) => Some(INGESTOR),
            (_, Meaning::Off) => {
                Some("enable it on the cluster, and by .alter table <table> policy streamingingestion enable")
            }
            (400, Meaning::Other) => Some("check format and mapping in kusto.tables.topics.mapping"),
            (_, Meaning::UpdatePolicy) => {
                Some("correct the table's update policy: .show table <table> policy update")
            }
            (_, Meaning::Other | Meaning::TooLarge | Meaning::Busy) => refusal.advice,
        };
        refusal.advice = advice;
    }
    error
}

/// `/v1/rest/ingest/{database}/{table}?streamFormat=…`, names encoded (§5.1).
fn address(engine: &Url, request: &IngestRequest) -> Url {
    let mut url = below(engine, "v1/rest/ingest");
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.extend([&*request.database, &*request.table]);
    }
    {
        let mut query = url.query_pairs_mut();
        query.append_pair("streamFormat", request.format.wire());
        if let Some(mapping) = request.mapping.as_deref().filter(|name| !name.is_empty()) {
            query.append_pair("mappingName", mapping);
        }
    }
    url
}
