//! Connect's data model: what lies between a record's bytes and its batch (`connect-runtime.md` §6.1).
//!
//! [`Converted`] is the short way: values borrow from the fetch buffer wherever the converter can pass the bytes on as
//! they came. [`Record`], [`Value`] and [`Schema`] are the long one, for converters with schemas and for transformations.
//! Everything here is pure.

mod converted;
mod error;
pub mod iso;
pub mod java_number;
pub mod java_regex;
pub mod java_time;
pub mod json;
mod json_error;
pub mod json_text;
pub mod literal;
mod model;
mod record;
pub mod registered;
pub mod room;
mod same;
pub mod schema;
mod value;

pub use converted::Converted;
pub use error::{DATA_EXCEPTION, Error};
pub use model::{Field, Kind, Schema, SchemaAndValue, Struct, Value};
pub use record::{Header, Origin, Record, SinkRecord, TimestampType};
use std::borrow::Cow;
pub use value::entry;

/// A text from UTF-8, as Java reads it: what is malformed becomes U+FFFD. Whole texts are checked by words, not by
/// letters, which is most of what a text costs.
pub fn utf8(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}
