//! Avro: a writer's schema becomes a Connect schema and a plan by which values are decoded, straight from the bytes
//! (`connect-runtime.md` §6.4).
//!
//! Rooms: `parse` reads the schema, `plan` makes Connect's of it (`logical` what types say beside
//! themselves), `decode` the values (`cursor` their bytes), `default` reads defaults. `file` is apart: container files,
//! without Connect's types. Pure.

mod cursor;
mod decode;
mod default;
pub(super) mod file;
mod logical;
mod parse;
mod plan;

use crate::data::registered::Registered;
use crate::data::{Error, Schema, SchemaAndValue};
use plan::{Node, Record};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The converter's own settings that a sink sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own, read in one place")]
pub(super) struct Options {
    /// `enhanced.avro.schema.support`.
    pub(super) enhanced: bool,
    /// `flatten.singleton.unions`.
    pub(super) flatten_singletons: bool,
    /// `generalized.sum.type.support`.
    pub(super) generalized: bool,
    /// `discard.type.doc.default`.
    pub(super) discard_type_doc: bool,
    /// `ignore.default.for.nullables`.
    pub(super) ignore_default: bool,
    /// A value that is nothing but bytes has no length before it: Confluent's way, not Apicurio's.
    pub(super) bare_bytes: bool,
}

impl Options {
    /// Reads them; the tables of keys have checked them.
    pub(super) fn new(settings: &BTreeMap<String, String>, bare_bytes: bool) -> Self {
        let flag = |key| super::settings::flag(settings, key);
        Self {
            enhanced: flag("enhanced.avro.schema.support").unwrap_or(false),
            flatten_singletons: flag("flatten.singleton.unions").unwrap_or(true),
            generalized: flag("generalized.sum.type.support").unwrap_or(false),
            discard_type_doc: flag("discard.type.doc.default").unwrap_or(false),
            ignore_default: flag("ignore.default.for.nullables").unwrap_or(false),
            bare_bytes,
        }
    }
}

/// Decodes values of one schema.
#[derive(Debug)]
pub(super) struct Reader {
    schema: Option<Arc<Schema>>,
    root: Node,
    records: Vec<Record>,
    bare_bytes: bool,
}

impl Reader {
    /// Reads a writer's schema.
    pub(super) fn new(registered: &Registered, options: Options) -> Result<Self, Error> {
        let mut names = parse::Names::new();
        for reference in &registered.references {
            names.read(&reference.text)?;
        }
        let root = names.read(&registered.text)?;
        plan::make(&names, &root, options)
    }

    /// Decodes one value.
    pub(super) fn read(&self, bytes: &[u8]) -> Result<SchemaAndValue, Error> {
        let value = match &self.root {
            Node::Bytes(scale) if self.bare_bytes => decode::bytes_or_decimal(bytes, *scale)?,
            root => decode::value(root, &self.records, bytes)?,
        };
        Ok(SchemaAndValue { schema: self.schema.clone(), value })
    }
}

fn bad_schema(reason: impl Into<String>) -> Error {
    Error::of_class("org.apache.avro.SchemaParseException", reason)
}

fn bad_value(reason: impl Into<String>) -> Error {
    Error::of_class("org.apache.avro.AvroRuntimeException", reason)
}

#[cfg(test)]
mod tests;
