//! The short way of a record: what a converter makes of its bytes for a sink that only writes it down.

use super::model::{SchemaAndValue, Value};
use std::borrow::Cow;

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
