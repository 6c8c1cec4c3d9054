//! Decimals of every way in: the longest that is read, and one that is longer.
//!
//! To read or write one as text takes the square of its length, so what bounds that is the length alone.

use super::{
    ConvertFailure, ConverterRow, Input, avro, json as json_converter, protobuf as proto, schema_json,
    testing,
};
use crate::causes::chain;
use crate::data::json::{self, DecimalFormat};
use crate::data::registered::{Registered, SchemaId};
use crate::data::{SchemaAndValue, Value};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const BYTES: usize = 16 * 1024;
/// Digits of a number in JSON.
const TEXT: usize = 1000;
/// Digits of so many bytes.
const DIGITS: usize = 39_456;

type Read = fn(usize) -> Result<SchemaAndValue, String>;

#[rustfmt::skip] // a table
const WAYS: &[(&str, usize, Read)] = &[
    ("Avro bytes", BYTES, |len| registered(&avro::CONFLUENT, r#"{"type":"bytes","logicalType":"decimal","scale":2}"#, &vec![1; len])),
    ("Avro fixed", BYTES, |len| registered(&avro::CONFLUENT, &format!(r#"{{"type":"fixed","name":"F","size":{len},"logicalType":"decimal","scale":2}}"#), &vec![1; len])),
    ("an Avro default", BYTES, |len| registered(&avro::CONFLUENT, &avro_default(len), &[0])),
    ("Protobuf", BYTES, |len| registered(&proto::CONFLUENT, "syntax = \"proto3\"; import \"confluent/type/decimal.proto\"; message M { confluent.type.Decimal d = 1; }", &protobuf(len))),
    ("a number by a JSON Schema", TEXT, |len| registered(&schema_json::ROW, &json_schema(), "7".repeat(len).as_bytes())),
    ("base64 in an envelope", BYTES, |len| json("true", &envelope(&format!("\"{}\"", STANDARD.encode(vec![1; len]))))),
    ("a number in an envelope", TEXT, |len| json("true", &envelope(&"7".repeat(len)))),
    ("a default in an envelope", TEXT, |len| json("true", &envelope("null").replace("\"scale\":\"0\"}", &format!("\"scale\":\"0\"}},\"default\":{}", "7".repeat(len))))),
    ("a number without a schema", TEXT, |len| json("false", &"7".repeat(len))),
];

fn envelope(payload: &str) -> String {
    let schema =
        r#"{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"0"}}"#;
    format!(r#"{{"schema":{schema},"payload":{payload}}}"#)
}

fn avro_default(len: usize) -> String {
    // Each character is a byte.
    let default = "1".repeat(len);
    let of = r#"{"type":"bytes","logicalType":"decimal","scale":2}"#;
    format!(
        r#"{{"type":"record","name":"R","fields":[{{"name":"d","type":{{"type":"array","items":{of}}},"default":["{default}"]}}]}}"#
    )
}

fn json_schema() -> String {
    let name = "org.apache.kafka.connect.data.Decimal";
    format!(
        r#"{{"type":"number","title":"{name}","connect.type":"bytes","connect.parameters":{{"scale":"0"}}}}"#
    )
}

/// Field 1 with a decimal whose field 1 are so many bytes.
fn protobuf(len: usize) -> Vec<u8> {
    let field = |content: Vec<u8>| {
        let (mut length, mut out) = (content.len(), vec![10]);
        while length >= 0x80 {
            out.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
            length >>= 7;
        }
        out.push(u8::try_from(length).unwrap());
        [out, content].concat()
    };
    [vec![0], field(field(vec![1; len]))].concat()
}

fn registered(row: &ConverterRow, schema: &str, value: &[u8]) -> Result<SchemaAndValue, String> {
    let converter = testing::registered(row, "value", &[]);
    let registered = Registered { kind: None, text: schema.to_owned(), references: Vec::new() };
    converter.learn(SchemaId::Number(0), Ok(registered), None);
    let bytes = [&[0; 5], value].concat();
    let read = converter.convert(Input { bytes: Some(&bytes), id: None, detail: None, topic: "t" });
    read.map_err(|failure| match failure {
        ConvertFailure::Data(error) => chain(&error),
        ConvertFailure::NeedsSchema(_) => "what was learnt is known".to_owned(),
    })
}

fn json(schemas: &str, text: &str) -> Result<SchemaAndValue, String> {
    let converter = testing::plain(&json_converter::ROW, &[("schemas.enable", schemas)]);
    converter.to_data(Some(text.as_bytes())).map_err(|error| chain(&error))
}

#[test]
fn decimals_are_bounded_in_length_whatever_way_they_come() {
    for (name, most, read) in WAYS {
        let data = read(*most).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut out = Vec::new();
        json::write(data.schema.as_deref(), &data.value, DecimalFormat::Numeric, &mut out).unwrap();
        assert!((2..DIGITS + 10).contains(&out.len()), "{name}: {} bytes", out.len());
        let is_decimal = matches!(data.value, Value::Decimal(_));
        assert!(!is_decimal || out.len() >= TEXT, "{name}: {} bytes", out.len());
        let error = read(most + 1).map(|_| "read").unwrap_err();
        let is_told =
            error.contains("is too long") || error.contains("a number of more than 1000 characters");
        assert!(is_told && error.len() < 1000, "{name}: {error}");
    }
}
