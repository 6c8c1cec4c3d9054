//! Where the records of a topic go, and in which form.

use super::columns::Column;
use crate::kusto::config::DataFormat;
use std::sync::Arc;

/// Where one topic goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicMapping {
    /// The database.
    pub database: Arc<str>,
    /// The table.
    pub table: Arc<str>,
    /// How the records' bytes are to be read by the service.
    pub format: DataFormat,
    /// The name of a pre-created ingestion mapping of the table. None when not given, and when no format was given.
    pub mapping: Option<Arc<str>>,
    /// Batches go to the engine directly where it takes them, else by queued ingestion.
    pub streaming: bool,
    /// What is written of a record beside its value.
    pub columns: Arc<[Column]>,
    /// How a record becomes a row.
    pub layout: RowLayout,
}

/// How a record becomes a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RowLayout {
    /// Its value, with the columns of the entry.
    #[default]
    Value,
    /// As the Fabric connector does for csv: value, key, headers and coordinates, one behind the other.
    FabricCsv,
    /// As the Fabric connector does elsewhere: the value's members, `keys`, `headers` and `kafkamd` in one object.
    FabricJson {
        /// Texts are texts, and bytes are Avro files (the source format `avro`); else both are read as JSON.
        avro: bool,
        /// The value's members stand in `payload`.
        payload: bool,
    },
}

/// Whose mappings they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::kusto) enum MappingSyntax {
    Kusto,
    /// Names of all characters, and `dynamicPayload` (`fabric-sink-connector.md` §4).
    Fabric,
}
