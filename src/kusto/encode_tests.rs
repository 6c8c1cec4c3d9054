//! Records as they stand in a blob.

use super::{Look, encode};
use crate::data::schema::{DATE, TIME, TIMESTAMP};
use crate::data::{Converted, Error, Kind, Schema, SchemaAndValue, Struct, Value};
use crate::kusto::config::DataFormat;
use std::sync::Arc;

fn encoded(format: DataFormat, value: &Converted<'_>) -> Option<String> {
    let encoded = encode(format, value, Look::Close).unwrap();
    encoded.map(|encoded| String::from_utf8(encoded.bytes.into_owned()).unwrap())
}

fn storm() -> Converted<'static> {
    let optional = |kind| Arc::new(Schema::optional(kind));
    let logical = |kind, name| Arc::new(Schema::logical(kind, name).with_optional(true));
    let list = Kind::Array(Some(optional(Kind::Int32)));
    let schema = Arc::new(Schema::of_fields([
        ("text", optional(Kind::String)),
        ("n", optional(Kind::Int64)),
        ("none", optional(Kind::String)),
        ("amount", Arc::new(Schema::decimal(2))),
        ("day", logical(Kind::Int32, DATE)),
        ("clock", logical(Kind::Int32, TIME)),
        ("at", logical(Kind::Int64, TIMESTAMP)),
        ("list", optional(list)),
    ]));
    let values = vec![
        "a,\"b\"\n".into(),
        Value::Int64(-5),
        Value::Null,
        Value::Decimal("1.50".parse().unwrap()),
        Value::Date(86_400_000),
        Value::Date(3_661_007),
        Value::Date(1_700_000_000_123),
        Value::Array(vec![Value::Int32(1), Value::Int32(2)]),
    ];
    let value = Value::Struct(Struct { schema: schema.clone(), values });
    Converted::Data(SchemaAndValue { schema: Some(schema), value })
}

#[test]
fn a_struct_is_a_line_in_separated_formats_and_json_elsewhere() {
    let csv = "\"a,\"\"b\"\"\n\",-5,,1.50,1970-01-02,01:01:01.007,2023-11-14T22:13:20.123Z,\"[1,2]\"";
    assert_eq!(encoded(DataFormat::Csv, &storm()).unwrap(), csv);
    let tsve = "a,\"b\"\\n\t-5\t\t1.50\t1970-01-02\t01:01:01.007\t2023-11-14T22:13:20.123Z\t[1,2]";
    assert_eq!(encoded(DataFormat::Tsve, &storm()).unwrap(), tsve);
    let json = r#"{"text":"a,\"b\"\n","n":-5,"none":null,"amount":"AJY=","day":1,"clock":3661007,"at":1700000000123,"list":[1,2]}"#;
    for format in [DataFormat::MultiJson, DataFormat::Txt, DataFormat::Raw] {
        assert_eq!(encoded(format, &storm()).unwrap(), json);
    }
}

#[test]
fn what_came_as_text_or_bytes_is_not_touched() {
    let text = Converted::Text("a,\"b \"\n".into());
    assert_eq!(encoded(DataFormat::Csv, &text).unwrap(), "a,\"b \"\n");
    assert_eq!(encoded(DataFormat::Csv, &Converted::Null), None);
    let number = Converted::Data(SchemaAndValue::schemaless(Value::Int32(7)));
    assert_eq!(encoded(DataFormat::Csv, &number).unwrap(), "7");
}

#[test]
fn binary_formats_take_files_and_nothing_else() {
    let encoded = |format, bytes: &'static [u8]| {
        let bytes = Converted::Bytes(bytes.into());
        encode(format, &bytes, Look::Close).map(|encoded| encoded.unwrap().bytes.into_owned())
    };
    for (format, good) in [
        (DataFormat::Avro, b"Obj\x01...".as_slice()),
        (DataFormat::ApacheAvro, b"Obj\x01\n"),
        (DataFormat::Parquet, b"PAR1...PAR1"),
        (DataFormat::Orc, b"ORC..."),
        (DataFormat::SStream, b"anything"),
    ] {
        assert_eq!(encoded(format, good).unwrap(), good, "byte for byte");
        assert!(encoded(format, b"").is_err());
        let text = Converted::Text("Obj\u{1}".into());
        let error = encode(format, &text, Look::Close).unwrap_err().to_string();
        assert!(error.contains("ByteArrayConverter"), "{error}");
    }
    for format in [DataFormat::Avro, DataFormat::Parquet, DataFormat::Orc] {
        assert!(encoded(format, b"PAR1 cut off").unwrap_err().to_string().contains("are no"), "{format}");
    }
    let schema = |format| {
        let storm = storm();
        encode(format, &storm, Look::Close).map(|encoded| encoded.unwrap().schema)
    };
    assert!(schema(DataFormat::Avro).unwrap().is_some());
    assert!(schema(DataFormat::Parquet).is_err());
}

