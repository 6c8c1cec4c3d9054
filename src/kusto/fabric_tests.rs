//! Rows as `fabric-sink-connector.md` §5 has them.

use super::{Width, encode};
use crate::data::schema::{DATE, TIME};
use crate::data::{Converted, Header, Kind, Schema, SchemaAndValue, SinkRecord, Struct, Value};
use crate::kusto::config::{DataFormat, HeaderChoice, RowLayout, TopicMapping};
use bytes::Bytes;
use proptest::prelude::*;
use std::sync::Arc;

const JSON: RowLayout = RowLayout::FabricJson { avro: false, payload: false };
const AVRO: RowLayout = RowLayout::FabricJson { avro: true, payload: false };
/// The coordinates of all records here.
const M: &str = r#"{"partition":"3","offset":"42","topic":"t1"}"#;

fn target(layout: RowLayout) -> TopicMapping {
    let format = if layout == RowLayout::FabricCsv { DataFormat::Csv } else { DataFormat::MultiJson };
    TopicMapping {
        database: "d".into(),
        table: "t".into(),
        format,
        mapping: None,
        streaming: false,
        columns: Arc::default(),
        layout,
    }
}

fn text(text: &str) -> Converted<'_> {
    Converted::Text(text.into())
}

fn bytes(bytes: &[u8]) -> Converted<'_> {
    Converted::Bytes(bytes.into())
}

fn record<'a>(key: Converted<'a>, value: Converted<'a>) -> SinkRecord<'a> {
    SinkRecord {
        topic: "t1".into(),
        partition: 3,
        offset: 42,
        timestamp: None,
        value,
        key,
        headers: Vec::new(),
    }
}

fn row(layout: RowLayout, record: &SinkRecord<'_>) -> String {
    row_beside(&Width::default(), layout, record)
}

fn row_beside(width: &Width, layout: RowLayout, record: &SinkRecord<'_>) -> String {
    let encoded = encode(&target(layout), &HeaderChoice::default(), record, width).unwrap();
    String::from_utf8(encoded.bytes.into_owned()).unwrap()
}

