//! Avro: every type in both dialects, codecs, damaged files.

use apache_avro::types::Record;
use apache_avro::{Codec, Days, DeflateSettings, Millis, Months, Writer, ZstandardSettings};
use proptest::prelude::*;
use serde_json::json;

use super::*;

const ALL_TYPES: &str = r#"{"type": "record", "name": "All", "namespace": "n.s", "fields": [
    {"name": "flag", "type": "boolean"},
    {"name": "number", "type": "long"},
    {"name": "real", "type": "double"},
    {"name": "text", "type": ["null", "string"]},
    {"name": "nothing", "type": ["null", "string"]},
    {"name": "raw", "type": "bytes"},
    {"name": "colour", "type": {"type": "enum", "name": "Colour", "symbols": ["RED", "BLUE"]}},
    {"name": "list", "type": {"type": "array", "items": "int"}},
    {"name": "map", "type": {"type": "map", "values": "long"}},
    {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}},
    {"name": "day", "type": {"type": "int", "logicalType": "date"}},
    {"name": "time", "type": {"type": "long", "logicalType": "time-micros"}},
    {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    {"name": "id", "type": {"type": "string", "logicalType": "uuid"}},
    {"name": "span", "type": {"type": "fixed", "name": "Span", "size": 12, "logicalType": "duration"}},
    {"name": "inner", "type": {"type": "record", "name": "Inner", "fields": [
        {"name": "again", "type": ["null", "Colour"]},
        {"name": "price", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 1}]},
        {"name": "next", "type": ["null", "Inner"]}]}}
]}"#;

/// One record with each type, in a container of `codec`.
fn all_types(codec: Codec) -> Vec<u8> {
    let schema = Schema::parse_str(ALL_TYPES).unwrap();
    let some = |position, value| Avro::Union(position, Box::new(value));
    let inner = |next| {
        Avro::Record(vec![
            ("again".to_owned(), some(1, Avro::Enum(0, "RED".to_owned()))),
            ("price".to_owned(), some(1, Avro::Decimal(Decimal::from([0xff])))),
            ("next".to_owned(), next),
        ])
    };
    let mut record = Record::new(&schema).unwrap();
    record.put("flag", true);
    record.put("number", i64::MAX);
    record.put("real", f64::NEG_INFINITY);
    record.put("text", some(1, Avro::String("é".to_owned())));
    record.put("nothing", some(0, Avro::Null));
    record.put("raw", Avro::Bytes(vec![0, 255]));
    record.put("colour", Avro::Enum(1, "BLUE".to_owned()));
    record.put("list", Avro::Array(vec![Avro::Int(1), Avro::Int(2)]));
    record.put("map", Avro::Map([("b".to_owned(), Avro::Long(2)), ("a".to_owned(), Avro::Long(1))].into()));
    record.put("price", Avro::Decimal(Decimal::from([0x04, 0xd2])));
    record.put("day", Avro::Date(1));
    record.put("time", Avro::TimeMicros(3_661_000_001));
    record.put("at", Avro::TimestampMillis(1_167_609_600_123));
    record.put("id", Avro::Uuid("74be27de-1e4e-49d9-b579-fe0b331d3642".parse().unwrap()));
    record.put("span", Avro::Duration(Duration::new(Months::new(0), Days::new(1), Millis::new(500))));
    record.put("inner", inner(some(1, inner(some(0, Avro::Null)))));
    let mut writer = Writer::with_codec(&schema, Vec::new(), codec).unwrap();
    writer.append_value(record).unwrap();
    writer.into_inner().unwrap()
}

fn collect(data: &[u8], dialect: Dialect) -> Result<Vec<Value>, &'static str> {
    let mut records = Vec::new();
    let result = read(data, dialect, &mut |record| {
        records.push(record.clone());
        Ok(())
    });
    result.map(|()| records).map_err(|failure| failure.code)
}

