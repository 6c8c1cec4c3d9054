//! Values that decoded bytes and defaults have in common. Pure.

use super::node::Int;
use crate::data::{Error, Schema, Struct, Value, java_number};
use bytes::Bytes;
use std::sync::Arc;

/// Bytes, or the decimal of this scale that they are.
pub(super) fn bytes_or_decimal(bytes: &[u8], scale: Option<i32>) -> Result<Value, Error> {
    Ok(match scale {
        None => Value::Bytes(Bytes::copy_from_slice(bytes)),
        Some(scale) => Value::Decimal(java_number::decimal_of_bytes(bytes, i64::from(scale))?),
    })
}

/// A union's struct with one field set.
pub(super) fn branch(schema: &Arc<Schema>, place: usize, value: Value) -> Value {
    let mut values = vec![Value::Null; schema.fields().len()];
    if let Some(field) = values.get_mut(place) {
        *field = value;
    }
    Value::Struct(Struct { schema: Arc::clone(schema), values })
}

/// An int as what it stands for.
pub(super) fn int(as_what: Int, number: i32) -> Value {
    const DAY: i64 = 86_400_000;
    match as_what {
        Int::Plain => Value::Int32(number),
        #[expect(clippy::cast_possible_truncation, reason = "as the converter of the JVM does it")]
        Int::Int8 => Value::Int8(number as i8),
        #[expect(clippy::cast_possible_truncation, reason = "as the converter of the JVM does it")]
        Int::Int16 => Value::Int16(number as i16),
        Int::Date => Value::Date(i64::from(number) * DAY),
        Int::Time => Value::Date(i64::from(number)),
    }
}
