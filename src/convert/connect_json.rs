//! Apicurio's `ExtJsonConverter`: JSON whose schema, Connect's own as an envelope has it, is in a registry.

use super::json_payload;
use super::json_schema::SchemaCache;
use super::registered::{Format, RegisteredConverter, SchemaReader};
use super::row::{ConverterRow, Made, Reads};
use super::wire::{Framed, Wire, is_key};
use crate::data::registered::Registered;
use crate::data::room::Room;
use crate::data::{self, Schema, SchemaAndValue, json_text};
use crate::registry::{RegistryKind, keys};
use std::sync::Arc;

/// The class, its keys, and how it is made.
pub static ROW: ConverterRow = ConverterRow {
    class: "io.apicurio.registry.utils.converter.ExtJsonConverter",
    has_alias: false,
    reads: Reads::Values,
    keys: &[keys::APICURIO, keys::REQUESTS],
    // It has its own mind about the id.
    registry: Some(RegistryKind::ApicurioGlobalId),
    make: |values| {
        let wire = Wire::object(is_key(values));
        Ok(Made::Registered(RegisteredConverter::new(ROW.class, wire, Box::new(ConnectJson), values)))
    },
};

/// Connect's own schemas.
#[derive(Debug)]
struct ConnectJson;

#[derive(Debug)]
struct Reader(Arc<Schema>);

impl Format for ConnectJson {
    fn name(&self) -> &'static str {
        "JSON"
    }

    fn kind(&self) -> &'static str {
        "JSON"
    }

    fn reader(&self, schema: &Registered) -> Result<Box<dyn SchemaReader>, data::Error> {
        let schema = SchemaCache::new(1).get(&schema.text, 0)?;
        Ok(Box::new(Reader(schema.ok_or_else(|| data::Error::new("it is null"))?)))
    }
}

impl SchemaReader for Reader {
    fn read(&self, framed: &Framed<'_>) -> Result<SchemaAndValue, data::Error> {
        let payload = json_text::parse(framed.payload, 0).map_err(json_payload::not_json)?;
        let room = Room::for_values(framed.payload.len());
        let value = json_payload::value(&self.0, &payload, true, &room)?;
        Ok(SchemaAndValue { schema: Some(Arc::clone(&self.0)), value })
    }
}
