//! Rows as the Fabric connector lays them out (`fabric-sink-connector.md` §5): a record's value, its key, its headers and
//! its coordinates. Every record is a row, tombstones too. Pure.
//!
//! Kinder than the JVM where it fails or loses: blank texts and bytes that are no JSON are values, a text with an array is
//! as bytes with one, numbers keep their text, structs inside maps and lists are written.

use super::avro;
use super::columns::Width;
use super::encode::{self, Look, quote};
use crate::data::json::{self, DecimalFormat};
use crate::data::room::check_written;
use crate::data::schema::{DATE, TIME};
use crate::data::{Converted, Error, Header, SchemaAndValue, SinkRecord, Value, java_time, literal};
use crate::kusto::config::{DataFormat, HeaderChoice, RowLayout, TopicMapping};
use crate::sink::Encoded;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use members::{Member, Members};
use serde_json::value::RawValue;
use std::borrow::Cow;

mod members;

/// The member that a key or value becomes which is no object.
const VALUE: &str = "value";
const KEY: &str = "key";
/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// `record` in the target's layout. `width` is that of the values of its table.
pub(super) fn encode(
    target: &TopicMapping,
    headers: &HeaderChoice,
    record: &SinkRecord<'_>,
    width: &Width,
) -> Result<Encoded<'static>, Error> {
    let row = Row { headers, record };
    let bytes = match target.layout {
        RowLayout::FabricJson { avro, payload } => row.objects(avro, payload)?,
        RowLayout::FabricCsv | RowLayout::Value => row.lines(target, width)?,
    };
    Ok(Encoded { bytes: Cow::Owned(bytes), schema: None })
}

struct Row<'r> {
    headers: &'r HeaderChoice,
    record: &'r SinkRecord<'r>,
}

impl Row<'_> {
    /// One object for each object that the value is, with line feeds between.
    fn objects(&self, avro: bool, payload: bool) -> Result<Vec<u8>, Error> {
        let mut rest = Members::default();
        if let Some(key) = self.key(avro)? {
            rest.put("keys", key);
        }
        if !self.record.headers.is_empty() {
            rest.put("headers", self.header_object()?);
        }
        rest.put("kafkamd", self.coordinates()?);
        let mut out = Vec::new();
        for value in objects(VALUE, &self.record.value, avro)? {
            let mut row = if payload {
                let mut row = Members::default();
                row.put("payload", value.to_json()?);
                row
            } else {
                value
            };
            row.put_all(&rest);
            if !out.is_empty() {
                out.push(b'\n');
            }
            row.write(&mut out)?;
            // Key and headers stand in each row.
            check_written(out.len())?;
        }
        Ok(out)
    }

    /// The key; none when there is none. A scalar is bare, and so is what stands in an object's only member `key`.
    fn key(&self, avro: bool) -> Result<Option<Box<RawValue>>, Error> {
        if self.record.key == Converted::Null {
            return Ok(None);
        }
        let mut key = Members::default();
        for part in objects(KEY, &self.record.key, avro)? {
            key.put_all(&part);
        }
        Ok(Some(match key.only(KEY) {
            Some(bare) => bare.to_owned(),
            None => key.to_json()?,
        }))
    }

    fn header_object(&self) -> Result<Box<RawValue>, Error> {
        let mut object = Members::default();
        for Header { key, value } in self.record.headers.iter().filter(|header| self.headers.has(&header.key))
        {
            let text = header_text(value);
            object.put(key, raw(&text.map_or(Value::Null, |text| Value::String(text.into())))?);
        }
        object.to_json()
    }

    /// All of them are texts.
    fn coordinates(&self) -> Result<Box<RawValue>, Error> {
        let SinkRecord { topic, partition, offset, .. } = self.record;
        let mut object = Members::default();
        for (name, text) in [("partition", partition.to_string()), ("offset", offset.to_string())] {
            object.put(name, raw(&Value::String(text.into()))?);
        }
        object.put("topic", raw(&Value::String(topic.clone()))?);
        object.to_json()
    }

    /// Value, key, headers, coordinates; the last three always, behind whatever columns the value has.
    fn lines(&self, target: &TopicMapping, width: &Width) -> Result<Vec<u8>, Error> {
        let value = match &self.record.value {
            value @ Converted::Data(SchemaAndValue { value: Value::Struct(_), .. }) => {
                let encoded = encode::encode(target.format, value, Look::Away)?;
                encoded
                    .map(|encoded| String::from_utf8_lossy(&encoded.bytes).into_owned())
                    .unwrap_or_default()
            }
            Converted::Json(document) => quoted(&String::from_utf8_lossy(document)),
            Converted::Data(SchemaAndValue { schema, value: value @ (Value::Map(_) | Value::Array(_)) }) => {
                let mut out = Vec::new();
                json::write(schema.as_deref(), value, DecimalFormat::Base64, &mut out)?;
                quoted(&String::from_utf8_lossy(&out))
            }
            plain => verbatim(plain)?,
        };
        let mut behind = String::new();
        for cell in
            [verbatim(&self.record.key)?, self.header_object()?.to_string(), self.coordinates()?.to_string()]
        {
            behind.push(',');
            behind.push_str(&quoted(&cell));
        }
        width.append((DataFormat::Csv, ','), value.as_bytes(), &behind)
    }
}

