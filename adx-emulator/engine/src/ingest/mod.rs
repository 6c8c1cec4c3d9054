//! Ingestion of one blob into one table: all its rows or none.
//!
//! Chooses format and mapping, then runs parser and writer inside one transaction of the store. Failures are Kusto's
//! own codes (`kusto-protocol.md` §9.1); recording them is the caller's business.

mod avro;
mod delimited;
mod format;
mod json;
pub(crate) mod mapping;
mod orc;
mod parquet;
mod rows;
mod tree;
mod w3c;

use uuid::Uuid;

use crate::answer::Column;
use crate::error::{IngestFailure, KustoError};
use crate::ingestion::{IngestSource, Ingested};
use crate::policy;
use crate::store::{Store, TableSchema};
use delimited::{ConstantWidth, Fields};
use format::Format;
use mapping::{Element, Kind};
use rows::{AnyRecord, RowWriter};

/// Ingests one blob; see [`crate::Engine::ingest`].
pub(crate) fn ingest(store: &mut Store, source: &IngestSource<'_>) -> Result<Ingested, IngestFailure> {
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
        let stamped = policy::stamps_rows(store, &table)?;
        let moment = if stamped { Some(store.next_moment()?) } else { None };
        let mut writer =
            RowWriter::new(store, &table, format.mapping_kind(), mapping.as_deref(), source.source_path)?
                .at(moment)?;
        read(format, source, &mut writer)?;
        let rows = writer.rows();
        drop(writer);
        if rows == 0 {
            return Err(nothing_usable(format));
        }
        let extent_id = store.add_extent(&table, rows, source)?;
        store.add_operation(&table, rows, source)?;
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
    if let Some(stated) = source.mapping_kind.filter(|stated| !kind.is_called(stated)) {
        let details = format!(
            "The mapping is of kind '{stated}', but format '{}' takes mappings of kind '{}'.",
            source.format,
            kind.as_str()
        );
        return Err(IngestFailure::permanent("BadRequest_InconsistentMapping", details));
    }
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
    let each: &mut tree::Each<'_> = &mut |record| writer.write(&AnyRecord::Tree(record));
    match format {
        Format::Avro(dialect) => return avro::read(source.data, dialect, each),
        Format::Parquet => return parquet::read(source.data, each),
        Format::Orc => return orc::read(source.data, each),
        _ => {}
    }
    // A byte order mark is not data.
    let data = source.data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(source.data);
    match format {
        Format::W3cLog => w3c::read(data, each),
        Format::JsonLines | Format::JsonStream | Format::JsonSingle => read_json(format, data, writer),
        _ => read_fields(format, data, source.ignore_first_record, writer),
    }
}

fn read_json(format: Format, data: &[u8], writer: &mut RowWriter<'_>) -> Result<(), IngestFailure> {
    let text = String::from_utf8_lossy(data);
    let each: &mut json::Each<'_> = &mut |record| writer.write(&AnyRecord::Json(record));
    match format {
        Format::JsonLines => json::read_lines(&text, each),
        Format::JsonSingle => json::read_single(&text, each),
        _ => json::read_stream(&text, each),
    }
}

fn read_fields(
    format: Format,
    data: &[u8],
    mut skip: bool,
    writer: &mut RowWriter<'_>,
) -> Result<(), IngestFailure> {
    let mut width = ConstantWidth::default();
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

fn nothing_usable(format: Format) -> IngestFailure {
    if format.mapping_kind() == Kind::Csv {
        return IngestFailure::permanent("Stream_NoDataToIngest", "The blob has no records.");
    }
    let details = "The blob has no records, or they are not in the format that was named.";
    IngestFailure::permanent("BadRequest_NoRecordsOrWrongFormat", details)
}
