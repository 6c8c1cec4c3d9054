//! The engine through its API: ingestion in every format, its failures, persistence.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::*;

const LAB: [&str; 3] = [
    ".create table Storms (StartTime: datetime, EndTime: datetime, EventId: int, State: string, EventType: string, Source: string)",
    r#".create table Storms ingestion csv mapping 'Storms_CSV_Mapping' '[{"Name":"StartTime","datatype":"datetime","Ordinal":0}, {"Name":"EndTime","datatype":"datetime","Ordinal":1},{"Name":"EventId","datatype":"int","Ordinal":2},{"Name":"State","datatype":"string","Ordinal":3},{"Name":"EventType","datatype":"string","Ordinal":4},{"Name":"Source","datatype":"string","Ordinal":5}]'"#,
    r#".alter table Storms policy ingestionbatching @'{"MaximumBatchingTimeSpan":"00:00:15", "MaximumNumberOfItems": 100, "MaximumRawDataSizeMB": 300}'"#,
];

fn run(engine: &Engine, text: &str) -> Answer {
    match engine.execute(Some("lab"), text, &RequestOptions::default()) {
        Ok(answer) => answer,
        Err(error) => panic!("{text}: {error}"),
    }
}

fn rows(engine: &Engine, text: &str) -> Value {
    json!(run(engine, text).tables[0].rows)
}

/// A source for the table `T` of the database `lab`.
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
        source_path: "http://localhost/acct/c/b.csv",
        operation_id: Uuid::nil(),
        activity_id: Uuid::nil(),
        streamed: false,
        tags: &[],
        ingest_if_not_exists: &[],
    }
}

/// An engine with the table `T (s:string, n:long, j:dynamic)`.
fn engine() -> Engine {
    let engine = Engine::open(None).unwrap();
    run(&engine, ".create table T (s:string, n:long, j:dynamic)");
    engine
}

