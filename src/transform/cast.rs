//! `Cast`: fields, or the whole key or value, as another type.

use super::operand::{
    Draft, SchemaCache, read_all, require_fields, require_map, require_struct, struct_kind, with_basics,
};
use super::row::{REPLACE_NULL, TransformationRow, key};
use super::specs::{parse_casts, wrong_spec};
use super::{
    Transformation, java_text,
    settings::{Side, StepSettings},
};
use crate::configdef::ConfigError;
use crate::configdef::def::Check::Custom;
use crate::configdef::def::Importance::High;
use crate::configdef::def::KeyType::List;
use crate::configdef::def::RowDefault::Required;
use crate::data::java_number::{double_value, float_value, int_value, long_value, parse_double, parse_float};
use crate::data::{Error, Field, Kind, Record, Schema, SchemaAndValue, Struct, Value, java_time, schema};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The classes, their keys, and how they are made.
#[rustfmt::skip] // a table: one row is one key
pub static ROW: TransformationRow = TransformationRow {
    classes: &[
        "org.apache.kafka.connect.transforms.Cast$Key",
        "org.apache.kafka.connect.transforms.Cast$Value",
    ],
    keys: &[
        key("spec", (List, Required), Custom(wrong_spec), High, "Fields and their new types (field:type), or one type for the whole: int8, int16, int32, int64, float32, float64, boolean or string. Bytes can only become a string."),
        REPLACE_NULL,
    ],
    make: |settings, side| Ok(Box::new(Cast::new(settings, side)?)),
};

const PURPOSE: &str = "cast types";
const DAY_MS: i64 = 86_400_000;

/// `org.apache.kafka.connect.transforms.Cast`.
#[derive(Debug)]
pub(super) struct Cast {
    side: Side,
    whole: Option<Kind>,
    fields: Vec<String>,
    targets: HashMap<String, Kind>,
    replace_null: bool,
    schemas: SchemaCache,
}

impl Cast {
    pub(super) fn new(settings: StepSettings<'_>, side: Side) -> Result<Self, ConfigError> {
        let casts = parse_casts(settings.list("spec")).map_err(|message| settings.error("spec", message))?;
        let mut whole = None;
        let mut targets = HashMap::new();
        let mut order = Vec::new();
        for (field, kind) in casts {
            match field {
                None => whole = Some(kind),
                Some(name) => {
                    targets.insert(name.clone(), kind);
                    order.push(name);
                }
            }
        }
        // Of a name that comes twice the last counts.
        let mut seen = HashSet::new();
        let mut fields: Vec<String> =
            order.into_iter().rev().filter(|name| seen.insert(name.clone())).collect();
        fields.reverse();
        Ok(Self {
            side,
            whole,
            fields,
            targets,
            replace_null: settings.replace_null(),
            schemas: SchemaCache::default(),
        })
    }

    fn target(&self, name: &str) -> Option<&Kind> {
        self.targets.get(name)
    }

    fn schemaless(&self, value: Value) -> Result<Value, Error> {
        if let Some(kind) = &self.whole {
            return cast(None, &value, kind);
        }
        let mut draft = Draft::of(require_map(value, PURPOSE)?, self.fields.len());
        for name in &self.fields {
            let Some(kind) = self.target(name) else { continue };
            let value = cast(None, draft.get(name).unwrap_or(&Value::Null), kind)?;
            draft.put(name, value);
        }
        Ok(draft.into_value())
    }

    fn schema(&self, source: &Schema) -> Result<Schema, Error> {
        let kind = if let Some(kind) = &self.whole {
            kind.clone()
        } else {
            let fields = require_fields(source)?.iter().map(|field| self.field(field));
            struct_kind(fields.collect::<Result<_, _>>()?)?
        };
        let default =
            source.default.as_ref().map(|default| cast(Some(source), default, &kind)).transpose()?;
        Ok(Schema { optional: source.optional, default, ..with_basics(source, kind) })
    }

