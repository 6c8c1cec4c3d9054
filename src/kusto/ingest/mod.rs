//! The way into Azure Data Explorer: a sealed batch becomes a blob and a queue message.
//!
//! [`IngestClient`] is what the rest of the worker sees; the managed client does it by
//! queued ingestion (`kusto-protocol.md` §3, or §4 by REST) or, where the user asked for it, by streaming (§5). Only this folder speaks HTTP
//! to Azure, and retries live in one layer (`managed`): everything below it tries once. Nothing here knows Kafka, and nothing here prints a token or the query
//! of a URL.

mod advice;
mod answer;
mod audit;
mod auth;
mod batching;
mod blob;
mod endpoint;
mod error;
mod examine;
mod expiry;
mod failure_queues;
mod fetching;
mod http;
mod kusto;
mod managed;
mod message;
mod progress;
mod queue;
mod queued;
mod ranking;
mod reader;
mod resources;
mod rest;
mod status_poller;
mod storage;
mod streaming;
mod streaming_backoff;
mod target;
#[cfg(test)]
mod tests;
mod trust;
mod url;

pub use answer::{Table, TableRow, parse_table};
pub use audit::Auditor;
#[cfg(test)]
pub use error::Class;
pub use error::{Error, Refusal};
pub use examine::{Subject, checks};
pub use failure_queues::{FailureQueues, GotMessage};
pub use http::HttpPools;
pub use managed::ManagedIngestClient;
pub use reader::{ClusterReader, Denial};
pub use status_poller::{EndListener, PostedEnd};
pub use url::SasUrl;

use crate::kusto::config::DataFormat;
use crate::sink::Waiting;
use async_trait::async_trait;
use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::watch;
use uuid::Uuid;

/// One sealed batch on its way in. A retry of the same batch is the same request: same blob name, same id.
#[derive(Debug, Clone)]
pub struct IngestRequest {
    /// The database, as given in `kusto.tables.topics.mapping`.
    pub database: Arc<str>,
    /// The table.
    pub table: Arc<str>,
    /// How the records are written.
    pub format: DataFormat,
    /// The ingestion mapping on the table, when one was named.
    pub mapping: Option<Arc<str>>,
    /// To be handed to the engine directly, when it takes it.
    pub streaming: bool,
    /// Name of the blob inside its container; ends in `.gz`, which is how the service knows the compression.
    pub blob_name: String,
    /// The source id: in the queue message, in the service's reports, and in our log.
    pub id: Uuid,
    /// Uncompressed size in bytes, exact.
    pub raw_size: u64,
    /// The gzip stream.
    pub body: Bytes,
}

/// Where the records of some topic go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The database.
    pub database: Arc<str>,
    /// The table.
    pub table: Arc<str>,
    /// How the records are written.
    pub format: DataFormat,
    /// The ingestion mapping on the table, when one was named.
    pub mapping: Option<Arc<str>>,
    /// Batches go to the engine directly.
    pub streaming: bool,
}

/// By which way a batch was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakenBy {
    /// The engine: its rows are in the table.
    Engine,
    /// The queue, or the REST API in its place: the service will ingest it, or fail to.
    Queue,
}

/// Where a client tells that a batch waits; none is told before its first try has failed.
pub type WaitingTeller = watch::Sender<Option<Waiting>>;

/// A way into Kusto. Implementations are shared by all tasks of a connector.
#[async_trait]
pub trait IngestClient: Send + Sync + 'static {
    /// Hands over one batch. Returns `Ok` only when the service has acknowledged it (for queued ingestion: the queue
    /// message; for streaming: the rows), or an error that must not be retried: all retries happen inside, and each is
    /// told to `waits`. Cancelled by dropping the future.
    async fn ingest_telling(&self, request: &IngestRequest, waits: &WaitingTeller) -> Result<TakenBy, Error>;

    /// The same when nobody wants to be told.
    async fn ingest(&self, request: &IngestRequest) -> Result<TakenBy, Error> {
        self.ingest_telling(request, &watch::Sender::new(None)).await
    }

    /// Do the tables and mappings exist, and with `thorough` also: may we ingest, does the table stream? All problems at
    /// once. `Ok` also when that cannot be known for want of a permission; without `thorough` also when the engine gives no
    /// answer (both logged). Rejected credentials are an error.
    async fn check_targets(&self, targets: &[Target], thorough: bool) -> Result<(), Error>;
}
