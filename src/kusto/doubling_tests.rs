//! Schemas that use one type twice in the next, and so on: as a tree such a schema has 2^45 leaves, in a few kilobytes.
//! Whatever is done with one takes as long as it has types, or ends with an error; what does neither never ends here.
//!
//! The matrix: every format that can say it × all that goes through schemas.

use super::avro::{Container, datum};
use crate::batch::Batch;
use crate::causes::chain;
use crate::convert::{
    ConvertFailure, ConverterRow, Input, avro as avro_converter, protobuf as proto, schema_json, testing,
};
use crate::data::json::{self, DecimalFormat};
use crate::data::registered::{Registered, SchemaId};
use crate::data::{Origin, Record, SchemaAndValue, Value};
use crate::plugins::BUILT_IN;
use crate::transform::TransformationChain;
use std::collections::BTreeMap;

/// No result is longer.
const MOST: usize = 100_000;
const MANY_PARTS: &str = "too many parts";
const MANY_VALUES: &str = "more values than bytes";

struct Case {
    name: &'static str,
    row: &'static ConverterRow,
    settings: &'static [(&'static str, &'static str)],
    /// The schema, with this type in its last part.
    schema: fn(&str) -> String,
    value: &'static [u8],
    read: Ends,
    flat: Ends,
    avro: Ends,
}

