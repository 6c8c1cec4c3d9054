//! What is expected is what Kafka 4.3 answered on Java 17.

use crate::data::{Kind, Schema, SchemaAndValue, Value};
use crate::transform::testing::{apply, expected, fields, map, named, of_struct, record, value};

const KEY: &str = "ValueToKey";

#[test]
fn fields_make_the_key() {
    let before = named(of_struct(&[
        ("a", Schema::new(Kind::Int8), Value::Int8(1)),
        ("b", Schema { default: Some("d".into()), ..Schema::optional(Kind::String) }, Value::Null),
    ]));
    let after = apply(KEY, &[("fields", "b,a")], record(before.clone())).unwrap();
    let schema = after.key.schema.clone().unwrap();
    assert_eq!((schema.name.as_deref(), schema.fields().len()), (None, 2));
    let b = Schema { default: Some("d".into()), ..Schema::optional(Kind::String) };
    assert_eq!(
        fields(&after.key),
        expected(&[("b", b, "d".into()), ("a", Schema::new(Kind::Int8), Value::Int8(1))])
    );
    assert_eq!(after.value, before);
    let missing = value(KEY, &[("fields", "a,zz")], before);
    assert_eq!(missing, Err("DataException: Field does not exist: zz".to_owned()));
}

#[test]
fn a_map_makes_a_map() {
    let before = SchemaAndValue::schemaless(map(&[("a", Value::Int8(1))]));
    let after = apply(KEY, &[("fields", "b,a")], record(before)).unwrap();
    assert_eq!(after.key, SchemaAndValue::schemaless(map(&[("b", Value::Null), ("a", Value::Int8(1))])));
}

#[test]
fn other_values_are_refused() {
    let purpose = "for [copying fields from value to key], found:";
    let null = SchemaAndValue { value: Value::Null, ..of_struct(&[]) };
    let message = format!("DataException: Only Struct objects supported {purpose} null");
    assert_eq!(value(KEY, &[("fields", "a")], null), Err(message));
    let message =
        format!("DataException: Only Map objects supported in absence of schema {purpose} java.lang.String");
    assert_eq!(value(KEY, &[("fields", "a")], SchemaAndValue::schemaless("q".into())), Err(message));
}
