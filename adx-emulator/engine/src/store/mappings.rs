//! Ingestion mappings in the store: named per table and kind, kept as the JSON text `.show` returns.

use rusqlite::{OptionalExtension, params};
use time::OffsetDateTime;

use super::catalog::{Store, TableSchema};
use crate::datetime;

/// One stored mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredMapping {
    /// Case counts.
    pub name: String,
    /// In lower case, as `csv`.
    pub kind: String,
    pub elements: String,
    /// In ticks.
    pub updated: i64,
}

impl Store {
    /// Makes or replaces a mapping.
    pub(crate) fn put_mapping(
        &self,
        table: &TableSchema,
        kind: &str,
        name: &str,
        elements: &str,
    ) -> rusqlite::Result<()> {
        let now = datetime::from_offset(OffsetDateTime::now_utc());
        self.connection.execute(
            "INSERT OR REPLACE INTO mappings (table_id, kind, name, elements, updated) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![table.id, kind, name, elements, now],
        )?;
        Ok(())
    }

    /// The mapping of this kind and name.
    pub(crate) fn mapping(
        &self,
        table: &TableSchema,
        kind: &str,
        name: &str,
    ) -> rusqlite::Result<Option<StoredMapping>> {
        self.connection
            .prepare_cached(
                "SELECT name, kind, elements, updated FROM mappings WHERE table_id = ?1 AND kind = ?2 AND name = ?3",
            )?
            .query_row(params![table.id, kind, name], read)
            .optional()
    }

    /// The table's mappings, all kinds or one.
    pub(crate) fn mappings(
        &self,
        table: &TableSchema,
        kind: Option<&str>,
    ) -> rusqlite::Result<Vec<StoredMapping>> {
        self.connection
            .prepare_cached(
                "SELECT name, kind, elements, updated FROM mappings
                 WHERE table_id = ?1 AND (?2 IS NULL OR kind = ?2) ORDER BY kind, name",
            )?
            .query_map(params![table.id, kind], read)?
            .collect()
    }

    /// Removes a mapping; false when there was none.
    pub(crate) fn drop_mapping(&self, table: &TableSchema, kind: &str, name: &str) -> rusqlite::Result<bool> {
        let gone = self.connection.execute(
            "DELETE FROM mappings WHERE table_id = ?1 AND kind = ?2 AND name = ?3",
            params![table.id, kind, name],
        )?;
        Ok(gone == 1)
    }
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<StoredMapping> {
    Ok(StoredMapping { name: row.get(0)?, kind: row.get(1)?, elements: row.get(2)?, updated: row.get(3)? })
}
