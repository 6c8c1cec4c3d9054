//! From a converted value to the bytes of one record in a blob (`kusto-sink-connector.md` §3.2).
//!
//! Binary formats take whole files, one per record, and Avro structs as well. Elsewhere texts, bytes and documents are
//! written as they came, if they harm no neighbour (`unread`). A struct becomes JSON in the JVM connector's conventions, or
//! one line of a separated format, field by field in the order of its schema (the JVM fails the task there): nested
//! values as JSON, decimals as numbers, dates in ISO 8601. Nothing here ends a record: separators are the batch's.

use super::{avro, unread};
use crate::data::iso;
use crate::data::json::{self, DecimalFormat};
use crate::data::schema::{DATE, TIME};
use crate::data::{Converted, Error, Schema, SchemaAndValue, Struct, Value};
use crate::kusto::config::{DataFormat, Shape};
use crate::sink::Encoded;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;
use std::sync::Arc;

/// Of a document: what spares most of them from being moved while they are written.
const USUAL_BYTES: usize = 1024;

/// Whether values that are passed on unread are looked at for what would harm their neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// Yes.
    Close,
    /// No: the user does not want it, or somebody else does.
    Away,
}

/// `value` in `format`; none for a tombstone.
pub(super) fn encode<'v>(
    format: DataFormat,
    value: &'v Converted<'_>,
    look: Look,
) -> Result<Option<Encoded<'v>>, Error> {
    if let (true, Converted::Data(SchemaAndValue { value: Value::Struct(fields), .. })) =
        (format.is_avro(), value)
    {
        let bytes = avro::datum(fields)?.into();
        return Ok(Some(Encoded { bytes, schema: Some(Arc::clone(&fields.schema)) }));
    }
    let bytes = match format.shape() {
        Shape::File { begin, end } => file(format, (begin, end), value)?,
        Shape::Documents => objects(value, look)?,
        Shape::Lines { .. } | Shape::Log => text(format, value, look)?,
    };
    Ok(bytes.map(|bytes| Encoded { bytes, schema: None }))
}

/// A whole file, which the record is.
fn file<'v>(
    format: DataFormat,
    (start, end): (&[u8], &[u8]),
    value: &'v Converted<'_>,
) -> Result<Option<Cow<'v, [u8]>>, Error> {
    let bytes = match value {
        Converted::Null => return Ok(None),
        Converted::Bytes(bytes) => bytes,
        Converted::Text(_) | Converted::Json(_) | Converted::Data(_) => {
            let structs = if format.is_avro() { " or records with a schema" } else { "" };
            return Err(Error::new(format!(
                "the format {format} takes whole files as bytes{structs}; use ByteArrayConverter or another format"
            )));
        }
    };
    if bytes.is_empty() || !bytes.starts_with(start) || !bytes.ends_with(end) {
        return Err(Error::new(format!(
            "these {} bytes are no {format} file: it would start with {:?}",
            bytes.len(),
            String::from_utf8_lossy(start)
        )));
    }
    Ok(Some(Cow::Borrowed(bytes)))
}

/// JSON objects, which are all that such a table takes.
fn objects<'v>(value: &'v Converted<'_>, look: Look) -> Result<Option<Cow<'v, [u8]>>, Error> {
    let unread = match value {
        Converted::Null => return Ok(None),
        Converted::Text(text) => text.as_bytes(),
        Converted::Bytes(bytes) => bytes,
        Converted::Json(document) => {
            // One valid document, so only what it is can be wrong.
            if document.first() != Some(&b'{') && look == Look::Close {
                unread::check(DataFormat::MultiJson, document)?;
            }
            return Ok(Some(Cow::Borrowed(document)));
        }
        Converted::Data(SchemaAndValue { schema, value }) => {
            let json = json_of(schema.as_deref(), value)?;
            match json.first() {
                Some(b'{') => {}
                Some(b'[') => unread::check_documents(&json)?,
                _ => return Err(unread::no_object(&json)),
            }
            return Ok(Some(Cow::Owned(json)));
        }
    };
    let Some(documents) = unread::documents(unread) else { return Ok(None) };
    if look == Look::Close {
        unread::check(DataFormat::MultiJson, documents)?;
    }
    Ok(Some(Cow::Borrowed(documents)))
}

