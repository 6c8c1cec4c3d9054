//! The Avro converters: their rows, and what a schema of theirs is read by.

use super::{Options, Reader};
use crate::configdef::def::Check::Any;
use crate::configdef::def::Importance::{Low, Medium as Mid};
use crate::configdef::def::KeyType::Boolean;
use crate::configdef::def::RowDefault::Is;
use crate::configdef::def::{Row, Width};
use crate::convert::registered::{Format, RegisteredConverter, SchemaReader};
use crate::convert::row::{ConverterRow, Made, Reads};
use crate::convert::wire::{Framed, Wire, is_key, serialization};
use crate::data::registered::Registered;
use crate::data::{self, SchemaAndValue};
use crate::registry::{RegistryKind, keys};

const NONE: (&str, i32) = ("", -1);
const AUTO: Width = Width::None;

#[rustfmt::skip] // a table: one row is one key
const KEYS: &[Row] = &[
    Row("enhanced.avro.schema.support", Boolean, Is("false"), Any, Mid, NONE, AUTO, "enhanced.avro.schema.support",
        "Branches of a union are named by their full names, and the symbols of enums are kept as parameters."),
    Row("connect.meta.data", Boolean, Is("true"), Any, Low, NONE, AUTO, "connect.meta.data",
        "Accepted for compatibility: it is about writing."),
    Row("scrub.invalid.names", Boolean, Is("false"), Any, Mid, NONE, AUTO, "scrub.invalid.names",
        "Accepted for compatibility: it is about writing."),
    Row("discard.type.doc.default", Boolean, Is("false"), Any, Low, NONE, AUTO, "discard.type.doc.default",
        "Docs and defaults of a type do not become those of the fields of it."),
    Row("allow.optional.map.keys", Boolean, Is("false"), Any, Low, NONE, AUTO, "allow.optional.map.keys",
        "Accepted for compatibility: it is about writing."),
    Row("flatten.singleton.unions", Boolean, Is("true"), Any, Low, NONE, AUTO, "flatten.singleton.unions",
        "A union of one type is that type."),
    Row("generalized.sum.type.support", Boolean, Is("false"), Any, Mid, NONE, AUTO, "generalized.sum.type.support",
        "Branches of a union are numbered instead of named."),
    Row("ignore.default.for.nullables", Boolean, Is("false"), Any, Mid, NONE, AUTO, "ignore.default.for.nullables",
        "A null of a field that may be null stays null when the field has a default."),
];

/// Avro by Confluent's registry.
pub static CONFLUENT: ConverterRow = ConverterRow {
    class: "io.confluent.connect.avro.AvroConverter",
    has_alias: true,
    reads: Reads::Values,
    keys: &[keys::CONFLUENT, keys::REQUESTS, keys::WRITING, KEYS],
    registry: Some(RegistryKind::Confluent),
    make: |values| {
        let format = Box::new(Avro(Options::new(values, true)));
        let wire = Wire::confluent(is_key(values));
        Ok(Made::Registered(RegisteredConverter::new(CONFLUENT.class, wire, format, values)))
    },
};

/// Avro by Apicurio's registry.
pub static APICURIO: ConverterRow = ConverterRow {
    class: "io.apicurio.registry.utils.converter.AvroConverter",
    has_alias: false,
    reads: Reads::Values,
    keys: &[keys::APICURIO, keys::REQUESTS, KEYS],
    registry: Some(RegistryKind::Apicurio),
    make: |values| {
        let format = Box::new(Avro(Options::new(values, false)));
        let encoding = if is_key(values) { "apicurio.key.encoding" } else { "apicurio.value.encoding" };
        let wire = Wire::apicurio(values).with_detail(encoding);
        Ok(Made::Registered(RegisteredConverter::new(APICURIO.class, wire, format, values)))
    },
};

/// Avro's schemas.
#[derive(Debug)]
struct Avro(Options);

impl Format for Avro {
    fn name(&self) -> &'static str {
        "Avro"
    }

    fn kind(&self) -> &'static str {
        "AVRO"
    }

    fn reader(&self, schema: &Registered) -> Result<Box<dyn SchemaReader>, data::Error> {
        Ok(Box::new(Reader::new(schema, self.0)?))
    }
}

impl SchemaReader for Reader {
    fn read(&self, framed: &Framed<'_>) -> Result<SchemaAndValue, data::Error> {
        // Apicurio's other encoding. Read as the usual one it might even make sense.
        if framed.detail.is_some_and(|encoding| encoding != b"BINARY") {
            return Err(serialization(
                "Avro's JSON encoding is not read; set apicurio.registry.avro.encoding=BINARY where it is written",
            ));
        }
        self.decode(framed.payload)
    }
}
