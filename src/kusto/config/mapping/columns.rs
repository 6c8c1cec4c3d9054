//! What of a record beside its value becomes columns: key, headers, and where and when it was in Kafka.
//!
//! In JSON each is a member of the value's object, in the separated formats a field behind the value's own.

use crate::kusto::config::DataFormat;
use std::sync::Arc;

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColumnSource {
    /// The key: a text as it is, bytes as text or base64, anything else as JSON.
    Key,
    /// The headers, as one object.
    Headers,
    /// The topic, as transformations left it.
    Topic,
    /// The partition's number.
    Partition,
    /// The offset.
    Offset,
    /// The timestamp, in ISO 8601.
    Timestamp,
}

impl ColumnSource {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Key, "key"),
        (Self::Headers, "headers"),
        (Self::Topic, "topic"),
        (Self::Partition, "partition"),
        (Self::Offset, "offset"),
        (Self::Timestamp, "timestamp"),
    ];
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// What is in it.
    pub source: ColumnSource,
    /// The name of its member in JSON; `kafka_` and the source's name unless another was given.
    pub name: Arc<str>,
}

/// Reads the field `columns`: an array of texts like `offset` or `key as device`.
pub(super) fn read(json: &str, format: DataFormat) -> Result<Vec<Column>, String> {
    if format != DataFormat::MultiJson && format.field_separator().is_none() {
        return Err(format!(
            "'columns' can be written in json, csv, tsv, tsve, scsv, sohsv and psv, not in {format}"
        ));
    }
    let texts: Vec<String> =
        serde_json::from_str(json).map_err(|_| "'columns' must be an array of texts".to_owned())?;
    let columns: Result<Vec<Column>, String> = texts.iter().map(|text| column(text)).collect();
    let columns = columns?;
    for (index, column) in columns.iter().enumerate() {
        if columns.iter().skip(index + 1).any(|other| other.name == column.name) {
            return Err(format!("'columns' has {} twice", column.name));
        }
    }
    Ok(columns)
}

fn column(text: &str) -> Result<Column, String> {
    let (source, name) = match text.split_once(" as ") {
        Some((source, name)) => (source.trim(), Some(name.trim()).filter(|name| !name.is_empty())),
        None => (text.trim(), None),
    };
    let Some((found, known)) = ColumnSource::ALL.into_iter().find(|(_, known)| *known == source) else {
        let names: Vec<_> = ColumnSource::ALL.iter().map(|(_, name)| *name).collect();
        return Err(format!("'columns' has '{text}'; there are {}", names.join(", ")));
    };
    let name = name.map_or_else(|| format!("kafka_{known}"), str::to_owned);
    Ok(Column { source: found, name: name.into() })
}
