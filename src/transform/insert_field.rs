//! `InsertField`: what is known of a record, or a fixed text, as fields.

use super::Transformation;
use super::operand::{SchemaCache, put, read_all, require_map, require_struct, struct_kind, with_basics};
use super::row::{REPLACE_NULL, TransformationRow, key};
use super::settings::{Side, StepSettings};
use crate::configdef::ConfigError;
use crate::configdef::def::Check::Any;
use crate::configdef::def::Importance::Medium as Mid;
use crate::configdef::def::KeyType::String as Text;
use crate::configdef::def::RowDefault::Null;
use crate::data::{Error, Field, Kind, Record, Schema, SchemaAndValue, Struct, Value, schema};
use std::sync::Arc;

/// The classes, their keys, and how they are made.
#[rustfmt::skip] // a table: one row is one key
pub static ROW: TransformationRow = TransformationRow {
    classes: &[
        "org.apache.kafka.connect.transforms.InsertField$Key",
        "org.apache.kafka.connect.transforms.InsertField$Value",
    ],
    keys: &[
        key("topic.field", (Text, Null), Any, Mid, "The field for the topic. All these names may end with ! for a required field, or with ? for an optional one, which is the rule."),
        key("partition.field", (Text, Null), Any, Mid, "The field for the partition."),
        key("offset.field", (Text, Null), Any, Mid, "The field for the offset."),
        key("timestamp.field", (Text, Null), Any, Mid, "The field for the record's timestamp."),
        key("static.field", (Text, Null), Any, Mid, "The field for a fixed text."),
        key("static.value", (Text, Null), Any, Mid, "That text."),
        REPLACE_NULL,
    ],
    make: |settings, side| Ok(Box::new(InsertField::new(settings, side)?)),
};

const PURPOSE: &str = "field insertion";

/// What a field is filled from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    Topic,
    Partition,
    Offset,
    Timestamp,
    Static(Arc<str>),
}

#[derive(Debug)]
struct Insertion {
    name: Arc<str>,
    is_optional: bool,
    source: Source,
}

/// `org.apache.kafka.connect.transforms.InsertField`.
#[derive(Debug)]
pub(super) struct InsertField {
    side: Side,
    insertions: Vec<Insertion>,
    replace_null: bool,
    schemas: SchemaCache,
}

impl InsertField {
    pub(super) fn new(settings: StepSettings<'_>, side: Side) -> Result<Self, ConfigError> {
        let mut insertions = Vec::new();
        let mut add = |key: &str, source: Source| {
            insertions.extend(settings.text(key).map(|spec| insertion(spec, source)));
        };
        add("topic.field", Source::Topic);
        add("partition.field", Source::Partition);
        add("offset.field", Source::Offset);
        add("timestamp.field", Source::Timestamp);
        let text = settings.text("static.value");
        add("static.field", Source::Static(text.unwrap_or_default().into()));
        if insertions.is_empty() {
            return Err(settings.error("topic.field", "No field insertion configured".to_owned()));
        }
        if let (Some(field), None) = (settings.text("static.field"), text) {
            return Err(settings.invalid(
                "static.value",
                "null",
                &format!("No value specified for static field: {field}"),
            ));
        }
        Ok(Self { side, insertions, replace_null: settings.replace_null(), schemas: SchemaCache::default() })
    }

    fn schema(&self, source: &Schema) -> Result<Schema, Error> {
        let mut fields = source.fields().to_vec();
        fields.extend(self.insertions.iter().map(Insertion::field));
        Ok(with_basics(source, struct_kind(fields)?))
    }
}

/// `name?` is optional, which is also the rule, and `name!` required.
fn insertion(spec: &str, source: Source) -> Insertion {
    let (name, is_optional) = match (spec.strip_suffix('?'), spec.strip_suffix('!')) {
        (Some(name), _) => (name, true),
        (None, Some(name)) => (name, false),
        (None, None) => (spec, true),
    };
    Insertion { name: name.into(), is_optional, source }
}

impl Insertion {
    fn field(&self) -> Field {
        let schema = match self.source {
            Source::Topic | Source::Static(_) => Schema::new(Kind::String),
            Source::Partition => Schema::new(Kind::Int32),
            Source::Offset => Schema::new(Kind::Int64),
            Source::Timestamp => Schema::logical(Kind::Int64, schema::TIMESTAMP),
        };
        Field { name: self.name.clone(), schema: Arc::new(schema.with_optional(self.is_optional)) }
    }

    /// None when the record has no such thing.
    fn value(&self, record: &Record, has_schema: bool) -> Option<Value> {
        match &self.source {
            Source::Topic => Some(Value::String(record.topic.clone())),
            Source::Partition => Some(Value::Int32(record.origin.partition)),
            Source::Offset => Some(Value::Int64(record.origin.offset)),
            Source::Timestamp if has_schema => record.timestamp.map(Value::Date),
            Source::Timestamp => record.timestamp.map(Value::Int64),
            Source::Static(text) => Some(Value::String(text.clone())),
        }
    }
}

impl Transformation for InsertField {
    fn apply(&self, mut record: Record) -> Result<Option<Record>, Error> {
        if self.side.of(&record).value.is_null() {
            return Ok(Some(record));
        }
        let SchemaAndValue { schema, value } = self.side.take(&mut record);
        *self.side.of_mut(&mut record) = if schema.is_some() {
            let of = require_struct(value, PURPOSE)?;
            let schema = self.schemas.get(&of.schema, |source| self.schema(source))?;
            let mut values: Vec<_> =
                read_all(of, self.replace_null).into_iter().map(|(_, value)| value).collect();
            let inserted = self.insertions.iter().map(|insertion| insertion.value(&record, true));
            values.extend(inserted.map(|value| value.unwrap_or(Value::Null)));
            let value = Value::Struct(Struct { schema: schema.clone(), values });
            SchemaAndValue { schema: Some(schema), value }
        } else {
            let mut entries = require_map(value, PURPOSE)?;
            for insertion in &self.insertions {
                if let Some(value) = insertion.value(&record, false) {
                    put(&mut entries, &insertion.name, value);
                }
            }
            SchemaAndValue::schemaless(Value::Map(entries))
        };
        Ok(Some(record))
    }
}

#[cfg(test)]
#[path = "insert_field_tests.rs"]
mod tests;
