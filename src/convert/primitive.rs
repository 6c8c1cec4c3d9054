//! The converters of single numbers, truth values, texts and bytes (`connect-runtime.md` §6.1).

use super::converter::{Converter, Error as ConverterError};
use super::row::{ConverterRow, Made, Reads};
use crate::configdef::def::{Check, Importance, Row, RowDefault, Width};
use crate::configdef::{self, Values};
use crate::data::{self, Converted, Error, Kind, Schema, SchemaAndValue, Value};
use std::borrow::Cow;
use std::sync::Arc;

/// The text of a record.
pub static STRING: ConverterRow = ConverterRow {
    keys: &[&[ENCODING]],
    ..plain("org.apache.kafka.connect.storage.StringConverter", |values| {
        Ok(Made::Plain(Arc::new(StringConverter::new(values))))
    })
};

/// The bytes of a record.
pub static BYTE_ARRAY: ConverterRow = plain("org.apache.kafka.connect.converters.ByteArrayConverter", |_| {
    Ok(Made::Plain(Arc::new(ByteArrayConverter::new())))
});

/// A number of 16 bits.
pub static SHORT: ConverterRow = plain("org.apache.kafka.connect.converters.ShortConverter", |_| {
    Ok(fixed(Fixed {
        class: SHORT.class,
        word: "short",
        deserializer: "ShortDeserializer",
        size: size_of::<i16>(),
        kind: Kind::Int16,
        read: |bytes| bytes.try_into().ok().map(|bytes| Value::Int16(i16::from_be_bytes(bytes))),
    }))
});

/// A number of 32 bits.
pub static INTEGER: ConverterRow = plain("org.apache.kafka.connect.converters.IntegerConverter", |_| {
    Ok(fixed(Fixed {
        class: INTEGER.class,
        word: "integer",
        deserializer: "IntegerDeserializer",
        size: size_of::<i32>(),
        kind: Kind::Int32,
        read: |bytes| bytes.try_into().ok().map(|bytes| Value::Int32(i32::from_be_bytes(bytes))),
    }))
});

/// A number of 64 bits.
pub static LONG: ConverterRow = plain("org.apache.kafka.connect.converters.LongConverter", |_| {
    Ok(fixed(Fixed {
        class: LONG.class,
        word: "long",
        deserializer: "LongDeserializer",
        size: size_of::<i64>(),
        kind: Kind::Int64,
        read: |bytes| bytes.try_into().ok().map(|bytes| Value::Int64(i64::from_be_bytes(bytes))),
    }))
});

/// A number of 32 bits, with a point.
pub static FLOAT: ConverterRow = plain("org.apache.kafka.connect.converters.FloatConverter", |_| {
    Ok(fixed(Fixed {
        class: FLOAT.class,
        word: "float",
        deserializer: "FloatDeserializer",
        size: size_of::<f32>(),
        kind: Kind::Float32,
        read: |bytes| bytes.try_into().ok().map(|bytes| Value::Float32(f32::from_be_bytes(bytes))),
    }))
});

/// A number of 64 bits, with a point.
pub static DOUBLE: ConverterRow = plain("org.apache.kafka.connect.converters.DoubleConverter", |_| {
    Ok(fixed(Fixed {
        class: DOUBLE.class,
        word: "double",
        deserializer: "DoubleDeserializer",
        size: size_of::<f64>(),
        kind: Kind::Float64,
        read: |bytes| bytes.try_into().ok().map(|bytes| Value::Float64(f64::from_be_bytes(bytes))),
    }))
});

/// A truth value.
pub static BOOLEAN: ConverterRow = plain("org.apache.kafka.connect.converters.BooleanConverter", |_| {
    Ok(fixed(Fixed {
        class: BOOLEAN.class,
        word: "boolean",
        deserializer: "BooleanDeserializer",
        size: 1,
        kind: Kind::Boolean,
        read: |bytes| match bytes {
            [0] => Some(Value::Boolean(false)),
            [1] => Some(Value::Boolean(true)),
            _ => None,
        },
    }))
});

