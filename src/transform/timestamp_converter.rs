//! `TimestampConverter`: moments in another form.

use super::operand::{
    SchemaCache, put, read, require_fields, require_map, require_struct, struct_kind, with_basics,
};
use super::row::{REPLACE_NULL, TransformationRow, key};
use super::settings::{Side, StepSettings};
use super::{Transformation, java_text};
use crate::configdef::ConfigError;
use crate::configdef::def::Check::{Any, OneOf};
use crate::configdef::def::Importance::{High, Low, Medium as Mid};
use crate::configdef::def::KeyType::String as Text;
use crate::configdef::def::RowDefault::{Is, Required};
use crate::data::java_time::DateFormat;
use crate::data::{Error, Field, Kind, Record, Schema, SchemaAndValue, Struct, Value, entry, schema};
use bigdecimal::BigDecimal;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// The classes, their keys, and how they are made.
#[rustfmt::skip] // a table: one row is one key
pub static ROW: TransformationRow = TransformationRow {
    classes: &[
        "org.apache.kafka.connect.transforms.TimestampConverter$Key",
        "org.apache.kafka.connect.transforms.TimestampConverter$Value",
    ],
    keys: &[
        key("field", (Text, Is("")), Any, High, "The field that is converted; empty for the whole."),
        key("target.type", (Text, Required), OneOf(&["string", "unix", "Date", "Time", "Timestamp"]), High, "The form that it gets."),
        key("format", (Text, Is("")), Any, Mid, "The pattern of texts (Java's SimpleDateFormat, in UTC), read or written."),
        key("unix.precision", (Text, Is("milliseconds")), OneOf(&["nanoseconds", "microseconds", "milliseconds", "seconds"]), Low, "What unix times count, read or written; what is finer than a millisecond is lost."),
        REPLACE_NULL,
    ],
    make: |settings, side| Ok(Box::new(TimestampConverter::new(settings, side, now_ms())?)),
};

const PURPOSE: &str = "converting timestamp formats";
const DAY_MS: i64 = 86_400_000;

/// A form of a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    String,
    Unix,
    Date,
    Time,
    Timestamp,
}

/// What a unix time counts, as the number of it in a millisecond, or of milliseconds in it.
#[derive(Debug, Clone, Copy)]
enum Precision {
    /// So many are a millisecond.
    Finer(i64),
    /// So many milliseconds are one.
    Coarser(i64),
}

/// `org.apache.kafka.connect.transforms.TimestampConverter`.
#[derive(Debug)]
pub(super) struct TimestampConverter {
    side: Side,
    /// Empty for the whole.
    field: String,
    target: Form,
    /// The pattern as it was written, and made ready.
    format: Option<(String, DateFormat)>,
    precision: Precision,
    replace_null: bool,
    schemas: SchemaCache,
}

impl TimestampConverter {
    pub(super) fn new(settings: StepSettings<'_>, side: Side, now_ms: i64) -> Result<Self, ConfigError> {
        let target = match settings.text("target.type") {
            Some("string") => Form::String,
            Some("unix") => Form::Unix,
            Some("Date") => Form::Date,
            Some("Time") => Form::Time,
            _ => Form::Timestamp,
        };
        let precision = match settings.text("unix.precision") {
            Some("seconds") => Precision::Coarser(1000),
            Some("microseconds") => Precision::Finer(1000),
            Some("nanoseconds") => Precision::Finer(1_000_000),
            _ => Precision::Finer(1),
        };
        let format = match settings.text("format").filter(|pattern| !pattern.is_empty()) {
            Some(pattern) => {
                let format = DateFormat::new(pattern, now_ms).map_err(|error| {
                    let message = format!(
                        "Invalid value {}: {error} for configuration TimestampConverter requires a \
                         SimpleDateFormat-compatible pattern for string timestamps: {pattern}",
                        error.class()
                    );
                    settings.error("format", message)
                })?;
                Some((pattern.to_owned(), format))
            }
            None if target == Form::String => {
                let message =
                    "TimestampConverter requires format option to be specified when using string timestamps";
                return Err(settings.error("format", message.to_owned()));
            }
            None => None,
        };
        let field = settings.text("field").unwrap_or_default().to_owned();
        let replace_null = settings.replace_null();
        Ok(Self { side, field, target, format, precision, replace_null, schemas: SchemaCache::default() })
    }

