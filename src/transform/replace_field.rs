//! `ReplaceField`: without some fields, and others under new names.

use super::Transformation;
use super::operand::{Draft, SchemaCache, read, require_map, require_struct, struct_kind, with_basics};
use super::row::{REPLACE_NULL, TransformationRow, key};
use super::settings::{Side, StepSettings};
use super::specs::{parse_renames, wrong_renames};
use crate::configdef::ConfigError;
use crate::configdef::def::Check::{Custom, Distinct};
use crate::configdef::def::Importance::Medium as Mid;
use crate::configdef::def::KeyType::List;
use crate::configdef::def::RowDefault::Is;
use crate::data::{Error, Field, Record, Schema, SchemaAndValue, Struct, Value};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The classes, their keys, and how they are made.
#[rustfmt::skip] // a table: one row is one key
pub static ROW: TransformationRow = TransformationRow {
    classes: &[
        "org.apache.kafka.connect.transforms.ReplaceField$Key",
        "org.apache.kafka.connect.transforms.ReplaceField$Value",
    ],
    keys: &[
        key("exclude", (List, Is("")), Distinct, Mid, "Fields that are removed, even if include has them."),
        key("include", (List, Is("")), Distinct, Mid, "The only fields that stay; all, if it is empty."),
        key("renames", (List, Is("")), Custom(wrong_renames), Mid, "Old and new names (old:new)."),
        REPLACE_NULL,
    ],
    make: |settings, side| Ok(Box::new(ReplaceField::new(settings, side)?)),
};

const PURPOSE: &str = "field replacement";

/// `org.apache.kafka.connect.transforms.ReplaceField`.
#[derive(Debug)]
pub(super) struct ReplaceField {
    side: Side,
    exclude: HashSet<String>,
    include: HashSet<String>,
    /// New names of old ones; of several the last counts.
    renames: HashMap<String, String>,
    /// Old names of new ones.
    originals: HashMap<String, String>,
    replace_null: bool,
    /// With the place from which each field comes.
    schemas: SchemaCache<(Arc<Schema>, Arc<[usize]>)>,
}

impl ReplaceField {
    pub(super) fn new(settings: StepSettings<'_>, side: Side) -> Result<Self, ConfigError> {
        let renames = parse_renames(settings.list("renames"));
        let renames = renames.map_err(|message| settings.error("renames", message))?;
        let names = |key: &str| settings.list(key).iter().cloned().collect();
        Ok(Self {
            side,
            exclude: names("exclude"),
            include: names("include"),
            originals: renames.iter().map(|(old, new)| (new.clone(), old.clone())).collect(),
            renames: renames.into_iter().collect(),
            replace_null: settings.replace_null(),
            schemas: SchemaCache::default(),
        })
    }

    fn keeps(&self, name: &str) -> bool {
        !self.exclude.contains(name) && (self.include.is_empty() || self.include.contains(name))
    }

    fn renamed<'a>(&'a self, name: &'a str) -> &'a str {
        self.renames.get(name).map_or(name, String::as_str)
    }

    /// The old name of a new one, even if there is an unchanged field of that name, as Connect has it.
    fn original<'a>(&'a self, name: &'a str) -> &'a str {
        self.originals.get(name).map_or(name, String::as_str)
    }

    fn schemaless(&self, value: Value) -> Result<Value, Error> {
        let mut draft = Draft::new();
        for (key, value) in require_map(value, PURPOSE)? {
            match &key {
                Value::String(name) if self.keeps(name) => draft.put(self.renamed(name), value),
                Value::String(_) => {}
                _ => draft.push(key, value),
            }
        }
        Ok(draft.into_value())
    }

    fn schema(&self, source: &Schema) -> Result<(Arc<Schema>, Arc<[usize]>), Error> {
        let kept = source.fields().iter().filter(|field| self.keeps(&field.name));
        let renamed =
            kept.map(|field| Field { name: self.renamed(&field.name).into(), schema: field.schema.clone() });
        let schema = with_basics(source, struct_kind(renamed.collect())?);
        let originals: Vec<&str> = schema.fields().iter().map(|field| self.original(&field.name)).collect();
        let invalid = |name: &str| Error::new(format!("{name} is not a valid field name"));
        let places = source.places(originals.iter().copied()).into_iter().zip(&originals);
        let places = places.map(|(place, name)| place.ok_or_else(|| invalid(name)));
        let places: Arc<[usize]> = places.collect::<Result<_, _>>()?;
        Ok((Arc::new(schema), places))
    }

    fn with_schema(&self, value: Value) -> Result<SchemaAndValue, Error> {
        let of = require_struct(value, PURPOSE)?;
        let (schema, places) = self.schemas.made(&of.schema, |source| self.schema(source))?;
        let value = |place: &usize| {
            let (field, value) = of.schema.fields().get(*place).zip(of.values.get(*place))?;
            Some(read(value.clone(), &field.schema, self.replace_null))
        };
        let values = places.iter().map(|place| value(place).unwrap_or(Value::Null)).collect();
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
