//! JSON whose schema is a JSON Schema: the schema becomes Connect's, and values are read by it
//! (`connect-runtime.md` §6.4).
//!
//! Rooms: `documents` finds what a `$ref` names, `plan` makes Connect's schema, `read` the values. Nothing is validated
//! beyond what a value needs to be of its type. Pure.

mod documents;
mod error;
mod node;
mod options;
mod plan;
mod read;
mod row;

use crate::data::json_text::{self, Json};
use crate::data::registered::Registered;
use crate::data::room::Room;
use crate::data::{Error, SchemaAndValue};
use documents::Documents;
use node::Plan;
use options::Options;
pub use row::ROW;
use std::sync::Arc;

/// Reads values of one schema.
#[derive(Debug)]
struct Reader(Plan);

impl Reader {
    /// Reads a JSON Schema.
    fn new(registered: &Registered, options: Options) -> Result<Self, Error> {
        plan::make(&Documents::new(registered)?, options).map(Self)
    }

    /// Reads one document.
    fn decode(&self, bytes: &[u8]) -> Result<SchemaAndValue, Error> {
        let json = json_text::parse(bytes, 0).map_err(super::json_payload::not_json)?;
        if json == Json::Null {
            return Ok(SchemaAndValue::NULL);
        }
        let value = read::value(&self.0.root, &self.0.objects, &json, &Room::for_values(bytes.len()))?;
        Ok(SchemaAndValue { schema: Some(Arc::clone(&self.0.schema)), value })
    }
}

#[cfg(test)]
mod tests;
