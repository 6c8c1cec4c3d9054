//! What ingestion leaves in addition to rows: its moment, extents with their tags, and failures.

use rusqlite::params;
use time::OffsetDateTime;
use uuid::Uuid;

use super::catalog::{Store, TableSchema};
use crate::datetime;
use crate::ingestion::{FailureRecord, IngestSource};

/// Failures are shown for this long (spec: 14 days).
const FAILURES_KEPT: i64 = 14 * datetime::DAY;

/// The sums `.show table details` shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TableSize {
    pub extents: i64,
    /// Counted in the table.
    pub rows: i64,
    /// Uncompressed.
    pub bytes: i64,
}

impl Store {
    /// The moment of an ingestion, after those of all before it: the ingestion time of its rows, and their place for
    /// cursors.
    pub(crate) fn next_moment(&self) -> rusqlite::Result<i64> {
        let now = datetime::from_offset(OffsetDateTime::now_utc());
        self.connection
            .prepare_cached(
                "INSERT INTO clock (one, last) VALUES (1, ?1)
                 ON CONFLICT (one) DO UPDATE SET last = max(last + 1, excluded.last) RETURNING last",
            )?
            .query_row([now], |row| row.get(0))
    }

    /// The moment of the latest ingestion; 0 before the first.
    pub(crate) fn last_moment(&self) -> rusqlite::Result<i64> {
        self.connection
            .prepare_cached("SELECT ifnull(max(last), 0) FROM clock")?
            .query_row([], |row| row.get(0))
    }

    /// Notes the extent that an ingestion made.
    pub(crate) fn add_extent(
        &self,
        table: &TableSchema,
        rows: u64,
        source: &IngestSource<'_>,
    ) -> rusqlite::Result<Uuid> {
        let id = Uuid::new_v4();
        let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let bytes = count(source.data.len() as u64);
        let now = datetime::from_offset(OffsetDateTime::now_utc());
        let tags = serde_json::Value::from(source.tags).to_string();
        self.connection
            .prepare_cached(
                "INSERT INTO extents (id, table_id, rows, bytes, created, tags) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![id.to_string(), table.id, count(rows), bytes, now, tags])?;
        Ok(id)
    }

    /// True when an extent of the table carries the tag; case counts.
    pub(crate) fn has_tag(&self, table: &TableSchema, tag: &str) -> rusqlite::Result<bool> {
        self.connection
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM extents, json_each(extents.tags) AS tag
                 WHERE extents.table_id = ?1 AND tag.value = ?2)",
            )?
            .query_row(params![table.id, tag], |row| row.get(0))
    }

    /// The table's size.
    pub(crate) fn size(&self, table: &TableSchema) -> rusqlite::Result<TableSize> {
        let rows =
            self.connection
                .query_row(&format!("SELECT count(*) FROM data_{}", table.id), [], |row| row.get(0))?;
        self.connection
            .prepare_cached("SELECT count(*), ifnull(sum(bytes), 0) FROM extents WHERE table_id = ?1")?
            .query_row([table.id], |row| Ok(TableSize { extents: row.get(0)?, rows, bytes: row.get(1)? }))
    }

    /// The table's extents, oldest first.
    pub(crate) fn extents(&self, table: &TableSchema) -> rusqlite::Result<Vec<Extent>> {
        self.connection
            .prepare_cached(
                "SELECT id, rows, bytes, created, tags FROM extents WHERE table_id = ?1 ORDER BY created, id",
            )?
            .query_map([table.id], |row| {
                Ok(Extent {
                    id: row.get(0)?,
                    rows: row.get(1)?,
                    bytes: row.get(2)?,
                    created: row.get(3)?,
                    tags: row.get(4)?,
                })
            })?
            .collect()
    }

    /// Notes a failed ingestion and forgets those that are too old to be shown.
    pub(crate) fn add_failure(&self, failure: &FailureRecord) -> rusqlite::Result<()> {
        self.connection.execute(
            "INSERT INTO failures (operation, database, target, failed_on, source, details, permanent, activity, code,
             properties, sources) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            params![
                failure.operation_id.to_string(),
                failure.database,
                failure.table,
                datetime::from_offset(failure.failed_on),
                failure.source_path,
                failure.details,
                failure.permanent,
                failure.root_activity_id.to_string(),
                failure.error_code,
                failure.ingestion_properties,
                failure.number_of_sources,
            ],
        )?;
        let oldest = datetime::from_offset(OffsetDateTime::now_utc()) - FAILURES_KEPT;
        self.connection.execute("DELETE FROM failures WHERE failed_on < ?1", [oldest])?;
        Ok(())
    }

    /// The failures of all databases, oldest first.
    pub(crate) fn failures(&self) -> rusqlite::Result<Vec<StoredFailure>> {
        let oldest = datetime::from_offset(OffsetDateTime::now_utc()) - FAILURES_KEPT;
        self.connection
            .prepare_cached(
                "SELECT operation, database, target, failed_on, source, details, permanent, activity, code,
                 properties, sources FROM failures WHERE failed_on >= ?1 ORDER BY failed_on, rowid",
            )?
            .query_map([oldest], |row| {
                Ok(StoredFailure {
                    operation: row.get(0)?,
                    database: row.get(1)?,
                    table: row.get(2)?,
                    failed_on: row.get(3)?,
                    source: row.get(4)?,
                    details: row.get(5)?,
                    permanent: row.get(6)?,
                    activity: row.get(7)?,
                    code: row.get(8)?,
                    properties: row.get(9)?,
                    sources: row.get(10)?,
                })
            })?
            .collect()
    }
}

/// A failure as it is kept; texts as they are shown.
#[derive(Debug, Clone)]
pub(crate) struct StoredFailure {
    pub operation: String,
    pub database: String,
    pub table: String,
    /// In ticks.
    pub failed_on: i64,
    /// The blob's URL without its SAS.
    pub source: String,
    pub details: String,
    pub permanent: bool,
    pub activity: String,
    pub code: String,
    /// JSON text.
    pub properties: String,
    /// How many failed together.
    pub sources: u32,
}

/// An extent: what one ingestion left.
#[derive(Debug, Clone)]
pub(crate) struct Extent {
    pub id: String,
    pub rows: i64,
    /// Uncompressed.
    pub bytes: i64,
    /// In ticks.
    pub created: i64,
    /// A JSON array.
    pub tags: String,
}
