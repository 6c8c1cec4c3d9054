//! `Flatten`: nested fields on the top level, under names joined by a delimiter.

use super::Transformation;
use super::operand::{
    Draft, Entries, SchemaCache, require_fields, require_map, require_struct, struct_kind, with_basics,
};
use super::row::{TransformationRow, key};
use super::settings::{Side, StepSettings};
use crate::configdef::def::Check::Any;
use crate::configdef::def::Importance::Medium as Mid;
use crate::configdef::def::KeyType::String as Text;
use crate::configdef::def::RowDefault::Is;
use crate::data::room::Room;
use crate::data::{Error, Field, Kind, Record, Schema, SchemaAndValue, Struct, Value};
use std::sync::Arc;

/// The classes, their keys, and how they are made.
#[rustfmt::skip] // a table: one row is one key
pub static ROW: TransformationRow = TransformationRow {
    classes: &[
        "org.apache.kafka.connect.transforms.Flatten$Key",
        "org.apache.kafka.connect.transforms.Flatten$Value",
    ],
    keys: &[
        key("delimiter", (Text, Is(".")), Any, Mid, "What stands between the names of nested fields."),
    ],
    make: |settings, side| Ok(Box::new(Flatten::new(settings, side))),
};

const PURPOSE: &str = "flattening";

/// `org.apache.kafka.connect.transforms.Flatten`.
#[derive(Debug)]
pub(super) struct Flatten {
    side: Side,
    delimiter: String,
    /// What cannot be flattened is not tried again with each record.
    schemas: SchemaCache<Result<Arc<Schema>, Error>>,
}

impl Flatten {
    pub(super) fn new(settings: StepSettings<'_>, side: Side) -> Self {
        let delimiter = settings.text("delimiter").unwrap_or_default().to_owned();
        Self { side, delimiter, schemas: SchemaCache::default() }
    }

    fn name(&self, prefix: &str, name: &str) -> String {
        if prefix.is_empty() { name.to_owned() } else { format!("{prefix}{}{name}", self.delimiter) }
    }

    /// The room is for what the names have in common: each entry repeats all of those above it.
    fn entries(&self, from: Entries, prefix: &str, (to, room): (&mut Draft, &Room)) -> Result<(), Error> {
        for (key, value) in from {
            room.take_text(prefix.len())?;
            let name = match &key {
                Value::String(text) => self.name(prefix, text),
                // Maps without a schema have text keys; Java fails at its own cast.
                other => return Err(not_a_string(other)),
            };
            match value {
                Value::Map(nested) => self.entries(nested, &name, (&mut *to, room))?,
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
        self.fields(source, ("", source.optional, default), (&mut fields, &Room::for_parts()))?;
        Ok(with_basics(source, struct_kind(fields)?))
    }

    /// The fields below a struct, which has a prefix, is optional or lies in something that is, and has a default.
    fn fields(
        &self,
        source: &Schema,
        (prefix, is_optional, default): (&str, bool, Option<&Struct>),
        (to, room): (&mut Vec<Field>, &Room),
    ) -> Result<(), Error> {
        for (place, field) in require_fields(source)?.iter().enumerate() {
            let name = self.name(prefix, &field.name);
            room.take(1)?;
            room.take_text(name.len())?;
            let optional = is_optional || field.schema.optional;
            let inherited = || {
                default
                    .and_then(|of| of.get_or_default_near(place, &field.name))
                    .filter(|value| !value.is_null())
            };
            let default = field.schema.default.as_ref().or_else(inherited);
            match &field.schema.kind {
                Kind::Struct(_) => {
                    let inner = (name.as_str(), optional, struct_of(default));
                    self.fields(&field.schema, inner, (&mut *to, room))?;
                }
                Kind::Map(..) => {
                    return Err(Error::new(format!(
                        "Flatten transformation does not support MAP for record with schemas (for field {name})."
                    )));
                }
                kind => {
                    let basics = with_basics(&field.schema, kind.clone());
                    room.take(basics.parameters.len())?;
                    let default = default.map(|value| room.default(value)).transpose()?;
                    let schema = Schema { optional, default, ..basics };
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
fn leaves(schema: &Schema, of: Option<&Struct>, (to, room): (&mut Vec<Value>, &Room)) -> Result<(), Error> {
    for (place, field) in schema.fields().iter().enumerate() {
        let value = of.and_then(|of| of.get_near(place, &field.name)).filter(|value| !value.is_null());
        if matches!(field.schema.kind, Kind::Struct(_)) {
            leaves(&field.schema, struct_of(value), (&mut *to, room))?;
        } else if let Some(value) = value {
            to.push(value.clone());
        } else {
            let default = of.and_then(|of| of.get_or_default_near(place, &field.name));
            to.push(default.map_or(Ok(Value::Null), |default| room.default(default))?);
        }
    }
    Ok(())
}

impl Transformation for Flatten {
    fn apply(&self, mut record: Record) -> Result<Option<Record>, Error> {
        if self.side.of(&record).value.is_null() {
            return Ok(Some(record));
        }
        let SchemaAndValue { schema, value } = self.side.take(&mut record);
        *self.side.of_mut(&mut record) = if let Some(source) = schema {
            let of = require_struct(value, PURPOSE)?;
            let schema = self.schemas.made(&source, |source| Ok(self.schema(source).map(Arc::new)))??;
            let mut values = Vec::with_capacity(schema.fields().len());
            leaves(&source, Some(&of), (&mut values, &Room::for_values(0)))?;
            let value = Value::Struct(Struct { schema: schema.clone(), values });
            SchemaAndValue { schema: Some(schema), value }
        } else {
            let mut flat = Draft::new();
            self.entries(require_map(value, PURPOSE)?, "", (&mut flat, &Room::for_values(0)))?;
            SchemaAndValue::schemaless(flat.into_value())
        };
        Ok(Some(record))
    }
}

#[cfg(test)]
#[path = "flatten_tests.rs"]
mod tests;
