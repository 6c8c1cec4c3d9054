//! The payload half of Connect's JSON envelope: JSON becomes a [`Value`] as its schema says; and JSON without a schema
//! (`connect-runtime.md` §6.2).
//!
//! Numbers are read from their own text, so they are exact. A value of another type than its schema's is an error; the JVM
//! takes it for 0, false or null, and cuts numbers that do not fit. What recurses here is as deep as the JSON, which
//! `data::json_text` bounds.

use crate::data::java_number::{self, whole};
use crate::data::json_text::{Json, Members};
use crate::data::room::Room;
use crate::data::schema::{DATE, DECIMAL, TIME, TIMESTAMP};
use crate::data::{Error, Field, Kind, Schema, Struct, Value};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bigdecimal::BigDecimal;
use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;
/// No decimal of a table is longer.
const MAX_SCALE: i64 = 1000;
/// From so many members on a table of names is quicker than a search.
const MANY: usize = 16;

/// Reads `json` as `schema` says. `null_to_default`: a null reads as the schema's default.
pub(super) fn value(
    schema: &Arc<Schema>,
    json: &Json<'_>,
    null_to_default: bool,
    room: &Room,
) -> Result<Value, Error> {
    Reader { null_to_default, room }.value(schema, json)
}

/// Reads JSON without a schema: integers of up to 64 bits are INT64, longer ones decimals (the JVM wraps them around),
/// other numbers FLOAT64 as long as that holds them.
pub(super) fn schemaless(json: &Json<'_>) -> Result<Value, Error> {
    match json {
        Json::Array(items) => {
            let mut values = Vec::with_capacity(items.len());
            for item in items {
                values.push(schemaless(item)?);
            }
            Ok(Value::Array(values))
        }
        Json::Object(members) => {
            let mut entries = Vec::with_capacity(members.len());
            for (name, json) in members {
                entries.push((name.as_ref().into(), schemaless(json)?));
            }
            Ok(Value::Map(unique(entries)))
        }
        scalar => schemaless_scalar(scalar),
    }
}

fn schemaless_scalar(json: &Json<'_>) -> Result<Value, Error> {
    Ok(match json {
        Json::Boolean(truth) => Value::Boolean(*truth),
        Json::Number(text) => number(text)?,
        Json::String(text) => text.as_ref().into(),
        Json::Null | Json::Array(_) | Json::Object(_) => Value::Null,
    })
}

fn number(text: &str) -> Result<Value, Error> {
    if let Ok(number) = text.parse::<i64>() {
        return Ok(Value::Int64(number));
    }
    if text.contains(['.', 'e', 'E']) {
        let number: f64 = text.parse().map_err(not_json)?;
        if number.is_finite() {
            // Java's decimals, through which numbers go there, have no -0.
            return Ok(Value::Float64(number + 0.0));
        }
    }
    BigDecimal::from_str(text).map(Value::Decimal).map_err(not_json)
}

/// Of equal keys the last one counts, at the place of the first.
pub(super) fn unique(entries: Vec<(Value, Value)>) -> Vec<(Value, Value)> {
    let mut kept: Vec<(Value, Value)> = Vec::with_capacity(entries.len());
    let mut places = HashMap::with_capacity(entries.len());
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

/// Members by their names: of equal ones the last.
pub(super) struct ByName<'m, 'a> {
    members: &'m Members<'a>,
    /// Only where there are many.
    places: Option<HashMap<&'m str, usize>>,
}

impl<'m, 'a> ByName<'m, 'a> {
    pub(super) fn new(members: &'m Members<'a>) -> Self {
        let table = || members.iter().zip(0..).map(|((name, _), place)| (name.as_ref(), place)).collect();
        Self { members, places: (members.len() > MANY).then(table) }
    }

    pub(super) fn get(&self, name: &str) -> Option<&'m Json<'a>> {
        match &self.places {
            Some(places) => self.members.get(*places.get(name)?).map(|(_, json)| json),
            None => self.members.iter().rev().find(|(known, _)| known == name).map(|(_, json)| json),
        }
    }
}

struct Reader<'r> {
    null_to_default: bool,
    room: &'r Room,
}

