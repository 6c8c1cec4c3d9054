//! `JsonConverter`: JSON with or without Connect's schema envelope (`connect-runtime.md` §6.2).
//!
//! Without the envelope an object or array is validated and passed on as the bytes it came in: field order, big
//! integers and the text of numbers survive, and no tree is built. (The JVM re-types numbers; see the README.)

use std::collections::BTreeMap;

use serde::de::IgnoredAny;

use super::{Converter, Error, json_envelope};
use crate::data::Converted;

/// Reads JSON.
#[derive(Debug)]
pub struct JsonConverter {
    envelope: bool,
    null_to_default: bool,
}

impl JsonConverter {
    /// Reads `schemas.enable` (default true) and `replace.null.with.default` (default true).
    pub fn new(key: &'static str, settings: &BTreeMap<String, String>) -> Result<Self, Error> {
        let switch =
            |setting: &'static str| match settings.get(setting).map(|v| v.trim().to_ascii_lowercase()) {
                None => Ok(true),
                Some(value) if value == "true" => Ok(true),
                Some(value) if value == "false" => Ok(false),
                Some(_) => Err(Error::Setting {
                    key,
                    setting,
                    reason: "Expected value to be either true or false".to_owned(),
                }),
            };
        if settings.get("schema.content").is_some_and(|text| !text.trim().is_empty()) {
            return Err(Error::Setting {
                key,
                setting: "schema.content",
                reason: "not supported yet".to_owned(),
            });
        }
        Ok(Self {
            envelope: switch("schemas.enable")?,
            null_to_default: switch("replace.null.with.default")?,
        })
    }
}

impl Converter for JsonConverter {
    fn convert<'a>(&self, bytes: Option<&'a [u8]>) -> Result<Converted<'a>, Error> {
        let Some(bytes) = bytes else { return Ok(Converted::Null) };
        if self.envelope {
            return json_envelope::convert(bytes, self.null_to_default);
        }
        schemaless(bytes)
    }
}

/// A document without a schema: containers pass as they are, a text loses its quotes, other scalars keep their text.
fn schemaless(bytes: &[u8]) -> Result<Converted<'_>, Error> {
    let start = bytes.iter().position(|byte| !byte.is_ascii_whitespace());
    match start.map(|at| bytes[at]) {
        // Zero bytes are null for Connect; blanks only are an error there too, and said by the parser below.
        None if bytes.is_empty() => Ok(Converted::Null),
        Some(b'{' | b'[') => {
            serde_json::from_slice::<IgnoredAny>(bytes).map_err(not_json)?;
            // The validation above skips over texts without looking at their encoding.
            std::str::from_utf8(bytes).map_err(not_json)?;
            Ok(Converted::Json(bytes.into()))
        }
        Some(b'"') => {
            let text: String = serde_json::from_slice(bytes).map_err(not_json)?;
            Ok(Converted::Text(text.into()))
        }
        _ => {
            let value: &serde_json::value::RawValue = serde_json::from_slice(bytes).map_err(not_json)?;
            Ok(if value.get() == "null" { Converted::Null } else { Converted::Text(value.get().into()) })
        }
    }
}

/// Connect's own words for bytes that are not JSON.
pub(super) fn not_json(error: impl std::fmt::Display) -> Error {
    Error::Data(format!("Converting byte[] to Kafka Connect data failed due to serialization error: {error}"))
}

#[cfg(test)]
mod tests {
    use super::JsonConverter;
    use crate::convert::Converter;
    use crate::data::Converted;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn schemaless() -> JsonConverter {
        let settings = BTreeMap::from([("schemas.enable".to_owned(), "false".to_owned())]);
        JsonConverter::new("value.converter", &settings).unwrap()
    }

    #[test]
    fn documents_pass_as_they_came() {
        let document = b" {\"z\":12345678901234567890, \"a\":1.10,\n\"t\":\"\xc3\xa9\"}";
        assert_eq!(schemaless().convert(Some(document)), Ok(Converted::Json(document.as_slice().into())));
    }

    #[test]
    fn scalars_and_nulls() {
        let converter = schemaless();
        assert_eq!(converter.convert(Some(b"\"a\\nb\"")), Ok(Converted::Text("a\nb".into())));
        assert_eq!(converter.convert(Some(b" 1.50 ")), Ok(Converted::Text("1.50".into())));
        assert_eq!(converter.convert(Some(b"true")), Ok(Converted::Text("true".into())));
        for null in [Some(b"null".as_slice()), Some(b"".as_slice()), None] {
            assert_eq!(converter.convert(null), Ok(Converted::Null));
        }
    }

    #[test]
    fn what_is_not_json_is_an_error() {
        for bad in [b"{".as_slice(), b"{\"a\":1} x", b"nul", b" ", b"{\"a\":\"\xff\"}", b"{'a':1}"] {
            let error = schemaless().convert(Some(bad)).unwrap_err().to_string();
            assert!(error.starts_with("Converting byte[] to Kafka Connect data failed"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let envelope = JsonConverter::new("value.converter", &BTreeMap::new()).unwrap();
            drop(envelope.convert(Some(&bytes)));
            drop(schemaless().convert(Some(&bytes)));
        }
    }
}
