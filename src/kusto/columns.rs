//! Columns of Kafka's own beside a record's value: members of its JSON object, or fields behind those of each of its rows.
//!
//! The value's own bytes stay as they are. Pure, but for what [`Width`] remembers.

use super::encode::{escape, quote};
use super::lines;
use crate::data::iso::moment;
use crate::data::json::{self, DecimalFormat};
use crate::data::room::check_written;
use crate::data::{Converted, Error, Header, SchemaAndValue, SinkRecord, Value};
use crate::kusto::config::{Column, ColumnSource, DataFormat, TopicMapping};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many fields the values of a table's rows have, as far as that was seen: what an empty value stands for.
#[derive(Debug, Default)]
pub(super) struct Width(AtomicUsize);

impl Width {
    /// `value` with `behind` behind the fields of each of its rows. An empty value is a row of empty fields, as many as the
    /// row before it had; with another number it would stand in the wrong columns.
    pub(super) fn append(
        &self,
        (format, separator): (DataFormat, char),
        value: &[u8],
        behind: &str,
    ) -> Result<Vec<u8>, Error> {
        let mut one = [0; 4];
        let separator = separator.encode_utf8(&mut one).as_bytes();
        let rows = lines::rows(format, separator[0], value)?;
        let Some(last) = rows.last() else {
            let Some(commas) = self.0.load(Ordering::Relaxed).checked_sub(1) else {
                return Err(Error::new(
                    "an empty value is a row of empty fields, and how many is not known before another row was read",
                ));
            };
            return Ok([&separator.repeat(commas), behind.as_bytes()].concat());
        };
        self.0.store(last.fields, Ordering::Relaxed);
        let len = value.len().saturating_add(rows.len().saturating_mul(behind.len() + 1));
        // The columns stand in each row.
        check_written(len)?;
        let mut out = Vec::with_capacity(len);
        for (number, row) in rows.iter().enumerate() {
            if number > 0 {
                out.push(b'\n');
            }
            out.extend_from_slice(row.bytes);
            out.extend_from_slice(behind.as_bytes());
        }
        Ok(out)
    }
}

/// `value`, which is the record's in the target's format, with the target's columns.
pub(super) fn add(
    target: &TopicMapping,
    record: &SinkRecord<'_>,
    value: &[u8],
    width: &Width,
) -> Result<Vec<u8>, Error> {
    match target.format.field_separator() {
        Some(separator) => {
            width.append((target.format, separator), value, &behind(target, record, separator)?)
        }
        None => object(&target.columns, record, value),
    }
}

/// The members stand behind the value's own: of two with one name, readers take the last.
fn object(columns: &[Column], record: &SinkRecord<'_>, value: &[u8]) -> Result<Vec<u8>, Error> {
    let value = value.trim_ascii();
    let is_checked = matches!(record.value, Converted::Json(_) | Converted::Data(_));
    let is_object =
        value.first() == Some(&b'{') && (is_checked || serde_json::from_slice::<IgnoredAny>(value).is_ok());
    let inside = value.strip_suffix(b"}").filter(|_| is_object);
    let inside = inside.ok_or_else(|| {
        Error::new("a record that is not one JSON object has no place for the columns of kusto.tables.topics.mapping")
    })?;
    let mut out = inside.trim_ascii_end().to_vec();
    for column in columns {
        if out.trim_ascii_end() != b"{" {
            out.push(b',');
        }
        json::write(None, &Value::String(column.name.clone()), DecimalFormat::Base64, &mut out)?;
        out.push(b':');
        member(column.source, record, &mut out)?;
    }
    out.push(b'}');
    Ok(out)
}

fn member(source: ColumnSource, record: &SinkRecord<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
    let value = match source {
        ColumnSource::Key => return key(&record.key, out),
        ColumnSource::Headers => {
            out.extend_from_slice(&headers(&record.headers)?);
            return Ok(());
        }
        ColumnSource::Topic => Value::String(record.topic.clone()),
        ColumnSource::Partition => Value::Int32(record.partition),
        ColumnSource::Offset => Value::Int64(record.offset),
        ColumnSource::Timestamp => match record.timestamp {
            Some(ms) => Value::String(moment(ms).into()),
            None => Value::Null,
        },
    };
    json::write(None, &value, DecimalFormat::Base64, out)
}

/// A key as JSON.
fn key(key: &Converted<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
    let text = |text: &str, out: &mut Vec<u8>| {
        json::write(None, &Value::String(text.into()), DecimalFormat::Base64, out)
    };
    match key {
        Converted::Null => out.extend_from_slice(b"null"),
        Converted::Text(key) => text(key, out)?,
        Converted::Bytes(bytes) => text(&readable(bytes), out)?,
        Converted::Json(document) => out.extend_from_slice(document),
        Converted::Data(SchemaAndValue { schema, value }) => {
            json::write(schema.as_deref(), value, DecimalFormat::Base64, out)?;
        }
    }
    Ok(())
}

