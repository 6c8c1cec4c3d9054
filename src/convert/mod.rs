//! Converters: from the bytes of a Kafka record to a value (`connect-runtime.md` §6).
//!
//! One file per converter, one row per class in [`converter`]. Converters are pure: no I/O, no state that a record
//! changes. What may be passed on unchanged is borrowed from the fetch buffer.

mod json;
mod json_envelope;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::data::Converted;
pub use json::JsonConverter;

/// A record that could not be converted, in the words of Connect's own converters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes are not what the converter's class says.
    #[error("{0}")]
    Data(String),
    /// There is no converter of this class here.
    #[error(
        "{key}: no converter of class {class} here; there are StringConverter, ByteArrayConverter and JsonConverter"
    )]
    UnknownClass {
        /// The setting that names it.
        key: &'static str,
        /// What it names.
        class: String,
    },
    /// A converter's own setting is wrong.
    #[error("{key}.{setting}: {reason}")]
    Setting {
        /// The setting that names the converter's class.
        key: &'static str,
        /// The sub-key.
        setting: &'static str,
        /// What is wrong.
        reason: String,
    },
}

impl Error {
    /// Never: the same bytes convert no better next time.
    pub fn is_retriable(&self) -> bool {
        false
    }
}

/// Turns the bytes of a key or a value into a [`Value`].
pub trait Converter: Send + Sync {
    /// Converts `bytes` (none: null).
    fn convert<'a>(&self, bytes: Option<&'a [u8]>) -> Result<Converted<'a>, Error>;
}

/// Finds the converter of `class` (full name or alias); `key` is the setting that named it, for messages.
pub fn converter(
    key: &'static str,
    class: &str,
    settings: &BTreeMap<String, String>,
) -> Result<Arc<dyn Converter>, Error> {
    let simple = class.rsplit('.').next().unwrap_or(class);
    Ok(match simple.strip_suffix("Converter").unwrap_or(simple) {
        "String" => Arc::new(StringConverter::new(key, settings)?),
        "ByteArray" => Arc::new(ByteArrayConverter),
        "Json" => Arc::new(JsonConverter::new(key, settings)?),
        _ => return Err(Error::UnknownClass { key, class: class.to_owned() }),
    })
}

/// Text, as it came; malformed UTF-8 becomes U+FFFD as in Java.
#[derive(Debug)]
pub struct StringConverter;

impl StringConverter {
    fn new(key: &'static str, settings: &BTreeMap<String, String>) -> Result<Self, Error> {
        let encoding = settings.get("converter.encoding").map_or("UTF-8", String::as_str);
        if matches!(encoding.to_ascii_uppercase().as_str(), "UTF-8" | "UTF8" | "US-ASCII" | "ASCII") {
            return Ok(Self);
        }
        Err(Error::Setting {
            key,
            setting: "converter.encoding",
            reason: format!("{encoding}: only UTF-8 here"),
        })
    }
}

impl Converter for StringConverter {
    fn convert<'a>(&self, bytes: Option<&'a [u8]>) -> Result<Converted<'a>, Error> {
        Ok(bytes.map_or(Converted::Null, |bytes| Converted::Text(String::from_utf8_lossy(bytes))))
    }
}

/// Bytes, as they came.
#[derive(Debug)]
pub struct ByteArrayConverter;

impl Converter for ByteArrayConverter {
    fn convert<'a>(&self, bytes: Option<&'a [u8]>) -> Result<Converted<'a>, Error> {
        Ok(bytes.map_or(Converted::Null, |bytes| Converted::Bytes(bytes.into())))
    }
}

#[cfg(test)]
mod tests {
    use super::{Error, converter};
    use crate::data::Converted;
    use std::collections::BTreeMap;

    #[test]
    fn classes_are_found_by_name_and_alias() {
        let none = BTreeMap::new();
        for class in ["org.apache.kafka.connect.storage.StringConverter", "StringConverter", "String"] {
            let found = converter("value.converter", class, &none).unwrap();
            assert_eq!(found.convert(Some(b"a,b")), Ok(Converted::Text("a,b".into())));
            assert_eq!(found.convert(None), Ok(Converted::Null));
        }
        let bytes = converter("value.converter", "ByteArray", &none).unwrap();
        assert_eq!(bytes.convert(Some(b"\xff\0")), Ok(Converted::Bytes(b"\xff\0".as_slice().into())));
        let unknown = converter("value.converter", "io.confluent.connect.avro.AvroConverter", &none);
        assert!(matches!(unknown, Err(Error::UnknownClass { .. })));
    }

    #[test]
    fn malformed_text_becomes_the_replacement_character() {
        let text = converter("value.converter", "String", &BTreeMap::new()).unwrap();
        assert_eq!(text.convert(Some(b"a\xffb")), Ok(Converted::Text("a\u{fffd}b".into())));
    }
}
