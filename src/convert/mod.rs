//! Converters: from the bytes of a Kafka record to a value (`connect-runtime.md` §6).
//!
//! Each class has a row of its name, its keys and how it is made, beside what it does; the catalogue (`plugins`) lists the
//! rows. Converters are pure: no I/O, no state that a record changes but a cache of schemas. What may be passed on unchanged
//! is borrowed from the fetch buffer. Those that need a schema registry are [`RegisteredConverter`]s: they say which schema
//! they lack, and whoever calls them fetches it.

pub mod avro;
pub mod connect_json;
mod converter;
#[cfg(test)]
mod decimal_tests;
mod failures;
pub mod json;
mod json_payload;
mod json_schema;
pub mod primitive;
pub mod protobuf;
mod registered;
mod row;
pub mod schema_json;
pub mod simple_header;
#[cfg(test)]
pub(crate) mod testing;
mod wire;

pub use avro::file::{MAGIC as AVRO_MAGIC, records as avro_records};
pub use converter::{Converter, Error};
pub use registered::{ConvertFailure, Input, RegisteredConverter};
pub use row::{ConverterRow, Made, Reads};
