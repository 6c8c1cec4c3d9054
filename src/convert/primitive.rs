//! The converters of single numbers, truth values, texts and bytes (`connect-runtime.md` §6.1).

use super::converter::{Converter, Error as ConverterError};
use crate::data::{self, Converted, Error, Kind, Schema, SchemaAndValue, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How a text is written in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Ascii,
    Latin1,
    /// Big-endian unless a byte order mark says otherwise.
    Utf16,
    Utf16Be,
    Utf16Le,
}

impl Encoding {
    /// By one of Java's names.
    fn of(name: &str) -> Option<Self> {
        Some(match name.to_ascii_uppercase().as_str() {
            "UTF-8" | "UTF8" => Self::Utf8,
            "US-ASCII" | "ASCII" => Self::Ascii,
            "ISO-8859-1" | "ISO8859_1" | "LATIN1" => Self::Latin1,
            "UTF-16" | "UTF16" => Self::Utf16,
            "UTF-16BE" => Self::Utf16Be,
            "UTF-16LE" => Self::Utf16Le,
            _ => return None,
        })
    }

    /// What is malformed becomes U+FFFD.
    fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        match self {
            Self::Utf8 => data::utf8(bytes),
            Self::Ascii => bytes
                .iter()
                .map(|byte| if byte.is_ascii() { char::from(*byte) } else { char::REPLACEMENT_CHARACTER })
                .collect(),
            Self::Latin1 => bytes.iter().copied().map(char::from).collect(),
            Self::Utf16Be => utf16(bytes, u16::from_be_bytes),
            Self::Utf16Le => utf16(bytes, u16::from_le_bytes),
            Self::Utf16 => match bytes {
                [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
                [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
                all => utf16(all, u16::from_be_bytes),
            },
        }
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Cow<'static, str> {
    let (pairs, rest) = bytes.as_chunks();
    let units = pairs.iter().map(|pair| unit(*pair));
    let text = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER));
    text.chain(rest.first().map(|_| char::REPLACEMENT_CHARACTER)).collect()
}

/// Text, as it came.
#[derive(Debug)]
pub struct StringConverter {
    schema: Arc<Schema>,
    encoding: Encoding,
}

impl StringConverter {
    pub(super) fn new(
        key: &'static str,
        settings: &BTreeMap<String, String>,
    ) -> Result<Self, ConverterError> {
        let name = settings.get("converter.encoding").map_or("UTF-8", String::as_str);
        let Some(encoding) = Encoding::of(name) else {
            let reason =
                format!("unknown encoding '{name}'; there are UTF-8, US-ASCII, ISO-8859-1 and UTF-16");
            return Err(ConverterError::Setting { key, setting: "converter.encoding", reason });
        };
        Ok(Self { schema: Arc::new(Schema::optional(Kind::String)), encoding })
    }
}

impl Converter for StringConverter {
    fn class(&self) -> &'static str {
        "org.apache.kafka.connect.storage.StringConverter"
    }

    fn never_fails(&self) -> bool {
        true
    }

    fn to_data(&self, bytes: Option<&[u8]>) -> Result<SchemaAndValue, Error> {
        let text = |bytes| Value::String(self.encoding.decode(bytes).into());
        Ok(SchemaAndValue { schema: Some(self.schema.clone()), value: bytes.map_or(Value::Null, text) })
    }

    fn convert<'a>(&self, bytes: Option<&'a [u8]>) -> Result<Converted<'a>, Error> {
        Ok(bytes.map_or(Converted::Null, |bytes| Converted::Text(self.encoding.decode(bytes))))
    }
}

/// Bytes, as they came.
#[derive(Debug)]
pub struct ByteArrayConverter {
    schema: Arc<Schema>,
}

impl ByteArrayConverter {
    pub(super) fn new() -> Self {
        Self { schema: Arc::new(Schema::optional(Kind::Bytes)) }
    }
}

impl Converter for ByteArrayConverter {
    fn class(&self) -> &'static str {
        "org.apache.kafka.connect.converters.ByteArrayConverter"
    }

    fn never_fails(&self) -> bool {
        true
    }

    fn to_data(&self, bytes: Option<&[u8]>) -> Result<SchemaAndValue, Error> {
        let value = bytes.map_or(Value::Null, |bytes| Value::Bytes(bytes.to_vec().into()));
        Ok(SchemaAndValue { schema: Some(self.schema.clone()), value })
    }

    fn convert<'a>(&self, bytes: Option<&'a [u8]>) -> Result<Converted<'a>, Error> {
        Ok(bytes.map_or(Converted::Null, |bytes| Converted::Bytes(bytes.into())))
    }
}

/// What is different between the converters of fixed length.
#[derive(Debug)]
struct Fixed {
    class: &'static str,
    /// In messages.
    word: &'static str,
    deserializer: &'static str,
    size: usize,
    kind: Kind,
    read: fn(&[u8]) -> Option<Value>,
}

