//! `HeaderFrom`: fields as headers.

use super::Transformation;
use super::operand::{Draft, SchemaCache, read, require_map, require_struct, struct_kind, with_basics};
use super::row::{REPLACE_NULL, TransformationRow, key};
use super::settings::{Side, StepSettings};
use crate::configdef::ConfigError;
use crate::configdef::def::Check::{NonEmptyList, OneOf};
use crate::configdef::def::Importance::High;
use crate::configdef::def::KeyType::{List, String as Text};
use crate::configdef::def::RowDefault::Required;
use crate::data::{Error, Field, Header, Record, Schema, SchemaAndValue, Struct, Value};
use std::collections::HashSet;
use std::sync::Arc;

/// The classes, their keys, and how they are made.
#[rustfmt::skip] // a table: one row is one key
pub static ROW: TransformationRow = TransformationRow {
    classes: &[
        "org.apache.kafka.connect.transforms.HeaderFrom$Key",
        "org.apache.kafka.connect.transforms.HeaderFrom$Value",
    ],
    keys: &[
        key("fields", (List, Required), NonEmptyList, High, "The fields that become headers."),
        key("headers", (List, Required), NonEmptyList, High, "The names of these headers, in the same order."),
        key("operation", (Text, Required), OneOf(&["move", "copy"]), High, "Whether the fields are removed (move) or stay (copy)."),
        REPLACE_NULL,
    ],
    make: |settings, side| Ok(Box::new(HeaderFrom::new(settings, side)?)),
};

/// `org.apache.kafka.connect.transforms.HeaderFrom`.
#[derive(Debug)]
pub(super) struct HeaderFrom {
    side: Side,
    /// Fields and the headers that they become.
    pairs: Vec<(String, Arc<str>)>,
    /// The fields that are taken away: all of these, or none.
    moved: HashSet<String>,
    moves: bool,
    replace_null: bool,
    schemas: SchemaCache,
    /// Where the fields are.
    places: SchemaCache<Arc<[usize]>>,
}

impl HeaderFrom {
    pub(super) fn new(settings: StepSettings<'_>, side: Side) -> Result<Self, ConfigError> {
        let (fields, headers) = (settings.list("fields"), settings.list("headers"));
        if fields.len() != headers.len() {
            let message = "'fields' config must have the same number of elements as 'headers' config.";
            return Err(settings.error("headers", message.to_owned()));
        }
        let pairs = fields.iter().zip(headers).map(|(field, header)| (field.clone(), header.as_str().into()));
        let moves = settings.text("operation") == Some("move");
        Ok(Self {
            side,
            pairs: pairs.collect(),
            moved: fields.iter().filter(|_| moves).cloned().collect(),
            moves,
            replace_null: settings.replace_null(),
            schemas: SchemaCache::default(),
            places: SchemaCache::default(),
        })
    }

    fn purpose(&self) -> &'static str {
        if self.moves { "header move" } else { "header copy" }
    }

    fn schemaless(&self, value: Value, headers: &mut Vec<Header>) -> Result<SchemaAndValue, Error> {
        let mut draft = Draft::of(require_map(value, self.purpose())?, self.pairs.len());
        for (field, header) in &self.pairs {
            let value = draft.get(field).cloned().unwrap_or(Value::Null);
            headers.push(Header { key: header.clone(), value: SchemaAndValue::schemaless(value) });
        }
        let mut value = draft.into_value();
        if let Value::Map(entries) = &mut value {
            let is_moved = |key: &Value| matches!(key, Value::String(name) if self.moved.contains(&**name));
            entries.retain(|(key, _)| !is_moved(key));
        }
        Ok(SchemaAndValue::schemaless(value))
    }

    fn with_schema(
        &self,
        source: Arc<Schema>,
        value: Value,
        headers: &mut Vec<Header>,
    ) -> Result<SchemaAndValue, Error> {
        let of = require_struct(value, self.purpose())?;
        let places = self.places.made(&source, |source| {
            let places = source.places(self.pairs.iter().map(|(name, _)| name.as_str()));
            places.into_iter().collect::<Option<Arc<[usize]>>>().ok_or_else(no_field)
        })?;
        for (place, (name, header)) in places.iter().zip(&self.pairs) {
            let Some(field) = source.fields().get(*place) else { return Err(no_field()) };
            let value = of.get_near(*place, name).cloned().unwrap_or(Value::Null);
            let value = read(value, &field.schema, self.replace_null);
            let value = SchemaAndValue { schema: Some(field.schema.clone()), value };
            headers.push(Header { key: header.clone(), value });
        }
        if !self.moves {
            return Ok(SchemaAndValue { schema: Some(source), value: Value::Struct(of) });
        }
        let keeps = |field: &Field| !self.moved.contains(&*field.name);
        let schema = self.schemas.get(&source, |source| {
            let fields = source.fields().iter().filter(|field| keeps(field)).cloned().collect();
            Ok(with_basics(source, struct_kind(fields)?))
        })?;
        let Struct { schema: own, values } = of;
        let kept = own.fields().iter().zip(values).filter(|(field, _)| keeps(field));
        let values = kept.map(|(field, value)| read(value, &field.schema, self.replace_null)).collect();
        let value = Value::Struct(Struct { schema: schema.clone(), values });
        Ok(SchemaAndValue { schema: Some(schema), value })
    }
}

fn no_field() -> Error {
    Error::of_class(
        "java.lang.NullPointerException",
        "Cannot invoke \"org.apache.kafka.connect.data.Field.schema()\" because the return value of \
         \"org.apache.kafka.connect.data.Schema.field(String)\" is null",
    )
}

impl Transformation for HeaderFrom {
    fn apply(&self, mut record: Record) -> Result<Option<Record>, Error> {
        let SchemaAndValue { schema, value } = self.side.take(&mut record);
        *self.side.of_mut(&mut record) = match schema {
            None => self.schemaless(value, &mut record.headers)?,
            Some(schema) => self.with_schema(schema, value, &mut record.headers)?,
        };
        Ok(Some(record))
    }
}

#[cfg(test)]
#[path = "header_from_tests.rs"]
mod tests;