fn quoted(cell: &str) -> String {
    let mut out = String::new();
    quote(cell, ',', &mut out);
    out
}

/// A value as a cell: texts as they are, bytes as UTF-8, objects as JSON.
fn verbatim(value: &Converted<'_>) -> Result<String, Error> {
    Ok(match value {
        Converted::Null => String::new(),
        Converted::Text(text) => text.to_string(),
        Converted::Bytes(bytes) | Converted::Json(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Converted::Data(SchemaAndValue { schema, value }) => {
            let mut out = Vec::new();
            json::write(schema.as_deref(), value, DecimalFormat::Base64, &mut out)?;
            String::from_utf8_lossy(&out).into_owned()
        }
    })
}

/// The objects that a key or value is; what is no object is the member `field` of one.
fn objects(field: &str, value: &Converted<'_>, avro: bool) -> Result<Vec<Members>, Error> {
    let one = |json: Box<RawValue>| Ok(vec![Members::of(field, json)]);
    let text = |text: &str| one(raw(&Value::String(text.into()))?);
    match value {
        Converted::Null => Ok(vec![Members::default()]),
        Converted::Text(content) if avro => text(content),
        Converted::Text(content) => match Member::parse(content.as_bytes()) {
            Some(Member::Objects(objects)) => Ok(objects),
            _ => text(content),
        },
        Converted::Bytes(bytes) if avro => match avro::file_objects(bytes)? {
            Some(records) => records.iter().map(|json| Members::parse(json)).collect(),
            None => text(&STANDARD.encode(bytes)),
        },
        Converted::Bytes(bytes) if bytes.is_empty() => Ok(vec![Members::default()]),
        Converted::Bytes(bytes) => match (Member::parse(bytes), std::str::from_utf8(bytes)) {
            (Some(Member::Objects(objects)), _) => Ok(objects),
            (Some(Member::Other(json)), _) => one(json),
            (None, Ok(content)) => text(content),
            (None, Err(_)) => text(&STANDARD.encode(bytes)),
        },
        Converted::Json(document) => match Member::parse(document) {
            Some(Member::Objects(objects)) if document.trim_ascii_start().first() == Some(&b'{') => {
                Ok(objects)
            }
            _ => one(parsed(document)?),
        },
        Converted::Data(SchemaAndValue { schema, value }) => {
            let mut out = Vec::new();
            json::write(schema.as_deref(), value, DecimalFormat::Base64, &mut out)?;
            match value {
                Value::Struct(_) | Value::Map(_) if out.first() == Some(&b'{') => {
                    Ok(vec![Members::parse(&out)?])
                }
                _ => one(parsed(&out)?),
            }
        }
    }
}

fn raw(value: &Value) -> Result<Box<RawValue>, Error> {
    let mut out = Vec::new();
    json::write(None, value, DecimalFormat::Base64, &mut out)?;
    parsed(&out)
}

fn parsed(json: &[u8]) -> Result<Box<RawValue>, Error> {
    serde_json::from_slice(json).map_err(|error| Error::new(error.to_string()))
}

/// Connect's text of a header's value; none for null.
fn header_text(value: &SchemaAndValue) -> Option<String> {
    let SchemaAndValue { schema, value } = value;
    match (value, schema.as_ref().and_then(|schema| schema.logical_name())) {
        (Value::Null, _) => None,
        // Midnight of a day has no time of day, and the first day no date.
        (Value::Date(ms), Some(DATE)) => Some(java_time::iso(ms.div_euclid(DAY) * DAY)),
        (Value::Date(ms), Some(TIME)) => Some(java_time::iso(ms.rem_euclid(DAY))),
        (value, _) => Some(literal::write(value)),
    }
}

#[cfg(test)]
#[path = "fabric_tests.rs"]
mod tests;
