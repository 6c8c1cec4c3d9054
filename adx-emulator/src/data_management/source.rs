//! What happens to one source: download, uncompress, ingest, report, delete; and retries while a failure may be temporary.
//!
//! Owns a source until its message is deleted. A blob is ingested whole or not at all (the engine's promise).

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use time::OffsetDateTime;
use tokio::sync::Semaphore;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use adx_engine::{Engine, FailureRecord, IngestSource, Ingested, KustoError};

use super::failure::Failure;
use super::message::IngestionMessage;
use super::report::{self, OperationIds};
use super::steps::{self, Telling};
use crate::app::App;
use crate::gzip::{is_gzip, is_zip, unzip};
use crate::queue_messages::MessageHandle;
use crate::storage::blobs::{Content, Counted};
use crate::tracking::Progress;

/// The first pause after a failure that may be temporary; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// The service's limit for one source, uncompressed.
const RAW_LIMIT: u64 = 6_442_450_944;

/// A source with its message.
#[derive(Debug)]
pub(crate) struct Source {
    pub message: IngestionMessage,
    /// Set when the message alone, or its batch, shows that it cannot be ingested.
    pub failure: Option<Failure>,
    pub handle: MessageHandle,
}

/// How a source succeeded.
enum Success {
    /// Rows and raw bytes added.
    Ingested(u64, u64),
    /// `ingestIfNotExists` found its tag.
    Skipped,
}

/// What ingests sealed batches. Copies share the slots.
#[derive(Debug, Clone)]
pub(crate) struct Worker {
    pub app: Arc<App>,
    /// One permit per source being worked on; none is held while waiting for the next try.
    pub slots: Arc<Semaphore>,
    /// Ends that are told late because a rule says so. Whoever stops the work waits for them.
    pub late: TaskTracker,
    pub stop: CancellationToken,
}

impl Worker {
    /// Ingests the sources of one sealed batch, one after the other. After a stop the rest is left: its messages
    /// are still in the queue.
    pub(crate) async fn ingest_all(self, batch: Vec<Source>) {
        let activity = Uuid::new_v4();
        let together = self.fail_together(&batch, activity).await;
        let mut seen = HashSet::new();
        for mut source in batch {
            source.failure = source.failure.or_else(|| together.clone());
            if source.failure.is_none() && !seen.insert(source.message.source_path()) {
                let details = "The same blob was found twice in one batch.";
                let failure = Failure::permanent("BlobAlreadyReceived_BlobAlreadyFoundInBatch", details);
                source.failure = Some(failure);
            }
            let ids = OperationIds { operation: Uuid::new_v4(), activity };
            report::progress(&self.app, &source.message, Progress::Started);
            let end = match source.failure.clone() {
                Some(failure) => Some(Err(failure)),
                None => self.with_retries(&source.message, ids).await,
            };
            let Some(end) = end else { break };
            self.finish(source, ids, end).await;
        }
    }

    /// The failure that ends all sources of a batch, because a rule says so. It is listed once, with the first source's
    /// path; one that may pass is only listed.
    async fn fail_together(&self, batch: &[Source], activity: Uuid) -> Option<Failure> {
        // What was refused before never comes to the engine.
        let going = batch.iter().filter(|source| source.failure.is_none());
        let messages: Vec<_> = going.map(|source| &source.message).collect();
        let first = messages.first()?;
        let failure = steps::batch(&self.app, &messages).await.err()?;
        let ids = OperationIds { operation: Uuid::new_v4(), activity };
        let number_of_sources = u32::try_from(messages.len()).unwrap_or(u32::MAX);
        let first = failure_record(first, ids, &failure);
        record(&self.app, FailureRecord { number_of_sources, ..first }).await;
        failure.permanent.then_some(failure)
    }