#[test]
fn the_examples_of_the_table() {
    let value = || text(r#"{"id":7,"tag":{"x":1}}"#);
    let schema = Arc::new(Schema::of_fields([("id", Arc::new(Schema::new(Kind::Int32)))]));
    let of_id = Struct { schema: schema.clone(), values: vec![Value::Int32(1)] };
    let structs = Converted::Data(SchemaAndValue { schema: Some(schema), value: Value::Struct(of_id) });
    let number = Converted::Data(SchemaAndValue::new(Schema::new(Kind::Int32), Value::Int32(5)));
    for (key, value, wanted) in [
        (text("k1"), value(), format!(r#"{{"id":7,"tag":{{"x":1}},"keys":"k1","kafkamd":{M}}}"#)),
        (text("k1"), Converted::Null, format!(r#"{{"keys":"k1","kafkamd":{M}}}"#)),
        (Converted::Null, Converted::Null, format!(r#"{{"kafkamd":{M}}}"#)),
        (
            Converted::Null,
            bytes(br#"[{"a":1},{"a":2}]"#),
            format!("{{\"a\":1,\"kafkamd\":{M}}}\n{{\"a\":2,\"kafkamd\":{M}}}"),
        ),
        (structs.clone(), structs, format!(r#"{{"id":1,"keys":{{"id":1}},"kafkamd":{M}}}"#)),
        (number.clone(), number, format!(r#"{{"value":5,"keys":5,"kafkamd":{M}}}"#)),
        (text(r#"{"key":"x"}"#), text("42"), format!(r#"{{"value":"42","keys":"x","kafkamd":{M}}}"#)),
        (bytes(b""), bytes(b"42"), format!(r#"{{"value":42,"keys":{{}},"kafkamd":{M}}}"#)),
        (bytes(b"user-1"), text(" "), format!(r#"{{"value":" ","keys":"user-1","kafkamd":{M}}}"#)),
        (Converted::Null, bytes(b"\xff"), format!(r#"{{"value":"/w==","kafkamd":{M}}}"#)),
        (
            Converted::Null,
            text(r#"{"n":0.12345678901234567890,"kafkamd":1}"#),
            format!(r#"{{"n":0.12345678901234567890,"kafkamd":{M}}}"#),
        ),
        (Converted::Null, text("{\n \"a\": [\n1]}"), format!(r#"{{"a":[1],"kafkamd":{M}}}"#)),
        (
            Converted::Null,
            Converted::Json(b"[1]".as_slice().into()),
            format!(r#"{{"value":[1],"kafkamd":{M}}}"#),
        ),
    ] {
        assert_eq!(row(JSON, &record(key, value)), wanted);
    }
}

#[test]
fn avro_takes_texts_as_they_are() {
    let found = row(AVRO, &record(bytes(b"user-1"), text(r#"{"b":1}"#)));
    assert_eq!(found, format!(r#"{{"value":"{{\"b\":1}}","keys":"dXNlci0x","kafkamd":{M}}}"#));
}

#[test]
fn a_payload_stands_apart() {
    let layout = RowLayout::FabricJson { avro: false, payload: true };
    let found = row(layout, &record(text("k"), text(r#"{"keys":2}"#)));
    assert_eq!(found, format!(r#"{{"payload":{{"keys":2}},"keys":"k","kafkamd":{M}}}"#));
    assert!(row(layout, &record(Converted::Null, Converted::Null)).starts_with(r#"{"payload":{},"#));
}

#[test]
fn headers_are_texts_and_can_be_chosen() {
    let logical = |name, ms| SchemaAndValue::new(Schema::logical(Kind::Int32, name), Value::Date(ms));
    let mut of = record(Converted::Null, Converted::Null);
    let values = [
        ("src", SchemaAndValue::text("web")),
        ("n", SchemaAndValue::schemaless(Value::Int32(7))),
        ("b", SchemaAndValue::schemaless(Value::Bytes(Bytes::from_static(b"\xff")))),
        ("day", logical(DATE, 1_700_000_000_123)),
        ("clock", logical(TIME, 3_600_000)),
        ("none", SchemaAndValue::NULL),
        ("src", SchemaAndValue::text("last")),
    ];
    of.headers = values.map(|(key, value)| Header { key: key.into(), value }).into();
    let headers =
        r#"{"src":"last","n":"7","b":"/w==","day":"2023-11-14","clock":"01:00:00.000Z","none":null}"#;
    assert_eq!(row(JSON, &of), format!(r#"{{"headers":{headers},"kafkamd":{M}}}"#));
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let chosen = |project: &[&str], drop: &[&str]| {
        let choice = HeaderChoice { project: names(project), drop: names(drop) };
        let encoded = encode(&target(JSON), &choice, &of, &Width::default()).unwrap();
        let row: serde_json::Value = serde_json::from_slice(&encoded.bytes).unwrap();
        row["headers"].to_string()
    };
    assert_eq!(chosen(&["src", "n"], &["n"]), r#"{"src":"last"}"#);
    assert_eq!(chosen(&["other"], &[]), "{}");
}

#[test]
fn a_line_has_three_fields_more() {
    let mut of = record(text("k1"), text("7,abc"));
    of.headers = vec![Header { key: "src".into(), value: SchemaAndValue::text("web") }];
    let md = M.replace('"', "\"\"");
    let width = Width::default();
    let csv = |record: &SinkRecord<'_>| row_beside(&width, RowLayout::FabricCsv, record);
    assert_eq!(csv(&of), format!(r#"7,abc,k1,"{{""src"":""web""}}","{md}""#));
    for empty in [Converted::Null, text(""), text("\n"), bytes(b"\r\n")] {
        assert_eq!(
            csv(&record(text("k1"), empty)),
            format!(r#",,k1,{{}},"{md}""#),
            "as wide as the row before"
        );
    }
    let two = csv(&record(Converted::Null, text("1,2\n3,4\n")));
    assert_eq!(two, format!("1,2,,{{}},\"{md}\"\n3,4,,{{}},\"{md}\""));
    for bad in [Converted::Null, text(""), text("a,\"b")] {
        let bad = record(text("k1"), bad);
        let encoded =
            encode(&target(RowLayout::FabricCsv), &HeaderChoice::default(), &bad, &Width::default());
        assert!(encoded.is_err(), "{bad:?}");
    }
    let short = SinkRecord {
        topic: "topic".into(),
        partition: 1,
        offset: 10,
        ..record(Converted::Null, text("Message"))
    };
    assert_eq!(row(RowLayout::FabricCsv, &short).len() + 1, 74, "the connector's own test");
}

#[test]
fn a_key_in_each_of_many_rows_never_fills_memory() {
    let (key, value) = ("x".repeat(200_000), format!("[{}{{}}]", "{},".repeat(2000)));
    let encoded =
        encode(&target(JSON), &HeaderChoice::default(), &record(text(&key), text(&value)), &Width::default());
    let error = encoded.err().unwrap();
    assert!(error.to_string().contains("would be written"), "{error}");
}

proptest! {
    #[test]
    fn every_row_is_one_object_on_one_line(key in "(?s).{0,20}", value in "(?s)[\\[\\]{}:,\"a-c0-9\n ]{0,30}") {
        for layout in [JSON, AVRO] {
            for value in [text(&value), bytes(value.as_bytes())] {
                let found = row(layout, &record(text(&key), value));
                for line in found.split('\n') {
                    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
                    prop_assert!(object.contains_key("kafkamd"));
                }
            }
        }
    }
}
