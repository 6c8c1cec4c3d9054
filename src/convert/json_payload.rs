//! The payload half of Connect's JSON envelope: JSON becomes a [`Value`] as its schema says; and JSON without a schema
//! (`connect-runtime.md` §6.2).
//!
//! JSON is read level by level from its own text, so numbers are exact. A value of another type than its schema's is an
//! error; the JVM takes it for 0, false or null, and cuts numbers that do not fit.

use super::json::not_json;
use crate::data::schema::{DATE, DECIMAL, TIME, TIMESTAMP};
use crate::data::{Error, Field, Kind, Schema, Struct, Value};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bigdecimal::BigDecimal;
use serde::de::{Deserialize, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;
/// No decimal of a table is longer.
const MAX_SCALE: i64 = 1000;

/// Reads `json` as `schema` says. `null_to_default`: a null reads as the schema's default.
pub(super) fn value(schema: &Arc<Schema>, json: &RawValue, null_to_default: bool) -> Result<Value, Error> {
    Reader { null_to_default }.value(schema, json)
}

/// Reads JSON without a schema: integers of up to 64 bits are INT64, longer ones decimals (the JVM wraps them around),
/// other numbers FLOAT64.
pub(super) fn schemaless(json: &RawValue) -> Result<Value, Error> {
    Ok(match kind_of(json) {
        Node::Null => Value::Null,
        Node::Boolean => Value::Boolean(json.get() == "true"),
        Node::String => Value::String(text(json)?.into()),
        Node::Number => number(json.get())?,
        Node::Array => Value::Array(elements(json)?.into_iter().map(schemaless).collect::<Result<_, _>>()?),
        Node::Object => {
            let entry = |(key, json): (Cow<'_, str>, &RawValue)| {
                Ok((Value::String(key.as_ref().into()), schemaless(json)?))
            };
            Value::Map(unique(members(json)?.into_iter().map(entry).collect::<Result<_, Error>>()?))
        }
    })
}

fn number(text: &str) -> Result<Value, Error> {
    if let Ok(number) = text.parse::<i64>() {
        return Ok(Value::Int64(number));
    }
    if text.contains(['.', 'e', 'E']) {
        // Java's decimals, through which numbers go there, have no -0.
        return text.parse().map(|number: f64| Value::Float64(number + 0.0)).map_err(not_json);
    }
    BigDecimal::from_str(text).map(Value::Decimal).map_err(not_json)
}

/// Of equal keys the last one counts, at the place of the first.
pub(super) fn unique(entries: Vec<(Value, Value)>) -> Vec<(Value, Value)> {
    let mut kept: Vec<(Value, Value)> = Vec::with_capacity(entries.len());
    let mut places = std::collections::HashMap::with_capacity(entries.len());
    for (key, value) in entries {
        let Value::String(name) = &key else { continue };
        if let Some(known) = places.get(name).and_then(|place: &usize| kept.get_mut(*place)) {
            known.1 = value;
        } else {
            places.insert(Arc::clone(name), kept.len());
            kept.push((key, value));
        }
    }
    kept
}

struct Reader {
    null_to_default: bool,
}

impl Reader {
    fn value(&self, schema: &Arc<Schema>, json: &RawValue) -> Result<Value, Error> {
        let node = kind_of(json);
        if node == Node::Null {
            return self.null(schema);
        }
        if let Some(value) = logical(schema, json, node)? {
            return Ok(value);
        }
        let wrong = || Error::new(format!("Invalid type for {}: {node}", schema.kind));
        match &schema.kind {
            Kind::Boolean if node == Node::Boolean => Ok(Value::Boolean(json.get() == "true")),
            Kind::Int8 => integer(json).and_then(|n| n.try_into().ok()).map(Value::Int8).ok_or_else(wrong),
            Kind::Int16 => integer(json).and_then(|n| n.try_into().ok()).map(Value::Int16).ok_or_else(wrong),
            Kind::Int32 => integer(json).and_then(|n| n.try_into().ok()).map(Value::Int32).ok_or_else(wrong),
            Kind::Int64 => integer(json).map(Value::Int64).ok_or_else(wrong),
            // Java's decimals, through which numbers go there, have no -0.
            Kind::Float32 => float(json, node).map(|n: f32| Value::Float32(n + 0.0)).ok_or_else(wrong),
            Kind::Float64 => float(json, node).map(|n: f64| Value::Float64(n + 0.0)).ok_or_else(wrong),
            Kind::String if node == Node::String => Ok(Value::String(text(json)?.into())),
            Kind::Bytes if node == Node::String => Ok(Value::Bytes(base64(json)?.into())),
            Kind::Array(of) if node == Node::Array => {
                let of = of.as_ref();
                let values = elements(json)?.into_iter().map(|json| self.part(of, json));
                Ok(Value::Array(values.collect::<Result<_, _>>()?))
            }
            Kind::Map(keys, values) => self.map((keys.as_ref(), values.as_ref()), json, node),
            Kind::Struct(fields) => self.fields(schema, fields, json, node),
            Kind::Boolean | Kind::String | Kind::Bytes | Kind::Array(_) => Err(wrong()),
        }
    }

    fn part(&self, schema: Option<&Arc<Schema>>, json: &RawValue) -> Result<Value, Error> {
        schema.map_or_else(|| schemaless(json), |schema| self.value(schema, json))
    }

    fn null(&self, schema: &Schema) -> Result<Value, Error> {
        match &schema.default {
            Some(default) if self.null_to_default => Ok(default.clone()),
            _ if schema.optional => Ok(Value::Null),
            _ => Err(Error::new(format!("Invalid null value for required {} field", schema.kind))),
        }
    }

    fn map(
        &self,
        (keys, values): (Option<&Arc<Schema>>, Option<&Arc<Schema>>),
        json: &RawValue,
        node: Node,
    ) -> Result<Value, Error> {
        if keys.is_some_and(|keys| keys.kind == Kind::String) {
            if node != Node::Object {
                return Err(Error::new(format!(
                    "Maps with string fields should be encoded as JSON objects, but found {node}"
                )));
            }
            let entry = |(key, json): (Cow<'_, str>, &RawValue)| {
                Ok((Value::String(key.as_ref().into()), self.part(values, json)?))
            };
            return Ok(Value::Map(unique(
                members(json)?.into_iter().map(entry).collect::<Result<_, Error>>()?,
            )));
        }
        let wanted = |node| {
            Error::new(format!(
                "Maps with non-string fields should be encoded as JSON array of tuples, but found {node}"
            ))
        };
        if node != Node::Array {
            return Err(wanted(node));
        }
        let pair = |json: &RawValue| {
            let node = kind_of(json);
            if node != Node::Array {
                return Err(Error::new(format!("Found invalid map entry instead of array tuple: {node}")));
            }
            match elements(json)?.as_slice() {
                [key, value] => Ok((self.part(keys, key)?, self.part(values, value)?)),
                other => Err(Error::new(format!(
                    "Found invalid map entry, expected length 2 but found :{}",
                    other.len()
                ))),
            }
        };
        Ok(Value::Map(elements(json)?.into_iter().map(pair).collect::<Result<_, Error>>()?))
    }

    fn fields(
        &self,
        schema: &Arc<Schema>,
        fields: &[Field],
        json: &RawValue,
        node: Node,
    ) -> Result<Value, Error> {
        if node != Node::Object {
            return Err(Error::new(format!("Structs should be encoded as JSON objects, but found {node}")));
        }
        let members = members(json)?;
        let mut values = Vec::with_capacity(fields.len());
        for (place, field) in fields.iter().enumerate() {
            // Most producers write fields in the order of the schema.
            let here = members.get(place).filter(|(name, _)| *name == *field.name);
            let found = here
                .filter(|_| members.len() <= fields.len())
                .or_else(|| members.iter().rev().find(|(name, _)| *name == *field.name));
            values.push(match found {
                Some((_, json)) => self.value(&field.schema, json)?,
                None => self.null(&field.schema)?,
            });
        }
        Ok(Value::Struct(Struct { schema: Arc::clone(schema), values }))
    }
}

/// A logical type's value; none when the schema is of none.
fn logical(schema: &Schema, json: &RawValue, node: Node) -> Result<Option<Value>, Error> {
    let Some(name) = schema.logical_name() else { return Ok(None) };
    let wrong = |wanted: &str| Error::new(format!("Invalid type for {}, {wanted}", simple(name)));
    let int32 = || integer(json).and_then(|number| i32::try_from(number).ok()).map(i64::from);
    Ok(Some(match name {
        DECIMAL => match node {
            Node::Number => Value::Decimal(scaled(json.get(), i64::from(schema.scale()?))?),
            Node::String => {
                let wrong = |cause| Error::new("Invalid bytes for Decimal field").because(cause);
                let bytes = base64(json).map_err(wrong)?;
                if bytes.is_empty() {
                    let class = "java.lang.NumberFormatException";
                    return Err(wrong(Error::of_class(class, "Zero length BigInteger")));
                }
                let unscaled = bigdecimal::num_bigint::BigInt::from_signed_bytes_be(&bytes);
                Value::Decimal(BigDecimal::new(unscaled, i64::from(schema.scale()?)))
            }
            _ => return Err(wrong("only NUMERIC or BASE64 is supported")),
        },
        DATE => Value::Date(
            int32().ok_or_else(|| wrong("underlying representation should be int32 but was other"))? * DAY,
        ),
        TIME => match int32() {
            Some(ms @ 0..DAY) => Value::Date(ms),
            Some(_) => {
                return Err(Error::new(
                    "Time values must use number of milliseconds greater than 0 and less than 86400000",
                ));
            }
            None => return Err(wrong("underlying representation should be int32 but was other")),
        },
        TIMESTAMP => Value::Date(
            integer(json)
                .ok_or_else(|| wrong("underlying representation should be integral but was other"))?,
        ),
        _ => return Ok(None),
    }))
}

/// The number with the scale of its schema, as long as no digit is lost.
fn scaled(text: &str, scale: i64) -> Result<BigDecimal, Error> {
    let number = BigDecimal::from_str(text).map_err(not_json)?;
    // A long exponent is a short text for a number of gigabytes.
    if number.fractional_digit_count().abs() > MAX_SCALE || scale.abs() > MAX_SCALE {
        return Err(Error::new(format!(
            "Decimal {text} has more than {MAX_SCALE} digits after or before its point"
        )));
    }
    let scaled = number.with_scale(scale);
    if scaled == number {
        Ok(scaled)
    } else {
        Err(Error::new(format!("Decimal {text} does not fit scale {scale}")))
    }
}

fn simple(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// What a JSON text is, by its first byte: the text is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    Null,
    Boolean,
    Number,
    String,
    Array,
    Object,
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "NULL",
            Self::Boolean => "BOOLEAN",
            Self::Number => "NUMBER",
            Self::String => "STRING",
            Self::Array => "ARRAY",
            Self::Object => "OBJECT",
        })
    }
}

