//! What is expected is what Kafka 4.3 answered on Java 17.

use crate::data::{Kind, Schema, SchemaAndValue, Value};
use crate::transform::testing::{expected, fields, map, of_struct, schemaless, value};
use bigdecimal::BigDecimal;
use std::str::FromStr;

const MASK: &str = "MaskField$Value";

fn decimal(text: &str) -> Value {
    Value::Decimal(BigDecimal::from_str(text).unwrap())
}

#[test]
fn each_type_has_its_empty_value() {
    for (before, after) in [
        (Value::Boolean(true), Value::Boolean(false)),
        (Value::Int8(1), Value::Int8(0)),
        (Value::Int64(1), Value::Int64(0)),
        (Value::Float32(1.0), Value::Float32(0.0)),
        (decimal("1.5"), decimal("0")),
        (Value::Date(5), Value::Date(0)),
        ("x".into(), "".into()),
        (Value::Array(vec![Value::Null]), Value::Array(vec![])),
        (map(&[("a", Value::Null)]), map(&[])),
        (Value::Null, Value::Null),
    ] {
        let masked = schemaless(MASK, &[("fields", "a,b")], map(&[("z", Value::Null), ("a", before)]));
        assert_eq!(masked, Ok(map(&[("z", Value::Null), ("a", after), ("b", Value::Null)])));
    }
    let bytes = map(&[("a", Value::Bytes(vec![1].into()))]);
    let message = "DataException: Cannot mask value of type: class [B";
    assert_eq!(schemaless(MASK, &[("fields", "a")], bytes), Err(message.to_owned()));
}

#[test]
fn a_replacement_is_brought_to_the_type() {
    let replaced = |value: Value, text: &str| {
        schemaless(MASK, &[("fields", "a"), ("replacement", text)], map(&[("a", value)]))
    };
    for (value, text, after) in [
        (Value::Int8(1), "300", Value::Int8(44)),
        (Value::Int32(1), "99999999999", Value::Int32(1_215_752_191)),
        (Value::Int64(1), "1.9", Value::Int64(1)),
        (Value::Int64(1), "1e400", Value::Int64(0)),
        (Value::Float64(1.0), "1e400", Value::Float64(f64::INFINITY)),
        (Value::Float32(1.0), "1.9", Value::Float32(1.9)),
        (decimal("1"), "1.9", decimal("1.9")),
        ("s".into(), "***", "***".into()),
        (Value::Null, "x", Value::Null),
    ] {
        assert_eq!(replaced(value, text), Ok(map(&[("a", after)])), "{text}");
    }
    for (value, text, message) in [
        (Value::Int8(1), "abc", "Unable to convert abc (class java.lang.String) to a number"),
        (Value::Float64(1.0), "NaN", "Unable to convert NaN (class java.lang.String) to a number"),
        (decimal("1"), "abc", "Unable to convert abc (class java.lang.String) to number"),
        (
            Value::Boolean(true),
            "x",
            "Cannot mask value of type class java.lang.Boolean with custom replacement.",
        ),
    ] {
        assert_eq!(replaced(value, text), Err(format!("DataException: {message}")));
    }
}

#[test]
fn a_struct_keeps_its_schema() {
    let default = Schema { default: Some(Value::Int8(3)), ..Schema::optional(Kind::Int8) };
    let before =
        of_struct(&[("a", Schema::new(Kind::String), "x".into()), ("d", default.clone(), Value::Null)]);
    let after = value(MASK, &[("fields", "a,nope")], before).unwrap();
    let masked = [("a", Schema::new(Kind::String), "".into()), ("d", default, Value::Int8(3))];
    assert_eq!(fields(&after), expected(&masked));
    for (before, found) in [
        (SchemaAndValue::NULL, "Map objects supported in absence of schema"),
        (SchemaAndValue { value: Value::Null, ..of_struct(&[]) }, "Struct objects supported"),
    ] {
        let message = format!("DataException: Only {found} for [mask fields], found: null");
        assert_eq!(value(MASK, &[("fields", "a")], before), Err(message));
    }
}
