//! From a converted value to the bytes of one record in a blob (`kusto-sink-connector.md` §3.2).
//!
//! Binary formats take whole files, one per record, and Avro structs as well. Elsewhere texts, bytes and documents are
//! written as they came. A struct becomes JSON in the JVM connector's conventions, or
//! one line of a separated format, field by field in the order of its schema (the JVM fails the task there): nested
//! values as JSON, decimals as numbers, dates in ISO 8601. Nothing here ends a record: separators are the batch's.

use super::{Encoded, avro};
use crate::config::DataFormat;
use crate::data::json::{self, DecimalFormat};
use crate::data::schema::{DATE, TIME};
use crate::data::{Converted, Error, Schema, SchemaAndValue, Struct, Value};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;
use std::sync::Arc;
use time::macros::format_description;
use time::{OffsetDateTime, Time};

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;
/// Of a document: what spares most of them from being moved while they are written.
const USUAL_BYTES: usize = 1024;

/// `value` in `format`; none for a tombstone.
pub(super) fn encode<'v>(format: DataFormat, value: &'v Converted<'_>) -> Result<Option<Encoded<'v>>, Error> {
    if let (true, Converted::Data(SchemaAndValue { value: Value::Struct(fields), .. })) =
        (format.is_avro(), value)
    {
        let bytes = avro::datum(fields)?.into();
        return Ok(Some(Encoded { bytes, schema: Some(Arc::clone(&fields.schema)) }));
    }
    let bytes = if format.is_binary() { file(format, value)? } else { text(format, value)? };
    Ok(bytes.map(|bytes| Encoded { bytes, schema: None }))
}