    fn convert(&self, value: &Value, from: Option<Form>) -> Result<Value, Error> {
        if value.is_null() {
            return Ok(Value::Null);
        }
        let from = match (from, value) {
            (Some(form), _) => form,
            (None, Value::Date(_)) => Form::Timestamp,
            (None, Value::Int64(_)) => Form::Unix,
            (None, Value::Decimal(number)) if number.fractional_digit_count() == 0 => Form::Unix,
            (None, Value::String(_)) => Form::String,
            (None, other) => {
                let class = other.java_class();

                return Err(Error::new(format!(
                    "TimestampConverter does not support class {class} objects as timestamps"
                )));
            }
        };
        Ok(self.write(self.read(value, from)?))
    }

    /// Milliseconds since the epoch.
    fn read(&self, value: &Value, from: Form) -> Result<i64, Error> {
        let expected =
            |what: &str| Err(Error::new(format!("Expected {what}, but found class {}", value.java_class())));
        match (from, value) {
            (Form::String, Value::String(text)) => self.parse(text),
            (Form::String, _) => expected("string timestamp to be a String"),
            (Form::Unix, Value::Int64(number)) => Ok(match self.precision {
                Precision::Finer(factor) => number / factor,
                Precision::Coarser(factor) => number.saturating_mul(factor),
            }),
            (Form::Unix, Value::Decimal(number)) if number.fractional_digit_count() == 0 => {
                self.read_long(number)
            }
            (Form::Unix, _) => expected("Unix timestamp to be a Long"),
            (_, Value::Date(ms)) => Ok(*ms),
            (Form::Date, _) => expected("Date to be a java.util.Date"),
            (Form::Time, _) => expected("Time to be a java.util.Date"),
            (Form::Timestamp, _) => expected("Timestamp to be a java.util.Date"),
        }
    }

    /// An integer beyond 64 bits, as JSON without a schema may have it: nanoseconds may still be a moment.
    fn read_long(&self, number: &BigDecimal) -> Result<i64, Error> {
        let factor = match self.precision {
            Precision::Finer(factor) => factor,
            Precision::Coarser(_) => 1,
        };
        let (integer, _) = number.as_bigint_and_exponent();
        i64::try_from(integer / factor)
            .map_err(|_| Error::new(format!("{number} is beyond all timestamps of this unix.precision")))
    }

    fn parse(&self, text: &str) -> Result<i64, Error> {
        let Some((pattern, format)) = &self.format else {
            return Err(Error::of_class(
                "java.lang.NullPointerException",
                "Cannot invoke \"java.text.SimpleDateFormat.parse(String)\" because \"config.format\" is null",
            ));
        };
        format.parse(text).ok_or_else(|| {
            let cause = Error::of_class("java.text.ParseException", format!("Unparseable date: \"{text}\""));
            Error::new(format!(
                "Could not parse timestamp: value ({text}) does not match pattern ({pattern})"
            ))
            .because(cause)
        })
    }

    fn write(&self, ms: i64) -> Value {
        match self.target {
            Form::String => {
                let format = |(_, format): &(String, DateFormat)| format.format(ms);
                Value::String(self.format.as_ref().map(format).unwrap_or_default().into())
            }
            Form::Unix => Value::Int64(match self.precision {
                Precision::Finer(factor) => ms.saturating_mul(factor),
                Precision::Coarser(factor) => ms / factor,
            }),
            Form::Date => Value::Date(ms.wrapping_sub(ms.rem_euclid(DAY_MS))),
            Form::Time => Value::Date(ms.rem_euclid(DAY_MS)),
            Form::Timestamp => Value::Date(ms),
        }
    }