#[test]
fn every_struct_is_a_row() {
    let row = |values: Vec<Value>| {
        let field = || Arc::new(Schema::optional(Kind::String));
        let names = ["a", "b"];
        let schema = Schema::of_fields(names.into_iter().take(values.len()).map(|name| (name, field())));
        let schema = Arc::new(schema);
        let value = Value::Struct(Struct { schema: schema.clone(), values });
        Converted::Data(SchemaAndValue { schema: Some(schema), value })
    };
    for format in [DataFormat::Csv, DataFormat::Tsv, DataFormat::Scsv, DataFormat::Sohsv, DataFormat::Psv] {
        let separator = format.field_separator().unwrap();
        for (values, wanted) in [
            (vec![Value::Null], "\"\"".to_owned()),
            (vec!["".into()], "\"\"".to_owned()),
            (vec![Value::Null, Value::Null], separator.to_string()),
            (vec![" ".into()], "\" \"".to_owned()),
            (vec!["\n".into()], "\"\n\"".to_owned()),
            (Vec::new(), "\"\"".to_owned()),
        ] {
            assert_eq!(encoded(format, &row(values)).unwrap(), wanted, "{format}");
        }
    }
    let tsve = |values| encode(DataFormat::Tsve, &row(values), Look::Close).map(drop);
    assert!(tsve(vec![Value::Null]).unwrap_err().to_string().contains("tsve"));
    assert!(tsve(vec![Value::Null, Value::Null]).is_ok() && tsve(vec!["\n".into()]).is_ok());
}

#[test]
fn a_table_of_json_takes_objects_however_they_come() {
    let json = |value: &Converted<'_>, look| {
        let encoded = encode(DataFormat::MultiJson, value, look)?;
        Ok(encoded.map(|encoded| String::from_utf8(encoded.bytes.into_owned()).unwrap()))
    };
    let is_bad = |value: &Converted<'_>| json(value, Look::Close).map_err(|_: Error| ()).is_err();
    let text = |text: &'static str| Converted::Text(text.into());
    let document = |json: &'static str| Converted::Json(json.as_bytes().into());
    let data = |value| Converted::Data(SchemaAndValue::schemaless(value));
    let map = |key| Value::Map(vec![(key, Value::Int32(1))]);
    let numbers = Schema::new(Kind::Map(
        Some(Arc::new(Schema::new(Kind::Int32))),
        Some(Arc::new(Schema::new(Kind::Int32))),
    ));
    for bad in [
        text("text"),
        text("42"),
        text("{"),
        Converted::Bytes(b"\"x\"".as_slice().into()),
        document("[1,2]"),
        data(Value::Int32(7)),
        data(Value::Boolean(true)),
        data(Value::Array(vec![Value::Int32(1)])),
        Converted::Data(SchemaAndValue::new(numbers, map(Value::Int32(7)))),
    ] {
        assert!(is_bad(&bad), "{bad:?}");
    }
    for (good, wanted) in [
        (text("{\"a\":1}\n"), Some("{\"a\":1}\n")),
        (text("\u{feff}{}"), Some("{}")),
        (text(""), None),
        (document("{\"a\":[]}"), Some("{\"a\":[]}")),
        (document("[{},{}]"), Some("[{},{}]")),
        (data(map("a".into())), Some("{\"a\":1}")),
        (data(Value::Array(vec![map("a".into())])), Some("[{\"a\":1}]")),
    ] {
        assert_eq!(json(&good, Look::Close).unwrap().as_deref(), wanted, "{good:?}");
    }
    assert!(json(&text("{"), Look::Away).is_ok() && json(&document("[1]"), Look::Away).is_ok());
    assert!(json(&data(Value::Int32(7)), Look::Away).is_err(), "what it is costs nothing to know");
}

#[test]
fn what_would_harm_a_neighbour_is_a_bad_record_unless_nobody_wants_to_know() {
    for (format, value) in [
        (DataFormat::Csv, "a,\"b"),
        (DataFormat::Tsve, "a\\"),
        (DataFormat::MultiJson, "{\"a\":"),
        (DataFormat::W3cLogFile, "a \"b"),
    ] {
        for value in [Converted::Text(value.into()), Converted::Bytes(value.as_bytes().into())] {
            assert!(encode(format, &value, Look::Close).is_err(), "{format}");
            assert!(encode(format, &value, Look::Away).is_ok(), "{format}");
        }
    }
}