/// A whole file, which the record is.
fn file<'v>(format: DataFormat, value: &'v Converted<'_>) -> Result<Option<Cow<'v, [u8]>>, Error> {
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
    let (start, end): (&[u8], &[u8]) = match format {
        DataFormat::Parquet => (b"PAR1", b"PAR1"),
        DataFormat::Orc => (b"ORC", b""),
        DataFormat::Avro | DataFormat::ApacheAvro => (avro::MAGIC, b""),
        _ => (b"", b""),
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

/// What is followed by a line feed.
fn text<'v>(format: DataFormat, value: &'v Converted<'_>) -> Result<Option<Cow<'v, [u8]>>, Error> {
    Ok(Some(match value {
        Converted::Null => return Ok(None),
        Converted::Text(text) => Cow::Borrowed(text.as_bytes()),
        Converted::Bytes(bytes) | Converted::Json(bytes) => Cow::Borrowed(bytes),
        Converted::Data(SchemaAndValue { schema, value }) => {
            if let (Value::Struct(fields), Some(separator)) = (value, format.field_separator()) {
                let line = line(fields, separator, format == DataFormat::Tsve)?;
                return Ok(Some(Cow::Owned(line.into_bytes())));
            }
            let mut out = Vec::with_capacity(USUAL_BYTES);
            json::write(schema.as_deref(), value, DecimalFormat::Base64, &mut out)?;
            Cow::Owned(out)
        }
    }))
}

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
        Value::Date(ms) => date(schema, *ms)?.into(),
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
fn date(schema: &Schema, ms: i64) -> Result<String, Error> {
    let text = match schema.logical_name() {
        Some(DATE) => at(ms)?.date().format(format_description!("[year]-[month]-[day]")),
        Some(TIME) => {
            let clock = Time::MIDNIGHT + time::Duration::milliseconds(ms.rem_euclid(DAY));
            clock.format(format_description!("[hour]:[minute]:[second].[subsecond digits:3]"))
        }
        _ => return moment(ms),
    };
    text.map_err(|error| Error::new(error.to_string()))
}

/// A moment in ISO 8601, in UTC.
pub(super) fn moment(ms: i64) -> Result<String, Error> {
    let text = at(ms)?
        .format(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"));
    text.map_err(|error| Error::new(error.to_string()))
}

fn at(ms: i64) -> Result<OffsetDateTime, Error> {
    let beyond = |_| Error::new(format!("{ms} ms since the epoch is no date of this calendar"));
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).map_err(beyond)
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
mod tests {
    use super::encode;
    use crate::config::DataFormat;
    use crate::data::schema::{DATE, TIME, TIMESTAMP};
    use crate::data::{Converted, Kind, Schema, SchemaAndValue, Struct, Value};
    use std::sync::Arc;

    fn encoded(format: DataFormat, value: &Converted<'_>) -> Option<String> {
        let encoded = encode(format, value).unwrap();
        encoded.map(|encoded| String::from_utf8(encoded.bytes.into_owned()).unwrap())
    }

    fn storm() -> Converted<'static> {
        let optional = |kind| Arc::new(Schema::optional(kind));
        let logical = |kind, name| Arc::new(Schema::logical(kind, name).with_optional(true));
        let list = Kind::Array(Some(optional(Kind::Int32)));
        let schema = Arc::new(Schema::of_fields([
            ("text", optional(Kind::String)),
            ("n", optional(Kind::Int64)),
            ("none", optional(Kind::String)),
            ("amount", Arc::new(Schema::decimal(2))),
            ("day", logical(Kind::Int32, DATE)),
            ("clock", logical(Kind::Int32, TIME)),
            ("at", logical(Kind::Int64, TIMESTAMP)),
            ("list", optional(list)),
        ]));
        let values = vec![
            "a,\"b\"\n".into(),
            Value::Int64(-5),
            Value::Null,
            Value::Decimal("1.50".parse().unwrap()),
            Value::Date(86_400_000),
            Value::Date(3_661_007),
            Value::Date(1_700_000_000_123),
            Value::Array(vec![Value::Int32(1), Value::Int32(2)]),
        ];
        let value = Value::Struct(Struct { schema: schema.clone(), values });
        Converted::Data(SchemaAndValue { schema: Some(schema), value })
    }

    #[test]
    fn a_struct_is_a_line_in_separated_formats_and_json_elsewhere() {
        let csv = "\"a,\"\"b\"\"\n\",-5,,1.50,1970-01-02,01:01:01.007,2023-11-14T22:13:20.123Z,\"[1,2]\"";
        assert_eq!(encoded(DataFormat::Csv, &storm()).unwrap(), csv);
        let tsve = "a,\"b\"\\n\t-5\t\t1.50\t1970-01-02\t01:01:01.007\t2023-11-14T22:13:20.123Z\t[1,2]";
        assert_eq!(encoded(DataFormat::Tsve, &storm()).unwrap(), tsve);
        let json = r#"{"text":"a,\"b\"\n","n":-5,"none":null,"amount":"AJY=","day":1,"clock":3661007,"at":1700000000123,"list":[1,2]}"#;
        for format in [DataFormat::MultiJson, DataFormat::Txt, DataFormat::Raw] {
            assert_eq!(encoded(format, &storm()).unwrap(), json);
        }
    }

    #[test]
    fn what_came_as_text_or_bytes_is_not_touched() {
        let text = Converted::Text("a,\"b".into());
        assert_eq!(encoded(DataFormat::Csv, &text).unwrap(), "a,\"b");
        assert_eq!(encoded(DataFormat::Csv, &Converted::Null), None);
        let number = Converted::Data(SchemaAndValue::schemaless(Value::Int32(7)));
        assert_eq!(encoded(DataFormat::Csv, &number).unwrap(), "7");
    }

    #[test]
    fn binary_formats_take_files_and_nothing_else() {
        let encoded = |format, bytes: &'static [u8]| {
            encode(format, &Converted::Bytes(bytes.into())).map(|encoded| encoded.unwrap().bytes.into_owned())
        };
        for (format, good) in [
            (DataFormat::Avro, b"Obj\x01...".as_slice()),
            (DataFormat::ApacheAvro, b"Obj\x01\n"),
            (DataFormat::Parquet, b"PAR1...PAR1"),
            (DataFormat::Orc, b"ORC..."),
            (DataFormat::SStream, b"anything"),
        ] {
            assert_eq!(encoded(format, good).unwrap(), good, "byte for byte");
            assert!(encoded(format, b"").is_err());
            let text = Converted::Text("Obj\u{1}".into());
            let error = encode(format, &text).unwrap_err().to_string();
            assert!(error.contains("ByteArrayConverter"), "{error}");
        }
        for format in [DataFormat::Avro, DataFormat::Parquet, DataFormat::Orc] {
            assert!(encoded(format, b"PAR1 cut off").unwrap_err().to_string().contains("are no"), "{format}");
        }
        let schema = |format| {
            let storm = storm();
            encode(format, &storm).map(|encoded| encoded.unwrap().schema)
        };
        assert!(schema(DataFormat::Avro).unwrap().is_some());
        assert!(schema(DataFormat::Parquet).is_err());
    }
}
