//! Columns of Kafka's own beside a record's value: members of its JSON object, or fields behind those of its line.
//!
//! The value's own bytes stay as they are. Pure.

use super::encode::{escape, moment, quote};
use crate::config::{Column, ColumnSource, DataFormat, TopicMapping};
use crate::data::json::{self, DecimalFormat};
use crate::data::{Converted, Error, Header, SchemaAndValue, SinkRecord, Value};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;

/// `value`, which is the record's in the target's format, with the target's columns.
pub(super) fn add(target: &TopicMapping, record: &SinkRecord<'_>, value: &[u8]) -> Result<Vec<u8>, Error> {
    match target.format.field_separator() {
        Some(separator) => line(target, record, value, separator),
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
            Some(ms) => Value::String(moment(ms)?.into()),
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

fn line(
    target: &TopicMapping,
    record: &SinkRecord<'_>,
    value: &[u8],
    separator: char,
) -> Result<Vec<u8>, Error> {
    // Producers of lines often end them; the fields belong before that end.
    let value = value.strip_suffix(b"\n").unwrap_or(value);
    let value = value.strip_suffix(b"\r").unwrap_or(value);
    let mut rest = String::new();
    for column in target.columns.iter() {
        rest.push(separator);
        let cell = cell(column.source, record)?;
        if target.format == DataFormat::Tsve {
            escape(&cell, &mut rest);
        } else {
            quote(&cell, separator, &mut rest);
        }
    }
    Ok([value, rest.as_bytes()].concat())
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
        ColumnSource::Timestamp => record.timestamp.map(moment).transpose()?.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::add;
    use crate::config::{Column, ColumnSource, DataFormat, Layout, TopicMapping};
    use crate::data::{Converted, Header, SchemaAndValue, SinkRecord, Value};
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
            layout: Layout::Value,
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
        String::from_utf8(add(&target(format), record, value.as_bytes()).unwrap()).unwrap()
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
            assert!(add(&target(DataFormat::MultiJson), &record, value.as_bytes()).is_err(), "{value}");
        }
    }
}
