//! JSON Schemas and values against what Confluent's converter makes of them.

use super::{Options, ROW, Reader};
use crate::convert::testing;
use crate::data::json::{DecimalFormat, write};
use crate::data::registered::{Reference, Registered};
use crate::data::{Error, Kind, Schema};
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use std::sync::Arc;

fn with(schema: &Json, references: &[(&str, Json)]) -> Result<Reader, Error> {
    let of = |(name, json): &(&str, Json)| Reference { name: (*name).to_owned(), text: json.to_string() };
    let references = references.iter().map(of).collect();
    let registered = Registered { kind: Some("JSON".to_owned()), text: schema.to_string(), references };
    Reader::new(&registered, Options::new(&testing::settings(&ROW, "value", &[]).values()))
}

fn reader(schema: &Json) -> Reader {
    with(schema, &[]).unwrap()
}

fn read(reader: &Reader, json: &Json) -> Result<String, Error> {
    let data = reader.decode(json.to_string().as_bytes())?;
    let mut out = Vec::new();
    write(data.schema.as_deref(), &data.value, DecimalFormat::Base64, &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

fn field(reader: &Reader, name: &str) -> Arc<Schema> {
    Arc::clone(&reader.0.schema.field(name).unwrap().1.schema)
}

#[test]
fn connects_types_names_and_parameters_are_restored() {
    let int = |connect: &str| json!({"type": "integer", "connect.type": connect});
    let reader = reader(&json!({
        "type": "object", "title": "Storm", "description": "About.", "connect.version": 2,
        "connect.parameters": {"p": "q"},
        "properties": {
            "i8": int("int8"), "i16": int("int16"), "i32": int("int32"), "i64": {"type": "integer"},
            "f32": {"type": "number", "connect.type": "float32"}, "f64": {"type": "number"},
            "raw": {"type": "string", "connect.type": "bytes"}, "yes": {"type": "boolean", "default": true},
        },
        "required": ["i8"],
    }));
    let kinds: Vec<_> =
        reader.0.schema.fields().iter().map(|f| (f.name.to_string(), f.schema.kind.name())).collect();
    let wanted = [
        ("f32", "FLOAT32"),
        ("f64", "FLOAT64"),
        ("i16", "INT16"),
        ("i32", "INT32"),
        ("i64", "INT64"),
        ("i8", "INT8"),
        ("raw", "BYTES"),
        ("yes", "BOOLEAN"),
    ];
    assert_eq!(kinds, wanted.map(|(name, kind)| (name.to_owned(), kind)), "by name");
    let schema = &reader.0.schema;
    assert_eq!((schema.name.as_deref(), schema.doc.as_deref()), (Some("Storm"), Some("About.")));
    assert_eq!((schema.version, schema.parameters.len(), schema.optional), (Some(2), 1, false));
    assert!(!field(&reader, "i8").optional && field(&reader, "i16").optional);
    let value = json!({"i8": 1, "f32": 1.5, "raw": "AP8=", "strange": []});
    assert_eq!(
        read(&reader, &value).unwrap(),
        r#"{"f32":1.5,"f64":null,"i16":null,"i32":null,"i64":null,"i8":1,"raw":"AP8=","yes":true}"#
    );
    for (wrong, words) in [
        (json!({"i16": 1}), "Missing field i8"),
        (json!({"i8": 300}), "INT8"),
        (json!({"i8": "1"}), "INT8"),
        (json!([1]), "Structs should be encoded as JSON objects, but found ARRAY"),
    ] {
        let error = read(&reader, &wrong).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
    assert_eq!(read(&reader, &json!(null)).unwrap(), "null");
}

#[test]
fn fields_with_an_index_stand_in_its_order() {
    let reader = reader(&json!({"type": "object", "properties": {
        "a": {"type": "string", "connect.index": 1}, "z": {"type": "string", "connect.index": 0},
        "m": {"type": "string"}}}));
    let names: Vec<_> = reader.0.schema.fields().iter().map(|field| &*field.name).collect();
    assert_eq!(names, ["z", "a", "m"]);
}

#[test]
fn a_union_with_null_is_optional_and_others_are_structs_of_their_best_branch() {
    let reader = reader(&json!({"type": "object", "properties": {
        "a": {"type": ["null", "string"]},
        "b": {"anyOf": [{"type": "null"}, {"type": "integer"}]},
        "c": {"oneOf": [
            {"type": "object", "properties": {"x": {"type": "string"}, "y": {"type": "string"}}},
            {"type": "object", "properties": {"x": {"type": "string"}, "z": {"type": "string"}}},
            {"type": "boolean"}, {"type": "array", "items": {"type": "integer"}}]},
        "d": {"type": ["integer", "string"]},
    }}));
    assert_eq!(field(&reader, "c").name.as_deref(), Some("io.confluent.connect.json.OneOf"));
    let of_c = |json: Json| {
        let text = read(&reader, &json!({ "c": json }))?;
        let json: Json = serde_json::from_str(&text).unwrap();
        let fields = json["c"].as_object().unwrap().clone();
        let (name, value) = fields.into_iter().find(|(_, value)| !value.is_null()).unwrap();
        Ok::<_, Error>((name.rsplit('.').next().unwrap().to_owned(), value))
    };
    assert_eq!(of_c(json!({"x": "1", "z": "2"})).unwrap(), ("1".to_owned(), json!({"x": "1", "z": "2"})));
    assert_eq!(of_c(json!(true)).unwrap(), ("2".to_owned(), json!(true)));
    assert_eq!(of_c(json!([1, 2])).unwrap(), ("3".to_owned(), json!([1, 2])));
    assert_eq!(of_c(json!("x")).unwrap_err().to_string(), "Did not find matching oneof field for data");
    let prefix = "io.confluent.connect.json.OneOf.field.";
    assert_eq!(
        read(&reader, &json!({"a": null, "b": 7, "d": "s"})).unwrap(),
        format!(r#"{{"a":null,"b":7,"c":null,"d":{{"{prefix}0":null,"{prefix}1":"s"}}}}"#)
    );
}

#[test]
fn references_lead_into_the_schema_into_others_and_back() {
    let other = json!({"$id": "http://ex/other.json", "type": "object", "properties": {
        "deep": {"$ref": "third.json#/definitions/word"}, "up": {"$ref": "http://ex/main.json"}}});
    let third = json!({"definitions": {"word": {"type": "string"}, "marked": {"$anchor": "here", "type": "integer"}}});
    let main = json!({"$id": "http://ex/main.json", "type": "object", "properties": {
        "o": {"$ref": "other.json"}, "self": {"$ref": "#"}, "w": {"$ref": "third.json#here"},
        "l": {"type": "array", "items": {"$ref": "#/properties/self"}}}});
    let reader = with(&main, &[("third.json", third), ("other.json", other)]).unwrap();
    let value = json!({"o": {"deep": "x", "up": {"w": 1}}, "self": {"w": 2, "l": []}, "l": [{"w": 3}]});
    let inner = |w: i32| format!(r#"{{"l":null,"o":null,"self":null,"w":{w}}}"#);
    assert_eq!(
        read(&reader, &value).unwrap(),
        format!(
            r#"{{"l":[{}],"o":{{"deep":"x","up":{}}},"self":{{"l":[],"o":null,"self":null,"w":2}},"w":null}}"#,
            inner(3),
            inner(1)
        )
    );
    assert!(with(&main, &[]).unwrap_err().to_string().contains("other.json"));
}

#[test]
fn schemas_that_cannot_be_connects_are_errors() {
    for schema in [
        json!({}),
        json!(true),
        json!({"type": "null"}),
        json!({"type": "array"}),
        json!({"$ref": "#/nowhere"}),
        json!({"$ref": "#"}),
        json!({"allOf": [{"$ref": "#"}]}),
        json!({"type": "object", "properties": {"a": {"type": "what"}}}),
        json!({"type": "number", "title": "org.apache.kafka.connect.data.Decimal", "connect.type": "bytes"}),
        json!({"type": "integer", "default": "x"}),
    ] {
        assert!(with(&schema, &[]).is_err(), "{schema}");
    }
    let leaf = reader(&json!({"type": "string"}));
    assert_eq!(*leaf.0.schema, Schema::new(Kind::String));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..100), text in "[\\[\\]{}\":,cd0-9]{0,60}") {
        let reader = reader(&json!({"type": "object", "properties": {
            "c": {"oneOf": [{"type": "integer"}, {"$ref": "#"}]},
            "d": {"type": "array", "connect.type": "map", "items": {"properties": {"key": {"type": "string"}, "value": {"$ref": "#"}}}}}}));
        let _read_or_refused = (reader.decode(&bytes), reader.decode(text.as_bytes()));
    }

    #[test]
    fn any_text_is_a_schema_or_none(text in "[\\[\\]{}\":,$#a-z0-9]{0,60}") {
        let registered = Registered { kind: None, text, references: Vec::new() };
        let _made_or_refused = Reader::new(&registered, Options::new(&testing::settings(&ROW, "value", &[]).values()));
    }
}