fn failure(engine: &Engine, source: &IngestSource<'_>) -> &'static str {
    let failure = engine.ingest(source).unwrap_err();
    assert!(failure.permanent && !failure.details.is_empty());
    failure.code
}

#[test]
fn the_lab_from_table_to_query() {
    let engine = Engine::open(None).unwrap();
    for command in LAB {
        run(&engine, command);
    }
    let data = b"2007-01-01 00:00:00.0000000,2007-01-01 00:00:00.0000000,13208,NORTH CAROLINA,Thunderstorm Wind,Public\n";
    let storms = IngestSource {
        table: "Storms",
        mapping_reference: Some("Storms_CSV_Mapping"),
        ..source("csv", data)
    };
    assert_eq!(engine.ingest(&storms).unwrap().rows, 1);
    let midnight = "2007-01-01T00:00:00.0000000Z";
    assert_eq!(
        rows(&engine, "Storms | take 10"),
        json!([[midnight, midnight, 13208, "NORTH CAROLINA", "Thunderstorm Wind", "Public"]])
    );
    assert_eq!(engine.batching_policy("lab", "Storms").time_span, Duration::from_secs(15));
    assert_eq!(engine.batching_policy("lab", "Nope"), BatchingPolicy::default());
    assert_eq!(engine.batching_policy("nope", "Nope"), BatchingPolicy::default());
}

#[test]
fn every_text_format_is_read() {
    for (format, data) in [
        ("csv", "a b,1,[2]\r\n\"x,\"\"y\",2,"),
        ("tsv", "a b\t1\t[2]\n\"x,\"\"y\"\t2\t"),
        ("psv", "a b|1|[2]\n\"x,\"\"y\"|2|"),
        ("scsv", "a b;1;[2]\n\"x,\"\"y\";2;"),
        ("sohsv", "a b\u{1}1\u{1}[2]\n\"x,\"\"y\"\u{1}2\u{1}"),
        ("tsve", "a b\t1\t[2]\nx,\"y\t2\t\n"),
        ("CSV", "\u{feff}a b,1,[2]\n\n\"x,\"\"y\",2,\n"),
        ("", "a b,1,[2]\n\"x,\"\"y\",2,\n"),
    ] {
        let engine = engine();
        assert_eq!(engine.ingest(&source(format, data.as_bytes())).unwrap().rows, 2, "{format}");
        assert_eq!(rows(&engine, "T"), json!([["a b", 1, [2]], ["x,\"y", 2, null]]), "{format}");
    }
    let engine = engine();
    engine.ingest(&source("txt", b"one, two\n\nthree\n")).unwrap();
    engine.ingest(&source("raw", b"all\nof it\n")).unwrap();
    assert_eq!(rows(&engine, "T | project s"), json!([["one, two"], ["three"], ["all\nof it\n"]]));
}

#[test]
fn every_json_format_is_read() {
    let engine = engine();
    engine.ingest(&source("json", b"{\"s\":\"a\",\"n\":1,\"x\":9}\nnonsense\n{\"S\":\"b\"}\n")).unwrap();
    engine.ingest(&source("multijson", b"[{\"s\":\"c\",\n\"j\":{\"k\":[]}}, {\"n\":\"x\"}]")).unwrap();
    engine.ingest(&source("multijson", b"{\"s\":\"d\"}{\"s\":5}")).unwrap();
    engine.ingest(&source("singlejson", b"{\n\"s\":\"e\"}")).unwrap();
    assert_eq!(
        rows(&engine, "T"),
        json!([["a", 1, null], ["", null, null], ["c", null, {"k": []}], ["", null, null], ["d", null, null],
               ["5", null, null], ["e", null, null]])
    );
}

#[test]
fn mappings_fill_columns() {
    let engine = engine();
    let csv = r#"[{"column":"n","Properties":{"Ordinal":"1"}},{"column":"s","Properties":{"ConstValue":"k"}},
        {"column":"line","datatype":"long","Properties":{"Transform":"SourceLineNumber"}},
        {"column":"at","datatype":"datetime","Properties":{"Ordinal":"0","Transform":"DateTimeFromUnixSeconds"}}]"#;
    let inline = IngestSource { mapping_inline: Some(csv), ..source("csv", b"1167609600,7\nx,8") };
    assert_eq!(engine.ingest(&inline).unwrap().rows, 2);
    assert_eq!(
        rows(&engine, "T | project s, n, line, at"),
        json!([["k", 7, 1, "2007-01-01T00:00:00.0000000Z"], ["k", 8, 2, null]])
    );
    run(&engine, ".clear table T data");
    run(
        &engine,
        r#".create table T ingestion json mapping 'm' '[{"column":"s","path":"$.a.b[1]"},{"column":"j","path":"$"},{"column":"n","path":"$[\'x y\']"}]'"#,
    );
    let data = br#"{"a":{"b":[0,"deep"]},"x y":3}"#;
    engine.ingest(&IngestSource { mapping_reference: Some("m"), ..source("multijson", data) }).unwrap();
    assert_eq!(
        rows(&engine, "T | project s, n, j"),
        json!([["deep", 3, {"a": {"b": [0, "deep"]}, "x y": 3}]])
    );
}

#[test]
fn comments_may_stand_before_a_command() {
    let engine = engine();
    assert_eq!(rows(&engine, "// all of them\n\n  .show tables | project TableName"), json!([["T"]]));
    assert_eq!(rows(&engine, "// .show tables\nT | count"), json!([[0]]));
}

#[test]
fn headers_are_skipped_when_asked() {
    let engine = engine();
    let with_header =
        IngestSource { ignore_first_record: true, ..source("csv", b"only one header field\na,1,\nb,2,") };
    assert_eq!(engine.ingest(&with_header).unwrap().rows, 2);
    let only_header = IngestSource { ignore_first_record: true, ..source("csv", b"s,n,j\n") };
    assert_eq!(failure(&engine, &only_header), "Stream_NoDataToIngest");
}

#[test]
fn failures_have_kustos_codes_and_leave_nothing() {
    let engine = engine();
    let good = "a,1,\n".repeat(5000);
    let late = |tail: &str| format!("{good}{tail}").into_bytes();
    for (format, data, code) in [
        ("csv", late("b,2\n"), "Stream_WrongNumberOfFields"),
        ("csv", late("b,\"2,\n"), "Stream_ClosingQuoteMissing"),
        ("csv", b"".to_vec(), "BadRequest_EmptyBlob"),
        ("csv", b"\n\r\n".to_vec(), "Stream_NoDataToIngest"),
        ("txt", b"\n".to_vec(), "Stream_NoDataToIngest"),
        ("json", b"x\ny\n".to_vec(), "BadRequest_NoRecordsOrWrongFormat"),
        ("multijson", b" [] ".to_vec(), "BadRequest_NoRecordsOrWrongFormat"),
        ("multijson", b"{\"s\":\"a\"}{\"s\":".to_vec(), "BadRequest_InvalidBlob"),
        ("multijson", b"[{\"s\":\"a\"},5]".to_vec(), "BadRequest_InvalidBlob"),
        ("singlejson", b"{}{}".to_vec(), "BadRequest_InvalidBlob"),
        ("avro", b"x".to_vec(), "BadRequest_InvalidBlob"),
        ("parquet", b"x".to_vec(), "BadRequest_InvalidBlob"),
        ("w3clogfile", b"#Fields: s n\na 1\nb\n".to_vec(), "Stream_WrongNumberOfFields"),
        ("w3clogfile", b"#Fields: s n\n".to_vec(), "BadRequest_NoRecordsOrWrongFormat"),
        ("sstream", b"x".to_vec(), "BadRequest_FormatNotSupported"),
    ] {
        assert_eq!(failure(&engine, &source(format, &data)), code, "{format}");
    }
    assert_eq!(rows(&engine, "T | count"), json!([[0]]));
    assert_eq!(rows(&engine, ".show table T extents"), json!([]));
}

