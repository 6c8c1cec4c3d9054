//! The failures of Avro, by the names that Java has for them.

use crate::data::Error;

pub(super) fn bad_schema(reason: impl Into<String>) -> Error {
    Error::of_class("org.apache.avro.SchemaParseException", reason)
}

pub(super) fn bad_value(reason: impl Into<String>) -> Error {
    Error::of_class("org.apache.avro.AvroRuntimeException", reason)
}
