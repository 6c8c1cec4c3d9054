//! Avro's numbers and bytes with what is said beside them: dates, times, decimals, and Connect's narrow numbers. Pure.

use super::error::bad_schema;
use super::node::{Int, Node};
use super::parse::{Properties, text};
use crate::data::schema::{DATE, Kind as Connect, TIME};
use crate::data::{Error, Schema};
use serde_json::Value as Json;

/// The precision that is not told.
const USUAL_PRECISION: i64 = 64;

pub(super) fn int(properties: &Properties) -> (Node, Schema) {
    match (text(properties, "logicalType"), text(properties, "connect.type")) {
        (Some("date"), _) => (Node::Int(Int::Date), Schema::logical(Connect::Int32, DATE)),
        (Some("time-millis"), _) => (Node::Int(Int::Time), Schema::logical(Connect::Int32, TIME)),
        (_, Some("int8")) => (Node::Int(Int::Int8), Schema::new(Connect::Int8)),
        (_, Some("int16")) => (Node::Int(Int::Int16), Schema::new(Connect::Int16)),
        _ => (Node::Int(Int::Plain), Schema::new(Connect::Int32)),
    }
}

/// Scale and precision of a decimal; none for other bytes.
pub(super) fn decimal(properties: &Properties) -> Result<Option<(i32, i64)>, Error> {
    if text(properties, "logicalType") != Some("decimal") {
        return Ok(None);
    }
    let number = |key: &str| properties.get(key).and_then(Json::as_i64);
    let scale = number("scale").unwrap_or(0);
    let scale = i32::try_from(scale).ok().filter(|scale| (0..=MOST_SCALE).contains(scale));
    let scale = scale.ok_or_else(|| bad_schema("the scale of a decimal is out of range"))?;
    Ok(Some((scale, number("precision").unwrap_or(USUAL_PRECISION))))
}

/// No decimal of a table is longer.
const MOST_SCALE: i32 = 1000;

pub(super) fn bytes(decimal: Option<(i32, i64)>) -> Schema {
    let Some((scale, precision)) = decimal else { return Schema::new(Connect::Bytes) };
    let mut schema = Schema::decimal(scale);
    if precision != USUAL_PRECISION {
        schema.parameters.insert("connect.decimal.precision".into(), precision.to_string().into());
    }
    schema
}
