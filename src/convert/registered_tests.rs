//! What a converter with a registry says before and after it has learnt a schema.

use super::{ConvertFailure, Input, RegisteredConverter};
use crate::convert::{avro, connect_json, protobuf, schema_json, testing};
use crate::data::registered::{Registered, SchemaId};
use crate::data::{Error, Value};

const INT_ID_7: [u8; 6] = [0, 0, 0, 0, 7, 4];

fn converter(settings: &[(&str, &str)]) -> RegisteredConverter {
    testing::registered(&avro::CONFLUENT, "value", settings)
}

fn schema(kind: &str) -> Registered {
    Registered { kind: Some(kind.to_owned()), text: "\"int\"".to_owned(), references: Vec::new() }
}

fn input(bytes: &[u8]) -> Input<'_> {
    Input { bytes: Some(bytes), id: None, detail: None, topic: "storm" }
}

fn texts(failure: ConvertFailure) -> Vec<(&'static str, String)> {
    let ConvertFailure::Data(error) = failure else { panic!("{failure:?}") };
    let mut all = Vec::new();
    let mut next = Some(&error);
    while let Some(error) = next {
        all.push((error.class().rsplit('.').next().unwrap(), error.to_string()));
        next = error.cause();
    }
    all
}

#[test]
fn a_schema_is_asked_for_once_and_then_known() {
    let converter = converter(&[]);
    let id = SchemaId::Number(7);
    assert!(!converter.knows(id));
    assert_eq!(converter.convert(input(&INT_ID_7)), Err(ConvertFailure::NeedsSchema(id)));
    converter.learn(id, Ok(schema("AVRO")), None);
    assert!(converter.knows(id));
    assert_eq!(converter.convert(input(&INT_ID_7)).unwrap().value, Value::Int32(2));
    let null = Input { bytes: None, id: None, detail: None, topic: "storm" };
    assert_eq!(converter.convert(null).unwrap().value, Value::Null);
}

#[test]
fn what_fails_is_told_as_confluents_converter_tells_it() {
    let converter = converter(&[]);
    let texts_of = |bytes: &[u8]| texts(converter.convert(input(bytes)).unwrap_err());
    assert_eq!(
        texts_of(b"{}"),
        [
            ("DataException", "Failed to deserialize data for topic storm to Avro: ".to_owned()),
            ("SerializationException", "Unknown magic byte!".to_owned())
        ]
    );
    converter.learn(SchemaId::Number(7), Ok(schema("AVRO")), None);
    let cut = texts_of(&INT_ID_7[..5]);
    assert_eq!(cut[1].1, "Error deserializing Avro message for id 7: ");
    assert_eq!(cut.len(), 3);
    for (class, first, text) in [
        (
            "io.confluent.x.RestClientException",
            "DataException",
            "Failed to deserialize data for topic storm to Avro: ",
        ),
        ("java.io.IOException", "NetworkException", "I/O error while deserializing data for topic storm: "),
        (
            "org.apache.kafka.common.errors.InvalidConfigurationException",
            "ConfigException",
            "Failed to access Avro data from topic storm : ",
        ),
    ] {
        converter.learn(SchemaId::Number(7), Err(Error::of_class(class, "no")), None);
        let told = texts_of(&INT_ID_7);
        assert_eq!(told[0], (first, text.to_owned()));
        assert_eq!(told[1].1, "Error retrieving Avro value schema for id 7: ");
        assert_eq!(told[2].1, "no");
    }
    converter.learn(SchemaId::Number(7), Ok(schema("PROTOBUF")), None);
    assert!(texts_of(&INT_ID_7)[2].1.contains("of type PROTOBUF"));
}

#[test]
fn no_more_schemas_are_kept_than_was_set() {
    let converter = converter(&[("schemas.cache.config", "2")]);
    for id in 0..5 {
        converter.learn(SchemaId::Number(id), Ok(schema("AVRO")), None);
        assert!(converter.knows(SchemaId::Number(id)));
    }
    let known = (0..5).filter(|id| converter.knows(SchemaId::Number(*id))).count();
    assert!((1..=2).contains(&known), "{known}");
}

#[test]
fn apicurios_json_is_read_by_a_schema_of_connects() {
    let converter = testing::registered(&connect_json::ROW, "value", &[]);
    let text =
        r#"{"type":"struct","optional":false,"fields":[{"field":"a","type":"int32","optional":false}]}"#;
    let registered = Registered { kind: None, text: text.to_owned(), references: Vec::new() };
    converter.learn(SchemaId::Number(7), Ok(registered), None);
    for bytes in
        [&b"\x00\x00\x00\x00\x00\x00\x00\x00\x07{\"a\":5}"[..], b"{\"schemaId\":7,\"payload\":{\"a\":5}}"]
    {
        let data = converter.convert(input(bytes)).unwrap();
        let Value::Struct(fields) = data.value else { panic!("no struct") };
        assert_eq!(fields.get("a"), Some(&Value::Int32(5)));
    }
}

#[test]
fn apicurios_avro_in_its_json_encoding_is_refused_by_name() {
    let converter = testing::registered(&avro::APICURIO, "value", &[]);
    converter.learn(SchemaId::Number(7), Ok(schema("AVRO")), None);
    let read = |bytes, encoding: &'static [u8]| {
        let id = Some(&[0, 0, 0, 0, 0, 0, 0, 7][..]);
        converter.convert(Input { id, detail: Some(encoding), ..input(bytes) })
    };
    assert_eq!(read(&[4], b"BINARY").unwrap().value, Value::Int32(2));
    let told = texts(read(b"2", b"JSON").unwrap_err());
    assert!(told.last().unwrap().1.contains("apicurio.registry.avro.encoding=BINARY"), "{told:?}");
    assert_eq!(converter.detail_header(), Some("apicurio.value.encoding"));
}

#[test]
fn every_class_of_the_table_is_made() {
    for row in [
        &avro::APICURIO,
        &avro::CONFLUENT,
        &connect_json::ROW,
        &protobuf::APICURIO,
        &protobuf::CONFLUENT,
        &schema_json::ROW,
    ] {
        let made = testing::registered(row, "key", &[]);
        assert_eq!(made.class(), row.class);
        assert!(made.id_header().contains("key"), "{}", row.class);
    }
}