    fn target_schema(&self, optional: bool) -> Schema {
        let schema = match self.target {
            Form::String => Schema::new(Kind::String),
            Form::Unix => Schema::new(Kind::Int64),
            Form::Date => Schema::logical(Kind::Int32, schema::DATE),
            Form::Time => Schema::logical(Kind::Int32, schema::TIME),
            Form::Timestamp => Schema::logical(Kind::Int64, schema::TIMESTAMP),
        };
        schema.with_optional(optional)
    }

    fn schema(&self, source: &Schema) -> Result<Schema, Error> {
        let converted = |field: &Field| {
            if *field.name != *self.field {
                return field.clone();
            }
            Field { name: field.name.clone(), schema: Arc::new(self.target_schema(field.schema.optional)) }
        };
        let kind = struct_kind(require_fields(source)?.iter().map(converted).collect())?;
        let made = Schema { optional: source.optional, ..with_basics(source, kind) };
        let default = match &source.default {
            Some(Value::Struct(default)) => {
                let values = self.values(default)?;
                Some(Value::Struct(Struct { schema: Arc::new(made.clone()), values }))
            }
            _ => None,
        };
        Ok(Schema { default, ..made })
    }

    fn values(&self, of: &Struct) -> Result<Vec<Value>, Error> {
        let value = |(field, value): (&Field, &Value)| {
            let value = read(value.clone(), &field.schema, self.replace_null);
            if *field.name == *self.field {
                self.convert(&value, Some(form(&field.schema)?))
            } else {
                Ok(value)
            }
        };
        of.schema.fields().iter().zip(&of.values).map(value).collect()
    }

    fn with_schema(&self, source: &Arc<Schema>, value: Value) -> Result<SchemaAndValue, Error> {
        if self.field.is_empty() {
            let value = self.convert(&value, Some(form(source)?))?;
            return Ok(SchemaAndValue::new(self.target_schema(source.optional), value));
        }
        let of = if value.is_null() { None } else { Some(require_struct(value, PURPOSE)?) };
        let schema = self.schemas.get(source, |source| self.schema(source))?;
        let value = match of {
            None => Value::Null,
            Some(of) => Value::Struct(Struct { values: self.values(&of)?, schema: schema.clone() }),
        };
        Ok(SchemaAndValue { schema: Some(schema), value })
    }

    fn schemaless(&self, value: Value) -> Result<Value, Error> {
        if value.is_null() || self.field.is_empty() {
            return self.convert(&value, None);
        }
        let mut entries = require_map(value, PURPOSE)?;
        let converted = self.convert(entry(&entries, &self.field).unwrap_or(&Value::Null), None)?;
        put(&mut entries, &self.field, converted);
        Ok(Value::Map(entries))
    }
}

/// The form that a schema stands for.
fn form(schema: &Schema) -> Result<Form, Error> {
    match (schema.name.as_deref(), &schema.kind) {
        (Some(schema::TIMESTAMP), _) => Ok(Form::Timestamp),
        (Some(schema::DATE), _) => Ok(Form::Date),
        (Some(schema::TIME), _) => Ok(Form::Time),
        (_, Kind::String) => Ok(Form::String),
        (_, Kind::Int64) => Ok(Form::Unix),
        _ => Err(Error::of_class(
            "org.apache.kafka.connect.errors.ConnectException",
            format!(
                "Schema {} does not correspond to a known timestamp type format",
                java_text::of_schema(schema)
            ),
        )),
    }
}

impl Transformation for TimestampConverter {
    fn apply(&self, mut record: Record) -> Result<Option<Record>, Error> {
        let SchemaAndValue { schema, value } = self.side.take(&mut record);
        *self.side.of_mut(&mut record) = match schema {
            None => SchemaAndValue::schemaless(self.schemaless(value)?),
            Some(schema) => self.with_schema(&schema, value)?,
        };
        Ok(Some(record))
    }
}

/// Milliseconds since the epoch; the epoch itself if the clock stands before it.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[path = "timestamp_converter_tests.rs"]
mod tests;
