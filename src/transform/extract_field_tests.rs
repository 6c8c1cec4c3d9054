//! What is expected is what Kafka 4.3 answered on Java 17.

use crate::data::{Kind, Schema, SchemaAndValue, Value};
use crate::transform::testing::{map, of_struct, schemaless, value};

const EXTRACT: &str = "ExtractField$Value";
const V2: (&str, &str) = ("field.syntax.version", "V2");

#[test]
fn a_field_takes_the_place_of_a_map() {
    let before = || map(&[("a", map(&[("b.c", Value::Int8(5))])), ("a.b", Value::Int8(6))]);
    assert_eq!(schemaless(EXTRACT, &[("field", "a.b")], before()), Ok(Value::Int8(6)));
    assert_eq!(schemaless(EXTRACT, &[("field", "a.`b.c`"), V2], before()), Ok(Value::Int8(5)));
    assert_eq!(schemaless(EXTRACT, &[("field", "nope.b"), V2], before()), Ok(Value::Null));
    assert_eq!(schemaless(EXTRACT, &[("field", "nope")], before()), Ok(Value::Null));
    assert_eq!(schemaless(EXTRACT, &[("field", "a")], Value::Null), Ok(Value::Null));
    let nested = schemaless(EXTRACT, &[("field", "`a.b`.x"), V2], before());
    let purpose = |purpose, found| {
        Err(format!(
            "DataException: Only Map objects supported in absence of schema for [{purpose}], found: java.lang.{found}"
        ))
    };
    assert_eq!(nested, purpose("nested field access", "Byte"));
    assert_eq!(schemaless(EXTRACT, &[("field", "a")], "x".into()), purpose("field extraction", "String"));
}

#[test]
fn a_field_takes_the_place_of_a_struct() {
    let with_default = Schema { default: Some(Value::Int8(9)), ..Schema::optional(Kind::Int8) };
    let inner = of_struct(&[("d", with_default.clone(), Value::Null)]);
    let schema = (**inner.schema.as_ref().unwrap()).clone();
    let before = of_struct(&[("in", schema, inner.value)]);
    let extracted = |settings: &[(&str, &str)]| value(EXTRACT, settings, before.clone());
    let of = |value| Ok(SchemaAndValue::new(with_default.clone(), value));
    assert_eq!(extracted(&[("field", "in.d"), V2]), of(Value::Int8(9)));
    assert_eq!(extracted(&[("field", "in.d"), V2, ("replace.null.with.default", "false")]), of(Value::Null));
    let unknown = |path: &str| Err(format!("IllegalArgumentException: Unknown field: {path}"));
    assert_eq!(extracted(&[("field", "in.d")]), unknown("in.d"));
    assert_eq!(extracted(&[("field", "no.d"), V2]), unknown("no.d"));
    let no_struct = "DataException: Cannot look up fields on non-struct type".to_owned();
    assert_eq!(extracted(&[("field", "in.d.x"), V2]), Err(no_struct));
}

#[test]
fn null_has_the_schema_of_the_field() {
    let null =
        SchemaAndValue { value: Value::Null, ..of_struct(&[("a", Schema::new(Kind::Int8), Value::Null)]) };
    let after = value(EXTRACT, &[("field", "a")], null);
    assert_eq!(after, Ok(SchemaAndValue::new(Schema::new(Kind::Int8), Value::Null)));
    let message =
        "DataException: Only Struct objects supported for [field extraction], found: java.lang.String";
    assert_eq!(value(EXTRACT, &[("field", "a")], SchemaAndValue::text("x")), Err(message.to_owned()));
}
