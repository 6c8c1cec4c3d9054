//! What is wide costs its width, not the square of it: hundreds of thousands of headers, fields and names go through every
//! transformation and converter in moments. Work that grew with the square would take hours here, and the test with it.

use std::collections::BTreeMap;

use kusto_connect::data::json::{self, DecimalFormat};
use kusto_connect::data::{Header, Kind, Origin, Record, Schema, SchemaAndValue, Struct, Value, literal};
use kusto_connect::transform::TransformationChain;

use crate::support::made;
use std::sync::Arc;

const MANY: usize = 200_000;

fn name(number: usize) -> String {
    format!("field{number}")
}

/// All names, in one setting.
fn names(suffix: &str) -> String {
    (0..MANY).map(|number| name(number) + suffix).collect::<Vec<_>>().join(",")
}

fn chain(class: &str, settings: &[(&str, &str)]) -> TransformationChain {
    let mut all = BTreeMap::from([
        ("transforms".to_owned(), "x".to_owned()),
        ("transforms.x.type".to_owned(), format!("org.apache.kafka.connect.transforms.{class}")),
    ]);
    all.extend(settings.iter().map(|(key, value)| (format!("transforms.x.{key}"), (*value).to_owned())));
    made::chain(&all)
}

fn record(value: SchemaAndValue) -> Record {
    Record {
        origin: Origin { topic: "t".into(), partition: 0, offset: 0 },
        topic: "t".into(),
        key: SchemaAndValue::NULL,
        value,
        headers: Vec::new(),
        timestamp: Some(0),
        timestamp_type: None,
    }
}

fn map() -> SchemaAndValue {
    let entries = (0..MANY).map(|number| (name(number).as_str().into(), Value::Int8(1)));
    SchemaAndValue::schemaless(Value::Map(entries.collect()))
}

fn wide_struct() -> SchemaAndValue {
    let of = Arc::new(Schema::optional(Kind::Int8));
    let schema = Arc::new(Schema::of_fields((0..MANY).map(|number| (name(number), of.clone()))));
    let value = Value::Struct(Struct { schema: schema.clone(), values: vec![Value::Int8(1); MANY] });
    SchemaAndValue { schema: Some(schema), value }
}

/// How many parts a value has.
fn width(value: &Value) -> usize {
    match value {
        Value::Map(entries) => entries.len(),
        Value::Struct(of) => of.values.len(),
        other => panic!("{other:?} is not wide"),
    }
}

#[test]
fn transformations_of_many_fields_by_many_names_take_one_look_at_each() {
    let (all, renames, types) = (names(""), names(":x"), names(":string"));
    let renames = renames.split(',').enumerate().map(|(at, pair)| format!("{pair}{at}"));
    let renames = renames.collect::<Vec<_>>().join(",");
    let cases = [
        ("ReplaceField$Value", vec![("renames", renames.as_str())], MANY),
        ("ReplaceField$Value", vec![("include", all.as_str())], MANY),
        ("ReplaceField$Value", vec![("exclude", all.as_str())], 0),
        ("Cast$Value", vec![("spec", types.as_str())], MANY),
        ("MaskField$Value", vec![("fields", all.as_str())], MANY),
        ("Flatten$Value", vec![], MANY),
        ("HeaderFrom$Value", vec![("fields", &all), ("headers", &all), ("operation", "copy")], MANY),
        ("HeaderFrom$Value", vec![("fields", &all), ("headers", &all), ("operation", "move")], 0),
        ("ValueToKey", vec![("fields", all.as_str())], MANY),
        ("InsertField$Value", vec![("static.field", "s"), ("static.value", "v")], MANY + 1),
    ];
    for (class, settings, wanted) in cases {
        let chain = chain(class, &settings);
        for value in [map(), wide_struct()] {
            let changed = chain.apply(record(value)).expect("no failure").expect("a record");
            assert_eq!(width(&changed.value.value), wanted, "{class}");
            if class == "ValueToKey" {
                assert_eq!(width(&changed.key.value), MANY);
            }
            assert!(!literal::write(&changed.value.value).is_empty());
        }
    }
}

#[test]
fn many_headers_are_dropped_by_many_names() {
    let chain = chain("DropHeaders", &[("headers", &names(""))]);
    let header = |number| Header { key: name(number).into(), value: SchemaAndValue::NULL };
    let headers = (0..2 * MANY).map(header).collect();
    let changed = chain.apply(Record { headers, ..record(SchemaAndValue::NULL) });
    assert_eq!(changed.expect("no failure").expect("a record").headers.len(), MANY);
}

#[test]
fn many_fields_in_any_order_and_many_keys_are_read_once() {
    let fields: Vec<_> = (0..MANY).map(|at| format!(r#"{{"field":"{}","type":"int8"}}"#, name(at))).collect();
    let members: Vec<_> = (0..MANY).rev().map(|at| format!(r#""{}":1"#, name(at))).collect();
    let members = members.join(",");
    let text = format!(
        r#"{{"schema":{{"type":"struct","fields":[{}]}},"payload":{{{members}}}}}"#,
        fields.join(",")
    );
    let read = |(side, class): (&str, &str), text: &str| {
        let converter = made::converter(side, class, &[]).expect("good settings");
        converter.to_data(Some(text.as_bytes())).expect("good data")
    };
    let data = read(("value", "JsonConverter"), &text);
    assert_eq!(width(&data.value), MANY);
    let mut out = Vec::new();
    json::write(data.schema.as_deref(), &data.value, DecimalFormat::Numeric, &mut out).expect("written");
    assert_eq!(out.len(), members.len() + 2);
    assert_eq!(width(&read(("header", "SimpleHeaderConverter"), &format!("{{{members}}}")).value), MANY);
}

#[test]
fn what_is_deep_and_wide_is_read_once_and_not_at_each_level() {
    let inner = vec!["1"; 2_000_000].join(",");
    let text = "[".repeat(999) + &inner + &"]".repeat(999);
    let settings = [("schemas.enable", "false")];
    let converter = made::converter("value", "JsonConverter", &settings).expect("good settings");
    let data = converter.to_data(Some(text.as_bytes())).expect("good data");
    let mut out = Vec::new();
    json::write(None, &data.value, DecimalFormat::Numeric, &mut out).expect("written");
    assert_eq!(out.len(), text.len());
}
