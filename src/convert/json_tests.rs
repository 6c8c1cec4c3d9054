//! `JsonConverter`: what passes as it came, what is read, and what is refused in which words.

use super::{JsonConverter, ROW};
use crate::convert::{Converter, testing};
use crate::data::{Converted, DATA_EXCEPTION, Kind, Value, entry};
use proptest::prelude::*;
use std::error::Error;
use std::sync::Arc;

fn of(settings: &[(&str, &str)]) -> JsonConverter {
    JsonConverter::new(&testing::settings(&ROW, "value", settings).values()).unwrap()
}

fn schemaless() -> JsonConverter {
    of(&[("schemas.enable", "false")])
}

fn refusal(converter: &JsonConverter, text: &str) -> String {
    converter.to_data(Some(text.as_bytes())).unwrap_err().to_string()
}

#[test]
fn documents_pass_as_they_came() {
    let document = b" {\"z\":12345678901234567890, \"a\":1.10,\n\"t\":\"\xc3\xa9\"}";
    let inner: &[u8] = &document[1..];
    assert_eq!(schemaless().convert(Some(document)), Ok(Converted::Json(inner.into())));
    let with_mark = [b"\xef\xbb\xbf", document.as_slice(), b"\n\0"].concat();
    assert_eq!(schemaless().convert(Some(&with_mark)), Ok(Converted::Json(inner.into())));
    let wrapped = [br#"{"schema":null,"payload":"#, document.as_slice(), b"}"].concat();
    assert_eq!(of(&[]).convert(Some(&wrapped)), Ok(Converted::Json(inner.into())));
}

#[test]
fn scalars_and_nulls() {
    let converter = schemaless();
    assert_eq!(converter.convert(Some(b"\"a\\nb\"")), Ok(Converted::Text("a\nb".into())));
    assert_eq!(converter.convert(Some(b" 1.50 ")), Ok(Converted::Text("1.50".into())));
    assert_eq!(converter.convert(Some(b"true")), Ok(Converted::Text("true".into())));
    for null in [Some(b"null".as_slice()), Some(b"".as_slice()), Some(b" \n".as_slice()), None] {
        assert_eq!(converter.convert(null), Ok(Converted::Null));
        assert!(converter.to_data(null).unwrap().value.is_null());
    }
}

#[test]
fn what_is_not_json_is_an_error() {
    for bad in [b"{".as_slice(), b"{\"a\":1} x", b"nul", b"{\"a\":\"\xff\"}", b"{'a':1}"] {
        for error in [
            schemaless().convert(Some(bad)).unwrap_err(),
            schemaless().to_data(Some(bad)).unwrap_err(),
            of(&[]).to_data(Some(bad)).unwrap_err(),
        ] {
            let words = "Converting byte[] to Kafka Connect data failed due to serialization error: ";
            assert_eq!((error.to_string().as_str(), error.class()), (words, DATA_EXCEPTION));
            assert!(error.source().is_some());
        }
    }
}

#[test]
fn what_is_looked_into_keeps_its_numbers() {
    let text = r#"{"b":1,"a":[1.5,null,true],"big":12345678901234567890,"b":2,"é\n":{}}"#;
    let Value::Map(entries) = schemaless().to_data(Some(text.as_bytes())).unwrap().value else { panic!() };
    let names: Vec<_> = entries.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(names, ["b".into(), "a".into(), "big".into(), "é\n".into()]);
    assert_eq!(entry(&entries, "b"), Some(&Value::Int64(2)));
    let list = Value::Array(vec![Value::Float64(1.5), Value::Null, Value::Boolean(true)]);
    assert_eq!(entry(&entries, "a"), Some(&list));
    let Some(Value::Decimal(big)) = entry(&entries, "big") else { panic!() };
    assert_eq!(big.to_string(), "12345678901234567890");
}

const STRUCT: &str = r#"{"type":"struct","name":"n","version":3,"doc":"d","fields":[
    {"field":"b","type":"int32"},{"field":"a","type":"string","optional":true},
    {"field":"d","type":"string","default":"x"},
    {"field":"n","type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2"}}]}"#;

