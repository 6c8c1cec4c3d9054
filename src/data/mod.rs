//! Connect's data model: what lies between a record's bytes and its batch (`connect-runtime.md` §6.1).
//!
//! [`Converted`] is the short way: values borrow from the fetch buffer wherever the converter can pass the bytes on as
//! they came. [`Record`], [`Value`] and [`Schema`] are the long one, for converters with schemas and for transformations.
//! Everything here is pure.

pub mod iso;
pub mod java_number;
pub mod java_regex;
pub mod java_time;
pub mod json;
mod json_error;
pub mod json_text;
pub mod literal;
mod record;
pub mod registered;
pub mod room;
mod same;
pub mod schema;
mod value;

pub use record::{Header, Origin, Record, SinkRecord, TimestampType};
pub use schema::{Field, Kind, Schema};
use std::borrow::Cow;
pub use value::{SchemaAndValue, Struct, Value, entry};

/// The class of most errors of data, as Connect names it.
pub const DATA_EXCEPTION: &str = "org.apache.kafka.connect.errors.DataException";

/// Data that is not what its schema, or an operation on it, wants; in Connect's own words, and under the name of
/// Connect's own exception, because a dead letter says both.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    class: &'static str,
    message: String,
    source: Option<Box<Error>>,
}

impl Error {
    /// A `DataException` in these words.
    pub fn new(message: impl Into<String>) -> Self {
        Self::of_class(DATA_EXCEPTION, message)
    }

    /// An error of another Java class, by its full name.
    pub fn of_class(class: &'static str, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), source: None }
    }

    /// The same with its cause.
    pub fn because(self, source: Self) -> Self {
        Self { source: Some(Box::new(source)), ..self }
    }

    /// Its cause.
    pub fn cause(&self) -> Option<&Self> {
        self.source.as_deref()
    }

    /// The full name of the Java exception.
    pub fn class(&self) -> &'static str {
        self.class
    }

    /// Never: the same data is no better next time.
    pub fn is_retriable(&self) -> bool {
        false
    }
}

/// A text from UTF-8, as Java reads it: what is malformed becomes U+FFFD. Whole texts are checked by words, not by
/// letters, which is most of what a text costs.
pub fn utf8(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// What a converter made of a record's bytes, for a sink that writes it down.
#[derive(Debug, Clone, PartialEq)]
pub enum Converted<'a> {
    /// A tombstone: nothing to write, but its offset counts.
    Null,
    /// A text, written as it is.
    Text(Cow<'a, str>),
    /// Bytes, written as they are.
    Bytes(Cow<'a, [u8]>),
    /// One JSON document (an object or an array) without a schema, valid and in UTF-8.
    Json(Cow<'a, [u8]>),
    /// Anything else.
    Data(SchemaAndValue),
}

impl From<SchemaAndValue> for Converted<'_> {
    fn from(data: SchemaAndValue) -> Self {
        match data.value {
            Value::Null => Self::Null,
            Value::String(text) => Self::Text(text.to_string().into()),
            Value::Bytes(bytes) => Self::Bytes(bytes.to_vec().into()),
            _ => Self::Data(data),
        }
    }
}