    fn field(&self, field: &Field) -> Result<Field, Error> {
        let Some(kind) = self.target(&field.name) else { return Ok(field.clone()) };
        let source = &field.schema;
        let default = source.default.as_ref().map(|default| cast(Some(source), default, kind)).transpose()?;
        let schema = Schema { optional: source.optional, default, ..Schema::new(kind.clone()) };
        Ok(Field { name: field.name.clone(), schema: Arc::new(schema) })
    }

    fn with_schema(&self, source: &Arc<Schema>, value: Value) -> Result<SchemaAndValue, Error> {
        let schema = self.schemas.get(source, |source| self.schema(source))?;
        let value = if let Some(kind) = &self.whole {
            cast(Some(source), &value, kind)?
        } else {
            let of = require_struct(value, PURPOSE)?;
            let cast_field = |(field, value): (Field, Value)| match self.target(&field.name) {
                Some(kind) => cast(Some(&field.schema), &value, kind),
                None => Ok(value),
            };
            let values = read_all(of, self.replace_null).into_iter().map(cast_field);
            Value::Struct(Struct { values: values.collect::<Result<_, _>>()?, schema: schema.clone() })
        };
        Ok(SchemaAndValue { schema: Some(schema), value })
    }
}

impl Transformation for Cast {
    fn apply(&self, mut record: Record) -> Result<Option<Record>, Error> {
        if self.side.of(&record).value.is_null() {
            return Ok(Some(record));
        }
        let SchemaAndValue { schema, value } = self.side.take(&mut record);
        *self.side.of_mut(&mut record) = match schema {
            None => SchemaAndValue::schemaless(self.schemaless(value)?),
            Some(schema) => self.with_schema(&schema, value)?,
        };
        Ok(Some(record))
    }
}

/// A value as one of the types that can be cast to.
fn cast(schema: Option<&Schema>, value: &Value, to: &Kind) -> Result<Value, Error> {
    if value.is_null() {
        return Ok(Value::Null);
    }
    if let Some(unsupported) = unsupported_source(schema, value)? {
        return Err(Error::new(format!(
            "Cast transformation does not support casting from {unsupported}; supported types are [INT8, INT16, INT32, \
             INT64, FLOAT32, FLOAT64, BOOLEAN, STRING, BYTES]"
        )));
    }
    let encoded =
        schema.filter(|_| *to != Kind::String).map(|schema| encode(schema, value)).transpose()?.flatten();
    let value = encoded.as_ref().unwrap_or(value);
    #[expect(clippy::cast_possible_truncation, reason = "Java's rules for narrowing are those of `as`")]
    match (to, value) {
        (Kind::String, _) => Ok(text(value)),
        (Kind::Boolean, Value::Boolean(_)) => Ok(value.clone()),
        (Kind::Boolean, Value::String(text)) => Ok(Value::Boolean(text.eq_ignore_ascii_case("true"))),
        (Kind::Boolean, _) => {
            long_value(value).map(|number| Value::Boolean(number != 0)).ok_or_else(|| unexpected(value))
        }
        (_, Value::String(text)) => parse(text, to),
        (_, Value::Boolean(truth)) => cast(None, &Value::Int8(i8::from(*truth)), to),
        (Kind::Int8, _) => {
            int_value(value).map(|number| Value::Int8(number as i8)).ok_or_else(|| unexpected(value))
        }
        (Kind::Int16, _) => {
            int_value(value).map(|number| Value::Int16(number as i16)).ok_or_else(|| unexpected(value))
        }
        (Kind::Int32, _) => int_value(value).map(Value::Int32).ok_or_else(|| unexpected(value)),
        (Kind::Int64, _) => long_value(value).map(Value::Int64).ok_or_else(|| unexpected(value)),
        (Kind::Float32, _) => float_value(value).map(Value::Float32).ok_or_else(|| unexpected(value)),
        (Kind::Float64, _) => double_value(value).map(Value::Float64).ok_or_else(|| unexpected(value)),
        _ => Err(Error::new(format!("{to} is not supported in the Cast transformation."))),
    }
}