/// Bytes as the text that they most likely are.
fn readable(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| STANDARD.encode(bytes), str::to_owned)
}

/// All headers as one object; the values of a name that comes several times are a list.
fn headers(headers: &[Header]) -> Result<Vec<u8>, Error> {
    let mut order: Vec<&str> = Vec::new();
    let mut values: BTreeMap<&str, Vec<Vec<u8>>> = BTreeMap::new();
    for Header { key, value: SchemaAndValue { schema, value } } in headers {
        let mut json = Vec::new();
        match value {
            Value::Bytes(bytes) => {
                let text = Value::String(readable(bytes).into());
                json::write(None, &text, DecimalFormat::Base64, &mut json)?;
            }
            value => json::write(schema.as_deref(), value, DecimalFormat::Numeric, &mut json)?,
        }
        let of_name = values.entry(key).or_default();
        if of_name.is_empty() {
            order.push(key);
        }
        of_name.push(json);
    }
    let mut out = vec![b'{'];
    for (index, name) in order.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        json::write(None, &Value::String(name.into()), DecimalFormat::Base64, &mut out)?;
        out.push(b':');
        match values.get(name).map(Vec::as_slice) {
            Some([one]) => out.extend_from_slice(one),
            several => {
                let several = several.unwrap_or_default().join(&b","[..]);
                out.extend([b"[", &several[..], b"]"].concat());
            }
        }
    }
    out.push(b'}');
    Ok(out)
}

/// The columns as they stand behind a row.
fn behind(target: &TopicMapping, record: &SinkRecord<'_>, separator: char) -> Result<String, Error> {
    let mut behind = String::new();
    for column in target.columns.iter() {
        behind.push(separator);
        let cell = cell(column.source, record)?;
        if target.format == DataFormat::Tsve {
            escape(&cell, &mut behind);
        } else {
            quote(&cell, separator, &mut behind);
        }
    }
    Ok(behind)
}

