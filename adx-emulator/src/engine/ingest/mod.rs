//! Ingestion of one blob into one table: all its rows or none.
//!
//! Chooses format and mapping, then runs parser and writer inside one transaction of the store. Failures are Kusto's
//! own codes (spec: kusto-protocol 9.1); recording them is the caller's business.

mod delimited;
mod json;
pub mod mapping;
mod rows;

use uuid::Uuid;

use super::answer::Column;
use super::error::IngestFailure;
use super::store::{Store, TableSchema};
use super::{IngestSource, Ingested, KustoError};
use delimited::{ConstantWidth, Fields};
use mapping::{Element, Kind};
use rows::{AnyRecord, RowWriter};

/// The formats the emulator reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// Fields with this separator, quoted.
    Quoted(u8),
    /// Tabs with backslash escapes.
    Escaped,
    /// One field per line.
    Lines,
    /// One field in all.
    Whole,
    /// One JSON record per line.
    JsonLines,
    /// JSON records back to back.
    JsonStream,
    /// One JSON record in all.
    JsonSingle,
}

impl Format {
    fn parse(name: &str) -> Result<Self, IngestFailure> {
        Ok(match name.to_ascii_lowercase().as_str() {
            "" | "csv" => Self::Quoted(b','),
            "tsv" => Self::Quoted(b'\t'),
            "scsv" => Self::Quoted(b';'),
            "sohsv" => Self::Quoted(1),
            "psv" => Self::Quoted(b'|'),
            "tsve" => Self::Escaped,
            "txt" => Self::Lines,
            "raw" => Self::Whole,
            "json" => Self::JsonLines,
            "multijson" => Self::JsonStream,
            "singlejson" => Self::JsonSingle,
            _ => {
                let details = format!("Format '{name}' is not supported by this emulator.");
                return Err(IngestFailure::permanent("BadRequest_FormatNotSupported", details));
            }
        })
    }

    fn mapping_kind(self) -> Kind {
        match self {
            Self::JsonLines | Self::JsonStream | Self::JsonSingle => Kind::Json,
            Self::Quoted(_) | Self::Escaped | Self::Lines | Self::Whole => Kind::Csv,
        }
    }
}

/// Ingests one blob; see [`super::Engine::ingest`].
pub fn ingest(store: &mut Store, source: &IngestSource<'_>) -> Result<Ingested, IngestFailure> {
    let format = Format::parse(source.format)?;
    store.atomically(|store| {
        let mut table = find_table(store, source)?;
        for value in source.ingest_if_not_exists {
            if store.has_tag(&table, &format!("ingest-by:{value}"))? {
                return Ok(Ingested { rows: 0, skipped: true, extent_id: Uuid::nil() });
            }
        }
        if source.data.is_empty() {
            return Err(IngestFailure::permanent("BadRequest_EmptyBlob", "The blob is empty."));
        }
        let mapping = find_mapping(store, &table, format.mapping_kind(), source)?;
        if let Some(elements) = &mapping {
            check_ordinals(format, elements)?;
            add_columns(store, &mut table, elements)?;
        }
        let mut writer =
            RowWriter::new(store, &table, format.mapping_kind(), mapping.as_deref(), source.source_path)?;
        read(format, source, &mut writer)?;
        let rows = writer.rows();
        drop(writer);
        if rows == 0 {
            return Err(nothing_usable(format));
        }
        let extent_id = store.add_extent(&table, rows, source)?;
        Ok(Ingested { rows, skipped: false, extent_id })
    })
}

fn find_table(store: &Store, source: &IngestSource<'_>) -> Result<TableSchema, IngestFailure> {
    if source.database.is_empty() {
        return Err(IngestFailure::permanent(
            "BadRequest_EmptyDatabaseName",
            "The database's name is empty.",
        ));
    }
    if source.table.is_empty() {
        return Err(IngestFailure::permanent(
            "BadRequest_InvalidOrEmptyTableName",
            "The table's name is empty.",
        ));
    }
    let database = store.find_database(source.database)?.ok_or_else(|| {
        let details = format!("Database '{}' does not exist.", source.database);
        IngestFailure::permanent("BadRequest_DatabaseNotExist", details)
    })?;
    store.find_table(&database, source.table)?.ok_or_else(|| {
        let details = format!("Table '{}' does not exist in database '{}'.", source.table, source.database);
        IngestFailure::permanent("BadRequest_TableNotExist", details)
    })
}

