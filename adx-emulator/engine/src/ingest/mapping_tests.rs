//! Mappings: every spelling that is read, and what is refused.

use super::*;

fn one(kind: Kind, text: &str) -> Element {
    parse(kind, text).unwrap().remove(0)
}

#[test]
fn reads_every_spelling_of_a_csv_element() {
    let expected = Element {
        column: "c".to_owned(),
        kind: Some(KustoType::Int),
        source: Source::Ordinal(2),
        transform: Transform::None,
    };
    for text in [
        r#"[{"Name":"c","datatype":"int","Ordinal":2}]"#,
        r#"[{"Name":"c","DataType":"int","CsvDataType":null,"Ordinal":2,"ConstValue":null}]"#,
        r#"[{"Column":"c","DataType":"int","Properties":{"Ordinal":"2"}}]"#,
        r#"[{"columnName":"c","columnType":"int","properties":{"ordinal":"2"}}]"#,
        r#"[{"column":"c","datatype":"System.Int32","properties":{"Ordinal":2}}]"#,
    ] {
        assert_eq!(one(Kind::Csv, text), expected, "{text}");
    }
}

#[test]
fn reads_json_paths() {
    let path = |text: &str| {
        one(Kind::Json, &format!(r#"[{{"column":"c","Properties":{{"Path":{}}}}}]"#, json!(text))).source
    };
    let member = |name: &str| Step::Member(name.to_owned());
    assert_eq!(path("$"), Source::Path(vec![]));
    assert_eq!(path("$.a.b"), Source::Path(vec![member("a"), member("b")]));
    assert_eq!(path("$['a b']"), Source::Path(vec![member("a b")]));
    assert_eq!(path(r#"$["a.b"].x[0]"#), Source::Path(vec![member("a.b"), member("x"), Step::Index(0)]));
    assert_eq!(path("plain"), Source::Constant("plain".to_owned()));
}

#[test]
fn refuses_what_it_cannot_carry_out() {
    for (kind, text) in [
        (Kind::Csv, "{}"),
        (Kind::Csv, "[]"),
        (Kind::Csv, "nonsense"),
        (Kind::Csv, r#"[{"Ordinal":0}]"#),
        (Kind::Csv, r#"[{"Name":"c"}]"#),
        (Kind::Csv, r#"[{"Name":"c","Ordinal":-1}]"#),
        (Kind::Csv, r#"[{"Name":"c","Ordinal":0,"ConstValue":"x"}]"#),
        (Kind::Csv, r#"[{"Name":"c","Ordinal":0},{"Name":"c","Ordinal":1}]"#),
        (Kind::Csv, r#"[{"Name":"c","Path":"$.a"}]"#),
        (Kind::Csv, r#"[{"Name":"c","Ordinal":0,"Colour":"red"}]"#),
        (Kind::Json, r#"[{"column":"c","Properties":{"Path":"$."}}]"#),
        (Kind::Json, r#"[{"column":"c","Properties":{"Path":"$[x]"}}]"#),
        (Kind::Json, r#"[{"column":"c","Properties":{"Path":"$.a","Transform":"BytesAsBase64"}}]"#),
        (Kind::Json, r#"[{"column":"c","Properties":{"Path":"$.a","Transform":"SourceLocation"}}]"#),
        (Kind::Json, r#"[{"column":"c","datatype":"colour","Properties":{"Path":"$.a"}}]"#),
        (Kind::Json, r#"[{"column":"c","Properties":{"Field":"a"}}]"#),
        (Kind::Avro, r#"[{"column":"c","Properties":{"Path":"$.a","Field":"a"}}]"#),
        (Kind::Avro, r#"[{"column":"c","Properties":{"Ordinal":"0"}}]"#),
        (Kind::Parquet, r#"[{"column":"c","Properties":{"Path":"$.a","Transform":"BytesAsBase64"}}]"#),
        (Kind::Parquet, r#"[{"column":"c","Properties":{"Field":"a","ConstValue":"x"}}]"#),
        (Kind::W3cLogFile, r#"[{"column":"c","Properties":{"Path":"$.a"}}]"#),
        (Kind::W3cLogFile, r#"[{"column":"c"}]"#),
    ] {
        assert!(parse(kind, text).is_err(), "{text}");
    }
}

#[test]
fn what_is_rendered_reads_back() {
    for (kind, text) in [
        (
            Kind::Csv,
            r#"[{"Name":"a","Ordinal":0},{"Name":"b","ConstValue":"x"},{"Name":"c","Transform":"SourceLineNumber"}]"#,
        ),
        (
            Kind::Csv,
            r#"[{"Name":"a","DataType":"datetime","Ordinal":0,"Transform":"DateTimeFromUnixSeconds"}]"#,
        ),
        (
            Kind::Json,
            r#"[{"column":"a","path":"$['x y'][0].b"},{"column":"l","transform":"SourceLocation"}]"#,
        ),
    ] {
        let elements = parse(kind, text).unwrap();
        assert_eq!(parse(kind, &render(kind, &elements)).unwrap(), elements, "{text}");
    }
}

#[test]
fn csv_is_shown_flat() {
    let elements =
        parse(Kind::Csv, r#"[{"column":"a","datatype":"int","Properties":{"Ordinal":"0"}}]"#).unwrap();
    assert_eq!(
        render(Kind::Csv, &elements),
        r#"[{"Name":"a","DataType":"int","CsvDataType":null,"Ordinal":0,"ConstValue":null}]"#
    );
}
