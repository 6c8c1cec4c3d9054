//! What is expected is what Kafka 4.3 answered on Java 17.

use crate::data::{Kind, Schema, SchemaAndValue, Value, schema};
use crate::transform::testing::{expected, fields, map, named, of_struct, schemaless, value};
use bigdecimal::BigDecimal;

const CAST: &str = "Cast$Value";

#[test]
fn texts_are_read_strictly() {
    let cast = |to: &str, text: &str| schemaless(CAST, &[("spec", to)], text.into());
    let wrong =
        |text: &str| Err(format!("DataException: Value ({text}) was out of range for requested data type"));
    for (to, text, result) in [
        ("int8", "abc", wrong("abc")),
        ("int8", "300", wrong("300")),
        ("int8", " 1", wrong(" 1")),
        ("int8", "+5", Ok(Value::Int8(5))),
        ("int16", "300", Ok(Value::Int16(300))),
        ("int32", "3000000000", wrong("3000000000")),
        ("int64", "3000000000", Ok(Value::Int64(3_000_000_000))),
        ("float32", " 1", Ok(Value::Float32(1.0))),
        ("float64", "1e3d", Ok(Value::Float64(1000.0))),
        ("float64", "", wrong("")),
        ("boolean", "TRUE", Ok(Value::Boolean(true))),
        ("boolean", "1", Ok(Value::Boolean(false))),
        ("string", "x", Ok("x".into())),
    ] {
        assert_eq!(cast(to, text), result, "{text} to {to}");
    }
}

#[test]
fn numbers_are_narrowed_as_java_narrows() {
    for (to, number, result) in [
        ("int8", Value::Float64(1e10), Value::Int8(-1)),
        ("int8", Value::Int64(300), Value::Int8(44)),
        ("int16", Value::Float32(3.9), Value::Int16(3)),
        ("int32", Value::Int64(1 << 33), Value::Int32(0)),
        ("int64", Value::Float64(f64::NAN), Value::Int64(0)),
        ("float32", Value::Float64(1e300), Value::Float32(f32::INFINITY)),
        ("float64", Value::Boolean(true), Value::Float64(1.0)),
        ("boolean", Value::Float64(0.5), Value::Boolean(false)),
        ("boolean", Value::Int8(-1), Value::Boolean(true)),
        ("string", Value::Float32(1.0), "1.0".into()),
        ("string", Value::Boolean(true), "true".into()),
        ("string", Value::Bytes(vec![1].into()), "AQ==".into()),
    ] {
        assert_eq!(schemaless(CAST, &[("spec", to)], number.clone()), Ok(result), "{number:?} to {to}");
    }
}

#[test]
fn what_cannot_be_cast_is_named() {
    let supported =
        "supported types are [INT8, INT16, INT32, INT64, FLOAT32, FLOAT64, BOOLEAN, STRING, BYTES]";
    for (to, value, message) in [
        ("string", Value::Array(vec![]), format!("Cast transformation does not support casting from ARRAY; {supported}")),
        ("string", Value::Map(vec![]), format!("Cast transformation does not support casting from MAP; {supported}")),
        ("int8", Value::Bytes(vec![1].into()), "Unexpected type in Cast transformation: class [B".to_owned()),
        (
            "string",
            Value::Date(0),
            "Cast transformation was passed a value of type class java.util.Date which is not supported by Connect's \
             data API"
                .to_owned(),
        ),
        (
            "a:int8",
            "x".into(),
            "Only Map objects supported in absence of schema for [cast types], found: java.lang.String".to_owned(),
        ),
    ] {
        assert_eq!(schemaless(CAST, &[("spec", to)], value), Err(format!("DataException: {message}")));
    }
    let text = SchemaAndValue::text("x");
    let message = "DataException: Cannot list fields on non-struct type";
    assert_eq!(value(CAST, &[("spec", "a:int8")], text), Err(message.to_owned()));
}

#[test]
fn logical_types_count_by_their_base() {
    let moment = |kind, name: &str, ms| SchemaAndValue::new(Schema::logical(kind, name), Value::Date(ms));
    let decimal = SchemaAndValue::new(Schema::decimal(2), Value::Decimal(BigDecimal::new(1250.into(), 2)));
    for (to, before, kind, result) in [
        ("int8", moment(Kind::Int32, schema::DATE, 86_400_000), Kind::Int8, Value::Int8(1)),
        (
            "int32",
            moment(Kind::Int64, schema::TIMESTAMP, 1_700_000_000_123),
            Kind::Int32,
            Value::Int32(-807_049_093),
        ),
        ("string", moment(Kind::Int32, schema::TIME, 1000), Kind::String, "00:00:01.000Z".into()),
        ("int8", decimal.clone(), Kind::Int8, Value::Int8(12)),
        ("string", decimal.clone(), Kind::String, "12.50".into()),
        ("float64", decimal, Kind::Float64, Value::Float64(12.5)),
    ] {
        let after = value(CAST, &[("spec", to)], before.clone()).unwrap();
        let source = before.schema.unwrap();
        assert_eq!(after.value, result);
        // Name, version and parameters stay, even where they make no sense any more.
        let schema = after.schema.unwrap();
        assert_eq!((&schema.kind, &schema.name, schema.version), (&kind, &source.name, Some(1)));
        assert_eq!(schema.parameters, source.parameters);
    }
    let wrong = [
        (schema::DATE, "Kafka Connect Date type should not have any time fields set to non-zero values."),
        (schema::TIME, "Kafka Connect Time type should not have any date fields set to non-zero values."),
    ];
    for (name, message) in wrong {
        let after = value(CAST, &[("spec", "int32")], moment(Kind::Int32, name, 86_400_001));
        assert_eq!(after, Err(format!("DataException: {message}")));
    }
}

#[test]
fn fields_keep_optional_and_default() {
    let with_default = Schema { default: Some(Value::Int32(7)), ..Schema::optional(Kind::Int32) };
    let before = named(of_struct(&[
        ("a", with_default, Value::Null),
        ("b", Schema::new(Kind::String), "5".into()),
        ("c", Schema::new(Kind::Boolean), Value::Boolean(true)),
    ]));
    let spec = [("spec", "a:string,b:int8,nope:int8"), ("replace.null.with.default", "false")];
    let after = value(CAST, &spec, before.clone()).unwrap();
    let cast_default = Schema { default: Some("7".into()), ..Schema::optional(Kind::String) };
    let rest = [
        ("b", Schema::new(Kind::Int8), Value::Int8(5)),
        ("c", Schema::new(Kind::Boolean), Value::Boolean(true)),
    ];
    let null = [&[("a", cast_default.clone(), Value::Null)][..], &rest].concat();
    assert_eq!(fields(&after), expected(&null));
    assert_eq!(after.schema.unwrap().version, Some(7));
    let after = value(CAST, &spec[..1], before).unwrap();
    let filled = [&[("a", cast_default, "7".into())][..], &rest].concat();
    assert_eq!(fields(&after), expected(&filled));
}

#[test]
fn maps_get_absent_fields_and_nulls_stay() {
    let before = map(&[("a", "1".into()), ("z", Value::Null)]);
    let after = schemaless(CAST, &[("spec", "a:int8,b:string,z:int8")], before);
    assert_eq!(after, Ok(map(&[("a", Value::Int8(1)), ("z", Value::Null), ("b", Value::Null)])));
    let null = SchemaAndValue { value: Value::Null, ..SchemaAndValue::text("") };
    assert_eq!(value(CAST, &[("spec", "int8")], null.clone()), Ok(null));
}
