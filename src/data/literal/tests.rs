//! The table is what Connect 4.3 answers.

use super::parse;
use crate::data::java_number::{decimal, double, float};
use crate::data::{Kind, Schema, Value};
use proptest::prelude::*;

#[rustfmt::skip] // a table: one row is one text and what it is
const READ: &[(&str, &str)] = &[
    ("", "STRING S()"),
    ("  ", "STRING S(  )"),
    ("null", "NULLSV"),
    (" null ", "NULLSV"),
    ("true", "BOOLEAN B(true)"),
    (" true", "BOOLEAN B(true)"),
    ("true ", "BOOLEAN B(true)"),
    ("truex", "STRING S(truex)"),
    ("true x", "STRING S(true x)"),
    ("false", "BOOLEAN B(false)"),
    ("TRUE", "STRING S(TRUE)"),
    ("0", "INT8 B(0)"),
    ("1", "INT8 B(1)"),
    ("-1", "INT8 B(-1)"),
    ("+1", "INT8 B(1)"),
    ("127", "INT8 B(127)"),
    ("128", "INT16 S(128)"),
    ("-128", "INT8 B(-128)"),
    ("-129", "INT16 S(-129)"),
    ("32767", "INT16 S(32767)"),
    ("32768", "INT32 I(32768)"),
    ("2147483647", "INT32 I(2147483647)"),
    ("2147483648", "INT64 L(2147483648)"),
    ("9223372036854775807", "INT64 L(9223372036854775807)"),
    ("9223372036854775808", "BYTES:Decimal{scale=0} B(9223372036854775808)"),
    ("-9223372036854775808", "INT64 L(-9223372036854775808)"),
    ("-9223372036854775809", "BYTES:Decimal{scale=0} B(-9223372036854775809)"),
    ("1.0", "INT8 B(1)"),
    ("1.50", "FLOAT32 F(1.5)"),
    ("1e3", "INT16 S(1000)"),
    ("1e19", "FLOAT32 F(1.0E19)"),
    ("1e18", "INT64 L(1000000000000000000)"),
    ("10000000000000000000", "BYTES:Decimal{scale=0} B(10000000000000000000)"),
    ("0.5", "FLOAT32 F(0.5)"),
    ("0.0", "INT8 B(0)"),
    ("0.000", "INT8 B(0)"),
    ("1e40", "FLOAT64 D(1.0E40)"),
    ("1.5e40", "FLOAT64 D(1.5E40)"),
    ("-1.5e400", "BYTES:Decimal{scale=-399} B(-1.5E+400)"),
    ("1e400", "BYTES:Decimal{scale=-400} B(1E+400)"),
    ("123456789.123", "FLOAT32 F(1.23456792E8)"),
    ("0.1", "FLOAT32 F(0.1)"),
    ("1e-50", "FLOAT32 F(0.0)"),
    ("1e-400", "FLOAT32 F(0.0)"),
    ("00012", "INT8 B(12)"),
    ("1_0", "STRING S(1_0)"),
    ("+-1", "STRING S(+-1)"),
    ("1.", "INT8 B(1)"),
    ("1.e2", "INT8 B(100)"),
    (".5", "STRING S(.5)"),
    ("1 2", "STRING S(1 2)"),
    ("12abc", "STRING S(12abc)"),
    (" 12 ", "INT8 B(12)"),
    ("1,2", "INT8 B(1)"),
    ("1:2", "INT8 B(1)"),
    ("a:b", "STRING S(a:b)"),
    ("[1,2]", "ARRAY<INT8> [B(1),B(2)]"),
    ("[1, 2]", "ARRAY<INT8> [B(1),B(2)]"),
    ("[ 1 , 2 ]", "ARRAY<INT8> [B(1),B(2)]"),
    ("[1,300,70000]", "ARRAY<INT32> [I(1),I(300),I(70000)]"),
    ("[1,2.5]", "ARRAY<FLOAT32> [F(1.0),F(2.5)]"),
    ("[1,\"a\"]", "ARRAY<-> [B(1),S(a)]"),
    ("[\"a\",\"b\"]", "ARRAY<STRING> [S(a),S(b)]"),
    ("[]", "ARRAY<-> []"),
    ("[ ]", "ARRAY<-> []"),
    ("{}", "MAP<-,-> {}"),
    ("[null]", "ARRAY<-> [null]"),
    ("[1,null]", "STRING S([1,null])"),
    ("[null,1]", "STRING S([null,1])"),
    ("[true,false]", "ARRAY<BOOLEAN> [B(true),B(false)]"),
    ("[1,true]", "ARRAY<-> [B(1),B(true)]"),
    ("[a,b]", "STRING S([a,b])"),
    ("[\"a\" \"b\"]", "STRING S([\"a\" \"b\"])"),
    ("[1,]", "ARRAY<INT8> [B(1)]"),
    ("[,1]", "STRING S([,1])"),
    ("[1", "STRING S([1)"),
    ("[1]x", "ARRAY<INT8> [B(1)]"),
    ("[[1],[2]]", "ARRAY<ARRAY<INT8>> [[B(1)],[B(2)]]"),
    ("[[1],[\"a\"]]", "ARRAY<ARRAY<STRING>> [[B(1)],[S(a)]]"),
    ("[{\"a\":1}]", "ARRAY<MAP<STRING,INT8>> [{S(a):B(1)}]"),
    ("{\"a\":1,\"b\":2}", "MAP<STRING,INT8> {S(a):B(1),S(b):B(2)}"),
    ("{\"a\":1,\"b\":\"x\"}", "MAP<STRING,-> {S(a):B(1),S(b):S(x)}"),
    ("{\"a\":1,\"b\":null}", "STRING S({\"a\":1,\"b\":null})"),
    ("{\"a\":null}", "MAP<STRING,-> {S(a):null}"),
    ("{1:2}", "MAP<INT8,INT8> {B(1):B(2)}"),
    ("{a:1}", "STRING S({a:1})"),
    ("{\"a\":1,}", "MAP<STRING,INT8> {S(a):B(1)}"),
    ("{\"a\" 1}", "STRING S({\"a\" 1})"),
    ("{null:1}", "STRING S({null:1})"),
    ("{\"a\":1", "STRING S({\"a\":1)"),
    ("{\"a\":1 \"b\":2}", "MAP<STRING,INT8> {S(a):B(1),S(b):B(2)}"),
    ("{,}", "STRING S({,})"),
    ("{\"a\":{\"b\":[1,2.5]}}", "MAP<STRING,MAP<STRING,ARRAY<FLOAT32>>> {S(a):{S(b):[F(1.0),F(2.5)]}}"),
    ("\"abc\"", "STRING S(\"abc\")"),
    ("\"abc", "STRING S(\"abc)"),
    ("[\"a\\\"b\"]", "ARRAY<STRING> [S(a\\\"b)]"),
    ("[\"a\\\\b\"]", "ARRAY<STRING> [S(a\\\\b)]"),
    ("a\\,b", "STRING S(a\\,b)"),
    ("2019-08-23", "INT32:Date @1566518400000"),
    ("2019-08-23x", "STRING S(2019-08-23x)"),
    ("2019-8-23", "STRING S(2019-8-23)"),
    ("2019-13-45", "INT32:Date @1581638400000"),
    ("19:20:21.123Z", "INT32:Time @69621123"),
    ("14:34:54.346Z", "INT32:Time @52494346"),
    ("2019-08-23T14:34:54.346Z", "INT64:Timestamp @1566570894346"),
    ("2019-08-23T14\\:34\\:54.346Z", "INT64:Timestamp @1566570894346"),
    ("14\\:34\\:54.346Z", "INT32:Time @52494346"),
    ("[2019-08-23]", "ARRAY<INT32:Date> [@1566518400000]"),
    ("[\"2019-08-23\"]", "ARRAY<INT32:Date> [@1566518400000]"),
    ("[\"2019-08-23\",\"2020-01-01\"]", "ARRAY<INT32:Date> [@1566518400000,@1577836800000]"),
    ("[14:34:54.346Z]", "ARRAY<INT32:Time> [@52494346]"),
    ("[\"14:34:54.346Z\"]", "ARRAY<INT32:Time> [@52494346]"),
    ("[2019-08-23T14:34:54.346Z]", "ARRAY<INT64:Timestamp> [@1566570894346]"),
    ("[2019-08-23T14:34:54.346Z,2019-08-23T14:34:54.347Z]", "ARRAY<INT64:Timestamp> [@1566570894346,@1566570894347]"),
    ("{\"k\":2019-08-23}", "MAP<STRING,INT32:Date> {S(k):@1566518400000}"),
    ("{2019-08-23:1}", "MAP<INT32:Date,INT8> {@1566518400000:B(1)}"),
    ("{2019-08-23T14\\:34\\:54.346Z:1}", "MAP<INT64:Timestamp,INT8> {@1566570894346:B(1)}"),
    ("{\"2019-08-23T14:34:54.346Z\":1}", "MAP<INT64:Timestamp,INT8> {@1566570894346:B(1)}"),
    ("[1,\"2019-08-23\"]", "ARRAY<INT32:Date> [@86400000,@1566518400000]"),
    ("[\"2019-08-23\",1]", "ARRAY<INT32:Date> [@1566518400000,@86400000]"),
    ("[9223372036854775808,1]", "ARRAY<-> [B(9223372036854775808),B(1)]"),
    ("[9223372036854775808,9223372036854775809]", "ARRAY<BYTES:Decimal{scale=0}> [B(9223372036854775808),B(9223372036854775809)]"),
    ("[1.5,9223372036854775808]", "ARRAY<-> [F(1.5),B(9223372036854775808)]"),
    ("[1e400]", "ARRAY<BYTES:Decimal{scale=-400}> [B(1E+400)]"),
    ("[0.5,1e-50]", "ARRAY<FLOAT32> [F(0.5),F(0.0)]"),
    ("[1e-400,0.5]", "ARRAY<FLOAT32> [F(0.0),F(0.5)]"),
    ("[0.1,1e39]", "ARRAY<FLOAT64> [D(0.10000000149011612),D(1.0E39)]"),
    ("hello", "STRING S(hello)"),
    ("hello world", "STRING S(hello world)"),
    (" x ", "STRING S( x )"),
    ("é", "STRING S(é)"),
    ("-", "STRING S(-)"),
    ("+", "STRING S(+)"),
    ("--1", "STRING S(--1)"),
    ("1d", "STRING S(1d)"),
    ("1f", "STRING S(1f)"),
    ("NaN", "STRING S(NaN)"),
    ("Infinity", "STRING S(Infinity)"),
    ("0x10", "STRING S(0x10)"),
    ("[1,2,\"a\",3]", "ARRAY<-> [B(1),B(2),S(a),B(3)]"),
    ("[\"a\",1,2]", "ARRAY<-> [S(a),B(1),B(2)]"),
    ("[\"a\",null]", "STRING S([\"a\",null])"),
    ("[null,null]", "ARRAY<-> [null,null]"),
    ("[ \"a b\" ]", "ARRAY<STRING> [S(a b)]"),
    ("[\" a \"]", "ARRAY<STRING> [S( a )]"),
    ("{ \"a\" : 1 , \"b\" : 2 }", "MAP<STRING,INT8> {S(a):B(1),S(b):B(2)}"),
    ("{\"a\":[]}", "MAP<STRING,ARRAY<->> {S(a):[]}"),
    ("{\"a\":{}}", "MAP<STRING,MAP<-,->> {S(a):{}}"),
    ("[[],[1]]", "ARRAY<ARRAY<INT8>> [[],[B(1)]]"),
    ("[{},{}]", "ARRAY<MAP<-,->> [{},{}]"),
    ("]", "STRING S(])"),
    ("}", "STRING S(})"),
    ("[}", "STRING S([})"),
    ("{]", "STRING S({])"),
    ("a]", "STRING S(a])"),
    ("1]", "INT8 B(1)"),
    ("true]", "STRING S(true])"),
    ("null]", "STRING S(null])"),
    ("\\", "STRING S(\\)"),
    ("[\\]", "STRING S([\\])"),
    ("[1\\,2]", "STRING S([1\\,2])"),
    ("1e2147483648", "STRING S(1e2147483648)"),
    ("1e2147483647", "BYTES:Decimal{scale=-2147483647} B(1E+2147483647)"),
    ("1e999999999", "BYTES:Decimal{scale=-999999999} B(1E+999999999)"),
    ("100000000000000000000.0", "FLOAT32 F(1.0E20)"),
    ("1E+2", "INT8 B(100)"),
    ("-0", "INT8 B(0)"),
    ("-0.0", "INT8 B(0)"),
    ("{\"a\":1,\"a\":2}", "MAP<STRING,INT8> {S(a):B(2)}"),
    ("{1:1,300:2}", "MAP<INT16,INT8> {S(1):B(1),S(300):B(2)}"),
    ("[1,2]  ", "ARRAY<INT8> [B(1),B(2)]"),
    ("  [1,2]", "ARRAY<INT8> [B(1),B(2)]"),
    ("nullnull", "STRING S(nullnull)"),
    ("null,1", "STRING S(null,1)"),
    ("\"\"", "STRING S(\"\")"),
    ("[\"\"]", "ARRAY<STRING> [S()]"),
    ("{\"\":\"\"}", "MAP<STRING,STRING> {S():S()}"),
    ("2019-08-23T14:34:54.346", "STRING S(2019-08-23T14:34:54.346)"),
    ("2019-08-23 14:34:54.346Z", "STRING S(2019-08-23 14:34:54.346Z)"),
    ("12:34", "INT8 B(12)"),
    ("12:34:56.789Z junk", "INT8 B(12)"),
    ("{\"a\":\"b\",\"c\":1}", "MAP<STRING,-> {S(a):S(b),S(c):B(1)}"),
    ("{\"a\":\"b\",1:\"c\"}", "MAP<-,-> {S(a):S(b),B(1):S(c)}"),
    ("[true,null]", "STRING S([true,null])"),
    ("{true:false}", "MAP<BOOLEAN,BOOLEAN> {B(true):B(false)}"),
    ("99999999999999999999999.5", "FLOAT32 F(1.0E23)"),
    ("{\"a\",\"b\"}", "STRING S({\"a\",\"b\"})"),
    ("[\"a\":1]", "STRING S([\"a\":1])"),
    ("0:", "INT8 B(0)"),
    ("1\\", "STRING S(1\\)"),
    ("[1,2]]", "ARRAY<INT8> [B(1),B(2)]"),
];

