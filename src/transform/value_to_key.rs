//! `ValueToKey`: a key made of fields of the value.

use super::Transformation;
use super::operand::{Draft, SchemaCache, in_map, no_map, no_struct, read, struct_kind};
use super::row::{REPLACE_NULL, TransformationRow, key};
use super::settings::StepSettings;
use crate::configdef::def::Check::DistinctFilled;
use crate::configdef::def::Importance::High;
use crate::configdef::def::KeyType::List;
use crate::configdef::def::RowDefault::Required;
use crate::data::{Error, Field, Record, Schema, SchemaAndValue, Struct, Value};
use std::sync::Arc;

/// The class, its keys, and how it is made.
#[rustfmt::skip] // a table: one row is one key
pub static ROW: TransformationRow = TransformationRow {
    classes: &["org.apache.kafka.connect.transforms.ValueToKey"],
    keys: &[
        key("fields", (List, Required), DistinctFilled, High, "The fields of the value that make the new key."),
        REPLACE_NULL,
    ],
    make: |settings, _| Ok(Box::new(ValueToKey::new(settings))),
};

const PURPOSE: &str = "copying fields from value to key";

/// `org.apache.kafka.connect.transforms.ValueToKey`.
#[derive(Debug)]
pub(super) struct ValueToKey {
    fields: Vec<String>,
    replace_null: bool,
    /// With the place from which each field comes.
    schemas: SchemaCache<(Arc<Schema>, Arc<[usize]>)>,
}

impl ValueToKey {
    pub(super) fn new(settings: StepSettings<'_>) -> Self {
        let fields = settings.list("fields").to_vec();
        Self { fields, replace_null: settings.replace_null(), schemas: SchemaCache::default() }
    }

    fn schema(&self, source: &Schema) -> Result<(Arc<Schema>, Arc<[usize]>), Error> {
        let places = source.places(self.fields.iter().map(String::as_str)).into_iter().zip(&self.fields);
        let missing = |name: &str| Error::new(format!("Field does not exist: {name}"));
        let places = places.map(|(place, name)| place.ok_or_else(|| missing(name)));
        let places: Arc<[usize]> = places.collect::<Result<_, _>>()?;
        let fields: Vec<Field> =
            places.iter().filter_map(|place| source.fields().get(*place).cloned()).collect();
        Ok((Arc::new(Schema::new(struct_kind(fields)?)), places))
    }

    fn key_of(&self, of: &Struct) -> Result<SchemaAndValue, Error> {
        let (schema, places) = self.schemas.made(&of.schema, |source| self.schema(source))?;
        let value = |(place, field): (&usize, &Field)| {
            read(of.values.get(*place).cloned().unwrap_or(Value::Null), &field.schema, self.replace_null)
        };
        let values = places.iter().zip(schema.fields()).map(value).collect();
        let value = Value::Struct(Struct { schema: schema.clone(), values });
        Ok(SchemaAndValue { schema: Some(schema), value })
    }
}

impl Transformation for ValueToKey {
    fn apply(&self, mut record: Record) -> Result<Option<Record>, Error> {
        record.key = match (&record.value.schema, &record.value.value) {
            (None, Value::Map(entries)) => {
                let mut key = Draft::new();
                for (name, value) in self.fields.iter().zip(in_map(entries, &self.fields)) {
                    key.put(name, value.cloned().unwrap_or(Value::Null));
                }
                SchemaAndValue::schemaless(key.into_value())
            }
            (None, other) => return Err(no_map(other, PURPOSE)),
            (Some(_), Value::Struct(of)) => self.key_of(of)?,
            (Some(_), other) => return Err(no_struct(other, PURPOSE)),
        };
        Ok(Some(record))
    }
}

#[cfg(test)]
#[path = "value_to_key_tests.rs"]
mod tests;
