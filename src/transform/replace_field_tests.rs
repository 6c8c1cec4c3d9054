//! What is expected is what Kafka 4.3 answered on Java 17.

use crate::data::{Kind, Schema, SchemaAndValue, Value};
use crate::transform::testing::{expected, fields, map, named, of_struct, schemaless, value};

const REPLACE: &str = "ReplaceField$Value";

fn before() -> SchemaAndValue {
    let default = Schema { default: Some(Value::Int8(3)), ..Schema::optional(Kind::Int8) };
    named(of_struct(&[
        ("a", Schema::new(Kind::String), "x".into()),
        ("b", default, Value::Null),
        ("c", Schema::new(Kind::Int32), Value::Int32(1)),
    ]))
}

#[test]
fn fields_are_chosen_and_renamed() {
    let default = Schema { default: Some(Value::Int8(3)), ..Schema::optional(Kind::Int8) };
    let after =
        value(REPLACE, &[("exclude", "c"), ("include", "b,c"), ("renames", "b:z")], before()).unwrap();
    assert_eq!(fields(&after), expected(&[("z", default, Value::Int8(3))]));
    assert_eq!(after.schema.unwrap().version, Some(7));
    let after = schemaless(
        REPLACE,
        &[("exclude", "b"), ("renames", "c:a2,nope:n")],
        map(&[("a", Value::Int8(1)), ("b", Value::Int8(2)), ("c", Value::Int8(3))]),
    );
    assert_eq!(after, Ok(map(&[("a", Value::Int8(1)), ("a2", Value::Int8(3))])));
}

#[test]
fn a_clash_of_names_is_an_error() {
    let message = "SchemaBuilderException: Cannot create field because of field name duplication c";
    assert_eq!(value(REPLACE, &[("renames", "a:c")], before()), Err(message.to_owned()));
    let message = "DataException: nope is not a valid field name";
    assert_eq!(value(REPLACE, &[("renames", "nope:a")], before()), Err(message.to_owned()));
}

#[test]
fn null_stays_and_other_things_are_refused() {
    let null = SchemaAndValue { value: Value::Null, ..before() };
    assert_eq!(value(REPLACE, &[("exclude", "a")], null.clone()), Ok(null));
    let message =
        "DataException: Only Struct objects supported for [field replacement], found: java.lang.String";
    assert_eq!(value(REPLACE, &[], SchemaAndValue::text("q")), Err(message.to_owned()));
    let message = "DataException: Only Map objects supported in absence of schema for [field replacement], found: java.lang.String";
    assert_eq!(schemaless(REPLACE, &[], "q".into()), Err(message.to_owned()));
}
