//! `SetSchemaMetadata`: another name or version for a struct's schema.

use super::Transformation;
use super::operand::{SchemaCache, read_all, require_fields};
use super::row::{REPLACE_NULL, TransformationRow, key};
use super::settings::{Side, StepSettings};
use crate::configdef::ConfigError;
use crate::configdef::def::Check::Any;
use crate::configdef::def::Importance::High;
use crate::configdef::def::KeyType::{Int, String as Text};
use crate::configdef::def::RowDefault::Null;
use crate::data::{Error, Record, Schema, SchemaAndValue, Struct, Value};
use std::sync::Arc;

/// The classes, their keys, and how they are made.
#[rustfmt::skip] // a table: one row is one key
pub static ROW: TransformationRow = TransformationRow {
    classes: &[
        "org.apache.kafka.connect.transforms.SetSchemaMetadata$Key",
        "org.apache.kafka.connect.transforms.SetSchemaMetadata$Value",
    ],
    keys: &[
        key("schema.name", (Text, Null), Any, High, "The schema's new name."),
        key("schema.version", (Int, Null), Any, High, "The schema's new version."),
        REPLACE_NULL,
    ],
    make: |settings, side| Ok(Box::new(SetSchemaMetadata::new(settings, side)?)),
};

/// `org.apache.kafka.connect.transforms.SetSchemaMetadata`.
#[derive(Debug)]
pub(super) struct SetSchemaMetadata {
    side: Side,
    name: Option<Arc<str>>,
    version: Option<i32>,
    replace_null: bool,
    schemas: SchemaCache,
}

impl SetSchemaMetadata {
    pub(super) fn new(settings: StepSettings<'_>, side: Side) -> Result<Self, ConfigError> {
        let name = settings.text("schema.name").map(Arc::from);
        let version = settings.int("schema.version");
        if name.is_none() && version.is_none() {
            return Err(
                settings.error("schema.name", "Neither schema name nor version configured".to_owned())
            );
        }
        Ok(Self {
            side,
            name,
            version,
            replace_null: settings.replace_null(),
            schemas: SchemaCache::default(),
        })
    }
}

impl Transformation for SetSchemaMetadata {
    fn apply(&self, mut record: Record) -> Result<Option<Record>, Error> {
        let SchemaAndValue { schema, value } = self.side.take(&mut record);
        let Some(source) = schema else {
            if value.is_null() {
                return Ok(Some(record));
            }
            return Err(Error::new("Schema required for [updating schema metadata]"));
        };
        let schema = self.schemas.get(&source, |source| {
            // Connect asks every schema for its fields, so that only those of structs can be changed.
            require_fields(source)?;
            let name = self.name.clone().or_else(|| source.name.clone());
            Ok(Schema { name, version: self.version.or(source.version), ..source.clone() })
        })?;
        let value = match value {
            Value::Struct(of) => {
                let values = read_all(of, self.replace_null).into_iter().map(|(_, value)| value).collect();
                Value::Struct(Struct { schema: schema.clone(), values })
            }
            other => other,
        };
        *self.side.of_mut(&mut record) = SchemaAndValue { schema: Some(schema), value };
        Ok(Some(record))
    }
}

#[cfg(test)]
#[path = "set_schema_metadata_tests.rs"]
mod tests;