impl Reader<'_> {
    fn value(&self, schema: &Arc<Schema>, json: &Json<'_>) -> Result<Value, Error> {
        match (&schema.kind, json) {
            (_, Json::Null) => self.null(schema),
            (Kind::Array(of), Json::Array(items)) => self.array(of.as_ref(), items),
            (Kind::Map(keys, values), json) => self.map((keys.as_ref(), values.as_ref()), json),
            (Kind::Struct(fields), json) => self.fields(schema, fields, json),
            _ => scalar(schema, json),
        }
    }

    fn part(&self, schema: Option<&Arc<Schema>>, json: &Json<'_>) -> Result<Value, Error> {
        match schema {
            Some(schema) => self.value(schema, json),
            None => schemaless(json),
        }
    }

    fn null(&self, schema: &Schema) -> Result<Value, Error> {
        match &schema.default {
            Some(default) if self.null_to_default => self.room.default(default),
            _ if schema.optional => Ok(Value::Null),
            _ => Err(Error::new(format!("Invalid null value for required {} field", schema.kind))),
        }
    }

    fn array(&self, of: Option<&Arc<Schema>>, items: &[Json<'_>]) -> Result<Value, Error> {
        let mut values = Vec::with_capacity(items.len());
        for item in items {
            values.push(self.part(of, item)?);
        }
        Ok(Value::Array(values))
    }

    fn map(
        &self,
        (keys, values): (Option<&Arc<Schema>>, Option<&Arc<Schema>>),
        json: &Json<'_>,
    ) -> Result<Value, Error> {
        let with_texts = keys.is_some_and(|keys| keys.kind == Kind::String);
        let mut entries = Vec::new();
        match json {
            Json::Object(members) if with_texts => {
                for (name, json) in members {
                    entries.push((name.as_ref().into(), self.part(values, json)?));
                }
                entries = unique(entries);
            }
            Json::Array(pairs) if !with_texts => {
                for pair in pairs {
                    let (key, value) = as_pair(pair)?;
                    entries.push((self.part(keys, key)?, self.part(values, value)?));
                }
            }
            other => return Err(no_map(with_texts, other)),
        }
        Ok(Value::Map(entries))
    }

    fn fields(&self, schema: &Arc<Schema>, fields: &[Field], json: &Json<'_>) -> Result<Value, Error> {
        let Json::Object(members) = json else { return Err(no_struct(json)) };
        self.room.take(fields.len())?;
        let mut values = Vec::with_capacity(fields.len());
        // Most producers write fields in the order of the schema.
        if members.len() == fields.len() && members.iter().zip(fields).all(|((name, _), f)| *name == *f.name)
        {
            for ((_, json), field) in members.iter().zip(fields) {
                values.push(self.value(&field.schema, json)?);
            }
        } else {
            let members = ByName::new(members);
            for field in fields {
                values.push(self.value(&field.schema, members.get(&field.name).unwrap_or(&Json::Null))?);
            }
        }
        Ok(Value::Struct(Struct { schema: Arc::clone(schema), values }))
    }
}

fn no_map(with_texts: bool, json: &Json<'_>) -> Error {
    let node = node(json);
    Error::new(if with_texts {
        format!("Maps with string fields should be encoded as JSON objects, but found {node}")
    } else {
        format!("Maps with non-string fields should be encoded as JSON array of tuples, but found {node}")
    })
}

pub(super) fn no_struct(json: &Json<'_>) -> Error {
    Error::new(format!("Structs should be encoded as JSON objects, but found {}", node(json)))
}

fn as_pair<'j, 'a>(json: &'j Json<'a>) -> Result<(&'j Json<'a>, &'j Json<'a>), Error> {
    let Json::Array(pair) = json else {
        return Err(Error::new(format!("Found invalid map entry instead of array tuple: {}", node(json))));
    };
    match pair.as_slice() {
        [key, value] => Ok((key, value)),
        other => {
            Err(Error::new(format!("Found invalid map entry, expected length 2 but found :{}", other.len())))
        }
    }
}

