//! `HoistField`: the whole as the only field of something new.

use super::Transformation;
use super::operand::{SchemaCache, struct_kind};
use super::row::{TransformationRow, key};
use super::settings::{Side, StepSettings};
use crate::configdef::def::Check::Any;
use crate::configdef::def::Importance::Medium as Mid;
use crate::configdef::def::KeyType::String as Text;
use crate::configdef::def::RowDefault::Required;
use crate::data::{Error, Field, Record, Schema, SchemaAndValue, Struct, Value};
use std::sync::Arc;

/// The classes, their keys, and how they are made.
#[rustfmt::skip] // a table: one row is one key
pub static ROW: TransformationRow = TransformationRow {
    classes: &[
        "org.apache.kafka.connect.transforms.HoistField$Key",
        "org.apache.kafka.connect.transforms.HoistField$Value",
    ],
    keys: &[
        key("field", (Text, Required), Any, Mid, "The name of the only field of the result."),
    ],
    make: |settings, side| Ok(Box::new(HoistField::new(settings, side))),
};

/// `org.apache.kafka.connect.transforms.HoistField`.
#[derive(Debug)]
pub(super) struct HoistField {
    side: Side,
    field: Arc<str>,
    schemas: SchemaCache,
}

impl HoistField {
    pub(super) fn new(settings: StepSettings<'_>, side: Side) -> Self {
        let field = settings.text("field").unwrap_or_default().into();
        Self { side, field, schemas: SchemaCache::default() }
    }
}

impl Transformation for HoistField {
    fn apply(&self, mut record: Record) -> Result<Option<Record>, Error> {
        let SchemaAndValue { schema, value } = self.side.take(&mut record);
        let Some(source) = schema else {
            let entries = vec![(Value::String(self.field.clone()), value)];
            *self.side.of_mut(&mut record) = SchemaAndValue::schemaless(Value::Map(entries));
            return Ok(Some(record));
        };
        let schema = self.schemas.get(&source, |_| {
            let field = Field { name: self.field.clone(), schema: source.clone() };
            Ok(Schema::new(struct_kind(vec![field])?))
        })?;
        if value.is_null() && !source.optional {
            return Err(Error::new(format!(
                "Invalid value: null used for required field: \"{}\", schema type: {}",
                self.field, source.kind
            )));
        }
        let value = Value::Struct(Struct { schema: schema.clone(), values: vec![value] });
        *self.side.of_mut(&mut record) = SchemaAndValue { schema: Some(schema), value };
        Ok(Some(record))
    }
}

#[cfg(test)]
#[path = "hoist_field_tests.rs"]
mod tests;
