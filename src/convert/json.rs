//! `JsonConverter`: JSON with or without Connect's schema envelope (`connect-runtime.md` §6.2).
//!
//! Without the envelope an object or array that nothing touches is validated and passed on as the bytes it came in:
//! field order, big integers and the text of numbers survive, and no tree is built. (The JVM re-types numbers; see the
//! README.)

use super::converter::{Converter, Error as ConverterError};
use super::json_payload::{self, not_json};
use super::json_schema::SchemaCache;
use super::row::{ConverterRow, Made, Reads};
use crate::configdef::Values;
use crate::configdef::def::Check::{Any, OneOfAnyCase};
use crate::configdef::def::Importance::{High, Low};
use crate::configdef::def::{KeyType, Row, RowDefault, Width};
use crate::data::json_text::{self, check_depth};
use crate::data::room::Room;
use crate::data::{Converted, Error, Schema, SchemaAndValue};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use std::sync::Arc;

/// The class, its keys, and how it is made.
pub static ROW: ConverterRow = ConverterRow {
    class: "org.apache.kafka.connect.json.JsonConverter",
    has_alias: true,
    reads: Reads::All,
    keys: &[KEYS],
    registry: None,
    make: |values| Ok(Made::Plain(Arc::new(JsonConverter::new(values)?))),
};

#[rustfmt::skip] // a table: one row is one key
const KEYS: &[Row] = &[
    Row("schemas.enable", KeyType::Boolean, RowDefault::Is("true"), Any, High, ("Schemas", 0), Width::Medium, "Enable Schemas",
        "Whether each message is an object with schema and payload."),
    Row("schemas.cache.size", KeyType::Int, RowDefault::Is("1000"), Any, High, ("Schemas", 1), Width::Medium, "Schema Cache Size",
        "How many schemas are kept."),
    Row("decimal.format", KeyType::String, RowDefault::Is("BASE64"), OneOfAnyCase(&["NUMERIC", "BASE64"]), Low, ("Serialization", 0), Width::Medium, "Decimal Format",
        "How decimals are written."),
    Row("replace.null.with.default", KeyType::Boolean, RowDefault::Is("true"), Any, Low, ("Schemas", 2), Width::Medium, "Replace null with default",
        "Whether a null field that has a default reads as the default."),
];

/// A key that Kafka's own class reads without defining it.
const CONTENT: &str = "schema.content";

const WANTED: &str = "JsonConverter with schemas.enable requires \"schema\" and \"payload\" fields and may not \
    contain additional fields. If you are trying to deserialize plain JSON data, set schemas.enable=false in your \
    converter configuration.";

/// Reads JSON.
#[derive(Debug)]
pub(super) struct JsonConverter {
    envelope: bool,
    null_to_default: bool,
    schemas: SchemaCache,
    /// `schema.content`: of every payload, which then comes without an envelope.
    fixed: Option<Arc<Schema>>,
}

impl JsonConverter {
    /// By `schemas.enable`, `replace.null.with.default`, `schemas.cache.size` and `schema.content`.
    pub(super) fn new(values: &Values<'_>) -> Result<Self, ConverterError> {
        let size = values.number("schemas.cache.size").and_then(|size| usize::try_from(size).ok());
        let envelope = values.flag("schemas.enable") == Some(true);
        let schemas = SchemaCache::new(size.unwrap_or(0));
        let content = values.below("").remove(CONTENT).filter(|text| envelope && !text.trim().is_empty());
        let fixed = match content {
            Some(text) => schemas.get(text.trim(), 0).map_err(|error| ConverterError {
                key: values.full_key(CONTENT),
                reason: error.to_string(),
            })?,
            None => None,
        };
        let null_to_default = values.flag("replace.null.with.default") == Some(true);
        Ok(Self { envelope, null_to_default, schemas, fixed })
    }