#[test]
fn logical_types_are_applied_by_apacheavro_only() {
    let file = all_types(Codec::Null);
    let newer = collect(&file, Dialect::Logical).unwrap();
    let inner = |price: Value, next| json!({"again": "RED", "price": price, "next": next});
    let expected = json!({
        "flag": true, "number": i64::MAX, "real": "-Infinity", "text": "é", "nothing": null, "raw": [0, 255],
        "colour": "BLUE", "list": [1, 2], "map": {"a": 1, "b": 2}, "price": "12.34",
        "day": "1970-01-02T00:00:00.0000000Z", "time": "01:01:01.0000010",
        "at": "2007-01-01T00:00:00.1230000Z", "id": "74be27de-1e4e-49d9-b579-fe0b331d3642",
        "span": "1.00:00:00.5000000",
        "inner": inner(json!("-0.1"), inner(json!("-0.1"), Value::Null)),
    });
    assert_eq!(newer, std::slice::from_ref(&expected));

    let older = collect(&file, Dialect::Plain).unwrap();
    let mut below = expected;
    for (name, value) in [
        ("price", json!([0x04, 0xd2])),
        ("day", json!(1)),
        ("time", json!(3_661_000_001_i64)),
        ("at", json!(1_167_609_600_123_i64)),
        ("span", json!([0, 0, 0, 0, 1, 0, 0, 0, 0xf4, 1, 0, 0])),
        ("inner", inner(json!([255]), inner(json!([255]), Value::Null))),
    ] {
        below[name] = value;
    }
    assert_eq!(older, [below]);
}

#[test]
fn the_codecs_give_the_same_records() {
    let plain = collect(&all_types(Codec::Null), Dialect::Logical).unwrap();
    for codec in [
        Codec::Deflate(DeflateSettings::default()),
        Codec::Snappy,
        Codec::Zstandard(ZstandardSettings::default()),
    ] {
        assert_eq!(collect(&all_types(codec), Dialect::Logical).unwrap(), plain, "{codec:?}");
    }
}

#[test]
fn months_have_no_length() {
    let year = Duration::new(Months::new(12), Days::new(0), Millis::new(0));
    assert_eq!(duration_length(&year), Value::Null);
    let ages = Duration::new(Months::new(0), Days::new(u32::MAX), Millis::new(u32::MAX));
    assert_eq!(duration_length(&ages), Value::Null);
}

#[test]
fn what_is_no_container_of_records_is_refused() {
    let container = |schema: &str, value: Avro| {
        let schema = Schema::parse_str(schema).unwrap();
        let mut writer = Writer::new(&schema, Vec::new()).unwrap();
        writer.append_value(value).unwrap();
        writer.into_inner().unwrap()
    };
    let empty = r#"{"type": "record", "name": "E", "fields": [{"name": "n", "type": "null"}]}"#;
    let nothing = Avro::Record(vec![("n".to_owned(), Avro::Null)]);
    let mut cut = all_types(Codec::Null);
    cut.truncate(cut.len() - 20);
    for data in [
        b"no avro".to_vec(),
        b"Obj\x01".to_vec(),
        container(r#""string""#, Avro::String("x".to_owned())),
        container(empty, nothing),
        cut,
    ] {
        assert_eq!(collect(&data, Dialect::Plain), Err("BadRequest_InvalidBlob"));
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(data in proptest::collection::vec(any::<u8>(), 0..300)) {
        drop(collect(&data, Dialect::Logical));
        let mut file = b"Obj\x01".to_vec();
        file.extend(data);
        drop(collect(&file, Dialect::Plain));
    }

    #[test]
    fn a_damaged_file_is_read_or_refused(
        at in any::<proptest::sample::Index>(),
        byte in any::<u8>(),
        snappy in any::<bool>(),
    ) {
        let mut file = all_types(if snappy { Codec::Snappy } else { Codec::Null });
        let at = at.index(file.len());
        file[at] = byte;
        drop(collect(&file, Dialect::Logical));
        drop(collect(&file[..at], Dialect::Plain));
    }
}