    /// Counts how a source ended, tells it, cleans up, and deletes the message last.
    async fn finish(&self, source: Source, ids: OperationIds, end: Result<Success, Failure>) {
        let app = &self.app;
        count(app, &source.message, &end);
        // The moment of a failure is that of the failure, however late it is told. What never came to the engine, or is
        // listed with its batch, is not listed by itself.
        let failed = end.as_ref().err().filter(|_| source.failure.is_none());
        let failed = failed.map(|failure| failure_record(&source.message, ids, failure));
        match steps::telling(app, &source.message) {
            Telling::Never => clean_up(app, &source, end.is_ok()).await,
            Telling::After(delay) if delay.is_zero() => {
                tell(app, &source.message, ids, &end, failed).await;
                clean_up(app, &source, end.is_ok()).await;
            }
            Telling::After(delay) => {
                let (app, stop) = (Arc::clone(app), self.stop.clone());
                // Neither the next source nor the next batch must wait for it.
                self.late.spawn(async move {
                    // A stop cuts the delay short: a message left in its queue would be ingested again.
                    stop.run_until_cancelled(sleep(delay)).await;
                    tell(&app, &source.message, ids, &end, failed).await;
                    clean_up(&app, &source, end.is_ok()).await;
                });
            }
        }
    }

    /// None when the emulator stops first.
    async fn with_retries(
        &self,
        message: &IngestionMessage,
        ids: OperationIds,
    ) -> Option<Result<Success, Failure>> {
        let mut pause = FIRST_PAUSE;
        let mut tries = 1;
        loop {
            let slot = self.stop.run_until_cancelled(self.slots.acquire()).await?;
            let end = try_once(&self.app, message, ids).await;
            drop(slot);
            let failure = match end {
                Err(failure) if !failure.permanent => failure,
                end => return Some(end),
            };
            record(&self.app, failure_record(message, ids, &failure)).await;
            let most = self.app.options.max_tries;
            if tries >= most {
                let (code, details) = (failure.code, failure.details);
                let details = format!("{most} tries failed, the last with {code}: {details}");
                return Some(Err(Failure::permanent("General_RetryAttemptsExceeded", details)));
            }
            tries += 1;
            tracing::info!(
                source = message.id,
                code = failure.code,
                details = failure.details,
                "trying again"
            );
            self.app.stats.retried();
            self.stop.run_until_cancelled(sleep(pause)).await?;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

async fn try_once(app: &App, message: &IngestionMessage, ids: OperationIds) -> Result<Success, Failure> {
    if is_zip(message.blob.path()) {
        let details = "Zip archives are not supported by this emulator.";
        return Err(Failure::permanent("BadRequest_FormatNotSupported", details));
    }
    steps::download(app, message).await?;
    let content = app.backend.download(&message.blob, &app.client).await.map_err(Failure::from)?;
    let bytes = match content {
        Content::Kept(bytes) if app.options.discard => {
            let mut counted = Counted::default();
            counted.add(&bytes);
            return Ok(counted_only(app, message, &counted));
        }
        Content::Counted(counted) => return Ok(counted_only(app, message, &counted)),
        Content::Kept(bytes) => bytes,
    };
    steps::before_content(app, message).await?;
    let raw = uncompressed(app, message, bytes).await?;
    steps::on_content(app, message, &raw).await?;
    let raw_bytes = raw.len() as u64;
    let done = parse_and_store(app, message, ids, raw).await?;
    if message.raw_size.is_some_and(|stated| stated != raw_bytes) {
        tracing::info!(source = message.id, stated = message.raw_size, raw_bytes, "RawDataSize is not exact");
        app.stats.raw_size_mismatch();
    }
    Ok(if done.skipped { Success::Skipped } else { Success::Ingested(done.rows, raw_bytes) })
}

/// Measurements check what costs nothing: that the blob is there, and the raw size in its gzip trailer.
fn counted_only(app: &App, message: &IngestionMessage, counted: &Counted) -> Success {
    let found = counted.gzip_raw_size();
    let stated = message.raw_size;
    if found.zip(stated).is_some_and(|(found, stated)| u64::from(found) != stated % (1 << 32)) {
        app.stats.raw_size_mismatch();
    }
    Success::Ingested(0, stated.or(found.map(u64::from)).unwrap_or(counted.length))
}

/// The content of a blob as its format has it.
async fn uncompressed(app: &App, message: &IngestionMessage, bytes: Bytes) -> Result<Bytes, Failure> {
    if !is_gzip(message.blob.path()) || bytes.is_empty() {
        return Ok(bytes);
    }
    let raw = app.with_engine(move |_| unzip(&bytes, RAW_LIMIT)).await.map_err(|error| internal(&error))?;
    raw.map(Bytes::from).map_err(|error| {
        let details = format!("The blob's name ends in .gz and it cannot be uncompressed: {error}");
        Failure::permanent("BadRequest_InvalidArchive", details)
    })
}

async fn parse_and_store(
    app: &App,
    message: &IngestionMessage,
    ids: OperationIds,
    raw: Bytes,
) -> Result<Ingested, Failure> {
    let properties = message.properties.clone();
    let source_path = message.source_path();
    let work = move |engine: &Engine| {
        let source = IngestSource {
            database: &properties.database,
            table: &properties.table,
            format: &properties.format,
            mapping_reference: properties.mapping_reference.as_deref(),
            mapping_inline: properties.mapping.as_deref(),
            mapping_kind: properties.mapping_kind.as_deref(),
            ignore_first_record: properties.ignore_first_record,
            data: &raw,
            source_path: &source_path,
            operation_id: ids.operation,
            activity_id: ids.activity,
            streamed: false,
            tags: &properties.tags,
            ingest_if_not_exists: &properties.if_not_exists,
        };
        engine.ingest(&source)
    };
    app.with_engine(work).await.map_err(|error| internal(&error))?.map_err(Failure::from)
}

/// The engine failed, not the source.
fn internal(error: &KustoError) -> Failure {
    Failure { code: "General_InternalServerError".to_owned(), details: error.to_string(), permanent: false }
}

/// Tells how a source ended, in every way there is.
async fn tell(
    app: &App,
    message: &IngestionMessage,
    ids: OperationIds,
    end: &Result<Success, Failure>,
    failed: Option<FailureRecord>,
) {
    if let Some(failed) = failed {
        record(app, failed).await;
    }
    match end {
        Ok(Success::Ingested(..)) => report::success(app, message, ids, "Succeeded").await,
        Ok(Success::Skipped) => report::success(app, message, ids, "Skipped").await,
        Err(failure) => report::failure(app, message, ids, failure).await,
    }
}

/// Counts the end of a source.
fn count(app: &App, message: &IngestionMessage, end: &Result<Success, Failure>) {
    match end {
        Ok(Success::Ingested(rows, raw_bytes)) => {
            app.stats.ingested(*rows, *raw_bytes);
            let table = &message.properties.table;
            tracing::info!(source = message.id, table, rows, raw_bytes, "source ingested");
        }
        Ok(Success::Skipped) => {
            app.stats.skipped();
            tracing::info!(source = message.id, "source skipped: ingestIfNotExists");
        }
        Err(failure) => {
            app.stats.failed(&failure.code);
            tracing::warn!(
                source = message.id,
                code = failure.code,
                details = failure.details,
                "source failed"
            );
        }
    }
}

/// Deletes the blob of a source that is in, unless its client keeps it, and the message of any.
async fn clean_up(app: &App, source: &Source, is_in: bool) {
    let message = &source.message;
    if is_in
        && (!message.retain_blob || app.options.discard)
        && let Err(error) = app.backend.delete_blob(&message.blob, &app.client).await
    {
        tracing::warn!(source = message.id, %error, "the blob of an ingested source cannot be deleted");
    }
    if let Err(error) = app.backend.delete_message(&source.handle).await {
        tracing::warn!(source = message.id, %error, "a message whose source has ended cannot be deleted; it will be read again");
    }
}

/// What `.show ingestion failures` tells of a failure.
fn failure_record(message: &IngestionMessage, ids: OperationIds, failure: &Failure) -> FailureRecord {
    FailureRecord {
        operation_id: ids.operation,
        database: message.properties.database.clone(),
        table: message.properties.table.clone(),
        failed_on: OffsetDateTime::now_utc(),
        source_path: message.source_path(),
        details: failure.details.clone(),
        permanent: failure.permanent,
        error_code: failure.code.clone(),
        root_activity_id: ids.activity,
        ingestion_properties: report::properties_text(&message.properties),
        number_of_sources: 1,
    }
}

async fn record(app: &App, record: FailureRecord) {
    if let Err(error) = app.with_engine(move |engine| engine.record_failure(&record)).await {
        tracing::warn!(%error, "a failure cannot be recorded");
    }
}
