//! `Flatten`: nested fields on the top level, under names joined by a delimiter.

use super::Transformation;
use super::operand::{
    Draft, Entries, SchemaCache, Side, require_fields, require_map, require_struct, struct_kind, with_basics,
};
use super::settings::Settings;
use crate::data::{Error, Field, Kind, Record, Schema, SchemaAndValue, Struct, Value};
use std::sync::Arc;

const PURPOSE: &str = "flattening";

/// `org.apache.kafka.connect.transforms.Flatten`.
#[derive(Debug)]
pub(super) struct Flatten {
    side: Side,
    delimiter: String,
    schemas: SchemaCache,
}

impl Flatten {
    pub(super) fn new(settings: Settings<'_>, side: Side) -> Self {
        let delimiter = settings.text("delimiter").unwrap_or_default().to_owned();
        Self { side, delimiter, schemas: SchemaCache::default() }
    }

    fn name(&self, prefix: &str, name: &str) -> String {
        if prefix.is_empty() { name.to_owned() } else { format!("{prefix}{}{name}", self.delimiter) }
    }

    fn entries(&self, from: Entries, prefix: &str, to: &mut Draft) -> Result<(), Error> {
        for (key, value) in from {
            let name = match &key {
                Value::String(text) => self.name(prefix, text),
                // Maps without a schema have text keys; Java fails at its own cast.
                other => return Err(not_a_string(other)),
            };
            match value {
                Value::Map(nested) => self.entries(nested, &name, to)?,
                Value::Date(_) => {
                    return Err(Error::new(format!(
                        "Flatten transformation was passed a value of type class {} which is not supported by Connect's data API",
                        value.java_class()
                    )));
                }
                Value::Struct(_) => {
                    return Err(Error::new(format!(
                        "Flatten transformation does not support class {} for record without schemas (for field {name}).",
                        value.java_class()
                    )));
                }
                plain => to.put(&name, plain),
            }
        }
        Ok(())
    }

    fn schema(&self, source: &Schema) -> Result<Schema, Error> {
        let mut fields = Vec::new();
        let default = struct_of(source.default.as_ref());
        self.fields(source, ("", source.optional, default), &mut fields)?;
        Ok(with_basics(source, struct_kind(fields)?))
    }

    /// The fields below a struct, which has a prefix, is optional or lies in something that is, and has a default.
    fn fields(
        &self,
        source: &Schema,
        (prefix, is_optional, default): (&str, bool, Option<&Struct>),
        to: &mut Vec<Field>,
    ) -> Result<(), Error> {
        for (place, field) in require_fields(source)?.iter().enumerate() {
            let name = self.name(prefix, &field.name);
            let optional = is_optional || field.schema.optional;
            let inherited = || {
                default
                    .and_then(|of| of.get_or_default_near(place, &field.name))
                    .filter(|value| !value.is_null())
            };
            let default = field.schema.default.as_ref().or_else(inherited);
            match &field.schema.kind {
                Kind::Struct(_) => self.fields(&field.schema, (&name, optional, struct_of(default)), to)?,
                Kind::Map(..) => {
                    return Err(Error::new(format!(
                        "Flatten transformation does not support MAP for record with schemas (for field {name})."
                    )));
                }
                kind => {
                    let basics = with_basics(&field.schema, kind.clone());
                    let schema = Schema { optional, default: default.cloned(), ..basics };
                    to.push(Field { name: name.into(), schema: Arc::new(schema) });
                }
            }
        }
        Ok(())
    }
}

fn struct_of(value: Option<&Value>) -> Option<&Struct> {
    match value {
        Some(Value::Struct(of)) => Some(of),
        _ => None,
    }
}

fn not_a_string(key: &Value) -> Error {
    let message = format!("class {} cannot be cast to class java.lang.String", key.java_class());
    Error::of_class("java.lang.ClassCastException", message)
}

/// The values of the leaves, in order; those below a struct that is null are null, even if it has a default.
fn leaves(schema: &Schema, of: Option<&Struct>, to: &mut Vec<Value>) {
    for (place, field) in schema.fields().iter().enumerate() {
        if matches!(field.schema.kind, Kind::Struct(_)) {
            leaves(&field.schema, struct_of(of.and_then(|of| of.get_near(place, &field.name))), to);
        } else {
            let value = of.and_then(|of| of.get_or_default_near(place, &field.name));
            to.push(value.cloned().unwrap_or(Value::Null));
        }
    }
}

impl Transformation for Flatten {
    fn apply(&self, mut record: Record) -> Result<Option<Record>, Error> {
        if self.side.of(&record).value.is_null() {
            return Ok(Some(record));
        }
        let SchemaAndValue { schema, value } = self.side.take(&mut record);
        *self.side.of_mut(&mut record) = if let Some(source) = schema {
            let of = require_struct(value, PURPOSE)?;
            let schema = self.schemas.get(&source, |source| self.schema(source))?;
            let mut values = Vec::with_capacity(schema.fields().len());
            leaves(&of.schema, Some(&of), &mut values);
            let value = Value::Struct(Struct { schema: schema.clone(), values });
            SchemaAndValue { schema: Some(schema), value }
        } else {
            let mut flat = Draft::new();
            self.entries(require_map(value, PURPOSE)?, "", &mut flat)?;
            SchemaAndValue::schemaless(flat.into_value())
        };
        Ok(Some(record))
    }
}

#[cfg(test)]
#[path = "flatten_tests.rs"]
mod tests;