#[test]
fn what_cannot_be_found_or_mapped_has_kustos_codes() {
    let engine = engine();
    let base = source("csv", b"a,1,\n");
    for (bad, code) in [
        (IngestSource { database: "nope", ..base.clone() }, "BadRequest_DatabaseNotExist"),
        (IngestSource { database: "", ..base.clone() }, "BadRequest_EmptyDatabaseName"),
        (IngestSource { table: "nope", ..base.clone() }, "BadRequest_TableNotExist"),
        (IngestSource { table: "", ..base.clone() }, "BadRequest_InvalidOrEmptyTableName"),
        (
            IngestSource { mapping_reference: Some("nope"), ..base.clone() },
            "BadRequest_MappingReferenceWasNotFound",
        ),
        (IngestSource { mapping_reference: Some(""), ..base.clone() }, "BadRequest_EmptyMappingReference"),
        (IngestSource { mapping_inline: Some("x"), ..base.clone() }, "BadRequest_InvalidMapping"),
        (
            IngestSource {
                mapping_inline: Some(r#"[{"column":"zz","Properties":{"Ordinal":"0"}}]"#),
                ..base.clone()
            },
            "BadRequest_InvalidMapping",
        ),
        (
            IngestSource {
                mapping_inline: Some(r#"[{"column":"s","Properties":{"Ordinal":"1"}}]"#),
                ..source("txt", b"x")
            },
            "BadRequest_InvalidMapping",
        ),
        (
            IngestSource { mapping_inline: Some("[]"), mapping_reference: Some("m"), ..base.clone() },
            "BadRequest_DuplicateMapping",
        ),
        (IngestSource { mapping_kind: Some("Json"), ..base.clone() }, "BadRequest_InconsistentMapping"),
        (
            IngestSource { mapping_kind: Some("Csv"), ..source("parquet", b"x") },
            "BadRequest_InconsistentMapping",
        ),
    ] {
        assert_eq!(failure(&engine, &bad), code);
    }
    assert_eq!(rows(&engine, "T | count"), json!([[0]]));
    assert_eq!(rows(&engine, ".show table T extents"), json!([]));
    // A failed blob does not keep the column that its mapping would have added.
    let mapping = r#"[{"column":"new","datatype":"long","Properties":{"Ordinal":"0"}}]"#;
    let bad = IngestSource { mapping_inline: Some(mapping), ..source("csv", b"1,2\n3") };
    assert_eq!(failure(&engine, &bad), "Stream_WrongNumberOfFields");
    assert_eq!(
        rows(&engine, ".show table T cslschema | project Schema"),
        json!([["s:string,n:long,j:dynamic"]])
    );
}

#[test]
fn ingest_by_tags_keep_a_blob_out() {
    let engine = engine();
    let (tags, values) = (["ingest-by:p0-7".to_owned(), "other".to_owned()], ["p0-7".to_owned()]);
    let tagged = IngestSource { tags: &tags, ingest_if_not_exists: &values, ..source("csv", b"a,1,\n") };
    let first = engine.ingest(&tagged).unwrap();
    assert_eq!((first.rows, first.skipped), (1, false));
    let second = engine.ingest(&tagged).unwrap();
    assert_eq!((second.rows, second.skipped), (0, true));
    let others = ["P0-7".to_owned(), "other".to_owned()];
    assert!(
        !engine.ingest(&IngestSource { ingest_if_not_exists: &others, ..tagged.clone() }).unwrap().skipped
    );
    run(&engine, ".clear table T data");
    assert!(!engine.ingest(&tagged).unwrap().skipped);
}

#[test]
fn failures_are_shown_after_they_were_recorded() {
    let engine = engine();
    engine.record_failure(&FailureRecord {
        operation_id: Uuid::nil(),
        database: "lab".to_owned(),
        table: "T".to_owned(),
        failed_on: OffsetDateTime::now_utc(),
        source_path: "http://localhost/acct/c/b.csv".to_owned(),
        details: "bad".to_owned(),
        permanent: true,
        error_code: "BadRequest_EmptyBlob".to_owned(),
        root_activity_id: Uuid::nil(),
        ingestion_properties: "{}".to_owned(),
        number_of_sources: 1,
    });
    let shown =
        rows(&engine, ".show ingestion failures | where Table == 'T' | project ErrorCode, ShouldRetry");
    assert_eq!(shown, json!([["BadRequest_EmptyBlob", false]]));
}

#[test]
fn databases_exist_before_they_are_used_or_with_their_first_table() {
    let engine = Engine::open(None).unwrap();
    let options = RequestOptions::default();
    assert!(engine.execute(None, ".show tables", &options).is_ok());
    assert!(engine.execute(Some("netdefaultdb"), ".show tables", &options).is_ok());
    let error = engine.execute(Some("lab"), ".show tables", &options).unwrap_err();
    assert_eq!(error.code, "BadRequest_DatabaseNotExist");
    // A command that fails makes no database either.
    assert!(engine.execute(Some("lab"), ".create table T (a:int) tail", &options).is_err());
    assert!(engine.execute(Some("lab"), ".show tables", &options).is_err());
    run(&engine, ".create database lab ifnotexists");
    run(&engine, ".create database lab ifnotexists");
    assert!(engine.execute(Some("lab"), ".show tables", &options).is_ok());
}

#[test]
fn what_is_kept_in_a_directory_is_there_again() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("new");
    let first = Engine::open(Some(&data)).unwrap();
    for command in LAB {
        run(&first, command);
    }
    run(&first, ".ingest inline into table Storms <| 2007-01-01,,1,TEXAS,Hail,Public");
    drop(first);
    let second = Engine::open(Some(&data)).unwrap();
    assert_eq!(rows(&second, "Storms | project EventId, State"), json!([[1, "TEXAS"]]));
    assert_eq!(second.batching_policy("lab", "Storms").items, 100);
    assert_eq!(
        run(&second, ".show table Storms ingestion csv mapping 'Storms_CSV_Mapping'").tables[0].rows.len(),
        1
    );
}

#[test]
fn a_directory_that_cannot_be_made_is_an_error() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = Engine::open(Some(&file.path().join("below"))).unwrap_err();
    assert!(error.to_string().contains("--data"), "{error}");
}

