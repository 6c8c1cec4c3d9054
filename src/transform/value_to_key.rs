//! `ValueToKey`: a key made of fields of the value.

use super::Transformation;
use super::operand::{Entries, SchemaCache, no_map, no_struct, put, read, struct_kind};
use super::settings::Settings;
use crate::data::{Error, Field, Record, Schema, SchemaAndValue, Struct, Value, entry};

const PURPOSE: &str = "copying fields from value to key";

/// `org.apache.kafka.connect.transforms.ValueToKey`.
#[derive(Debug)]
pub(super) struct ValueToKey {
    fields: Vec<String>,
    replace_null: bool,
    schemas: SchemaCache,
}

impl ValueToKey {
    pub(super) fn new(settings: Settings<'_>) -> Self {
        let fields = settings.list("fields").to_vec();
        Self { fields, replace_null: settings.replace_null(), schemas: SchemaCache::default() }
    }

    fn schema(&self, source: &Schema) -> Result<Schema, Error> {
        let field = |name: &String| {
            let (_, field) =
                source.field(name).ok_or_else(|| Error::new(format!("Field does not exist: {name}")))?;
            Ok(field.clone())
        };
        let fields: Vec<Field> = self.fields.iter().map(field).collect::<Result<_, Error>>()?;
        Ok(Schema::new(struct_kind(fields)?))
    }

    fn key_of(&self, of: &Struct) -> Result<SchemaAndValue, Error> {
        let schema = self.schemas.get(&of.schema, |source| self.schema(source))?;
        let value = |field: &Field| {
            read(of.get(&field.name).cloned().unwrap_or(Value::Null), &field.schema, self.replace_null)
        };
        let values = schema.fields().iter().map(value).collect();
        let value = Value::Struct(Struct { schema: schema.clone(), values });
        Ok(SchemaAndValue { schema: Some(schema), value })
    }
}

impl Transformation for ValueToKey {
    fn apply(&self, mut record: Record) -> Result<Option<Record>, Error> {
        record.key = match (&record.value.schema, &record.value.value) {
            (None, Value::Map(entries)) => {
                let mut key = Entries::new();
                for name in &self.fields {
                    put(&mut key, name, entry(entries, name).cloned().unwrap_or(Value::Null));
                }
                SchemaAndValue::schemaless(Value::Map(key))
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