/// All of them; `short name` as in an alias.
fn fixed(name: &str) -> Option<Fixed> {
    macro_rules! row {
        ($word:literal, $type:literal, $of:ty, $kind:expr, $value:expr) => {
            Fixed {
                class: concat!("org.apache.kafka.connect.converters.", $type, "Converter"),
                word: $word,
                deserializer: concat!($type, "Deserializer"),
                size: size_of::<$of>(),
                kind: $kind,
                read: |bytes| bytes.try_into().ok().map(|bytes| $value(<$of>::from_be_bytes(bytes))),
            }
        };
    }
    Some(match name {
        "Short" => row!("short", "Short", i16, Kind::Int16, Value::Int16),
        "Integer" => row!("integer", "Integer", i32, Kind::Int32, Value::Int32),
        "Long" => row!("long", "Long", i64, Kind::Int64, Value::Int64),
        "Float" => row!("float", "Float", f32, Kind::Float32, Value::Float32),
        "Double" => row!("double", "Double", f64, Kind::Float64, Value::Float64),
        "Boolean" => Fixed {
            class: "org.apache.kafka.connect.converters.BooleanConverter",
            word: "boolean",
            deserializer: "BooleanDeserializer",
            size: 1,
            kind: Kind::Boolean,
            read: |bytes| match bytes {
                [0] => Some(Value::Boolean(false)),
                [1] => Some(Value::Boolean(true)),
                _ => None,
            },
        },
        _ => return None,
    })
}

/// Numbers and truth values of a fixed length, big-endian.
#[derive(Debug)]
pub struct FixedConverter {
    of: Fixed,
    schema: Arc<Schema>,
}

impl FixedConverter {
    /// The converter of this short name: `Short`, `Integer`, `Long`, `Float`, `Double` or `Boolean`.
    pub(super) fn of(name: &str) -> Option<Self> {
        let of = fixed(name)?;
        let schema = Arc::new(Schema::optional(of.kind.clone()));
        Some(Self { of, schema })
    }

    fn wrong(&self, bytes: &[u8]) -> Error {
        let Fixed { word, deserializer, size, .. } = &self.of;
        let cause = if bytes.len() == *size {
            format!(
                "Unexpected byte received by {deserializer}: {}",
                bytes.first().copied().unwrap_or_default()
            )
        } else {
            format!("Size of data received by {deserializer} is not {size}")
        };
        let cause = Error::of_class("org.apache.kafka.common.errors.SerializationException", cause);
        Error::new(format!("Failed to deserialize {word}: ")).because(cause)
    }
}

impl Converter for FixedConverter {
    fn class(&self) -> &'static str {
        self.of.class
    }

    fn to_data(&self, bytes: Option<&[u8]>) -> Result<SchemaAndValue, Error> {
        let value = match bytes {
            None => Value::Null,
            Some(bytes) => (self.of.read)(bytes).ok_or_else(|| self.wrong(bytes))?,
        };
        Ok(SchemaAndValue { schema: Some(self.schema.clone()), value })
    }
}

#[cfg(test)]
mod tests {
    use crate::convert::converter;
    use crate::data::{Converted, Value};
    use std::collections::BTreeMap;
    use std::error::Error;

    #[test]
    fn numbers_are_read_and_wrong_lengths_refused() {
        let of = |class: &str| converter("value.converter", class, &BTreeMap::new()).unwrap();
        let read = |class: &str, bytes: &[u8]| of(class).to_data(Some(bytes)).map(|data| data.value);
        assert_eq!(read("ShortConverter", &[0xff, 0xfe]), Ok(Value::Int16(-2)));
        assert_eq!(read("Integer", &[0, 0, 1, 0]), Ok(Value::Int32(256)));
        assert_eq!(
            read("org.apache.kafka.connect.converters.LongConverter", &[0, 0, 0, 0, 0, 0, 0, 9]),
            Ok(Value::Int64(9))
        );
        assert_eq!(read("Float", &1.5_f32.to_be_bytes()), Ok(Value::Float32(1.5)));
        assert_eq!(read("Double", &(-2.5_f64).to_be_bytes()), Ok(Value::Float64(-2.5)));
        assert_eq!(read("Boolean", &[1]), Ok(Value::Boolean(true)));
        assert_eq!(of("Integer").convert(None), Ok(Converted::Null));
        let error = read("Integer", &[1]).unwrap_err();
        assert_eq!(error.to_string(), "Failed to deserialize integer: ");
        assert_eq!(
            error.source().unwrap().to_string(),
            "Size of data received by IntegerDeserializer is not 4"
        );
    }

    #[test]
    fn malformed_text_becomes_the_replacement_character() {
        let text = converter("value.converter", "String", &BTreeMap::new()).unwrap();
        assert_eq!(text.convert(Some(b"a\xffb")), Ok(Converted::Text("a\u{fffd}b".into())));
        assert_eq!(text.to_data(Some(b"a\xffb")).unwrap().value, Value::from("a\u{fffd}b"));
    }
}
