//! What is expected is what Kafka 4.3 answered on Java 17.

use crate::data::{Kind, Schema, SchemaAndValue, Value};
use crate::transform::testing::{expected, fields, map, schemaless, value};

const HOIST: &str = "HoistField$Value";

#[test]
fn the_whole_becomes_a_field() {
    let after = value(HOIST, &[("field", "f")], SchemaAndValue::text("x")).unwrap();
    assert_eq!(fields(&after), expected(&[("f", Schema::optional(Kind::String), "x".into())]));
    assert_eq!(schemaless(HOIST, &[("field", "f")], Value::Null), Ok(map(&[("f", Value::Null)])));
}

#[test]
fn a_field_needs_a_name_and_a_required_one_a_value() {
    let null = SchemaAndValue::new(Schema::new(Kind::String), Value::Null);
    let message = "DataException: Invalid value: null used for required field: \"f\", schema type: STRING";
    assert_eq!(value(HOIST, &[("field", "f")], null), Err(message.to_owned()));
    let message = "SchemaBuilderException: fieldName cannot be null.";
    assert_eq!(value(HOIST, &[("field", "")], SchemaAndValue::text("x")), Err(message.to_owned()));
}