#[test]
fn a_panic_in_the_middle_of_work_does_not_break_the_engine() {
    let engine = engine();
    let copy = engine.clone();
    let panicked = std::thread::spawn(move || {
        copy.store().atomically(|store| -> Result<(), KustoError> {
            store.create_database("half")?;
            panic!("on purpose");
        })
    });
    assert!(panicked.join().is_err());
    assert_eq!(rows(&engine, ".show databases | where DatabaseName == 'half' | count"), json!([[0]]));
    engine.ingest(&source("csv", b"a,1,\n")).unwrap();
    assert_eq!(rows(&engine, "T | count"), json!([[1]]));
}

#[test]
fn many_threads_count_exactly() {
    let engine = engine();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..25 {
                    engine.ingest(&source("csv", "a,1,\n".repeat(40).as_bytes())).unwrap();
                }
            });
        }
    });
    assert_eq!(rows(&engine, "T | summarize count(), sum(n)"), json!([[4000, 4000]]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_comes_back_equal(texts in prop::collection::vec(any::<String>(), 1..8)) {
        let engine = engine();
        let lines: Vec<String> = texts.iter().map(|text| format!("\"{}\",1,\n", text.replace('"', "\"\""))).collect();
        let csv = lines.concat();
        let json: String = texts.iter().map(|text| json!({"s": text}).to_string()).collect();
        engine.ingest(&source("csv", csv.as_bytes())).unwrap();
        engine.ingest(&source("multijson", json.as_bytes())).unwrap();
        let expected: Vec<Vec<&String>> = texts.iter().chain(&texts).map(|text| vec![text]).collect();
        prop_assert_eq!(rows(&engine, "T | project s"), json!(expected));
    }
}
