//! What goes into an ingestion and what comes out of it.

use time::OffsetDateTime;
use uuid::Uuid;

/// One blob to ingest.
#[derive(Debug, Clone)]
pub struct IngestSource<'a> {
    /// The target database.
    pub database: &'a str,
    /// The target table.
    pub table: &'a str,
    /// The format's name on the wire, as `csv` or `multijson`; empty means `csv`.
    pub format: &'a str,
    /// The name of a mapping made by `.create table … ingestion … mapping`.
    pub mapping_reference: Option<&'a str>,
    /// A mapping given as JSON text.
    pub mapping_inline: Option<&'a str>,
    /// The kind of the mapping as the client states it (`Csv`, `ApacheAvro`…); it must go with the format.
    pub mapping_kind: Option<&'a str>,
    /// Skip the first record (CSV family).
    pub ignore_first_record: bool,
    /// The content, already decompressed.
    pub data: &'a [u8],
    /// Where it came from, without secrets; for error texts.
    pub source_path: &'a str,
    /// The ingest operation.
    pub operation_id: Uuid,
    /// The activity that groups the batch; the data operation is shown with it.
    pub activity_id: Uuid,
    /// True for streaming ingestion, whose data operation has a kind of its own.
    pub streamed: bool,
    /// Extent tags to leave on the table, with their prefix, as `ingest-by:X`.
    pub tags: &'a [String],
    /// Skip the blob when the table has the tag `ingest-by:` followed by one of these.
    pub ingest_if_not_exists: &'a [String],
}

/// What an ingestion did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ingested {
    /// Rows added.
    pub rows: u64,
    /// True when `ingest_if_not_exists` found its tag: nothing was added.
    pub skipped: bool,
    /// The extent that holds the rows.
    pub extent_id: Uuid,
}

/// One line of `.show ingestion failures`.
#[derive(Debug, Clone)]
pub struct FailureRecord {
    /// The ingest operation.
    pub operation_id: Uuid,
    /// The target database, as the message named it.
    pub database: String,
    /// The target table, as the message named it.
    pub table: String,
    /// When it failed.
    pub failed_on: OffsetDateTime,
    /// The blob's URL without its SAS.
    pub source_path: String,
    /// What went wrong.
    pub details: String,
    /// False when a retry may succeed.
    pub permanent: bool,
    /// Kusto's ingestion error code.
    pub error_code: String,
    /// The activity that groups the batch.
    pub root_activity_id: Uuid,
    /// The ingestion properties, as JSON text.
    pub ingestion_properties: String,
    /// Sources that failed together; the path is that of one of them.
    pub number_of_sources: u32,
}
