//! What is expected is what Kafka 4.3 answered on Java 17.

use crate::data::{Kind, Schema, SchemaAndValue, Struct, Value};
use crate::transform::testing::{expected, fields, map, named, of_struct, schemaless, value};
use std::sync::Arc;

const FLATTEN: &str = "Flatten$Value";

#[test]
fn maps_are_flattened() {
    let before = map(&[
        ("a", map(&[("b", map(&[("c", Value::Int8(1))])), ("n", Value::Null)])),
        ("l", Value::Array(vec![Value::Int8(2)])),
        ("e", map(&[])),
    ]);
    let after =
        map(&[("a-b-c", Value::Int8(1)), ("a-n", Value::Null), ("l", Value::Array(vec![Value::Int8(2)]))]);
    assert_eq!(schemaless(FLATTEN, &[("delimiter", "-")], before), Ok(after));
    assert_eq!(schemaless(FLATTEN, &[], Value::Null), Ok(Value::Null));
    for (value, message) in [
        (
            Value::from("x"),
            "Only Map objects supported in absence of schema for [flattening], found: java.lang.String",
        ),
        (
            map(&[("d", Value::Date(0))]),
            "Flatten transformation was passed a value of type class java.util.Date which is not supported by \
             Connect's data API",
        ),
        (
            map(&[(
                "a",
                map(&[(
                    "s",
                    Value::Struct(Struct {
                        schema: Arc::new(Schema::new(Kind::Struct(Arc::default()))),
                        values: Vec::new(),
                    }),
                )]),
            )]),
            "Flatten transformation does not support class org.apache.kafka.connect.data.Struct for record without \
             schemas (for field a.s).",
        ),
    ] {
        assert_eq!(schemaless(FLATTEN, &[], value), Err(format!("DataException: {message}")));
    }
}

#[test]
fn names_that_repeat_all_above_them_are_bounded() {
    let long = "x".repeat(10_000);
    let many = (0..100_000).map(|number| (Value::from(format!("{number}").as_str()), Value::Null)).collect();
    // A document of two megabytes, whose names would be a hundred gigabytes.
    let deep = (0..100).fold(Value::Map(many), |of, _| map(&[(&long, of)]));
    let error = schemaless(FLATTEN, &[], deep).unwrap_err();
    assert!(error.contains("more values than bytes"), "{error}");
    // As many on the top are no trouble, and neither is one so deep.
    let many: Vec<_> = (0..1_200_000).map(|n| (Value::from(format!("{n}").as_str()), Value::Null)).collect();
    let Ok(Value::Map(entries)) = schemaless(FLATTEN, &[], Value::Map(many)) else { panic!("not flattened") };
    assert_eq!(entries.len(), 1_200_000);
    let deep = (0..100).fold(Value::Int8(1), |of, _| map(&[(&long, of)]));
    assert!(schemaless(FLATTEN, &[], deep).is_ok());
}

#[test]
fn children_are_optional_and_have_defaults_by_their_ancestors() {
    let with_default = Schema { default: Some(Value::Int32(9)), ..Schema::new(Kind::Int32) };
    let inner = of_struct(&[
        ("x", Schema::new(Kind::Int32), Value::Int32(8)),
        ("y", with_default, Value::Int32(7)),
        ("o", Schema::optional(Kind::String), Value::Null),
    ]);
    let schema = (*inner.schema.unwrap()).clone();
    let schema = Schema { optional: true, default: Some(inner.value), ..schema };
    let before = named(of_struct(&[("in", schema, Value::Null)]));
    let after = value(FLATTEN, &[], before).unwrap();
    let of = |kind, default| Schema { default, ..Schema::optional(kind) };
    assert_eq!(
        fields(&after),
        expected(&[
            ("in.x", of(Kind::Int32, Some(Value::Int32(8))), Value::Null),
            ("in.y", of(Kind::Int32, Some(Value::Int32(9))), Value::Null),
            ("in.o", of(Kind::String, None), Value::Null),
        ])
    );
    assert_eq!(after.schema.unwrap().name.as_deref(), Some("n"));
}

#[test]
fn maps_in_structs_are_refused_and_null_stays() {
    let strings = Some(Arc::new(Schema::new(Kind::String)));
    let schema = Schema::new(Kind::Map(strings.clone(), strings));
    let before = of_struct(&[("m", schema, Value::Map(vec![]))]);
    let message =
        "DataException: Flatten transformation does not support MAP for record with schemas (for field m).";
    assert_eq!(value(FLATTEN, &[], before.clone()), Err(message.to_owned()));
    let null = SchemaAndValue { value: Value::Null, ..before };
    assert_eq!(value(FLATTEN, &[], null.clone()), Ok(null));
    let message = "DataException: Only Struct objects supported for [flattening], found: java.lang.String";
    assert_eq!(value(FLATTEN, &[], SchemaAndValue::text("x")), Err(message.to_owned()));
}