fn schema_text(schema: Option<&Schema>) -> String {
    let Some(schema) = schema else { return "-".to_owned() };
    let text = match &schema.kind {
        Kind::Array(of) => format!("ARRAY<{}>", schema_text(of.as_deref())),
        Kind::Map(keys, values) => {
            format!("MAP<{},{}>", schema_text(keys.as_deref()), schema_text(values.as_deref()))
        }
        kind => kind.name().to_owned(),
    };
    let name = schema.name.as_deref().map(|name| format!(":{}", name.rsplit('.').next().unwrap()));
    let scale = schema.parameters.get("scale").map(|scale| format!("{{scale={scale}}}"));
    text + &name.unwrap_or_default() + &scale.unwrap_or_default()
}

fn value_text(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Int8(number) => format!("B({number})"),
        Value::Int16(number) => format!("S({number})"),
        Value::Int32(number) => format!("I({number})"),
        Value::Int64(number) => format!("L({number})"),
        Value::Float32(number) => format!("F({})", float(*number)),
        Value::Float64(number) => format!("D({})", double(*number)),
        Value::Boolean(truth) => format!("B({truth})"),
        Value::String(text) => format!("S({text})"),
        Value::Decimal(number) => format!("B({})", decimal(number)),
        Value::Date(ms) => format!("@{ms}"),
        Value::Array(values) => {
            format!("[{}]", values.iter().map(value_text).collect::<Vec<_>>().join(","))
        }
        Value::Map(entries) => {
            let entry = |(key, value): &(Value, Value)| format!("{}:{}", value_text(key), value_text(value));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(","))
        }
        other => unreachable!("{other:?}"),
    }
}