/// Lines.
fn text<'v>(
    format: DataFormat,
    value: &'v Converted<'_>,
    look: Look,
) -> Result<Option<Cow<'v, [u8]>>, Error> {
    let bytes = match value {
        Converted::Null => return Ok(None),
        Converted::Text(text) => Cow::Borrowed(text.as_bytes()),
        Converted::Bytes(bytes) | Converted::Json(bytes) => Cow::Borrowed(&**bytes),
        Converted::Data(SchemaAndValue { schema, value }) => {
            if let (Value::Struct(fields), Some(separator)) = (value, format.field_separator()) {
                let line = line(fields, separator, format == DataFormat::Tsve)?;
                return Ok(Some(Cow::Owned(line.into_bytes())));
            }
            Cow::Owned(json_of(schema.as_deref(), value)?)
        }
    };
    if look == Look::Close {
        unread::check(format, &bytes)?;
    }
    Ok(Some(bytes))
}

fn json_of(schema: Option<&Schema>, value: &Value) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(USUAL_BYTES);
    json::write(schema, value, DecimalFormat::Base64, &mut out)?;
    Ok(out)
}

/// The fields as one row, whatever is in them.
fn line(fields: &Struct, separator: char, backslashes: bool) -> Result<String, Error> {
    let mut line = String::new();
    for (index, (field, value)) in fields.schema.fields().iter().zip(&fields.values).enumerate() {
        if index > 0 {
            line.push(separator);
        }
        let value = match (value, &field.schema.default) {
            (Value::Null, Some(default)) => default,
            _ => value,
        };
        let cell = cell(&field.schema, value)?;
        if backslashes {
            escape(&cell, &mut line);
        } else {
            quote(&cell, separator, &mut line);
        }
    }
    // An empty line is no row.
    match (line.is_empty(), backslashes) {
        (true, false) => line.push_str("\"\""),
        (true, true) => {
            return Err(Error::new("a row of one empty field cannot be written in tsve; csv and tsv can"));
        }
        (false, _) => {}
    }
    Ok(line)
}

/// The text of one value.
fn cell<'v>(schema: &Schema, value: &'v Value) -> Result<Cow<'v, str>, Error> {
    Ok(match value {
        Value::Null if !schema.optional => {
            return Err(Error::new(
                "Conversion error: null value for field that is required and has no default value",
            ));
        }
        Value::Null => "".into(),
        Value::String(text) => (&**text).into(),
        Value::Bytes(bytes) => STANDARD.encode(bytes).into(),
        Value::Decimal(decimal) => json::plain(decimal).into(),
        Value::Date(ms) => date(schema, *ms).into(),
        Value::Float32(number) if !number.is_finite() => number.to_string().into(),
        Value::Float64(number) if !number.is_finite() => number.to_string().into(),
        other => {
            let mut out = Vec::new();
            json::write(Some(schema), other, DecimalFormat::Numeric, &mut out)?;
            String::from_utf8_lossy(&out).into_owned().into()
        }
    })
}

/// ISO 8601: a day, a time of day, or a moment in UTC.
fn date(schema: &Schema, ms: i64) -> String {
    match schema.logical_name() {
        Some(DATE) => iso::day(ms),
        Some(TIME) => iso::clock(ms),
        _ => iso::moment(ms),
    }
}

/// RFC 4180: quotes around what has a separator, a quote, a line break or blanks at an end.
pub(super) fn quote(cell: &str, separator: char, line: &mut String) {
    let blank = |c: char| c.is_whitespace();
    let special = |c: char| c == separator || matches!(c, '"' | '\n' | '\r');
    if !cell.contains(special) && !cell.starts_with(blank) && !cell.ends_with(blank) {
        line.push_str(cell);
        return;
    }
    line.push('"');
    for c in cell.chars() {
        if c == '"' {
            line.push('"');
        }
        line.push(c);
    }
    line.push('"');
}

/// The backslashes of tsve.
pub(super) fn escape(cell: &str, line: &mut String) {
    for c in cell.chars() {
        match c {
            '\\' => line.push_str("\\\\"),
            '\t' => line.push_str("\\t"),
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            other => line.push(other),
        }
    }
}

#[cfg(test)]
#[path = "encode_tests.rs"]
mod tests;