/// A class that reads everything and has no keys.
const fn plain(class: &'static str, make: fn(&Values<'_>) -> Result<Made, ConverterError>) -> ConverterRow {
    ConverterRow { class, has_alias: true, reads: Reads::All, keys: &[], registry: None, make }
}

fn fixed(of: Fixed) -> Made {
    let schema = Arc::new(Schema::optional(of.kind.clone()));
    Made::Plain(Arc::new(FixedConverter { of, schema }))
}

/// The encodings of text, by the names that Java has for them.
const ENCODINGS: [&str; 11] = [
    "UTF-8",
    "UTF8",
    "US-ASCII",
    "ASCII",
    "ISO-8859-1",
    "ISO8859_1",
    "LATIN1",
    "UTF-16",
    "UTF16",
    "UTF-16BE",
    "UTF-16LE",
];

const ENCODING: Row = Row(
    "converter.encoding",
    configdef::def::KeyType::String,
    RowDefault::Is("UTF-8"),
    Check::OneOfAnyCase(&ENCODINGS),
    Importance::High,
    ("", -1),
    Width::Medium,
    "Encoding",
    "The encoding of the text.",
);

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
struct StringConverter {
    schema: Arc<Schema>,
    encoding: Encoding,
}

impl StringConverter {
    fn new(values: &Values<'_>) -> Self {
        // The table of keys has checked the name.
        let encoding = values.text("converter.encoding").and_then(Encoding::of).unwrap_or(Encoding::Utf8);
        Self { schema: Arc::new(Schema::optional(Kind::String)), encoding }
    }
}

impl Converter for StringConverter {
    fn class(&self) -> &'static str {
        STRING.class
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
struct ByteArrayConverter {
    schema: Arc<Schema>,
}

impl ByteArrayConverter {
    fn new() -> Self {
        Self { schema: Arc::new(Schema::optional(Kind::Bytes)) }
    }
}

impl Converter for ByteArrayConverter {
    fn class(&self) -> &'static str {
        BYTE_ARRAY.class
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

/// Numbers and truth values of a fixed length, big-endian.
#[derive(Debug)]
struct FixedConverter {
    of: Fixed,
    schema: Arc<Schema>,
}

impl FixedConverter {
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
    use super::{BOOLEAN, DOUBLE, FLOAT, INTEGER, LONG, SHORT, STRING};
    use crate::convert::{ConverterRow, testing};
    use crate::data::{Converted, Value};
    use std::error::Error;

    #[test]
    fn numbers_are_read_and_wrong_lengths_refused() {
        let of = |row: &ConverterRow| testing::plain(row, &[]);
        let read = |row: &ConverterRow, bytes: &[u8]| of(row).to_data(Some(bytes)).map(|data| data.value);
        assert_eq!(read(&SHORT, &[0xff, 0xfe]), Ok(Value::Int16(-2)));
        assert_eq!(read(&INTEGER, &[0, 0, 1, 0]), Ok(Value::Int32(256)));
        assert_eq!(read(&LONG, &[0, 0, 0, 0, 0, 0, 0, 9]), Ok(Value::Int64(9)));
        assert_eq!(read(&FLOAT, &1.5_f32.to_be_bytes()), Ok(Value::Float32(1.5)));
        assert_eq!(read(&DOUBLE, &(-2.5_f64).to_be_bytes()), Ok(Value::Float64(-2.5)));
        assert_eq!(read(&BOOLEAN, &[1]), Ok(Value::Boolean(true)));
        assert_eq!(of(&INTEGER).convert(None), Ok(Converted::Null));
        let error = read(&INTEGER, &[1]).unwrap_err();
        assert_eq!(error.to_string(), "Failed to deserialize integer: ");
        assert_eq!(
            error.source().unwrap().to_string(),
            "Size of data received by IntegerDeserializer is not 4"
        );
    }

    #[test]
    fn malformed_text_becomes_the_replacement_character() {
        let text = testing::plain(&STRING, &[]);
        assert_eq!(text.convert(Some(b"a\xffb")), Ok(Converted::Text("a\u{fffd}b".into())));
        assert_eq!(text.to_data(Some(b"a\xffb")).unwrap().value, Value::from("a\u{fffd}b"));
    }
}
