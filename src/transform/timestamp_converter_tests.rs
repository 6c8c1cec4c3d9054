//! What is expected is what Kafka 4.3 answered on Java 17.

use crate::data::{Kind, Schema, SchemaAndValue, Value, schema};
use crate::transform::testing::{chain, expected, fields, map, named, of_struct, schemaless, value};

const CONVERT: &str = "TimestampConverter$Value";
const MOMENT: i64 = 1_700_000_000_123;

#[test]
fn all_forms_become_all_forms() {
    let sources = [Value::Int64(MOMENT), Value::Date(MOMENT), "2023-11-14 22:13:20.123".into()];
    for (target, after) in [
        ("string", "2023-11-14 22:13:20.123".into()),
        ("unix", Value::Int64(MOMENT)),
        ("Date", Value::Date(1_699_920_000_000)),
        ("Time", Value::Date(80_000_123)),
        ("Timestamp", Value::Date(MOMENT)),
    ] {
        for source in &sources {
            let settings = [("target.type", target), ("format", "yyyy-MM-dd HH:mm:ss.SSS")];
            assert_eq!(
                schemaless(CONVERT, &settings, source.clone()),
                Ok(after.clone()),
                "{source:?} to {target}"
            );
        }
    }
    let before_the_epoch = schemaless(CONVERT, &[("target.type", "Date")], Value::Int64(-1500));
    assert_eq!(before_the_epoch, Ok(Value::Date(-86_400_000)));
}

#[test]
fn unix_times_have_a_precision() {
    for (precision, read, written) in [
        ("seconds", i64::MAX / 1000, 1_700_000_000),
        ("milliseconds", i64::MAX, MOMENT),
        ("microseconds", i64::MAX / 1000 * 1000, MOMENT * 1000),
        ("nanoseconds", i64::MAX / 1_000_000 * 1_000_000, MOMENT * 1_000_000),
    ] {
        let settings = [("target.type", "unix"), ("unix.precision", precision)];
        assert_eq!(
            schemaless(CONVERT, &settings, Value::Int64(i64::MAX)),
            Ok(Value::Int64(read)),
            "{precision}"
        );
        assert_eq!(
            schemaless(CONVERT, &settings, Value::Date(MOMENT)),
            Ok(Value::Int64(written)),
            "{precision}"
        );
    }
    let settings = [("target.type", "unix"), ("unix.precision", "microseconds")];
    assert_eq!(schemaless(CONVERT, &settings, Value::Int64(-1500)), Ok(Value::Int64(-1000)));
}

#[test]
fn what_is_no_timestamp_is_named() {
    let settings = [("target.type", "unix"), ("format", "yyyy")];
    for (value, message) in [
        (
            Value::Int32(5),
            "TimestampConverter does not support class java.lang.Integer objects as timestamps",
        ),
        (Value::Bytes(vec![].into()), "TimestampConverter does not support class [B objects as timestamps"),
        ("bad".into(), "Could not parse timestamp: value (bad) does not match pattern (yyyy)"),
    ] {
        assert_eq!(schemaless(CONVERT, &settings, value), Err(format!("DataException: {message}")));
    }
    let message = "NullPointerException: Cannot invoke \"java.text.SimpleDateFormat.parse(String)\" because \
                   \"config.format\" is null";
    assert_eq!(schemaless(CONVERT, &settings[..1], "2023".into()), Err(message.to_owned()));
    let of = |schema: Schema, value: Value| {
        super::super::testing::value(CONVERT, &settings, SchemaAndValue::new(schema, value))
    };
    let message =
        "ConnectException: Schema Schema{INT32} does not correspond to a known timestamp type format";
    assert_eq!(of(Schema::new(Kind::Int32), Value::Int32(5)), Err(message.to_owned()));
    for (schema, value, message) in [
        (
            Schema::new(Kind::Int64),
            "q".into(),
            "Unix timestamp to be a Long, but found class java.lang.String",
        ),
        (
            Schema::new(Kind::String),
            Value::Int64(5),
            "string timestamp to be a String, but found class java.lang.Long",
        ),
        (
            Schema::logical(Kind::Int32, schema::DATE),
            Value::Int64(5),
            "Date to be a java.util.Date, but found class java.lang.Long",
        ),
    ] {
        assert_eq!(of(schema, value), Err(format!("DataException: Expected {message}")));
    }
}

#[test]
fn a_field_keeps_being_optional_and_loses_its_default() {
    let default = Schema { default: Some(Value::Int64(0)), ..Schema::optional(Kind::Int64) };
    let before =
        named(of_struct(&[("a", default, Value::Null), ("b", Schema::new(Kind::String), "x".into())]));
    let optional = Schema::logical(Kind::Int64, schema::TIMESTAMP).with_optional(true);
    let settings = [("target.type", "Timestamp"), ("field", "a"), ("replace.null.with.default", "false")];
    for (count, after) in [(3, Value::Null), (2, Value::Date(0))] {
        let converted = value(CONVERT, &settings[..count], before.clone()).unwrap();
        let rest = ("b", Schema::new(Kind::String), "x".into());
        assert_eq!(fields(&converted), expected(&[("a", optional.clone(), after), rest]));
        assert_eq!(converted.schema.unwrap().name.as_deref(), Some("n"));
    }
    let untouched = value(CONVERT, &[("target.type", "unix"), ("field", "nope")], before.clone()).unwrap();
    assert_eq!(fields(&untouched)[1].2, "x".into());
    let null = SchemaAndValue { value: Value::Null, ..before };
    assert_eq!(value(CONVERT, &settings, null).unwrap().value, Value::Null);
}

#[test]
fn a_map_gets_an_absent_field() {
    let settings = [("target.type", "Date"), ("field", "b")];
    let after = schemaless(CONVERT, &settings, map(&[("a", Value::Int64(1))]));
    assert_eq!(after, Ok(map(&[("a", Value::Int64(1)), ("b", Value::Null)])));
    assert_eq!(schemaless(CONVERT, &settings, Value::Null), Ok(Value::Null));
}

#[test]
fn patterns_are_checked_with_the_settings() {
    let message = |settings: &[(&str, &str)]| chain(CONVERT, settings).unwrap_err()[0].message.clone();
    assert_eq!(
        message(&[("target.type", "string")]),
        "TimestampConverter requires format option to be specified when using string timestamps"
    );
    assert_eq!(
        message(&[("target.type", "unix"), ("format", "bbb")]),
        "Invalid value java.lang.IllegalArgumentException: Illegal pattern character 'b' for configuration \
         TimestampConverter requires a SimpleDateFormat-compatible pattern for string timestamps: bbb"
    );
}
