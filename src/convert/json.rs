//! `JsonConverter`: JSON with or without Connect's schema envelope (`connect-runtime.md` §6.2).
//!
//! Without the envelope an object or array that nothing touches is validated and passed on as the bytes it came in:
//! field order, big integers and the text of numbers survive, and no tree is built. (The JVM re-types numbers; see the
//! README.)

use super::converter::{Converter, Error as ConverterError};
use super::json_payload::{self, not_json};
use super::json_schema::SchemaCache;
use crate::data::json_text::{self, check_depth};
use crate::data::room::Room;
use crate::data::{Converted, Error, Schema, SchemaAndValue};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The class, by its full name.
pub(super) const CLASS: &str = "org.apache.kafka.connect.json.JsonConverter";

const WANTED: &str = "JsonConverter with schemas.enable requires \"schema\" and \"payload\" fields and may not \
    contain additional fields. If you are trying to deserialize plain JSON data, set schemas.enable=false in your \
    converter configuration.";

/// Reads JSON.
#[derive(Debug)]
pub struct JsonConverter {
    envelope: bool,
    null_to_default: bool,
    schemas: SchemaCache,
    /// `schema.content`: of every payload, which then comes without an envelope.
    fixed: Option<Arc<Schema>>,
}

impl JsonConverter {
    /// Reads `schemas.enable` (default true), `replace.null.with.default` (default true), `schemas.cache.size` (1000) and
    /// `schema.content`.
    pub fn new(key: &'static str, settings: &BTreeMap<String, String>) -> Result<Self, ConverterError> {
        let wrong = |setting, reason: String| ConverterError::Setting { key, setting, reason };
        let switch =
            |setting: &'static str| match settings.get(setting).map(|v| v.trim().to_ascii_lowercase()) {
                None => Ok(true),
                Some(value) if value == "true" => Ok(true),
                Some(value) if value == "false" => Ok(false),
                Some(_) => Err(wrong(setting, "Expected value to be either true or false".to_owned())),
            };
        let size = match settings.get("schemas.cache.size").map(|text| text.trim().parse::<i32>()) {
            None => 1000,
            Some(Ok(size)) => usize::try_from(size).unwrap_or(0),
            Some(Err(_)) => return Err(wrong("schemas.cache.size", "Not a number of type INT".to_owned())),
        };
        let envelope = switch("schemas.enable")?;
        let schemas = SchemaCache::new(size);
        let fixed =
            match settings.get("schema.content").map(|text| text.trim()).filter(|text| !text.is_empty()) {
                Some(text) if envelope => {
                    schemas.get(text, 0).map_err(|error| wrong("schema.content", error.to_string()))?
                }
                _ => None,
            };
        Ok(Self { envelope, null_to_default: switch("replace.null.with.default")?, schemas, fixed })
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
        CLASS
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
