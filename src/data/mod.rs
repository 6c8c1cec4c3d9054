//! Connect's data model: what lies between a record's bytes and its batch (`connect-runtime.md` §6.1).
//!
//! [`Converted`] is the short way: values borrow from the fetch buffer wherever the converter can pass the bytes on as
//! they came. [`Record`], [`Value`] and [`Schema`] are the long one, for converters with schemas and for transformations.
//! Everything here is pure.

mod record;
pub mod schema;
mod value;

pub use record::{Header, Origin, Record, TimestampType};
pub use schema::{Field, Kind, Schema};
use std::borrow::Cow;
pub use value::{SchemaAndValue, Struct, Value, entry};

/// Data that is not what its schema, or an operation on it, wants; in Connect's own words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Error(String);

impl Error {
    /// An error in these words.
    pub fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }

    /// Never: the same data is no better next time.
    pub fn is_retriable(&self) -> bool {
        false
    }
}

/// What a converter made of a record's bytes.
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
}

impl Converted<'_> {
    /// The bytes to write; none for a tombstone.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Null => None,
            Self::Text(text) => Some(text.as_bytes()),
            Self::Bytes(bytes) | Self::Json(bytes) => Some(bytes),
        }
    }
}
