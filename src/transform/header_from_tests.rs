//! What is expected is what Kafka 4.3 answered on Java 17.

use crate::data::{Header, Kind, Schema, SchemaAndValue, Value};
use crate::transform::testing::{apply, chain, expected, fields, map, named, of_struct, record, value};

const HEADER_FROM: &str = "HeaderFrom$Value";

fn settings<'a>(fields: &'a str, headers: &'a str, operation: &'a str) -> [(&'a str, &'a str); 3] {
    [("fields", fields), ("headers", headers), ("operation", operation)]
}

fn header(key: &str, value: SchemaAndValue) -> Header {
    Header { key: key.into(), value }
}

#[test]
fn fields_of_a_struct_are_moved_or_copied() {
    let default = Schema { default: Some(Value::Int8(3)), ..Schema::optional(Kind::Int8) };
    let before = named(of_struct(&[
        ("a", Schema::new(Kind::String), "x".into()),
        ("b", default.clone(), Value::Null),
    ]));
    let moved = apply(HEADER_FROM, &settings("b", "h", "move"), record(before.clone())).unwrap();
    assert_eq!(moved.headers, [header("h", SchemaAndValue::new(default, Value::Int8(3)))]);
    assert_eq!(fields(&moved.value), expected(&[("a", Schema::new(Kind::String), "x".into())]));
    assert_eq!(moved.value.schema.unwrap().version, Some(7));
    let copied = apply(HEADER_FROM, &settings("a,a", "h,g", "copy"), record(before.clone())).unwrap();
    let text = SchemaAndValue::new(Schema::new(Kind::String), "x".into());
    assert_eq!(copied.headers, [header("h", text.clone()), header("g", text)]);
    assert_eq!(copied.value, before);
    let missing = value(HEADER_FROM, &settings("zz", "h", "move"), before).unwrap_err();
    assert!(
        missing.starts_with(
            "NullPointerException: Cannot invoke \"org.apache.kafka.connect.data.Field.schema()\""
        )
    );
}

#[test]
fn entries_of_a_map_are_moved_and_missing_ones_are_null() {
    let mut before = record(SchemaAndValue::schemaless(map(&[("a", Value::Int8(1)), ("c", Value::Int8(2))])));
    before.headers = vec![header("h", SchemaAndValue::NULL)];
    let after = apply(HEADER_FROM, &settings("a,b", "h,g", "move"), before).unwrap();
    let one = SchemaAndValue::schemaless(Value::Int8(1));
    assert_eq!(
        after.headers,
        [header("h", SchemaAndValue::NULL), header("h", one), header("g", SchemaAndValue::NULL)]
    );
    assert_eq!(after.value.value, map(&[("c", Value::Int8(2))]));
}

#[test]
fn what_is_wrong_is_named() {
    let errors = chain(HEADER_FROM, &settings("a", "h,g", "copy")).unwrap_err();
    assert_eq!(
        errors[0].message,
        "'fields' config must have the same number of elements as 'headers' config."
    );
    let null = SchemaAndValue { value: Value::Null, ..of_struct(&[]) };
    let message = "DataException: Only Struct objects supported for [header move], found: null";
    assert_eq!(value(HEADER_FROM, &settings("a", "h", "move"), null), Err(message.to_owned()));
    let message = "DataException: Only Map objects supported in absence of schema for [header copy], found: java.lang.String";
    let text = SchemaAndValue::schemaless("q".into());
    assert_eq!(value(HEADER_FROM, &settings("a", "h", "copy"), text), Err(message.to_owned()));
}