fn unexpected(value: &Value) -> Error {
    Error::new(format!("Unexpected type in Cast transformation: class {}", value.java_class()))
}

/// The type that cannot be cast from, if it is one.
fn unsupported_source(schema: Option<&Schema>, value: &Value) -> Result<Option<&'static str>, Error> {
    let by_value = match value {
        Value::Array(_) => Some("ARRAY"),
        Value::Map(_) => Some("MAP"),
        Value::Struct(_) => Some("STRUCT"),
        _ => None,
    };
    match (schema, value) {
        (Some(schema), _) => {
            let is_nested = matches!(schema.kind, Kind::Array(_) | Kind::Map(..) | Kind::Struct(_));
            Ok(is_nested.then(|| schema.kind.name()))
        }
        (None, Value::Date(_)) => Err(Error::new(format!(
            "Cast transformation was passed a value of type class {} which is not supported by Connect's data API",
            value.java_class()
        ))),
        (None, _) => Ok(by_value),
    }
}

/// A logical date, time or timestamp as the number that stands for it.
fn encode(schema: &Schema, value: &Value) -> Result<Option<Value>, Error> {
    let Some(name @ (schema::DATE | schema::TIME | schema::TIMESTAMP)) = schema.logical_name() else {
        return Ok(None);
    };
    let Value::Date(ms) = value else {
        let class = value.java_class();
        return Err(Error::of_class(
            "java.lang.ClassCastException",
            format!("class {class} cannot be cast to class java.util.Date"),
        ));
    };
    let must_not = |kind: &str, fields: &str| {
        Err(Error::new(format!(
            "Kafka Connect {kind} type should not have any {fields} fields set to non-zero values."
        )))
    };
    #[expect(clippy::cast_possible_truncation, reason = "Java's rules for narrowing are those of `as`")]
    Ok(Some(match name {
        schema::DATE if ms % DAY_MS != 0 => return must_not("Date", "time"),
        schema::DATE => Value::Int32((ms / DAY_MS) as i32),
        schema::TIME if !(0..=DAY_MS).contains(ms) => return must_not("Time", "date"),
        schema::TIME => Value::Int32(*ms as i32),
        _ => Value::Int64(*ms),
    }))
}

fn text(value: &Value) -> Value {
    Value::String(match value {
        Value::String(text) => text.clone(),
        Value::Date(ms) => java_time::iso(*ms).into(),
        Value::Bytes(bytes) => STANDARD.encode(bytes).into(),
        other => java_text::of(other).into(),
    })
}

fn parse(text: &str, to: &Kind) -> Result<Value, Error> {
    let parsed = match to {
        Kind::Int8 => text.parse().ok().map(Value::Int8),
        Kind::Int16 => text.parse().ok().map(Value::Int16),
        Kind::Int32 => text.parse().ok().map(Value::Int32),
        Kind::Int64 => text.parse().ok().map(Value::Int64),
        Kind::Float32 => parse_float(text).map(Value::Float32),
        _ => parse_double(text).map(Value::Float64),
    };
    parsed.ok_or_else(|| {
        let is_floating = matches!(to, Kind::Float32 | Kind::Float64);
        let message = if is_floating && text.trim().is_empty() {
            "empty String".to_owned()
        } else if matches!(to, Kind::Int8 | Kind::Int16) && text.parse::<i32>().is_ok() {
            format!("Value out of range. Value:\"{text}\" Radix:10")
        } else {
            format!("For input string: \"{text}\"")
        };
        Error::new(format!("Value ({text}) was out of range for requested data type"))
            .because(Error::of_class("java.lang.NumberFormatException", message))
    })
}

#[cfg(test)]
#[path = "cast_tests.rs"]
mod tests;
