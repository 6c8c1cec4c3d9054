//! `ReplaceField`: without some fields, and others under new names.

use super::Transformation;
use super::operand::{
    Entries, SchemaCache, Side, put, read, require_map, require_struct, struct_kind, with_basics,
};
use super::settings::Settings;
use crate::config::{ConfigError, transforms};
use crate::data::{Error, Field, Record, Schema, SchemaAndValue, Struct, Value};

const PURPOSE: &str = "field replacement";

/// `org.apache.kafka.connect.transforms.ReplaceField`.
#[derive(Debug)]
pub(super) struct ReplaceField {
    side: Side,
    exclude: Vec<String>,
    include: Vec<String>,
    /// Old and new names.
    renames: Vec<(String, String)>,
    replace_null: bool,
    schemas: SchemaCache,
}

impl ReplaceField {
    pub(super) fn new(settings: Settings<'_>, side: Side) -> Result<Self, ConfigError> {
        let renames = transforms::parse_renames(settings.list("renames"));
        Ok(Self {
            side,
            exclude: settings.list("exclude").to_vec(),
            include: settings.list("include").to_vec(),
            renames: renames.map_err(|message| settings.error("renames", message))?,
            replace_null: settings.replace_null(),
            schemas: SchemaCache::default(),
        })
    }

    fn keeps(&self, name: &str) -> bool {
        let is_in = |names: &[String]| names.iter().any(|known| known == name);
        !is_in(&self.exclude) && (self.include.is_empty() || is_in(&self.include))
    }

    /// The new name; of several renames the last counts.
    fn renamed<'a>(&'a self, name: &'a str) -> &'a str {
        self.renames.iter().rev().find(|(old, _)| old == name).map_or(name, |(_, new)| new)
    }

    /// The old name of a new one, even if there is an unchanged field of that name, as Connect has it.
    fn original<'a>(&'a self, name: &'a str) -> &'a str {
        self.renames.iter().rev().find(|(_, new)| new == name).map_or(name, |(old, _)| old)
    }

    fn schemaless(&self, value: Value) -> Result<Value, Error> {
        let mut entries = Entries::new();
        for (key, value) in require_map(value, PURPOSE)? {
            match &key {
                Value::String(name) if self.keeps(name) => put(&mut entries, self.renamed(name), value),
                Value::String(_) => {}
                _ => entries.push((key, value)),
            }
        }
        Ok(Value::Map(entries))
    }

    fn schema(&self, source: &Schema) -> Result<Schema, Error> {
        let kept = source.fields().iter().filter(|field| self.keeps(&field.name));
        let renamed =
            kept.map(|field| Field { name: self.renamed(&field.name).into(), schema: field.schema.clone() });
        Ok(with_basics(source, struct_kind(renamed.collect())?))
    }

    fn with_schema(&self, value: Value) -> Result<SchemaAndValue, Error> {
        let of = require_struct(value, PURPOSE)?;
        let schema = self.schemas.get(&of.schema, |source| self.schema(source))?;
        let value = |field: &Field| {
            let name = self.original(&field.name);
            let (index, source) = of
                .schema
                .field(name)
                .ok_or_else(|| Error::new(format!("{name} is not a valid field name")))?;
            let value = of.values.get(index).cloned().unwrap_or(Value::Null);
            Ok(read(value, &source.schema, self.replace_null))
        };
        let values = schema.fields().iter().map(value).collect::<Result<_, Error>>()?;
        let value = Value::Struct(Struct { schema: schema.clone(), values });
        Ok(SchemaAndValue { schema: Some(schema), value })
    }
}

impl Transformation for ReplaceField {
    fn apply(&self, mut record: Record) -> Result<Option<Record>, Error> {
        if self.side.of(&record).value.is_null() {
            return Ok(Some(record));
        }
        let SchemaAndValue { schema, value } = self.side.take(&mut record);
        *self.side.of_mut(&mut record) = match schema {
            None => SchemaAndValue::schemaless(self.schemaless(value)?),
            Some(_) => self.with_schema(value)?,
        };
        Ok(Some(record))
    }
}

#[cfg(test)]
#[path = "replace_field_tests.rs"]
mod tests;
