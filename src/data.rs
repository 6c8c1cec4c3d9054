//! A record's value between its converter and its batch.
//!
//! Values borrow from the fetch buffer wherever the converter can pass the bytes on as they came; nothing here
//! allocates by itself. Avro's and Protobuf's structs join as further variants when their converters do.

use std::borrow::Cow;

/// What a converter made of a record's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// A tombstone: nothing to write, but its offset counts.
    Null,
    /// A text, written as it is.
    Text(Cow<'a, str>),
    /// Bytes, written as they are.
    Bytes(Cow<'a, [u8]>),
    /// One JSON document (an object or an array), valid and in UTF-8.
    Json(Cow<'a, [u8]>),
}

impl Value<'_> {
    /// The bytes to write; none for a tombstone.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Null => None,
            Self::Text(text) => Some(text.as_bytes()),
            Self::Bytes(bytes) | Self::Json(bytes) => Some(bytes),
        }
    }
}