/// A value that is not null and holds no others.
fn scalar(schema: &Schema, json: &Json<'_>) -> Result<Value, Error> {
    if let Some(value) = logical(schema, json)? {
        return Ok(value);
    }
    let wrong = || Error::new(format!("Invalid type for {}: {}", schema.kind, node(json)));
    let integer = || match json {
        Json::Number(text) => whole(text),
        _ => None,
    };
    match (&schema.kind, json) {
        (Kind::Boolean, Json::Boolean(truth)) => Ok(Value::Boolean(*truth)),
        (Kind::Int8, _) => integer().and_then(|n| n.try_into().ok()).map(Value::Int8).ok_or_else(wrong),
        (Kind::Int16, _) => integer().and_then(|n| n.try_into().ok()).map(Value::Int16).ok_or_else(wrong),
        (Kind::Int32, _) => integer().and_then(|n| n.try_into().ok()).map(Value::Int32).ok_or_else(wrong),
        (Kind::Int64, _) => integer().map(Value::Int64).ok_or_else(wrong),
        // Java's decimals, through which numbers go there, have no -0.
        (Kind::Float32, _) => float(json).map(|n: f32| Value::Float32(n + 0.0)).ok_or_else(wrong),
        (Kind::Float64, _) => float(json).map(|n: f64| Value::Float64(n + 0.0)).ok_or_else(wrong),
        (Kind::String, Json::String(text)) => Ok(text.as_ref().into()),
        (Kind::Bytes, Json::String(text)) => Ok(Value::Bytes(base64(text)?.into())),
        _ => Err(wrong()),
    }
}

/// A logical type's value; none when the schema is of none.
fn logical(schema: &Schema, json: &Json<'_>) -> Result<Option<Value>, Error> {
    let Some(name) = schema.logical_name() else { return Ok(None) };
    let wrong = |wanted: &str| Error::new(format!("Invalid type for {}, {wanted}", simple(name)));
    let integer = || match json {
        Json::Number(text) => text.parse::<i64>().ok(),
        _ => None,
    };
    let int32 = || integer().and_then(|number| i32::try_from(number).ok()).map(i64::from);
    Ok(Some(match name {
        DECIMAL => match json {
            Json::Number(text) => Value::Decimal(scaled(text, i64::from(schema.scale()?))?),
            Json::String(text) => {
                let wrong = |cause| Error::new("Invalid bytes for Decimal field").because(cause);
                let bytes = base64(text).map_err(wrong)?;
                if bytes.is_empty() {
                    let class = "java.lang.NumberFormatException";
                    return Err(wrong(Error::of_class(class, "Zero length BigInteger")));
                }
                Value::Decimal(java_number::decimal_of_bytes(&bytes, i64::from(schema.scale()?))?)
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
            integer().ok_or_else(|| wrong("underlying representation should be integral but was other"))?,
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

/// What a value is, in Jackson's words.
pub(super) fn node(json: &Json<'_>) -> &'static str {
    match json {
        Json::Null => "NULL",
        Json::Boolean(_) => "BOOLEAN",
        Json::Number(_) => "NUMBER",
        Json::String(_) => "STRING",
        Json::Array(_) => "ARRAY",
        Json::Object(_) => "OBJECT",
    }
}

fn float<T: FromStr>(json: &Json<'_>) -> Option<T> {
    match json {
        Json::Number(text) => text.parse().ok(),
        // As Jackson writes what is no number.
        Json::String(text) if matches!(text.as_ref(), "NaN" | "Infinity" | "-Infinity") => text.parse().ok(),
        _ => None,
    }
}

fn base64(text: &str) -> Result<Vec<u8>, Error> {
    let cause = "com.fasterxml.jackson.databind.exc.InvalidFormatException";
    let wrong = |error: base64::DecodeError| {
        Error::new("Invalid bytes field").because(Error::of_class(cause, error.to_string()))
    };
    STANDARD.decode(text).map_err(wrong)
}

/// Connect's own words for bytes that are not JSON.
pub(super) fn not_json(error: impl std::fmt::Display) -> Error {
    let cause = Error::of_class("org.apache.kafka.common.errors.SerializationException", error.to_string());
    Error::new("Converting byte[] to Kafka Connect data failed due to serialization error: ").because(cause)
}
