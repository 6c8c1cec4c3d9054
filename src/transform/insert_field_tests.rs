//! What is expected is what Kafka 4.3 answered on Java 17.

use crate::data::{Kind, Schema, SchemaAndValue, Value, schema};
use crate::transform::testing::{
    apply, chain, expected, fields, map, named, of_struct, record, schemaless, value,
};

const INSERT: &str = "InsertField$Value";
const ALL: [(&str, &str); 6] = [
    ("topic.field", "topic"),
    ("partition.field", "p?"),
    ("offset.field", "o!"),
    ("timestamp.field", "ts!"),
    ("static.field", "s"),
    ("static.value", "v"),
];

#[test]
fn a_struct_gets_fields() {
    let before = named(of_struct(&[("a", Schema::new(Kind::Int8), Value::Int8(1))]));
    let after = value(INSERT, &ALL, before).unwrap();
    assert_eq!(
        fields(&after),
        expected(&[
            ("a", Schema::new(Kind::Int8), Value::Int8(1)),
            ("topic", Schema::optional(Kind::String), "t".into()),
            ("p", Schema::optional(Kind::Int32), Value::Int32(3)),
            ("o", Schema::new(Kind::Int64), Value::Int64(5)),
            ("ts", Schema::logical(Kind::Int64, schema::TIMESTAMP), Value::Date(1_700_000_000_123)),
            ("s", Schema::optional(Kind::String), "v".into()),
        ])
    );
    assert_eq!(after.schema.unwrap().doc.as_deref(), Some("d"));
}

#[test]
fn a_map_gets_entries_and_none_for_a_timestamp_that_is_not_there() {
    let before = || SchemaAndValue::schemaless(map(&[("topic", Value::Int8(1)), ("b", Value::Int8(2))]));
    let mut without = record(before());
    without.timestamp = None;
    let after = apply(INSERT, &ALL, without).unwrap().value.value;
    let entries = [
        ("topic", "t".into()),
        ("b", Value::Int8(2)),
        ("p", Value::Int32(3)),
        ("o", Value::Int64(5)),
        ("s", "v".into()),
    ];
    assert_eq!(after, map(&entries));
    let with = schemaless(INSERT, &[("timestamp.field", "b")], before().value);
    assert_eq!(with, Ok(map(&[("topic", Value::Int8(1)), ("b", Value::Int64(1_700_000_000_123))])));
}

#[test]
fn null_stays_and_a_field_that_is_there_is_an_error() {
    let null = SchemaAndValue { value: Value::Null, ..SchemaAndValue::text("") };
    assert_eq!(value(INSERT, &ALL, null.clone()), Ok(null));
    let before = of_struct(&[("a", Schema::new(Kind::Int8), Value::Int8(1))]);
    let message = "SchemaBuilderException: Cannot create field because of field name duplication a";
    assert_eq!(value(INSERT, &[("topic.field", "a")], before), Err(message.to_owned()));
    let message =
        "DataException: Only Struct objects supported for [field insertion], found: java.lang.String";
    assert_eq!(value(INSERT, &[("topic.field", "a")], SchemaAndValue::text("q")), Err(message.to_owned()));
}

#[test]
fn nothing_to_insert_is_an_error_of_the_settings() {
    let message = |settings: &[(&str, &str)]| chain(INSERT, settings).unwrap_err()[0].message.clone();
    assert_eq!(message(&[("static.value", "x")]), "No field insertion configured");
    assert_eq!(
        message(&[("static.field", "x")]),
        "Invalid value null for configuration transforms.x.static.value: No value specified for static field: x"
    );
}
