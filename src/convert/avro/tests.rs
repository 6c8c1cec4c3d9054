//! Avro schemas and values against what Confluent's converter makes of them.

use super::{CONFLUENT, Options, Reader};
use crate::convert::testing;
use crate::data::json::{DecimalFormat, write};
use crate::data::registered::{Reference, Registered};
use crate::data::{Kind, Schema, SchemaAndValue};
use proptest::prelude::*;
use serde_json::json;

fn options(settings: &[(&str, &str)]) -> Options {
    Options::new(&testing::settings(&CONFLUENT, "value", settings).values(), true)
}

fn registered(text: &str, references: &[(&str, &str)]) -> Registered {
    let of = |(name, text): &(&str, &str)| Reference { name: (*name).to_owned(), text: (*text).to_owned() };
    Registered {
        kind: Some("AVRO".to_owned()),
        text: text.to_owned(),
        references: references.iter().map(of).collect(),
    }
}

fn reader(text: &str) -> Reader {
    Reader::new(&registered(text, &[]), options(&[])).unwrap()
}

fn json_of(data: &SchemaAndValue) -> String {
    let mut out = Vec::new();
    write(data.schema.as_deref(), &data.value, DecimalFormat::Base64, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Fields of one letter each, of these types.
fn record(types: &[serde_json::Value]) -> String {
    let fields: Vec<_> =
        ('a'..).zip(types).map(|(name, of)| json!({ "name": name.to_string(), "type": of })).collect();
    json!({ "type": "record", "name": "R", "namespace": "n.s", "fields": fields }).to_string()
}

fn root(reader: &Reader) -> &Schema {
    reader.plan.schema.as_deref().unwrap()
}

#[test]
fn every_plain_type_is_read() {
    let text = record(&[
        json!("boolean"),
        json!("int"),
        json!("long"),
        json!("float"),
        json!("double"),
        json!("bytes"),
        json!("string"),
        json!({"type": "enum", "name": "E", "symbols": ["X", "Y"]}),
        json!({"type": "fixed", "name": "F", "size": 2}),
        json!({"type": "array", "items": "int"}),
        json!({"type": "map", "values": "string"}),
        json!("null"),
    ]);
    let bytes = [
        &[1, 3, 0x80, 0x01][..],
        &1.5_f32.to_le_bytes(),
        &(-2.5_f64).to_le_bytes(),
        &[4, 0, 255],
        &[4, b'h', b'i'],
        &[2, 7, 8],
        // Two blocks, the second with its size in bytes.
        &[4, 2, 4, 1, 2, 6, 0],
        &[4, 2, b'k', 2, b'1', 2, b'k', 2, b'2', 0],
    ]
    .concat();
    let reader = reader(&text);
    let data = reader.decode(&bytes).unwrap();
    assert_eq!(
        json_of(&data),
        r#"{"a":true,"b":-2,"c":64,"d":1.5,"e":-2.5,"f":"AP8=","g":"hi","h":"Y","i":"Bwg=","j":[1,2,3],"k":{"k":"2"},"l":null}"#
    );
    assert_eq!(root(&reader).name.as_deref(), Some("n.s.R"));
}

#[test]
fn logical_types_and_connects_own_properties_are_restored() {
    let text = record(&[
        json!({"type": "int", "logicalType": "date"}),
        json!({"type": "int", "logicalType": "time-millis"}),
        json!({"type": "long", "logicalType": "timestamp-millis"}),
        json!({"type": "long", "logicalType": "timestamp-micros"}),
        json!({"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}),
        json!({"type": "fixed", "name": "D", "size": 2, "logicalType": "decimal", "precision": 4, "scale": 1}),
        json!({"type": "int", "connect.type": "int8", "connect.doc": "d", "connect.version": 3, "connect.name": "N",
               "connect.parameters": {"p": "q"}}),
        json!({"type": "int", "connect.type": "int16", "connect.default": 7}),
        json!({"type": "string", "logicalType": "uuid"}),
    ]);
    let reader = reader(&text);
    let bytes = [4, 2, 20, 20, 4, 0x09, 0x29, 0xff, 0xf6, 5, 4, 2, b'u'];
    let data = reader.decode(&bytes).unwrap();
    assert_eq!(json_of(&data), r#"{"a":2,"b":1,"c":10,"d":10,"e":"CSk=","f":"9g==","g":-3,"h":2,"i":"u"}"#);
    let of = |name: &str| root(&reader).field(name).unwrap().1.schema.clone();
    let names: Vec<_> = ["a", "b", "c", "d", "e", "f"]
        .map(|name| of(name).logical_name().map(|name| name.rsplit('.').next().unwrap().to_owned()))
        .into_iter()
        .collect();
    let wanted = ["Date", "Time", "Timestamp", "", "Decimal", "Decimal"];
    assert_eq!(names, wanted.map(|name| (!name.is_empty()).then(|| name.to_owned())));
    assert_eq!(of("e").parameters.get("connect.decimal.precision").map(|text| &**text), Some("9"));
    let schema = of("g");
    assert_eq!((&schema.kind, schema.version, schema.doc.as_deref()), (&Kind::Int8, Some(3), Some("d")));
    assert_eq!((schema.name.as_deref(), schema.parameters.len()), (Some("N"), 1));
    assert_eq!(of("h").default, Some(crate::data::Value::Int16(7)));
}

#[test]
fn a_union_with_null_is_optional_and_other_unions_are_structs() {
    let inner = json!({"type": "record", "name": "In", "fields": [{"name": "x", "type": "int"}]});
    let text = json!({
        "type": "record", "name": "R", "namespace": "n", "fields": [
            {"name": "a", "type": ["null", "string"], "default": null, "doc": "about"},
            {"name": "b", "type": ["string", "null"], "default": "d"},
            {"name": "c", "type": ["null", "int", inner, "string"]},
            {"name": "d", "type": ["int"]},
        ]
    })
    .to_string();
    let reader = reader(&text);
    let data = reader.decode(&[0, 2, 4, 14, 0, 2]).unwrap();
    assert_eq!(json_of(&data), r#"{"a":null,"b":"d","c":{"int":null,"In":{"x":7},"string":null},"d":1}"#);
    let of = |name: &str| root(&reader).field(name).unwrap().1.schema.clone();
    assert!(of("a").optional && of("a").default.is_none() && of("a").doc.as_deref() == Some("about"));
    assert!(of("c").optional && of("c").name.as_deref() == Some("io.confluent.connect.avro.Union"));
    let enhanced = Reader::new(&registered(&text, &[]), options(&[("enhanced.avro.schema.support", "true")]));
    let schema = root(&enhanced.unwrap()).field("c").unwrap().1.schema.clone();
    let names: Vec<_> = schema.fields().iter().map(|field| field.name.to_string()).collect();
    assert_eq!(names, ["int", "n.In", "string"]);
    let strict = Reader::new(&registered(&text, &[]), options(&[("ignore.default.for.nullables", "true")]));
    assert!(root(&strict.unwrap()).field("b").unwrap().1.schema.default.is_none());
}

#[test]
fn a_record_inside_itself_and_maps_with_keys_of_any_type_are_read() {
    let text = json!({
        "type": "record", "name": "Tree", "fields": [
            {"name": "v", "type": "int"},
            {"name": "next", "type": ["null", "Tree"]},
            {"name": "m", "type": {"type": "array", "items": {
                "type": "record", "name": "E", "connect.internal.type": "MapEntry",
                "fields": [{"name": "key", "type": "int"}, {"name": "value", "type": "string"}]}}},
        ]
    });
    let reader = reader(&text.to_string());
    let data = reader.decode(&[2, 2, 4, 0, 0, 2, 6, 2, b'x', 0]).unwrap();
    assert_eq!(json_of(&data), r#"{"v":1,"next":{"v":2,"next":null,"m":[]},"m":[[3,"x"]]}"#);
}

#[test]
fn references_are_read_before_the_schema_and_names_are_found_by_their_namespace() {
    let address = r#"{"type":"record","name":"Address","namespace":"com.ex","fields":[{"name":"city","type":"string"}]}"#;
    let text = r#"{"type":"record","name":"P","namespace":"com.ex","fields":[{"name":"a","type":"Address"},{"name":"b","type":"com.ex.Address"}]}"#;
    let reader = Reader::new(&registered(text, &[("com.ex.Address", address)]), options(&[])).unwrap();
    let data = reader.decode(&[2, b'x', 2, b'y']).unwrap();
    assert_eq!(json_of(&data), r#"{"a":{"city":"x"},"b":{"city":"y"}}"#);
}

#[test]
fn defaults_become_connects() {
    let text = json!({
        "type": "record", "name": "R", "fields": [
            {"name": "bytes", "type": "bytes", "default": "\u{ff}a"},
            {"name": "list", "type": {"type": "array", "items": "int"}, "default": [1, 2]},
            {"name": "map", "type": {"type": "map", "values": "long"}, "default": {"k": 1}},
            {"name": "in", "type": {"type": "record", "name": "In", "fields": [
                {"name": "x", "type": "float", "default": 1.5}]}, "default": {}},
            {"name": "day", "type": {"type": "int", "logicalType": "date"}, "default": 2},
        ]
    });
    let reader = reader(&text.to_string());
    let defaults = root(&reader).fields().iter().map(|field| {
        let data = SchemaAndValue {
            schema: Some(field.schema.clone()),
            value: field.schema.default.clone().expect("a default"),
        };
        json_of(&data)
    });
    assert_eq!(defaults.collect::<Vec<_>>(), [r#""/2E=""#, "[1,2]", r#"{"k":1}"#, r#"{"x":1.5}"#, "2"]);
}

#[test]
fn schemas_that_make_no_sense_are_errors() {
    for text in [
        "{",
        "7",
        r#"{"type":"record","name":"R"}"#,
        r#"{"type":"record","name":"R","fields":[{"name":"a","type":"Nope"}]}"#,
        r#"{"type":"fixed","name":"F","size":-1}"#,
        r#"{"type":"bytes","logicalType":"decimal","scale":2000000000}"#,
        r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int","default":"x"}]}"#,
        r#"{"type":"array"}"#,
    ] {
        assert!(Reader::new(&registered(text, &[]), options(&[])).is_err(), "{text}");
    }
    assert!(reader("\"string\"").decode(&[2, b'x']).is_ok());
    assert!(reader("string").decode(&[2, b'x']).is_ok());
    let bytes = reader("bytes").decode(&[2, b'x']).unwrap().value;
    assert_eq!(bytes, crate::data::Value::Bytes(vec![2, b'x'].into()), "no length before it");
}

/// A schema with everything that has a length, a depth or no bytes.
fn hostile() -> Reader {
    let text = json!({
        "type": "record", "name": "R", "fields": [
            {"name": "s", "type": "string"},
            {"name": "nulls", "type": {"type": "array", "items": "null"}},
            {"name": "empty", "type": {"type": "map", "values": {"type": "record", "name": "Empty", "fields": []}}},
            {"name": "deep", "type": ["null", "R", {"type": "array", "items": "R"}]},
            {"name": "big", "type": {"type": "fixed", "name": "F", "size": 1_000_000_000}},
        ]
    });
    reader(&text.to_string())
}

#[test]
fn great_lengths_and_depths_are_refused_before_memory_is_taken() {
    let reader = hostile();
    let varint = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    assert!(reader.decode(&varint).is_err(), "a text of 2^62 bytes");
    assert!(reader.decode(&[&[0][..], &varint].concat()).is_err(), "2^62 nulls");
    assert!(reader.decode(&[0, 1, 0x7f, 0]).is_err());
    assert!(reader.decode(&[0, 0, 0, 2].repeat(100_000)).is_err(), "a record in a record, in a record, …");
    let forever = r#"{"type":"record","name":"R","fields":[{"name":"a","type":"R"}]}"#;
    assert!(self::reader(forever).decode(&[]).is_err(), "a record that cannot end");
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _read_or_refused = hostile().decode(&bytes);
    }

    #[test]
    fn any_text_is_a_schema_or_none(text in "[\\[\\]{}\":,a-z0-9]{0,60}") {
        let _made_or_refused = Reader::new(&registered(&text, &[]), options(&[]));
    }
}
