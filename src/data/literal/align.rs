//! The schema that two elements have in common, and elements brought to it.

use crate::data::java_number::{double_value, float_value, long_value};
use crate::data::{Kind, Schema, Value, schema};
use std::sync::Arc;

/// Not an array or a map after all.
pub(super) struct Malformed;

/// The schema for values of both; none if there is none. Of two numbers it is the wider one, which has its own idea of
/// dates: a date counts as the number that it is.
pub(super) fn merged(one: &Arc<Schema>, other: &Arc<Schema>) -> Option<Arc<Schema>> {
    if std::mem::discriminant(&one.kind) == std::mem::discriminant(&other.kind) {
        return Some(other.clone());
    }
    let wider = if width(&one.kind)? > width(&other.kind)? { one } else { other };
    Some(wider.clone())
}

fn width(kind: &Kind) -> Option<u8> {
    [Kind::Int8, Kind::Int16, Kind::Int32, Kind::Int64, Kind::Float32, Kind::Float64]
        .iter()
        .zip(0..)
        .find_map(|(known, width)| (known == kind).then_some(width))
}

/// The value as its schema has it.
pub(super) fn align(to: &Schema, value: Value) -> Result<Value, Malformed> {
    if value.is_null() {
        return Err(Malformed);
    }
    let integer = || long_value(&value).ok_or(Malformed);
    #[expect(clippy::cast_possible_truncation, reason = "Java's rules for narrowing are those of `as`")]
    Ok(match (&to.kind, to.name.as_deref()) {
        (Kind::Int32 | Kind::Int64, Some(name)) => return moment(name, value),
        (Kind::Int8, _) => Value::Int8(integer()? as i8),
        (Kind::Int16, _) => Value::Int16(integer()? as i16),
        (Kind::Int32, _) => Value::Int32(integer()? as i32),
        (Kind::Int64, _) => Value::Int64(integer()?),
        (Kind::Float32, _) => Value::Float32(float_value(&value).ok_or(Malformed)?),
        (Kind::Float64, _) => Value::Float64(double_value(&value).ok_or(Malformed)?),
        _ => value,
    })
}

/// A number as the date, time or timestamp that it counts.
fn moment(name: &str, value: Value) -> Result<Value, Malformed> {
    if matches!(value, Value::Date(_)) {
        return Ok(value);
    }
    let number = long_value(&value).ok_or(Malformed)?;
    match name {
        schema::DATE => Ok(Value::Date(number * 86_400_000)),
        schema::TIME if !(0..=86_400_000).contains(&number) => Err(Malformed),
        _ => Ok(Value::Date(number)),
    }
}