pub(super) fn kind_of(json: &RawValue) -> Node {
    match json.get().as_bytes().first() {
        Some(b'n') | None => Node::Null,
        Some(b't' | b'f') => Node::Boolean,
        Some(b'"') => Node::String,
        Some(b'[') => Node::Array,
        Some(b'{') => Node::Object,
        Some(_) => Node::Number,
    }
}

fn integer(json: &RawValue) -> Option<i64> {
    json.get().parse().ok()
}

fn float<T: FromStr>(json: &RawValue, node: Node) -> Option<T> {
    if node == Node::String {
        // As Jackson writes what is no number.
        let special = matches!(json.get(), "\"NaN\"" | "\"Infinity\"" | "\"-Infinity\"");
        return special.then(|| json.get().trim_matches('"').parse().ok())?;
    }
    if node == Node::Number { json.get().parse().ok() } else { None }
}

pub(super) fn text(json: &RawValue) -> Result<String, Error> {
    serde_json::from_str(json.get()).map_err(not_json)
}

pub(super) fn base64(json: &RawValue) -> Result<Vec<u8>, Error> {
    let cause = "com.fasterxml.jackson.databind.exc.InvalidFormatException";
    let wrong = |error: base64::DecodeError| {
        Error::new("Invalid bytes field").because(Error::of_class(cause, error.to_string()))
    };
    STANDARD.decode(text(json)?).map_err(wrong)
}

pub(super) fn elements(json: &RawValue) -> Result<Vec<&RawValue>, Error> {
    serde_json::from_str(json.get()).map_err(not_json)
}

pub(super) fn members(json: &RawValue) -> Result<Vec<(Cow<'_, str>, &RawValue)>, Error> {
    serde_json::from_str::<Members<'_>>(json.get()).map(|members| members.0).map_err(not_json)
}

/// An object's members, in order, equal names included.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(entry) = map.next_entry::<Name<'de>, &'de RawValue>()? {
                    members.push((entry.0.0, entry.1));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// A member's name, borrowed unless it has escapes.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);
