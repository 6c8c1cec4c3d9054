//! Values as JSON, in the conventions of Connect's `JsonConverter` without an envelope (`connect-runtime.md` §6.2,
//! `kusto-sink-connector.md` §3.2): fields in schema order, bytes and decimals as base64, dates as numbers, maps whose
//! keys are not text as lists of pairs.
//!
//! Values without a schema follow what Jackson does with Java objects; a struct among them, which the JVM cannot write,
//! is written by its own schema.

use super::room::check_written;
use super::schema::{DATE, DECIMAL};
use super::{Error, Kind, Schema, Struct, Value, java_number};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bigdecimal::BigDecimal;
use serde::Serialize;

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// A short text with a great exponent must not become a long one.
const MOST_ZEROS: i64 = 1000;

/// How decimals are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DecimalFormat {
    /// Base64 of the unscaled number, as Connect does unless told otherwise.
    #[default]
    Base64,
    /// A JSON number.
    Numeric,
}

/// Appends `value` as compact JSON. An error when a required value is missing.
pub fn write(
    schema: Option<&Schema>,
    value: &Value,
    decimals: DecimalFormat,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    Writer { decimals, out }.value(schema, value)
}

/// The shortest big-endian two's complement of an unscaled decimal, as Java's `BigInteger.toByteArray`.
pub fn unscaled_bytes(decimal: &BigDecimal) -> Vec<u8> {
    decimal.as_bigint_and_exponent().0.to_signed_bytes_be()
}

/// A decimal without an exponent, unless that would be a text of thousands of zeros.
pub fn plain(decimal: &BigDecimal) -> String {
    if decimal.fractional_digit_count().abs() > MOST_ZEROS {
        return java_number::decimal(decimal);
    }
    decimal.to_plain_string()
}

struct Writer<'a> {
    decimals: DecimalFormat,
    out: &'a mut Vec<u8>,
}

