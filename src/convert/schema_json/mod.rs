//! JSON whose schema is a JSON Schema: the schema becomes Connect's, and values are read by it
//! (`connect-runtime.md` §6.4).
//!
//! Rooms: `documents` finds what a `$ref` names, `plan` makes Connect's schema, `read` the values. Nothing is validated
//! beyond what a value needs to be of its type. Pure.

mod documents;
mod plan;
mod read;

use crate::data::json_text::{self, Json};
use crate::data::registered::Registered;
use crate::data::room::Room;
use crate::data::{Error, Schema, SchemaAndValue};
use documents::Documents;
use plan::{Node, Object};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The converter's own settings that a sink sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Options {
    /// `generalized.sum.type.support`.
    generalized: bool,
}

impl Options {
    /// Reads them; the tables of keys have checked them.
    pub(super) fn new(settings: &BTreeMap<String, String>) -> Self {
        Self { generalized: super::settings::flag(settings, "generalized.sum.type.support").unwrap_or(false) }
    }
}

/// Reads values of one schema.
#[derive(Debug)]
pub(super) struct Reader {
    schema: Arc<Schema>,
    root: Node,
    objects: Vec<Option<Object>>,
}

impl Reader {
    /// Reads a JSON Schema.
    pub(super) fn new(registered: &Registered, options: Options) -> Result<Self, Error> {
        plan::make(&Documents::new(registered)?, options)
    }

    /// Reads one document.
    pub(super) fn read(&self, bytes: &[u8]) -> Result<SchemaAndValue, Error> {
        let json = json_text::parse(bytes, 0).map_err(super::json::not_json)?;
        if json == Json::Null {
            return Ok(SchemaAndValue::NULL);
        }
        let value = read::value(&self.root, &self.objects, &json, &Room::for_values(bytes.len()))?;
        Ok(SchemaAndValue { schema: Some(Arc::clone(&self.schema)), value })
    }
}

fn bad_schema(reason: impl Into<String>) -> Error {
    Error::of_class("org.everit.json.schema.SchemaException", reason)
}

#[cfg(test)]
mod tests;
