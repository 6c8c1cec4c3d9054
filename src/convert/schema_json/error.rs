//! The failure of a JSON Schema, by the name that Java has for it.

use crate::data::Error;

pub(super) fn bad_schema(reason: impl Into<String>) -> Error {
    Error::of_class("org.everit.json.schema.SchemaException", reason)
}