#[test]
fn texts_are_read_as_connect_reads_them() {
    for (text, expected) in READ {
        let read = parse(text);
        let found = match &read.schema {
            None => "NULLSV".to_owned(),
            schema => format!("{} {}", schema_text(schema.as_deref()), value_text(&read.value)),
        };
        // Java 17 writes some floats with a digit more than they need.
        let expected = expected.replace("1.23456792E8", "1.2345679E8");
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn deep_nesting_is_a_string() {
    let deep = "[".repeat(100_000);
    assert_eq!(parse(&deep).value, Value::from(deep.as_str()));
}

proptest! {
    #[test]
    fn no_text_is_too_much(text in "[\\[\\]{}\",:\\\\0-9a-z.eE+ -]{0,40}|\\PC{0,30}") {
        parse(&text);
    }
}

#[test]
fn values_are_written_as_literals() {
    // What Connect 4.3 writes.
    let text = || Value::from("a\"b\\");
    let bytes = || Value::Bytes(vec![1].into());
    let list = Value::Array(vec![text(), Value::Int32(1), Value::Null, bytes(), Value::Date(86_400_000)]);
    let map = Value::Map(vec![("k".into(), Value::Float32(1.5)), (Value::Int8(2), Value::Null)]);
    let schema = Schema::of_fields([("s", std::sync::Arc::new(Schema::new(Kind::String)))]);
    let of = crate::data::Struct { schema: std::sync::Arc::new(schema), values: vec!["q".into()] };
    for (value, written) in [
        (text(), r#"a"b\"#),
        (bytes(), "AQ=="),
        (Value::Date(5), "00:00:00.005Z"),
        (list, r#"["a\"b\\",1,null,"AQ==",1970-01-02]"#),
        (map, r#"{"k":1.5,2:null}"#),
        (Value::Struct(of), r#"{"s":"q"}"#),
        (Value::Null, "null"),
    ] {
        assert_eq!(super::write(&value), written);
    }
}