impl Writer<'_> {
    fn value(&mut self, schema: Option<&Schema>, value: &Value) -> Result<(), Error> {
        check_written(self.out.len())?;
        match value {
            Value::Null => return self.null(schema),
            Value::Int8(number) => self.serde(number),
            Value::Int16(number) => self.serde(number),
            Value::Int32(number) => self.serde(number),
            Value::Int64(number) => self.serde(number),
            Value::Float32(number) => self.float(number.is_finite(), &java_number::float(*number)),
            Value::Float64(number) => self.float(number.is_finite(), &java_number::double(*number)),
            Value::Boolean(flag) => self.serde(flag),
            Value::String(text) => self.serde(&**text),
            Value::Bytes(bytes) => self.base64(bytes),
            Value::Decimal(decimal) => self.decimal(schema, decimal),
            Value::Date(ms) => self.date(schema, *ms),
            Value::Array(elements) => return self.array(schema, elements),
            Value::Map(entries) => return self.map(schema, entries),
            Value::Struct(fields) => return self.fields(fields),
        }
        Ok(())
    }

    fn null(&mut self, schema: Option<&Schema>) -> Result<(), Error> {
        let Some(schema) = schema else {
            self.text("null");
            return Ok(());
        };
        if let Some(default) = &schema.default {
            return self.value(Some(schema), default);
        }
        if schema.optional {
            self.text("null");
            return Ok(());
        }
        Err(Error::new("Conversion error: null value for field that is required and has no default value"))
    }

    fn decimal(&mut self, schema: Option<&Schema>, decimal: &BigDecimal) {
        let is_logical = schema.is_some_and(|schema| schema.logical_name() == Some(DECIMAL));
        if is_logical && self.decimals == DecimalFormat::Base64 {
            self.base64(&unscaled_bytes(decimal));
        } else {
            self.text(&plain(decimal));
        }
    }

    fn date(&mut self, schema: Option<&Schema>, ms: i64) {
        let number = match schema.and_then(Schema::logical_name) {
            Some(DATE) => ms.div_euclid(DAY),
            _ => ms,
        };
        self.serde(&number);
    }

    fn array(&mut self, schema: Option<&Schema>, elements: &[Value]) -> Result<(), Error> {
        let of = schema.and_then(|schema| match &schema.kind {
            Kind::Array(of) => of.as_deref(),
            _ => None,
        });
        self.out.push(b'[');
        for (index, element) in elements.iter().enumerate() {
            self.comma(index);
            self.value(of, element)?;
        }
        self.out.push(b']');
        Ok(())
    }

    fn map(&mut self, schema: Option<&Schema>, entries: &[(Value, Value)]) -> Result<(), Error> {
        let (keys, values) = schema.map_or((None, None), |schema| match &schema.kind {
            Kind::Map(keys, values) => (keys.as_deref(), values.as_deref()),
            _ => (None, None),
        });
        let is_text = |key: &Value| matches!(key, Value::String(_) | Value::Null);
        let as_object = match schema {
            Some(_) => {
                keys.is_none_or(|keys| keys.kind == Kind::String)
                    && entries.iter().all(|(key, _)| is_text(key))
            }
            // The text of a key that holds others would hold that of its own keys, and so on, twice as long each time.
            None => entries.iter().all(|(key, _)| !key.is_container()),
        };
        self.out.push(if as_object { b'{' } else { b'[' });
        for (index, (key, value)) in entries.iter().enumerate() {
            self.comma(index);
            if as_object {
                self.key(key)?;
                self.out.push(b':');
                self.value(values, value)?;
            } else {
                self.out.push(b'[');
                self.value(keys, key)?;
                self.out.push(b',');
                self.value(values, value)?;
                self.out.push(b']');
            }
        }
        self.out.push(if as_object { b'}' } else { b']' });
        Ok(())
    }

    /// A key of an object: text as it is, anything else as the text of its JSON.
    fn key(&mut self, key: &Value) -> Result<(), Error> {
        if let Value::String(text) = key {
            self.serde(&**text);
            return Ok(());
        }
        let mut text = Vec::new();
        write(None, key, self.decimals, &mut text)?;
        self.serde(&String::from_utf8_lossy(&text));
        Ok(())
    }

    fn fields(&mut self, fields: &Struct) -> Result<(), Error> {
        self.out.push(b'{');
        for (index, (field, value)) in fields.schema.fields().iter().zip(&fields.values).enumerate() {
            self.comma(index);
            self.serde(&*field.name);
            self.out.push(b':');
            self.value(Some(&field.schema), value)?;
        }
        self.out.push(b'}');
        Ok(())
    }

    fn comma(&mut self, index: usize) {
        if index > 0 {
            self.out.push(b',');
        }
    }

    fn text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    /// A text, a whole number or a flag.
    fn serde<T: Serialize + ?Sized>(&mut self, value: &T) {
        // Into memory: this cannot fail.
        if serde_json::to_writer(&mut *self.out, value).is_err() {
            tracing::error!("a value could not be written as JSON");
        }
    }

    fn base64(&mut self, bytes: &[u8]) {
        let text = STANDARD.encode(bytes);
        self.out.push(b'"');
        self.text(&text);
        self.out.push(b'"');
    }

    /// JSON has no words for what is no number; Jackson writes Java's as texts.
    fn float(&mut self, finite: bool, text: &str) {
        if finite {
            self.text(text);
        } else {
            self.serde(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DecimalFormat, write};
    use crate::data::schema::{DATE, TIME, TIMESTAMP};
    use crate::data::{Kind, Schema, Struct, Value};
    use bigdecimal::BigDecimal;
    use bytes::Bytes;
    use std::str::FromStr;
    use std::sync::Arc;

    fn json(schema: Option<&Schema>, value: &Value) -> String {
        let mut out = Vec::new();
        write(schema, value, DecimalFormat::Base64, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn decimal(text: &str) -> Value {
        Value::Decimal(BigDecimal::from_str(text).unwrap())
    }

    #[test]
    fn a_struct_is_written_in_the_order_of_its_schema() {
        let schema = Arc::new(Schema::of_fields([
            ("z", Arc::new(Schema::new(Kind::Int8))),
            ("amount", Arc::new(Schema::decimal(2))),
            ("day", Arc::new(Schema::logical(Kind::Int32, DATE))),
            ("time", Arc::new(Schema::logical(Kind::Int32, TIME))),
            ("at", Arc::new(Schema::logical(Kind::Int64, TIMESTAMP))),
            ("raw", Arc::new(Schema::new(Kind::Bytes))),
            ("none", Arc::new(Schema::optional(Kind::String))),
            ("some", Arc::new(Schema { default: Some("d".into()), ..Schema::optional(Kind::String) })),
        ]));
        let values = vec![
            Value::Int8(-1),
            decimal("1.50"),
            Value::Date(2 * 86_400_000),
            Value::Date(61_000),
            Value::Date(1_700_000_000_123),
            Value::Bytes(Bytes::from_static(b"\x00\xff")),
            Value::Null,
            Value::Null,
        ];
        let value = Value::Struct(Struct { schema: schema.clone(), values });
        assert_eq!(
            json(Some(&schema), &value),
            r#"{"z":-1,"amount":"AJY=","day":2,"time":61000,"at":1700000000123,"raw":"AP8=","none":null,"some":"d"}"#
        );
    }

    #[test]
    fn maps_are_objects_when_their_keys_are_text() {
        let of = |kind| Some(Arc::new(Schema::new(kind)));
        let entries = |key| Value::Map(vec![(key, Value::Int32(1))]);
        let texts = Schema::new(Kind::Map(of(Kind::String), of(Kind::Int32)));
        let numbers = Schema::new(Kind::Map(of(Kind::Int32), of(Kind::Int32)));
        assert_eq!(json(Some(&texts), &entries("a\"\n".into())), r#"{"a\"\n":1}"#);
        assert_eq!(json(Some(&numbers), &entries(Value::Int32(7))), "[[7,1]]");
        assert_eq!(json(None, &entries(Value::Int64(7))), r#"{"7":1}"#);
    }

    #[test]
    fn what_has_no_schema_is_written_as_jackson_does() {
        let all = Value::Array(vec![
            Value::Null,
            Value::Float64(f64::NAN),
            Value::Float32(0.1),
            decimal("12345678901234567890"),
            Value::Date(5),
            Value::Boolean(true),
        ]);
        assert_eq!(json(None, &all), r#"[null,"NaN",0.1,12345678901234567890,5,true]"#);
    }

    #[test]
    fn keys_that_hold_others_are_pairs_and_do_not_double_with_each_level() {
        let map = |key: Value| Value::Map(vec![(key, Value::Int32(1))]);
        assert_eq!(json(None, &map(Value::Array(vec![Value::Int8(2)]))), "[[[2],1]]");
        let deep = (0..200).fold("\"".into(), |key, _| map(key));
        assert!(json(None, &deep).len() < 200 * 8);
    }

    #[test]
    fn a_great_exponent_does_not_fill_memory() {
        assert_eq!(json(None, &decimal("1e999999999")), "1E+999999999");
        assert_eq!(json(None, &decimal("1e3")), "1000");
    }

    #[test]
    fn a_required_value_that_is_missing_is_an_error() {
        let schema = Schema::new(Kind::String);
        let mut out = Vec::new();
        assert!(write(Some(&schema), &Value::Null, DecimalFormat::Numeric, &mut out).is_err());
    }
}
