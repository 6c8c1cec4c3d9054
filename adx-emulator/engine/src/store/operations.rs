//! Data operations: what each ingestion added, kept for `.show data operations`.
//!
//! A data operation is noted in the transaction that adds its rows, so their sum is always that of the rows added.

use rusqlite::params;
use serde_json::json;
use time::OffsetDateTime;

use super::catalog::{Store, TableSchema};
use crate::datetime;
use crate::ingestion::IngestSource;

/// Data operations are shown for this long.
const OPERATIONS_KEPT: i64 = 30 * datetime::DAY;

/// A data operation as it is kept; texts as they are shown.
#[derive(Debug, Clone)]
pub(crate) struct DataOperation {
    /// In ticks.
    pub at: i64,
    pub database: String,
    pub table: String,
    pub activity: String,
    pub kind: String,
    /// Uncompressed.
    pub bytes: i64,
    pub rows: i64,
    /// JSON text.
    pub properties: String,
}

impl Store {
    /// Notes what an ingestion added, and forgets what is too old to be shown.
    pub(crate) fn add_operation(
        &self,
        table: &TableSchema,
        rows: u64,
        source: &IngestSource<'_>,
    ) -> rusqlite::Result<()> {
        let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let now = datetime::from_offset(OffsetDateTime::now_utc());
        let (kind, properties) = if source.streamed {
            ("RowStoreSeal", String::new())
        } else {
            let format = if source.format.is_empty() { "csv" } else { source.format };
            ("BatchIngest", json!({"Format": format, "NumberOfInputStreams": 1}).to_string())
        };
        let activity = format!("DM.IngestionExecutor;{};1", source.activity_id);
        self.connection
            .prepare_cached(
                "INSERT INTO operations (at, database, target, activity, kind, bytes, rows, properties)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                now,
                table.database.name,
                table.name,
                activity,
                kind,
                count(source.data.len() as u64),
                count(rows),
                properties
            ])?;
        self.connection
            .prepare_cached("DELETE FROM operations WHERE at < ?1")?
            .execute([now - OPERATIONS_KEPT])?;
        Ok(())
    }

    /// The data operations of all databases, oldest first.
    pub(crate) fn operations(&self) -> rusqlite::Result<Vec<DataOperation>> {
        let oldest = datetime::from_offset(OffsetDateTime::now_utc()) - OPERATIONS_KEPT;
        self.connection
            .prepare_cached(
                "SELECT at, database, target, activity, kind, bytes, rows, properties FROM operations
                 WHERE at >= ?1 ORDER BY at, rowid",
            )?
            .query_map([oldest], |row| {
                Ok(DataOperation {
                    at: row.get(0)?,
                    database: row.get(1)?,
                    table: row.get(2)?,
                    activity: row.get(3)?,
                    kind: row.get(4)?,
                    bytes: row.get(5)?,
                    rows: row.get(6)?,
                    properties: row.get(7)?,
                })
            })?
            .collect()
    }
}