    fn read_envelope(&self, bytes: &[u8]) -> Result<SchemaAndValue, Error> {
        let (schema, payload, outer) = if let Some(schema) = &self.fixed {
            (Some(Arc::clone(schema)), bytes, 0)
        } else {
            let envelope = Envelope::read(bytes)?;
            (self.schemas.get(envelope.schema.get(), 1)?, envelope.payload.get().as_bytes(), 1)
        };
        let payload = json_text::parse(payload, outer).map_err(not_json)?;
        let room = Room::for_values(bytes.len());
        let value = match &schema {
            Some(schema) => json_payload::value(schema, &payload, self.null_to_default, &room)?,
            None => json_payload::schemaless(&payload)?,
        };
        Ok(SchemaAndValue { schema, value })
    }
}

impl Converter for JsonConverter {
    fn class(&self) -> &'static str {
        ROW.class
    }

    fn to_data(&self, bytes: Option<&[u8]>) -> Result<SchemaAndValue, Error> {
        match bytes.map(trimmed) {
            Some(bytes) if self.envelope => self.read_envelope(bytes),
            None | Some([]) => Ok(SchemaAndValue::NULL),
            Some(bytes) => {
                let json = json_text::parse(bytes, 0).map_err(not_json)?;
                Ok(SchemaAndValue::schemaless(json_payload::schemaless(&json)?))
            }
        }
    }

    fn convert<'a>(&self, bytes: Option<&'a [u8]>) -> Result<Converted<'a>, Error> {
        let Some(bytes) = bytes.map(trimmed) else { return Ok(Converted::Null) };
        if !self.envelope {
            return schemaless(bytes, 0);
        }
        if self.fixed.is_none()
            && let Envelope { schema, payload } = Envelope::read(bytes)?
            && schema.get() == "null"
        {
            return schemaless(payload.get().as_bytes(), 1);
        }
        Ok(Converted::from(self.read_envelope(bytes)?))
    }
}

/// Without a byte order mark, blanks and final zero bytes, which some producers add to JSON and Java does not mind.
fn trimmed(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii();
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(bytes.len(), |last| last + 1);
    bytes.get(..end).unwrap_or(bytes).trim_ascii()
}

/// A document without a schema: containers pass as they are, a text loses its quotes, other scalars keep their text. It
/// lies in `outer` objects.
fn schemaless(bytes: &[u8], outer: usize) -> Result<Converted<'_>, Error> {
    match bytes.first() {
        None => Ok(Converted::Null),
        Some(b'{' | b'[') => {
            serde_json::from_slice::<IgnoredAny>(bytes).map_err(not_json)?;
            // The validation above skips over texts without looking at their encoding.
            std::str::from_utf8(bytes).map_err(not_json)?;
            check_depth(bytes, outer).map_err(not_json)?;
            Ok(Converted::Json(bytes.into()))
        }
        Some(b'"') => {
            let text: String = serde_json::from_slice(bytes).map_err(not_json)?;
            Ok(Converted::Text(text.into()))
        }
        _ => {
            let value: &RawValue = serde_json::from_slice(bytes).map_err(not_json)?;
            Ok(if value.get() == "null" { Converted::Null } else { Converted::Text(value.get().into()) })
        }
    }
}

/// The two halves of an envelope, unread.
struct Envelope<'a> {
    schema: &'a RawValue,
    payload: &'a RawValue,
}

impl<'a> Envelope<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Both<'a> {
            #[serde(borrow)]
            schema: &'a RawValue,
            #[serde(borrow)]
            payload: &'a RawValue,
        }
        let text = std::str::from_utf8(bytes).map_err(not_json)?;
        match serde_json::from_str::<Both<'_>>(text) {
            Ok(Both { schema, payload }) => Ok(Self { schema, payload }),
            // JSON, but no envelope, has an advice of its own; nothing at all is for Connect a missing envelope.
            Err(_) if text.is_empty() || serde_json::from_str::<IgnoredAny>(text).is_ok() => {
                Err(Error::new(WANTED))
            }
            Err(error) => Err(not_json(error)),
        }
    }
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
