//! `MaskField`: empty or fixed values instead of real ones.

use super::Transformation;
use super::operand::{Draft, read_all, require_map, require_struct};
use super::row::{REPLACE_NULL, TransformationRow, key};
use super::settings::{Side, StepSettings};
use crate::configdef::def::Check::{DistinctFilled, NonEmpty};
use crate::configdef::def::Importance::{High, Low};
use crate::configdef::def::KeyType::{List, String as Text};
use crate::configdef::def::RowDefault::{Null, Required};
use crate::data::java_number::{double_value, float_value, int_value, long_value};
use crate::data::{Error, Field, Record, SchemaAndValue, Struct, Value};
use bigdecimal::BigDecimal;
use std::collections::HashSet;
use std::str::FromStr;

/// The classes, their keys, and how they are made.
#[rustfmt::skip] // a table: one row is one key
pub static ROW: TransformationRow = TransformationRow {
    classes: &[
        "org.apache.kafka.connect.transforms.MaskField$Key",
        "org.apache.kafka.connect.transforms.MaskField$Value",
    ],
    keys: &[
        key("fields", (List, Required), DistinctFilled, High, "The fields whose values are replaced."),
        key("replacement", (Text, Null), NonEmpty, Low, "The new value, for texts and numbers only; without it, the empty value of each type."),
        REPLACE_NULL,
    ],
    make: |settings, side| Ok(Box::new(MaskField::new(settings, side))),
};

const PURPOSE: &str = "mask fields";

/// `org.apache.kafka.connect.transforms.MaskField`.
#[derive(Debug)]
pub(super) struct MaskField {
    side: Side,
    fields: Vec<String>,
    names: HashSet<String>,
    replacement: Option<String>,
    replace_null: bool,
}

impl MaskField {
    pub(super) fn new(settings: StepSettings<'_>, side: Side) -> Self {
        Self {
            side,
            fields: settings.list("fields").to_vec(),
            names: settings.list("fields").iter().cloned().collect(),
            replacement: settings.text("replacement").map(str::to_owned),
            replace_null: settings.replace_null(),
        }
    }

    fn mask(&self, value: &Value) -> Result<Value, Error> {
        match &self.replacement {
            _ if value.is_null() => Ok(Value::Null),
            None => empty(value),
            Some(text) => replaced(value, text),
        }
    }
}

impl Transformation for MaskField {
    fn apply(&self, mut record: Record) -> Result<Option<Record>, Error> {
        let SchemaAndValue { schema, value } = self.side.take(&mut record);
        let value = if schema.is_some() {
            let of = require_struct(value, PURPOSE)?;
            let schema = of.schema.clone();
            let masked = |(field, value): (Field, Value)| {
                if self.names.contains(&*field.name) { self.mask(&value) } else { Ok(value) }
            };
            let values = read_all(of, self.replace_null).into_iter().map(masked).collect::<Result<_, _>>()?;
            Value::Struct(Struct { schema, values })
        } else {
            let mut draft = Draft::of(require_map(value, PURPOSE)?, self.fields.len());
            for name in &self.fields {
                let masked = self.mask(draft.get(name).unwrap_or(&Value::Null))?;
                draft.put(name, masked);
            }
            draft.into_value()
        };
        *self.side.of_mut(&mut record) = SchemaAndValue { schema, value };
        Ok(Some(record))
    }
}

fn empty(value: &Value) -> Result<Value, Error> {
    Ok(match value {
        Value::Boolean(_) => Value::Boolean(false),
        Value::Int8(_) => Value::Int8(0),
        Value::Int16(_) => Value::Int16(0),
        Value::Int32(_) => Value::Int32(0),
        Value::Int64(_) => Value::Int64(0),
        Value::Float32(_) => Value::Float32(0.0),
        Value::Float64(_) => Value::Float64(0.0),
        Value::Decimal(_) => Value::Decimal(BigDecimal::new(0.into(), 0)),
        Value::Date(_) => Value::Date(0),
        Value::String(_) => "".into(),
        Value::Array(_) => Value::Array(Vec::new()),
        Value::Map(_) => Value::Map(Vec::new()),
        Value::Null => Value::Null,
        Value::Bytes(_) | Value::Struct(_) => {
            return Err(Error::new(format!("Cannot mask value of type: class {}", value.java_class())));
        }
    })
}

fn replaced(value: &Value, text: &str) -> Result<Value, Error> {
    let number = |to: &str| {
        let message = || format!("Unable to convert {text} (class java.lang.String) to {to}");
        parse(text).map(Value::Decimal).ok_or_else(|| Error::new(message()))
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "Java's rules for narrowing are those of `as`; nothing that is a number fails"
    )]
    Ok(match value {
        Value::String(_) => text.into(),
        Value::Int8(_) => Value::Int8(long_value(&number("a number")?).unwrap_or(0) as i8),
        Value::Int16(_) => Value::Int16(long_value(&number("a number")?).unwrap_or(0) as i16),
        Value::Int32(_) => Value::Int32(int_value(&number("a number")?).unwrap_or(0)),
        Value::Int64(_) => Value::Int64(long_value(&number("a number")?).unwrap_or(0)),
        Value::Float32(_) => {
            // Java goes over a double here, which rounds twice.
            let double = double_value(&number("a number")?).unwrap_or(0.0);
            Value::Float32(float_value(&Value::Float64(double)).unwrap_or(0.0))
        }
        Value::Float64(_) => Value::Float64(double_value(&number("a number")?).unwrap_or(0.0)),
        Value::Decimal(_) => number("number")?,
        other => {
            return Err(Error::new(format!(
                "Cannot mask value of type class {} with custom replacement.",
                other.java_class()
            )));
        }
    })
}

/// What Java's `BigDecimal` reads.
fn parse(text: &str) -> Option<BigDecimal> {
    let is_plain = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
    text.chars().all(is_plain).then(|| BigDecimal::from_str(text).ok()).flatten()
}

#[cfg(test)]
#[path = "mask_field_tests.rs"]
mod tests;
