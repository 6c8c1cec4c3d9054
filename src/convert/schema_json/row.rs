//! The JSON Schema converter: its row, and what a schema is read by.

use super::{Options, Reader};
use crate::configdef::def::Check::{Any, OneOfAnyCase};
use crate::configdef::def::Importance::Medium as Mid;
use crate::configdef::def::KeyType::{Boolean, String};
use crate::configdef::def::RowDefault::Is;
use crate::configdef::def::{Row, Width};
use crate::convert::registered::{Format, RegisteredConverter, SchemaReader};
use crate::convert::row::{ConverterRow, Made, Reads};
use crate::convert::wire::{Framed, Wire, is_key};
use crate::data::registered::Registered;
use crate::data::{self, SchemaAndValue};
use crate::registry::{RegistryKind, keys};

const NONE: (&str, i32) = ("", -1);
const AUTO: Width = Width::None;

#[rustfmt::skip] // a table: one row is one key
const KEYS: &[Row] = &[
    Row("object.additional.properties", Boolean, Is("true"), Any, Mid, NONE, AUTO, "object.additional.properties",
        "Accepted for compatibility: it is about writing."),
    Row("use.optional.for.nonrequired", Boolean, Is("false"), Any, Mid, NONE, AUTO, "use.optional.for.nonrequired",
        "Accepted for compatibility: a property that is not required may always be missing or null."),
    Row("decimal.format", String, Is("BASE64"), OneOfAnyCase(&["BASE64", "NUMERIC"]), Mid, NONE, AUTO, "decimal.format",
        "Accepted for compatibility: it is about writing."),
    Row("ignore.modern.dialects", Boolean, Is("false"), Any, Mid, NONE, AUTO, "ignore.modern.dialects",
        "Accepted for compatibility: schemas of all drafts are read alike."),
    Row("generalized.sum.type.support", Boolean, Is("false"), Any, Mid, NONE, AUTO, "generalized.sum.type.support",
        "Branches of a union are named alike for all formats."),
];

/// JSON with a JSON Schema in Confluent's registry.
pub static ROW: ConverterRow = ConverterRow {
    class: "io.confluent.connect.json.JsonSchemaConverter",
    has_alias: true,
    reads: Reads::Values,
    keys: &[keys::CONFLUENT, keys::REQUESTS, keys::WRITING, KEYS],
    registry: Some(RegistryKind::Confluent),
    make: |values| {
        let format = Box::new(JsonSchema(Options::new(values)));
        let wire = Wire::confluent(is_key(values));
        Ok(Made::Registered(RegisteredConverter::new(ROW.class, wire, format, values)))
    },
};

/// JSON Schemas.
#[derive(Debug)]
struct JsonSchema(Options);

impl Format for JsonSchema {
    fn name(&self) -> &'static str {
        "JSON"
    }

    fn kind(&self) -> &'static str {
        "JSON"
    }

    fn reader(&self, schema: &Registered) -> Result<Box<dyn SchemaReader>, data::Error> {
        Ok(Box::new(Reader::new(schema, self.0)?))
    }
}

impl SchemaReader for Reader {
    fn read(&self, framed: &Framed<'_>) -> Result<SchemaAndValue, data::Error> {
        self.decode(framed.payload)
    }
}
