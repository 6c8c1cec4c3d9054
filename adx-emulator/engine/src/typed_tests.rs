//! The formats with types of their own through the engine's API: columns by name, mappings, their kinds.

use apache_avro::types::{Record, Value as Avro};
use apache_avro::{Schema, Writer};
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;

const SCHEMA: &str = r#"{"type": "record", "name": "R", "fields": [
    {"name": "s", "type": "string"}, {"name": "n", "type": ["null", "long"]},
    {"name": "j", "type": {"type": "array", "items": "int"}},
    {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    {"name": "raw", "type": "bytes"}, {"name": "other", "type": "string"}]}"#;

const LOG: &[u8] = b"#Fields: s n at\nGET 7 2007-01-01T00:00:00Z\n- - -\n";

/// Two records in an Avro container.
fn avro() -> Vec<u8> {
    let schema = Schema::parse_str(SCHEMA).unwrap();
    let mut writer = Writer::new(&schema, Vec::new()).unwrap();
    for number in [1_i64, 2] {
        let mut record = Record::new(&schema).unwrap();
        record.put("s", format!("s{number}"));
        record.put("n", Some(number));
        record.put("j", Avro::Array(vec![Avro::Int(3)]));
        record.put("at", Avro::TimestampMillis(1_167_609_600_000));
        record.put("raw", Avro::Bytes(vec![0, 255]));
        record.put("other", "dropped");
        writer.append_value(record).unwrap();
    }
    writer.into_inner().unwrap()
}

fn engine() -> Engine {
    let engine = Engine::open(None).unwrap();
    let table = ".create table T (at: datetime, s: string, n: long, j: dynamic, raw: string)";
    engine.execute(Some("lab"), table, &RequestOptions::default()).unwrap();
    engine
}

fn source<'a>(format: &'a str, data: &'a [u8]) -> IngestSource<'a> {
    IngestSource {
        database: "lab",
        table: "T",
        format,
        mapping_reference: None,
        mapping_inline: None,
        mapping_kind: None,
        ignore_first_record: false,
        data,
        source_path: "http://localhost/acct/c/b",
        operation_id: Uuid::nil(),
        activity_id: Uuid::nil(),
        streamed: false,
        tags: &[],
        ingest_if_not_exists: &[],
    }
}

fn rows(engine: &Engine, text: &str) -> Value {
    json!(engine.execute(Some("lab"), text, &RequestOptions::default()).unwrap().tables[0].rows)
}

#[test]
fn columns_are_filled_by_name() {
    let midnight = "2007-01-01T00:00:00.0000000Z";
    let engine = engine();
    assert_eq!(engine.ingest(&source("apacheavro", &avro())).unwrap().rows, 2);
    assert_eq!(
        rows(&engine, "T"),
        json!([[midnight, "s1", 1, [3], "[0,255]"], [midnight, "s2", 2, [3], "[0,255]"]])
    );
    rows(&engine, ".clear table T data");
    engine.ingest(&source("w3clogfile", LOG)).unwrap();
    assert_eq!(rows(&engine, "T"), json!([[midnight, "GET", 7, null, ""], [null, "", null, null, ""]]));
}

#[test]
fn the_older_avro_reader_gives_a_timestamp_as_its_number() {
    let (engine, file) = (engine(), avro());
    engine.ingest(&source("avro", &file)).unwrap();
    assert_eq!(rows(&engine, "T | take 1 | project at"), json!([[null]]));
    rows(&engine, ".clear table T data");
    let mapping = r#"[{"column": "at", "Properties": {"Path": "$.at", "Transform": "DateTimeFromUnixMilliseconds"}},
        {"column": "raw", "Properties": {"Field": "raw", "Transform": "BytesAsBase64"}},
        {"column": "n", "Properties": {"Path": "$.j[0]"}}, {"column": "s", "Properties": {"ConstValue": "k"}},
        {"column": "j", "Properties": {"Path": "$"}}]"#;
    for format in ["avro", "apacheavro"] {
        // A logical timestamp is a moment already, so the transform of a number does nothing for it.
        let at = if format == "avro" { json!("2007-01-01T00:00:00.0000000Z") } else { Value::Null };
        let mapped = IngestSource { mapping_inline: Some(mapping), ..source(format, &file) };
        engine.ingest(&mapped).unwrap();
        assert_eq!(
            rows(&engine, "T | take 1 | project at, raw, n, s, tostring(j.other)"),
            json!([[at, "AP8=", 3, "k", "dropped"]]),
            "{format}"
        );
        rows(&engine, ".clear table T data");
    }
}

#[test]
fn stored_mappings_have_the_kind_of_their_format() {
    let engine = engine();
    for (kind, property) in [("avro", "Path"), ("parquet", "Field"), ("orc", "Path"), ("w3clogfile", "Field")]
    {
        let from = if property == "Path" { "$.s" } else { "s" };
        let mapping =
            format!(r#"[{{"column":"s","datatype":"string","Properties":{{"{property}":"{from}"}}}}]"#);
        rows(&engine, &format!(".create table T ingestion {kind} mapping 'm' '{mapping}'"));
        let shown =
            rows(&engine, &format!(".show table T ingestion {kind} mapping 'm' | project Kind, Mapping"));
        assert_eq!(shown, json!([[kind, mapping]]));
    }
    let referred = |format, kind| IngestSource {
        mapping_reference: Some("m"),
        mapping_kind: Some(kind),
        ..source(format, LOG)
    };
    assert_eq!(engine.ingest(&referred("w3clogfile", "W3CLogFile")).unwrap().rows, 2);
    let avro = avro();
    for kind in ["Avro", "ApacheAvro"] {
        let source = IngestSource { data: &avro, ..referred("apacheavro", kind) };
        assert_eq!(engine.ingest(&source).unwrap().rows, 2, "{kind}");
    }
    assert_eq!(
        engine.ingest(&referred("csv", "Csv")).unwrap_err().code,
        "BadRequest_MappingReferenceWasNotFound"
    );
    assert_eq!(rows(&engine, "T | where s startswith 's' | count"), json!([[4]]));
}