/// How something ends.
#[derive(Clone, Copy)]
enum Ends {
    Well,
    With(&'static str),
}
use Ends::{Well, With};

/// A schema that a converter reads as any other.
const READ: Case = Case {
    name: "",
    row: &avro_converter::CONFLUENT,
    settings: &[],
    schema: |_| String::new(),
    value: &[0, 0],
    read: Well,
    flat: With(MANY_PARTS),
    avro: Well,
};

#[rustfmt::skip] // a table
const CASES: &[Case] = &[
    Case { name: "Avro records", schema: |leaf| avro(leaf, |of| format!(r#"["null",{of}]"#), ""), ..READ },
    Case { name: "Apicurio's Avro records", row: &avro_converter::APICURIO, schema: |leaf| avro(leaf, |of| format!(r#"["null",{of}]"#), ""), ..READ },
    Case { name: "Avro arrays of records", schema: |leaf| avro(leaf, |of| format!(r#"{{"type":"array","items":{of}}}"#), ""), flat: Well, ..READ },
    Case { name: "Avro maps of records", schema: |leaf| avro(leaf, |of| format!(r#"{{"type":"map","values":{of}}}"#), ""), flat: With("does not support MAP"), ..READ },
    // Of all unions none has a name of its own.
    Case { name: "Avro unions", schema: |leaf| avro(leaf, |of| format!(r#"["null",{of},"string"]"#), ""), avro: With("two different schemas"), ..READ },
    Case { name: "Avro records without bytes", schema: |_| avro("", str::to_owned, ""), value: &[], read: With(MANY_VALUES), ..READ },
    Case { name: "Avro defaults", schema: |leaf| avro(leaf, str::to_owned, r#","default":{}"#), value: &[], read: With(MANY_PARTS), ..READ },
    Case { name: "Avro maps with keys of records", schema: avro_maps, value: &[0], flat: With("does not support MAP"), avro: With(MANY_PARTS), ..READ },
    Case { name: "objects of a JSON Schema", row: &schema_json::ROW, schema: |leaf| json_schema(leaf, |of| format!(r#"{{"type":"object","properties":{{"a":{of},"b":{of}}}}}"#)), value: b"{}", ..READ },
    Case { name: "arrays in objects of a JSON Schema", row: &schema_json::ROW, schema: |leaf| json_schema(leaf, |of| format!(r#"{{"type":"object","properties":{{"a":{{"type":"array","items":{of}}},"b":{of}}}}}"#)), value: b"{}", flat: Well, ..READ },
    Case { name: "oneOf", row: &schema_json::ROW, schema: |leaf| json_schema(leaf, |of| format!(r#"{{"oneOf":[{of},{of}]}}"#)), value: b"{}", read: With(MANY_PARTS), ..READ },
    Case { name: "anyOf", row: &schema_json::ROW, schema: |leaf| json_schema(leaf, |of| format!(r#"{{"anyOf":[{of},{of}]}}"#)), value: b"{}", read: With(MANY_PARTS), ..READ },
    Case { name: "allOf", row: &schema_json::ROW, schema: |leaf| json_schema(leaf, |of| format!(r#"{{"allOf":[{of},{of}]}}"#)), value: b"{}", read: With("an allOf is a ring"), ..READ },
    Case { name: "Protobuf messages", row: &proto::CONFLUENT, schema: |leaf| protobuf(leaf, "A a = 1; A b = 2;"), value: &[0], ..READ },
    Case { name: "lists of Protobuf messages", row: &proto::CONFLUENT, schema: |leaf| protobuf(leaf, "repeated A a = 1; map<string, A> b = 2;"), value: &[0], flat: With("does not support MAP"), ..READ },
    Case { name: "oneofs of Protobuf", row: &proto::CONFLUENT, schema: |leaf| protobuf(leaf, "oneof x { A a = 1; A b = 2; }"), value: &[0], avro: With("two different schemas"), ..READ },
    Case { name: "Protobuf messages that are missing", row: &proto::CONFLUENT, settings: &[("generate.struct.for.nulls", "true")], schema: |leaf| protobuf(leaf, "A a = 1; A b = 2;"), value: &[0], read: With(MANY_VALUES), ..READ },
];

/// Records with two fields of the next one's type, the last with an int or nothing.
fn avro(leaf: &str, field: impl Fn(&str) -> String, default: &str) -> String {
    let leaf = if leaf.is_empty() {
        String::new()
    } else {
        format!(r#"{{"name":"x","type":"{leaf}"{}}}"#, default.replace("{}", "1"))
    };
    (0..45).fold(format!(r#"{{"type":"record","name":"L0","fields":[{leaf}]}}"#), |of, at| {
        let (first, again) = (field(&of), field(&format!("\"L{at}\"")));
        format!(
            r#"{{"type":"record","name":"L{}","fields":[{{"name":"a","type":{first}{default}}},{{"name":"b","type":{again}{default}}}]}}"#,
            at + 1
        )
    })
}

/// Maps whose keys and values are both of the next one's type.
fn avro_maps(leaf: &str) -> String {
    let entries = |of: &str| format!(r#"{{"type":"array","items":{of}}}"#);
    let last = format!(
        r#"{{"type":"record","name":"E0","connect.internal.type":"MapEntry","fields":[
            {{"name":"key","type":"{leaf}"}},{{"name":"value","type":"{leaf}"}}]}}"#
    );
    let all = (0..45).fold(last, |of, at| {
        let (first, again) = (entries(&of), entries(&format!("\"E{at}\"")));
        format!(
            r#"{{"type":"record","name":"E{}","connect.internal.type":"MapEntry","fields":[
                {{"name":"key","type":{first}}},{{"name":"value","type":{again}}}]}}"#,
            at + 1
        )
    });
    format!(r#"{{"type":"record","name":"R","fields":[{{"name":"m","type":{}}}]}}"#, entries(&all))
}

/// Parts that each refer to the next one twice. A reference and what it names are levels of their own, of a hundred.
fn json_schema(leaf: &str, part: fn(&str) -> String) -> String {
    let leaf = if leaf == "int" { "integer" } else { "string" };
    let reference = |at: usize| format!(r##"{{"$ref":"#/d/l{at}"}}"##);
    let parts: Vec<_> = (0..30).map(|at| format!(r#""l{at}":{},"#, part(&reference(at + 1)))).collect();
    let parts = parts.concat();
    format!(
        r#"{{"$ref":"{}","d":{{{parts}"l30":{{"type":"object","properties":{{"x":{{"type":"{leaf}"}}}}}}}}}}"#,
        "#/d/l0"
    )
}

fn protobuf(leaf: &str, fields: &str) -> String {
    let leaf = if leaf == "int" { "int32" } else { "string" };
    let message =
        |at: usize| format!("message M{at} {{ {} }} ", fields.replace('A', &format!("M{}", at + 1)));
    let all: String = (0..45).map(message).collect();
    format!("syntax = \"proto3\"; {all} message M45 {{ {leaf} x = 1; }}")
}

fn read(case: &Case, leaf: &str) -> Result<SchemaAndValue, String> {
    let converter = testing::registered(case.row, "value", case.settings);
    let text = (case.schema)(leaf);
    assert!(text.len() < 20_000, "{}", text.len());
    let registered = Registered { kind: None, text, references: Vec::new() };
    converter.learn(SchemaId::Number(0), Ok(registered), None);
    let is_apicurio = !case.row.has_alias;
    let bytes = [if is_apicurio { &[0; 9][..] } else { &[0; 5] }, case.value].concat();
    let read = converter.convert(Input { bytes: Some(&bytes), id: None, detail: None, topic: "t" });
    read.map_err(|failure| match failure {
        ConvertFailure::Data(error) => chain(&error),
        ConvertFailure::NeedsSchema(_) => "what was learnt is known".to_owned(),
    })
}

fn flat(data: &SchemaAndValue) -> Result<usize, String> {
    let settings =
        [("transforms", "f"), ("transforms.f.type", "org.apache.kafka.connect.transforms.Flatten$Value")];
    let settings: BTreeMap<_, _> = settings.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let record = Record {
        origin: Origin { topic: "t".into(), partition: 0, offset: 0 },
        topic: "t".into(),
        key: SchemaAndValue::NULL,
        value: data.clone(),
        headers: Vec::new(),
        timestamp: None,
        timestamp_type: None,
    };
    let flat = BUILT_IN
        .transformations(&settings)
        .and_then(|plan| TransformationChain::new(&plan))
        .unwrap()
        .apply(record);
    let flat = flat.map_err(|failure| chain(&failure.error))?.ok_or("no record")?;
    Ok(flat.value.schema.map_or(0, |schema| schema.fields().len()))
}

fn avro_file(data: &SchemaAndValue) -> Result<usize, String> {
    let (Value::Struct(of), Some(schema)) = (&data.value, &data.schema) else {
        return Err("no struct".into());
    };
    let (mut batch, mut container) = (Batch::new(), Container::default());
    let datum = datum(of).map_err(|error| chain(&error))?;
    container.push(&mut batch, (0, &datum), schema).map_err(|error| chain(&error))?;
    container.finish(&mut batch).map_err(|error| chain(&error))?;
    let sealed = batch.seal().map_err(|error| chain(&error))?.ok_or("no batch")?;
    Ok(usize::try_from(sealed.raw_bytes).unwrap())
}

/// What is wrong with an end, if anything is.
fn checked(what: &str, wanted: Ends, found: Result<usize, String>) -> Option<String> {
    match (wanted, found) {
        (Well, Ok(size)) if size <= MOST => None,
        (With(words), Err(error)) if error.contains(words) && error.len() < 1000 => None,
        (_, found) => Some(format!("{what}: {found:?}")),
    }
}

/// What is wrong with a case.
fn tried(case: &Case) -> Vec<String> {
    println!("{}", case.name);
    let name = |what: &str| format!("{}, {what}", case.name);
    let data = match (case.read, read(case, "int")) {
        (Well, Ok(data)) => data,
        (ends, found) => return checked(&name("read"), ends, found.map(|_| 0)).into_iter().collect(),
    };
    let mut out = Vec::new();
    let written = json::write(data.schema.as_deref(), &data.value, DecimalFormat::Base64, &mut out);
    let written = written.map(|()| out.len()).map_err(|error| chain(&error));
    let mut wrong = Vec::new();
    wrong.extend(checked(&name("JSON"), Well, written));
    wrong.extend(checked(&name("flattened"), case.flat, flat(&data)));
    wrong.extend(checked(&name("Avro"), case.avro, avro_file(&data)));
    // Never shown: that would be as long as the tree.
    let is_same = |leaf: &str| read(case, leaf).is_ok_and(|other| other == data);
    if !is_same("int") || is_same("string") {
        wrong.push(name("is not the same as itself, or as another"));
    }
    wrong
}

#[test]
fn what_doubles_takes_as_long_as_it_is_written() {
    let wrong: Vec<_> = CASES.iter().flat_map(tried).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
