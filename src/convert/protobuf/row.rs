//! The Protobuf converters: their rows, and what a schema of theirs is read by.

use super::{Options, Reader};
use crate::configdef::def::Check::Any;
use crate::configdef::def::Importance::Medium as Mid;
use crate::configdef::def::KeyType::Boolean;
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
    Row("enhanced.protobuf.schema.support", Boolean, Is("false"), Any, Mid, NONE, AUTO, "enhanced.protobuf.schema.support",
        "Structs are named by the full names of their messages, package included."),
    Row("int.for.enums", Boolean, Is("false"), Any, Mid, NONE, AUTO, "int.for.enums",
        "Enums are numbers instead of names."),
    Row("optional.for.nullables", Boolean, Is("false"), Any, Mid, NONE, AUTO, "optional.for.nullables",
        "Fields that are marked `optional` may be null."),
    Row("optional.for.proto2", Boolean, Is("true"), Any, Mid, NONE, AUTO, "optional.for.proto2",
        "Fields of proto2 that are not required may be null."),
    Row("wrapper.for.nullables", Boolean, Is("false"), Any, Mid, NONE, AUTO, "wrapper.for.nullables",
        "Wrapped values become values that may be null."),
    Row("wrapper.for.raw.primitives", Boolean, Is("true"), Any, Mid, NONE, AUTO, "wrapper.for.raw.primitives",
        "A whole message that is a wrapper becomes its value."),
    Row("generate.struct.for.nulls", Boolean, Is("false"), Any, Mid, NONE, AUTO, "generate.struct.for.nulls",
        "A message that is missing becomes one with all its defaults."),
    Row("generate.index.for.unions", Boolean, Is("true"), Any, Mid, NONE, AUTO, "generate.index.for.unions",
        "A oneof's number stands behind its name."),
    Row("flatten.unions", Boolean, Is("false"), Any, Mid, NONE, AUTO, "flatten.unions",
        "The fields of a oneof are fields of the message."),
    Row("scrub.invalid.names", Boolean, Is("false"), Any, Mid, NONE, AUTO, "scrub.invalid.names",
        "Accepted for compatibility: it is about writing."),
];

/// Protobuf by Confluent's registry.
pub static CONFLUENT: ConverterRow = ConverterRow {
    class: "io.confluent.connect.protobuf.ProtobufConverter",
    has_alias: true,
    reads: Reads::Values,
    keys: &[keys::CONFLUENT, keys::REQUESTS, keys::WRITING, KEYS],
    registry: Some(RegistryKind::Confluent),
    make: |values| {
        let format = Box::new(Protobuf(Options::new(values, true)));
        let wire = Wire::confluent(is_key(values));
        Ok(Made::Registered(RegisteredConverter::new(CONFLUENT.class, wire, format, values)))
    },
};

/// Protobuf by Apicurio's registry.
pub static APICURIO: ConverterRow = ConverterRow {
    class: "io.apicurio.registry.utils.converter.ProtobufConverter",
    has_alias: false,
    reads: Reads::Values,
    keys: &[keys::APICURIO, keys::REQUESTS, KEYS],
    registry: Some(RegistryKind::Apicurio),
    make: |values| {
        let format = Box::new(Protobuf(Options::new(values, false)));
        let wire = Wire::apicurio(values).with_detail("apicurio.protobuf.type");
        Ok(Made::Registered(RegisteredConverter::new(APICURIO.class, wire, format, values)))
    },
};

/// Protobuf's schemas.
#[derive(Debug)]
struct Protobuf(Options);

impl Format for Protobuf {
    fn name(&self) -> &'static str {
        "Protobuf"
    }

    fn kind(&self) -> &'static str {
        "PROTOBUF"
    }

    fn reader(&self, schema: &Registered) -> Result<Box<dyn SchemaReader>, data::Error> {
        Ok(Box::new(Reader::new(schema, self.0)?))
    }
}

impl SchemaReader for Reader {
    fn read(&self, framed: &Framed<'_>) -> Result<SchemaAndValue, data::Error> {
        self.decode(framed)
    }
}
