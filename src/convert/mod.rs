//! Converters: from the bytes of a Kafka record to a value (`connect-runtime.md` §6).
//!
//! One row per class in [`converter`]. Converters are pure: no I/O, no state that a record changes but a cache of
//! schemas. What may be passed on unchanged is borrowed from the fetch buffer. Those that need a schema registry are
//! [`RegisteredConverter`]s: they say which schema they lack, and whoever calls them fetches it.

mod avro;
mod converter;
#[cfg(test)]
mod decimal_tests;
mod failures;
mod json;
mod json_payload;
mod json_schema;
mod primitive;
mod protobuf;
mod registered;
mod schema_json;
mod settings;
mod simple_header;
mod wire;

pub use avro::file::{MAGIC as AVRO_MAGIC, records as avro_records};
pub use converter::{Converter, Error};
pub use json::JsonConverter;
use primitive::{ByteArrayConverter, FixedConverter, StringConverter};
pub use registered::{Failure, Input, RegisteredConverter};
use simple_header::SimpleHeaderConverter;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Finds the converter of `class` (full name or alias); `key` is the setting that named it, for messages.
pub fn converter(
    key: &'static str,
    class: &str,
    settings: &BTreeMap<String, String>,
) -> Result<Arc<dyn Converter>, Error> {
    let simple = class.rsplit('.').next().unwrap_or(class);
    let short = simple.strip_suffix("Converter").unwrap_or(simple);
    Ok(match short {
        "String" => Arc::new(StringConverter::new(key, settings)?),
        "ByteArray" => Arc::new(ByteArrayConverter::new()),
        "Json" => Arc::new(JsonConverter::new(key, settings)?),
        "SimpleHeader" => Arc::new(SimpleHeaderConverter),
        other => match FixedConverter::of(other) {
            Some(fixed) => Arc::new(fixed),
            None => return Err(Error::UnknownClass { key, class: class.to_owned() }),
        },
    })
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
}
