//! Protobuf schemas and messages against what Confluent's converter makes of them.

use super::{CONFLUENT, Options, Reader};
use crate::convert::testing;
use crate::convert::wire::Framed;
use crate::data::json::{DecimalFormat, write};
use crate::data::registered::{Reference, Registered, SchemaId};
use crate::data::{Error, SchemaAndValue};
use proptest::prelude::*;

fn options(settings: &[(&str, &str)]) -> Options {
    Options::new(&testing::settings(&CONFLUENT, "value", settings).values(), true)
}

fn made(text: &str, settings: &[(&str, &str)]) -> Result<Reader, Error> {
    let registered =
        Registered { kind: Some("PROTOBUF".to_owned()), text: text.to_owned(), references: Vec::new() };
    Reader::new(&registered, options(settings))
}

fn framed(payload: &[u8]) -> Framed<'_> {
    Framed { id: SchemaId::Number(1), in_header: None, detail: None, payload }
}

fn json_of(data: &SchemaAndValue) -> String {
    let mut out = Vec::new();
    write(data.schema.as_deref(), &data.value, DecimalFormat::Base64, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn read(text: &str, settings: &[(&str, &str)], payload: &[u8]) -> String {
    json_of(&made(text, settings).unwrap().decode(&framed(payload)).unwrap())
}

const PROTO2: &str = "syntax = \"proto2\"; package p; message M {
    required int32 a = 1; optional int32 b = 2 [default = 7]; repeated int32 c = 3; optional group G = 4 { optional bool x = 5; } }";

#[test]
fn proto2_tells_what_is_not_there_unless_it_should_not() {
    let payload = [0, 0x08, 1, 0x18, 5, 0x18, 6, 0x23, 0x28, 1, 0x24];
    assert_eq!(read(PROTO2, &[], &payload), r#"{"a":1,"b":null,"c":[5,6],"g":{"x":true}}"#);
    assert_eq!(
        read(PROTO2, &[("optional.for.proto2", "false")], &payload[..3]),
        r#"{"a":1,"b":7,"c":[],"g":null}"#
    );
}

const UNION: &str =
    "syntax = \"proto3\"; message M { oneof u { int32 a = 1; string b = 2; } E e = 3; M m = 4;
    enum E { X = 0; Y = 1; } }";

#[test]
fn oneofs_enums_and_messages_in_themselves_follow_the_settings() {
    let payload = [0, 0x08, 0, 0x18, 1, 0x22, 2, 0x18, 9];
    assert_eq!(
        read(UNION, &[], &payload),
        r#"{"u_0":{"a":0,"b":null},"e":"Y","m":{"u_0":null,"e":"UNKNOWN_ENUM_VALUE_E_9","m":null}}"#
    );
    assert_eq!(
        read(UNION, &[("generate.index.for.unions", "false"), ("int.for.enums", "true")], &payload),
        r#"{"u":{"a":0,"b":null},"e":1,"m":{"u":null,"e":9,"m":null}}"#
    );
    assert_eq!(
        read(UNION, &[("flatten.unions", "true")], &payload[..3]),
        r#"{"a":0,"b":null,"e":"X","m":null}"#
    );
    let endless = made(UNION, &[("generate.struct.for.nulls", "true")]).unwrap().decode(&framed(&[0]));
    assert!(endless.unwrap_err().to_string().contains("nested deeper"));
}

#[test]
fn wrappers_become_values_where_it_is_wanted() {
    let field = "syntax = \"proto3\"; import \"google/protobuf/wrappers.proto\"; message M { google.protobuf.Int32Value a = 1; int32 b = 2; }";
    let payload = [0, 0x0a, 2, 0x08, 5];
    assert_eq!(read(field, &[], &payload), r#"{"a":{"value":5},"b":0}"#);
    let reader = made(field, &[("wrapper.for.nullables", "true")]).unwrap();
    let data = reader.decode(&framed(&payload)).unwrap();
    assert_eq!(json_of(&data), r#"{"a":5,"b":0}"#);
    let schema = data.schema.unwrap();
    let optional: Vec<_> = schema.fields().iter().map(|field| field.schema.optional).collect();
    assert_eq!(optional, [true, false]);
}

#[test]
fn a_message_is_found_by_its_indexes_or_by_apicurios_name() {
    let text = "syntax = \"proto3\"; message A { message B { int32 b = 1; } int32 a = 1; } message C { int32 c = 1; }";
    assert_eq!(read(text, &[], &[2, 2, 0x08, 1]), r#"{"c":1}"#);
    assert_eq!(read(text, &[], &[4, 0, 0, 0x08, 1]), r#"{"b":1}"#);
    let reader = made(text, &[]).unwrap();
    let in_header =
        Framed { id: SchemaId::Number(1), in_header: Some(&[2, 2]), detail: None, payload: &[0x08, 1] };
    assert_eq!(json_of(&reader.decode(&in_header).unwrap()), r#"{"c":1}"#);
    for bad in [&[][..], &[2], &[2, 9], &[1], &[0xfe, 0xff, 0x7f], &[0xff; 12]] {
        assert!(reader.decode(&framed(bad)).is_err(), "{bad:?}");
    }
    let registered = Registered { kind: None, text: text.to_owned(), references: Vec::new() };
    let reader =
        Reader::new(&registered, Options::new(&testing::settings(&CONFLUENT, "value", &[]).values(), false))
            .unwrap();
    assert_eq!(json_of(&reader.decode(&framed(&[3, 0x0a, 1, b'C', 0x08, 1])).unwrap()), r#"{"c":1}"#);
    assert_eq!(json_of(&reader.decode(&framed(&[3, 0x0a, 1, b'B', 0x08, 1])).unwrap()), r#"{"b":1}"#);
    assert!(reader.decode(&framed(&[3, 0x0a, 1, b'X', 0x08, 1])).is_err());
    let named = |name: Option<&'static [u8]>| {
        let framed = Framed { in_header: Some(&[]), detail: name, ..framed(&[0x08, 1]) };
        reader.decode(&framed).map(|data| json_of(&data)).ok()
    };
    assert_eq!(named(Some(b"C")).as_deref(), Some(r#"{"c":1}"#));
    assert_eq!(named(None).as_deref(), Some(r#"{"a":1}"#));
    assert_eq!(named(Some(b"X")), None);
}

#[test]
fn decimals_dates_and_times_have_connects_types() {
    let text = "syntax = \"proto3\"; import \"confluent/meta.proto\"; import \"confluent/types/decimal.proto\";
        import \"google/type/date.proto\"; message M {
        confluent.type.Decimal d = 1 [(confluent.field_meta) = {params: [{key: \"scale\", value: \"2\"}, {key: \"precision\", value: \"9\"}]}];
        int32 small = 2 [(confluent.field_meta).params = {key: \"connect.type\", value: \"int8\"}]; google.type.Date day = 3; }";
    let reader = made(text, &[]).unwrap();
    let payload = [0, 0x0a, 5, 0x0a, 1, 0xff, 0x18, 2, 0x10, 3, 0x1a, 7, 0x08, 0xb2, 0x0f, 0x10, 1, 0x18, 2];
    let data = reader.decode(&framed(&payload)).unwrap();
    assert_eq!(json_of(&data), r#"{"d":"/w==","small":3,"day":1}"#);
    let schema = data.schema.unwrap();
    let parameters = &schema.field("d").unwrap().1.schema.parameters;
    assert_eq!(parameters.get("connect.decimal.precision").map(|text| &**text), Some("9"));
    let other_scale = reader.decode(&framed(&[0, 0x0a, 5, 0x0a, 1, 0xff, 0x18, 3])).unwrap_err();
    assert!(other_scale.to_string().contains("Schema has scale 2, value has scale 3"), "{other_scale}");
    assert!(reader.decode(&framed(&[0, 0x1a, 2, 0x10, 13])).is_err(), "a thirteenth month");
}

#[test]
fn great_depth_of_a_schema_is_refused() {
    let levels = 20_000;
    let nested = "message M { ".repeat(levels) + &"}".repeat(levels);
    let option = format!("option o = {}{};", "{ a: ".repeat(levels), "}".repeat(levels));
    let lists = format!("option o = {{ a: {}{} }};", "[".repeat(levels), "]".repeat(levels));
    for text in [nested, option, lists] {
        assert!(made(&format!("syntax = \"proto3\"; {text}"), &[]).is_err());
    }
}

#[test]
fn what_does_not_compile_says_why() {
    for (text, words) in [
        ("message", "expected"),
        ("syntax = \"proto3\"; import \"nowhere.proto\"; message M {}", "nowhere.proto"),
        ("syntax = \"proto3\"; message M { X x = 1; }", "X"),
    ] {
        let error = made(text, &[]).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
    let reference = Reference { name: "x.proto".to_owned(), text: "not proto".to_owned() };
    let text = "syntax = \"proto3\"; import \"x.proto\"; message M {}".to_owned();
    let registered = Registered { kind: None, text, references: vec![reference] };
    assert!(Reader::new(&registered, options(&[])).is_err());
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let reader = made(UNION, &[]).unwrap();
        let in_header = Framed { id: SchemaId::Number(1), in_header: Some(&[0]), detail: None, payload: &bytes };
        let _read_or_refused = (reader.decode(&framed(&bytes)), reader.decode(&in_header));
    }

    #[test]
    fn any_text_is_a_schema_or_none(text in "(syntax = \"proto3\"; )?(message|M|import|\"x\"|[{};=0-9 a-z])*") {
        let _made_or_refused = made(&text, &[]);
    }
}