fn find_mapping(
    store: &Store,
    table: &TableSchema,
    kind: Kind,
    source: &IngestSource<'_>,
) -> Result<Option<Vec<Element>>, IngestFailure> {
    let text = match (source.mapping_reference, source.mapping_inline) {
        (Some(_), Some(_)) => {
            let details = "A mapping was given both by reference and inline.";
            return Err(IngestFailure::permanent("BadRequest_DuplicateMapping", details));
        }
        (Some(""), None) => {
            let details = "The mapping reference is empty.";
            return Err(IngestFailure::permanent("BadRequest_EmptyMappingReference", details));
        }
        (Some(name), None) => {
            let stored = store.mapping(table, kind.as_str(), name)?.ok_or_else(|| {
                let details = format!(
                    "Mapping '{name}' of kind '{}' was not found in table '{}'.",
                    kind.as_str(),
                    table.name
                );
                IngestFailure::permanent("BadRequest_MappingReferenceWasNotFound", details)
            })?;
            stored.elements
        }
        (None, Some(text)) => text.to_owned(),
        (None, None) => return Ok(None),
    };
    let elements = mapping::parse(kind, &text);
    elements.map(Some).map_err(|error| IngestFailure::permanent("BadRequest_InvalidMapping", error))
}

/// txt and raw have one field, so only ordinal 0 can be mapped.
fn check_ordinals(format: Format, elements: &[Element]) -> Result<(), IngestFailure> {
    let one_field = matches!(format, Format::Lines | Format::Whole);
    let beyond =
        |element: &&Element| matches!(element.source, mapping::Source::Ordinal(position) if position > 0);
    match elements.iter().find(beyond).filter(|_| one_field) {
        None => Ok(()),
        Some(element) => {
            let details = format!("column '{}': this format has only the ordinal 0", element.column);
            Err(IngestFailure::permanent("BadRequest_InvalidMapping", details))
        }
    }
}

/// A mapped column that the table lacks is added when the mapping says its type.
fn add_columns(store: &Store, table: &mut TableSchema, elements: &[Element]) -> Result<(), IngestFailure> {
    for element in elements {
        let known = table.columns.iter().any(|column| column.name == element.column);
        if let (false, Some(kind)) = (known, element.kind) {
            let added = store.add_column(table, &Column::new(element.column.clone(), kind));
            added.map_err(|error: KustoError| {
                IngestFailure::permanent("BadRequest_InvalidMapping", error.message)
            })?;
        }
    }
    Ok(())
}

fn read(format: Format, source: &IngestSource<'_>, writer: &mut RowWriter<'_>) -> Result<(), IngestFailure> {
    // A byte order mark is no data.
    let data = source.data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(source.data);
    match format.mapping_kind() {
        Kind::Json => {
            let text = String::from_utf8_lossy(data);
            let each: &mut json::Each<'_> = &mut |record| writer.write(&AnyRecord::Json(record));
            match format {
                Format::JsonLines => json::read_lines(&text, each),
                Format::JsonSingle => json::read_single(&text, each),
                _ => json::read_stream(&text, each),
            }
        }
        Kind::Csv => {
            let mut width = ConstantWidth::default();
            let mut skip = source.ignore_first_record;
            let each: &mut delimited::Each<'_> = &mut |fields: Fields<'_>| {
                if std::mem::take(&mut skip) {
                    return Ok(());
                }
                width.check(&fields)?;
                writer.write(&AnyRecord::Fields(fields))
            };
            match format {
                Format::Quoted(separator) => delimited::read_quoted(data, separator, each),
                Format::Escaped => delimited::read_escaped(data, each),
                Format::Whole => delimited::read_whole(data, each),
                _ => delimited::read_lines(data, each),
            }
        }
    }
}

fn nothing_usable(format: Format) -> IngestFailure {
    match format.mapping_kind() {
        Kind::Csv => IngestFailure::permanent("Stream_NoDataToIngest", "The blob has no records."),
        Kind::Json => {
            let details = "The blob has no records, or they are not in the format that was named.";
            IngestFailure::permanent("BadRequest_NoRecordsOrWrongFormat", details)
        }
    }
}