fn cell(source: ColumnSource, record: &SinkRecord<'_>) -> Result<String, Error> {
    Ok(match source {
        ColumnSource::Key => match &record.key {
            Converted::Null => String::new(),
            Converted::Text(text) => text.to_string(),
            Converted::Bytes(bytes) => readable(bytes),
            other => {
                let mut json = Vec::new();
                key(other, &mut json)?;
                String::from_utf8_lossy(&json).into_owned()
            }
        },
        ColumnSource::Headers => String::from_utf8_lossy(&headers(&record.headers)?).into_owned(),
        ColumnSource::Topic => record.topic.to_string(),
        ColumnSource::Partition => record.partition.to_string(),
        ColumnSource::Offset => record.offset.to_string(),
        ColumnSource::Timestamp => record.timestamp.map(moment).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::{Width, add};
    use crate::data::{Converted, Header, SchemaAndValue, SinkRecord, Value};
    use crate::kusto::config::{Column, ColumnSource, DataFormat, RowLayout, TopicMapping};
    use bytes::Bytes;
    use serde_json::{Value as Json, json};

    fn target(format: DataFormat) -> TopicMapping {
        let sources = [
            ("kafka_key", ColumnSource::Key),
            ("h", ColumnSource::Headers),
            ("t", ColumnSource::Topic),
            ("p", ColumnSource::Partition),
            ("o", ColumnSource::Offset),
            ("at", ColumnSource::Timestamp),
        ];
        let columns = sources.map(|(name, source)| Column { source, name: name.into() });
        TopicMapping {
            database: "d".into(),
            table: "t".into(),
            format,
            mapping: None,
            streaming: false,
            columns: columns.into(),
            layout: RowLayout::Value,
        }
    }

    fn record<'a>(key: Converted<'a>, value: &'a str) -> SinkRecord<'a> {
        let header = |key: &str, value| Header { key: key.into(), value: SchemaAndValue::schemaless(value) };
        SinkRecord {
            topic: "storms".into(),
            partition: 3,
            offset: 42,
            timestamp: Some(1_700_000_000_123),
            value: Converted::Text(value.into()),
            key,
            headers: vec![
                header("a", Value::Int32(1)),
                header("b", Value::Bytes(Bytes::from_static(b"\xff"))),
                header("a", "x,y".into()),
            ],
        }
    }

    fn added(format: DataFormat, record: &SinkRecord<'_>) -> String {
        let Converted::Text(value) = &record.value else { panic!() };
        String::from_utf8(add(&target(format), record, value.as_bytes(), &Width::default()).unwrap()).unwrap()
    }

    #[test]
    fn json_gets_members_behind_its_own() {
        let found = added(DataFormat::MultiJson, &record(Converted::Text("k\"".into()), " {\"n\": 1.50 }\n"));
        assert!(found.starts_with("{\"n\": 1.50,\"kafka_key\""), "its own bytes stay: {found}");
        let wanted = json!({"n": 1.5, "kafka_key": "k\"", "h": {"a": [1, "x,y"], "b": "/w=="}, "t": "storms", "p": 3,
            "o": 42, "at": "2023-11-14T22:13:20.123Z"});
        assert_eq!(serde_json::from_str::<Json>(&found).unwrap(), wanted);
        let mut empty = record(Converted::Null, "{ }");
        empty.timestamp = None;
        let found: Json = serde_json::from_str(&added(DataFormat::MultiJson, &empty)).unwrap();
        assert_eq!((&found["kafka_key"], &found["at"]), (&Json::Null, &Json::Null));
        let key = Converted::Json(br#"{"id":7}"#.as_slice().into());
        let found: Json = serde_json::from_str(&added(DataFormat::MultiJson, &record(key, "{}"))).unwrap();
        assert_eq!(found["kafka_key"], json!({"id": 7}));
    }

    #[test]
    fn a_line_gets_fields_behind_its_own() {
        let key = || Converted::Bytes(b"k,1".as_slice().into());
        let wanted =
            r#"1,two,"k,1","{""a"":[1,""x,y""],""b"":""/w==""}",storms,3,42,2023-11-14T22:13:20.123Z"#;
        for value in ["1,two", "1,two\n", "1,two\r\n"] {
            assert_eq!(added(DataFormat::Csv, &record(key(), value)), wanted);
        }
        let found = added(DataFormat::Tsve, &record(Converted::Text("a\tb".into()), "1"));
        assert!(found.starts_with("1\ta\\tb\t"), "{found}");
        assert!(added(DataFormat::Csv, &record(Converted::Null, "1")).starts_with("1,,"));
    }

    #[test]
    fn what_is_no_object_has_no_place_for_them() {
        for value in ["[1]", "7", "", "{\"a\":1} {\"b\":2}", "{\"a\":", "null"] {
            let record = record(Converted::Null, value);
            let added = add(&target(DataFormat::MultiJson), &record, value.as_bytes(), &Width::default());
            assert!(added.is_err(), "{value}");
        }
    }

    #[test]
    fn each_row_of_a_value_gets_them_and_an_empty_value_is_as_wide_as_the_row_before_it() {
        let columns = [Column { source: ColumnSource::Offset, name: "o".into() }];
        for (format, empty) in [
            (DataFormat::Csv, ",,,42"),
            (DataFormat::Tsv, "\t\t\t42"),
            (DataFormat::Tsve, "\t\t\t42"),
            (DataFormat::Scsv, ";;;42"),
            (DataFormat::Sohsv, "\u{1}\u{1}\u{1}42"),
            (DataFormat::Psv, "|||42"),
        ] {
            let target = TopicMapping { columns: columns.clone().into(), ..target(format) };
            let width = Width::default();
            let added = |value: &str| {
                let value = value.replace(',', &format.field_separator().unwrap().to_string());
                let added = add(&target, &record(Converted::Null, "x"), value.as_bytes(), &width);
                added.map(|bytes| String::from_utf8(bytes).unwrap())
            };
            let wanted = |text: &str| Ok(text.replace(',', &format.field_separator().unwrap().to_string()));
            for value in ["", "\n", "\r\n\n"] {
                assert!(
                    added(value).unwrap_err().to_string().contains("empty"),
                    "{format}: nothing is known yet"
                );
            }
            assert_eq!(added("1,2,3\n"), wanted("1,2,3,42"), "{format}");
            for value in ["", "\n", "\r\n\n"] {
                assert_eq!(added(value), Ok(empty.to_owned()), "{format} {value:?}");
            }
            assert_eq!(added("1,2\r\n\n3,4\n"), wanted("1,2,42\n3,4,42"), "{format}");
            assert_eq!(added(""), wanted(",,42"), "{format}: as the last row was");
            let open = if format == DataFormat::Tsve { "1,2\\" } else { "1,\"2" };
            assert!(added(open).is_err(), "{format}: they would be a part of its last field");
        }
        let quoted = add(
            &TopicMapping { columns: columns.into(), ..target(DataFormat::Csv) },
            &record(Converted::Null, "x"),
            b"1,\"two\nlines\"\n2,b",
            &Width::default(),
        );
        assert_eq!(String::from_utf8(quoted.unwrap()).unwrap(), "1,\"two\nlines\",42\n2,b,42");
    }

    #[test]
    fn columns_of_many_rows_never_fill_memory() {
        let (many, long) = ("a\n".repeat(300_000), "x".repeat(1000));
        let error = Width::default().append((DataFormat::Csv, ','), many.as_bytes(), &long).unwrap_err();
        assert!(error.to_string().contains("would be written"), "{error}");
    }
}