#[test]
fn a_struct_has_the_order_and_the_defaults_of_its_schema() {
    let converter = of(&[]);
    let text = format!(r#"{{"payload":{{"a":"t","b":7,"extra":1,"n":1.5}},"schema":{STRUCT}}}"#);
    let data = converter.to_data(Some(text.as_bytes())).unwrap();
    let schema = data.schema.unwrap();
    assert_eq!(
        (schema.name.as_deref(), schema.version, schema.doc.as_deref()),
        (Some("n"), Some(3), Some("d"))
    );
    let Value::Struct(value) = data.value else { panic!() };
    assert_eq!(value.get("b"), Some(&Value::Int32(7)));
    assert_eq!(value.get("d"), Some(&"x".into()));
    let Some(Value::Decimal(number)) = value.get("n") else { panic!() };
    assert_eq!(number.to_string(), "1.50");
    // The same schema is the same object the next time.
    let again = converter.to_data(Some(text.as_bytes())).unwrap();
    assert!(Arc::ptr_eq(&schema, &again.schema.unwrap()));
}

#[test]
fn a_fixed_schema_reads_plain_json() {
    let converter = of(&[("schema.content", STRUCT)]);
    let data = converter.to_data(Some(br#"{"b":1,"n":"AJY="}"#)).unwrap();
    assert!(matches!(data.schema.unwrap().kind, Kind::Struct(_)));
    let broken = testing::settings(&ROW, "value", &[("schema.content", r#"{"type":"nope"}"#)]);
    let error = JsonConverter::new(&broken.values()).unwrap_err().to_string();
    assert_eq!(error, "value.converter.schema.content: Unknown schema type: nope");
}

#[test]
fn errors_in_connects_words() {
    let converter = of(&[]);
    for wrong in [r#"{"a":1}"#, "[1]", "7", "", r#"{"schema":null,"payload":1,"more":1}"#] {
        assert!(
            refusal(&converter, wrong).starts_with("JsonConverter with schemas.enable requires"),
            "{wrong}"
        );
    }
    let with = |schema: &str, payload: &str| {
        refusal(&converter, &format!(r#"{{"schema":{schema},"payload":{payload}}}"#))
    };
    assert_eq!(with(r#"{"type":"string"}"#, "null"), "Invalid null value for required STRING field");
    assert_eq!(with(r#"{"type":"nope"}"#, "1"), "Unknown schema type: nope");
    assert_eq!(with("{}", "1"), "Schema must contain 'type' field");
    assert_eq!(with(r#"{"type":"int8"}"#, "300"), "Invalid type for INT8: NUMBER");
    assert_eq!(with(r#"{"type":"array"}"#, "[]"), "Array schema did not specify the element type");
    let map = r#"{"type":"map","keys":{"type":"string"},"values":{"type":"int8"}}"#;
    assert_eq!(with(map, "[]"), "Maps with string fields should be encoded as JSON objects, but found ARRAY");
    let huge = with(
        r#"{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"0"}}"#,
        "1e999999999",
    );
    assert!(huge.contains("more than 1000 digits"), "{huge}");
}

proptest! {
    #[test]
    fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for converter in [of(&[]), schemaless()] {
            drop(converter.convert(Some(&bytes)));
            drop(converter.to_data(Some(&bytes)));
        }
    }

    #[test]
    fn no_schema_and_payload_makes_it_panic(kind in "[a-z0-9]{1,6}", schema in "[\\[\\]{}a-z0-9:,\"]{0,30}", payload in "[\\[\\]{}a-z0-9:,.\"]{0,30}") {
        let text = format!(r#"{{"schema":{{"type":"{kind}","items":{schema}}},"payload":{payload}}}"#);
        drop(of(&[]).to_data(Some(text.as_bytes())));
    }
}
