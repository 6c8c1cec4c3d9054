//! Nothing that others write is too deep for a stack: whatever recurses over a record, a schema or a setting has a bound,
//! and what lies within it goes all its way, through every transformation, on a stack such as the worker's threads have.
//!
//! The matrix: every place in which something can be nested × depths on both sides of its bound. (The bound of most places
//! is 1,000 levels, which is the JVM's.) What is sent to a worker or answered to it is in `deep_answers`.

use kusto_connect::plugins::BUILT_IN;
use std::collections::BTreeMap;
use std::thread;

use kusto_connect::app::STACK_BYTES;
use kusto_connect::config::WorkerConfig;
use kusto_connect::convert::{ConvertFailure, Input, avro, connect_json, protobuf, schema_json};
use kusto_connect::data::json::{self, DecimalFormat};
use kusto_connect::data::registered::{Reference, Registered, SchemaId};
use kusto_connect::data::{Converted, Header, Origin, Record, SchemaAndValue, TimestampType, literal};
use kusto_connect::transform::TransformationChain;

use crate::support::made;

/// As the JVM's Jackson.
const JSON: usize = 1000;
/// Types in types of a registered schema.
const TYPES: usize = 100;

/// What became of something nested: its value, nothing to look at, or why it was refused.
type Outcome = Result<Option<SchemaAndValue>, String>;

/// A place in which something can be nested.
struct Place {
    name: &'static str,
    /// The deepest that is read.
    most: usize,
    /// Reads something so deep.
    read: fn(usize) -> Outcome,
}

#[rustfmt::skip] // a table
const PLACES: &[Place] = &[
    Place { name: "a document", most: JSON, read: |depth| json(&[("schemas.enable", "false")], &nested(depth)) },
    Place { name: "a document that is passed on", most: JSON, read: |depth| passed("false", &nested(depth)) },
    Place { name: "objects", most: JSON, read: |depth| json(&[("schemas.enable", "false")], &objects(depth)) },
    Place { name: "a payload without a schema", most: JSON - 1, read: |depth| json(&[], &envelope("null", &nested(depth))) },
    Place { name: "such a payload that is passed on", most: JSON - 1, read: |depth| passed("true", &envelope("null", &nested(depth))) },
    Place { name: "a payload with a schema", most: JSON - 1, read: |depth| json(&[], &envelope(&arrays("items", "int32", depth), &nested(depth - 1))) },
    Place { name: "structs of an envelope", most: (JSON - 1) / 2, read: |depth| json(&[], &envelope(&structs(depth), &objects(depth))) },
    Place { name: "the schema of a null", most: JSON - 1, read: |depth| json(&[], &envelope(&optional(&arrays("items", "int32", depth)), "null")) },
    Place { name: "a default", most: JSON - 1, read: |depth| json(&[], &envelope(&with_default(depth), "null")) },
    Place { name: "a member that no field is for", most: JSON - 2, read: |depth| json(&[], &envelope(r#"{"type":"struct","fields":[]}"#, &format!("{{\"x\":{}}}", nested(depth)))) },
    Place { name: "schema.content", most: JSON, read: |depth| json(&[("schema.content", &arrays("items", "int32", depth))], &nested(depth - 1)) },
    Place { name: "lists in a header", most: JSON, read: |depth| header(&nested(depth)) },
    Place { name: "maps in a header", most: JSON, read: |depth| header(&("{\"a\":".repeat(depth) + "1" + &"}".repeat(depth))) },
    Place { name: "maps as keys in a header", most: JSON - 1, read: |depth| header(&("{".repeat(depth) + "1" + &":[1,true]}".repeat(depth))) },
    Place { name: "a header without an end", most: usize::MAX, read: |depth| header(&"[{".repeat(depth)) },
    Place { name: "an Avro schema", most: JSON, read: |depth| registered(avro::CONFLUENT.class, &avro_arrays(depth), &[], &avro_lists(depth)) },
    Place { name: "Avro records", most: JSON / 3 - 1, read: |depth| registered(avro::CONFLUENT.class, &avro_records(depth), &[], &[]) },
    Place { name: "a record of Avro inside itself", most: JSON - 1, read: |depth| registered(avro::CONFLUENT.class, AVRO_RING, &[], &[vec![2; depth], vec![0]].concat()) },
    Place { name: "an Avro default", most: JSON - 4, read: |depth| registered(avro::CONFLUENT.class, &avro_default(depth), &[], &[0]) },
    Place { name: "a property of an Avro schema", most: JSON - 1, read: |depth| registered(avro::CONFLUENT.class, &format!(r#"{{"type":"int","x":{}}}"#, nested(depth)), &[], &[2]) },
    Place { name: "an Avro value without an end", most: 0, read: |depth| registered(avro::CONFLUENT.class, AVRO_RING, &[], &vec![2; depth]) },
    Place { name: "a JSON Schema", most: TYPES, read: |depth| registered(schema_json::ROW.class, &arrays("items", "integer", depth), &[], nested(depth - 1).as_bytes()) },
    Place { name: "objects of a JSON Schema", most: TYPES - 1, read: |depth| registered(schema_json::ROW.class, &properties(depth), &[], objects(depth).as_bytes()) },
    Place { name: "an object of a JSON Schema inside itself", most: JSON, read: |depth| registered(schema_json::ROW.class, r##"{"type":"object","properties":{"a":{"$ref":"#"}}}"##, &[], objects_of("{}", depth - 1).as_bytes()) },
    Place { name: "a chain of $refs", most: TYPES - 1, read: |depth| registered(schema_json::ROW.class, &chain(depth), &[], b"1") },
    Place { name: "an allOf", most: TYPES + 1, read: |depth| registered(schema_json::ROW.class, &all_of(depth), &[], b"1") },
    Place { name: "Apicurio's JSON", most: JSON, read: |depth| registered(connect_json::ROW.class, &arrays("items", "int32", depth), &[], nested(depth - 1).as_bytes()) },
    Place { name: "Protobuf messages in messages", most: 31, read: |depth| registered(protobuf::CONFLUENT.class, &messages(depth), &[], &[]) },
    Place { name: "a Protobuf message inside itself", most: 99, read: |depth| registered(protobuf::CONFLUENT.class, "syntax = \"proto3\"; message M { M m = 1; int32 n = 2; }", &[], &message(depth)) },
    Place { name: "fields that are messages", most: 100, read: |depth| registered(protobuf::CONFLUENT.class, &siblings(depth), &[], &[]) },
    Place { name: "options of Protobuf", most: 99, read: |depth| registered(protobuf::CONFLUENT.class, &options(depth), &[], &[]) },
    Place { name: "imports of Protobuf", most: 999, read: |depth| registered(protobuf::CONFLUENT.class, &import(depth), &imports(depth), &[]) },
    Place { name: "a mapping", most: 0, read: |depth| setting("kusto.tables.topics.mapping", &nested(depth)) },
    Place { name: "columns of a mapping", most: 0, read: |depth| setting("kusto.tables.topics.mapping", &format!("[{{'topic':'t','db':'d','table':'t','columns':{}}}]", nested(depth))) },
    Place { name: "groups of an expression", most: 62, read: |depth| setting("topics.regex", &("(".repeat(depth) + "a" + &")".repeat(depth))) },
];

/// `[[[7]]]`.
fn nested(depth: usize) -> String {
    "[".repeat(depth) + "7" + &"]".repeat(depth)
}

/// `{"a":{"a":7}}`.
fn objects(depth: usize) -> String {
    objects_of("7", depth)
}

fn objects_of(inner: &str, depth: usize) -> String {
    "{\"a\":".repeat(depth) + inner + &"}".repeat(depth)
}

fn envelope(schema: &str, payload: &str) -> String {
    format!(r#"{{"schema":{schema},"payload":{payload}}}"#)
}

/// The schema of arrays in arrays, in Connect's JSON or as a JSON Schema; without arrays it is an object too.
fn arrays(items: &str, of: &str, depth: usize) -> String {
    let inner = format!(r#"{{"type":"{of}"}}"#);
    format!(r#"{{"type":"array","{items}":"#).repeat(depth - 1) + &inner + &"}".repeat(depth - 1)
}

fn optional(schema: &str) -> String {
    schema.replacen('{', r#"{"optional":true,"#, 1)
}

fn structs(depth: usize) -> String {
    r#"{"type":"struct","field":"a","fields":["#.repeat(depth)
        + r#"{"type":"int32","field":"a"}"#
        + &"]}".repeat(depth)
}

/// The default is as deep as the schema.
fn with_default(depth: usize) -> String {
    let default = format!(r#"{{"default":{},"#, nested(depth - 1));
    arrays("items", "int32", depth).replacen('{', &default, 1)
}

fn avro_arrays(depth: usize) -> String {
    r#"{"type":"array","items":"#.repeat(depth - 1) + r#"{"type":"int"}"# + &"}".repeat(depth - 1)
}

/// A list of one element in each list.
fn avro_lists(depth: usize) -> Vec<u8> {
    [vec![2; depth - 1], vec![14], vec![0; depth - 1]].concat()
}

fn avro_records(depth: usize) -> String {
    let record = |at: usize| format!(r#"{{"type":"record","name":"r{at}","fields":[{{"name":"a","type":"#);
    (0..depth).map(record).collect::<String>()
        + r#"{"type":"record","name":"last","fields":[]}"#
        + &"}]}".repeat(depth)
}

const AVRO_RING: &str = r#"{"type":"record","name":"r","fields":[{"name":"next","type":["null","r"]}]}"#;

fn avro_default(depth: usize) -> String {
    let of = avro_arrays(depth + 1);
    format!(
        r#"{{"type":"record","name":"r","fields":[{{"name":"a","type":{of},"default":{}}}]}}"#,
        nested(depth)
    )
}

fn properties(depth: usize) -> String {
    r#"{"type":"object","properties":{"a":"#.repeat(depth - 1)
        + r#"{"type":"object","properties":{"a":true}}"#.replace("true", r#"{"type":"integer"}"#).as_str()
        + &"}}".repeat(depth - 1)
}

fn chain(depth: usize) -> String {
    let link = |at: usize| format!(r##""d{at}":{{"$ref":"#/d/d{}"}},"##, at + 1);
    let links: String = (0..depth - 1).map(link).collect();
    format!(r##"{{"$ref":"#/d/d0","d":{{{links}"d{}":{{"type":"integer"}}}}}}"##, depth - 1)
}

fn all_of(depth: usize) -> String {
    r#"{"allOf":["#.repeat(depth) + r#"{"type":"integer"}"# + &"]}".repeat(depth)
}

fn messages(depth: usize) -> String {
    let message = |at: usize| format!("message M{at} {{ int32 n = 1; ");
    "syntax = \"proto3\"; ".to_owned() + &(0..depth).map(message).collect::<String>() + &"}".repeat(depth)
}

/// A message in a message, each with its length before it; written from its end.
fn message(depth: usize) -> Vec<u8> {
    let mut all = vec![1, 16];
    for _ in 0..depth {
        let mut length = all.len();
        let mut varint = Vec::new();
        while length >= 0x80 {
            varint.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
            length >>= 7;
        }
        varint.push(u8::try_from(length).unwrap());
        all.extend(varint.iter().rev());
        all.push(10);
    }
    all.reverse();
    all
}

/// Messages side by side, each a field of the one before it.
fn siblings(depth: usize) -> String {
    let message = |at: usize| format!("message M{at} {{ M{} m = 1; }} ", at + 1);
    let all: String = (0..depth - 1).map(message).collect();
    format!("syntax = \"proto3\"; {all} message M{} {{ int32 n = 1; }}", depth - 1)
}

fn options(depth: usize) -> String {
    "syntax = \"proto2\"; import \"google/protobuf/descriptor.proto\";
     extend google.protobuf.MessageOptions { optional M n = 50000; }
     message M { optional M m = 1; option (n) = "
        .to_owned()
        + &"{ m ".repeat(depth - 1)
        + "{"
        + &"}".repeat(depth)
        + "; }"
}

fn import(to: usize) -> String {
    format!("syntax = \"proto3\"; import \"p{to}.proto\"; message M {{ int32 n = 1; }}")
}

fn imports(depth: usize) -> Vec<(String, String)> {
    let file = |at: usize| {
        let import = if at > 0 { format!("import \"p{}.proto\";", at - 1) } else { String::new() };
        (format!("p{at}.proto"), format!("syntax = \"proto3\"; {import} message P{at} {{}}"))
    };
    (0..=depth).map(file).collect()
}

fn json(settings: &[(&str, &str)], text: &str) -> Outcome {
    let data = made::converter("value", "JsonConverter", settings)?.to_data(Some(text.as_bytes()));
    data.map(Some).map_err(|error| kusto_connect::causes::chain(&error))
}

fn passed(envelope: &str, text: &str) -> Outcome {
    let converter = made::converter("value", "JsonConverter", &[("schemas.enable", envelope)])?;
    match converter.convert(Some(text.as_bytes())) {
        Ok(Converted::Json(_)) => Ok(None),
        Ok(other) => Err(format!("{other:?} is not passed on")),
        Err(error) => Err(kusto_connect::causes::chain(&error)),
    }
}

/// Every text is a header's; one that is too deep is only that.
fn header(text: &str) -> Outcome {
    let data = made::converter("header", "SimpleHeaderConverter", &[])?.to_data(Some(text.as_bytes()));
    let data = data.map_err(|error| error.to_string())?;
    let is_closed = text.ends_with(['}', ']']);
    if is_closed && data.value == text.into() {
        Err("nested too deep: a text".to_owned())
    } else {
        Ok(Some(data))
    }
}

fn registered(class: &str, schema: &str, references: &[(String, String)], value: &[u8]) -> Outcome {
    let converter = made::registered(class);
    let reference = |(name, text): &(String, String)| Reference { name: name.clone(), text: text.clone() };
    let references = references.iter().map(reference).collect();
    converter.learn(
        SchemaId::Number(0),
        Ok(Registered { kind: None, text: schema.to_owned(), references }),
        None,
    );
    let id: &[u8] = if class.starts_with("io.apicurio.") { &[0; 9] } else { &[0; 5] };
    let index: &[u8] = if class == protobuf::CONFLUENT.class { &[0] } else { &[] };
    let bytes = [id, index, value].concat();
    let input = Input { bytes: Some(&bytes), id: None, detail: None, topic: "t" };
    match converter.convert(input) {
        Ok(data) => Ok(Some(data)),
        Err(ConvertFailure::Data(error)) => Err(kusto_connect::causes::chain(&error)),
        Err(ConvertFailure::NeedsSchema(_)) => panic!("what was learnt is known"),
    }
}

fn setting(key: &str, value: &str) -> Outcome {
    let env = [
        ("BOOTSTRAP_SERVERS", "127.0.0.1:9092"),
        ("GROUP_ID", "depth"),
        ("CONFIG_STORAGE_TOPIC", "configs"),
        ("OFFSET_STORAGE_TOPIC", "offsets"),
        ("STATUS_STORAGE_TOPIC", "statuses"),
    ];
    let env: BTreeMap<String, String> = env.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let worker = WorkerConfig::load(&BUILT_IN, None, env).unwrap();
    let mut raw = BTreeMap::from([
        ("name", "depth"),
        ("connector.class", "com.microsoft.azure.kusto.kafka.connect.sink.KustoSinkConnector"),
        ("kusto.ingestion.url", "http://127.0.0.1:8080"),
        ("kusto.query.url", "http://127.0.0.1:8080"),
        ("kusto.tables.topics.mapping", "[{'topic':'*','db':'d','table':'t'}]"),
        ("topics", "t"),
    ]);
    if key == "topics.regex" {
        raw.remove("topics");
    }
    raw.insert(key, value);
    let raw = raw.into_iter().map(|(key, value)| (key.to_owned(), Some(value.to_owned()))).collect();
    BUILT_IN.parse(&raw, &worker).map(|_| None).map_err(|errors| errors.to_string())
}

/// All transformations that look into what is nested, each with what a record needs for it.
fn transformations() -> Vec<TransformationChain> {
    let of = |class: &str, settings: &[(&str, &str)]| {
        let mut all = BTreeMap::from([
            ("transforms".to_owned(), "x".to_owned()),
            ("transforms.x.type".to_owned(), format!("org.apache.kafka.connect.transforms.{class}")),
        ]);
        let own = settings.iter().map(|(key, value)| (format!("transforms.x.{key}"), (*value).to_owned()));
        all.extend(own);
        made::chain(&all)
    };
    vec![
        of("Cast$Value", &[("spec", "n:string")]),
        of("Cast$Value", &[("spec", "string")]),
        of("ExtractField$Value", &[("field", "a")]),
        of("ExtractField$Value", &[("field", "a.a.a"), ("field.syntax.version", "V2")]),
        of("Flatten$Value", &[]),
        of("HeaderFrom$Value", &[("fields", "a"), ("headers", "a"), ("operation", "copy")]),
        of("HeaderFrom$Value", &[("fields", "a"), ("headers", "a"), ("operation", "move")]),
        of("HoistField$Value", &[("field", "h")]),
        of("InsertField$Value", &[("static.field", "s"), ("static.value", "v")]),
        of("MaskField$Value", &[("fields", "a")]),
        of("ReplaceField$Value", &[("renames", "a:b")]),
        of("SetSchemaMetadata$Value", &[("schema.name", "s")]),
        of("TimestampConverter$Value", &[("field", "a"), ("target.type", "unix")]),
        of("TimestampRouter", &[]),
        of("ValueToKey", &[("fields", "a")]),
    ]
}

/// Does with a value all that may be done with one.
fn use_up(data: &SchemaAndValue) {
    for decimals in [DecimalFormat::Base64, DecimalFormat::Numeric] {
        let _written_or_refused = json::write(data.schema.as_deref(), &data.value, decimals, &mut Vec::new());
    }
    assert!(!literal::write(&data.value).is_empty());
    assert_eq!(data.clone(), *data);
    for chain in transformations() {
        let _changed_or_refused = chain.apply(Record {
            origin: Origin { topic: "t".into(), partition: 0, offset: 0 },
            topic: "t".into(),
            key: data.clone(),
            value: data.clone(),
            headers: vec![Header { key: "h".into(), value: data.clone() }],
            timestamp: None,
            timestamp_type: Some(TimestampType::CreateTime),
        });
    }
}

/// What is wrong with one place, if anything is.
fn tried(place: &Place, depth: usize) -> Option<String> {
    println!("{} levels of {}", depth, place.name);
    let outcome = (place.read)(depth);
    match outcome {
        Ok(data) if depth <= place.most => data.iter().for_each(use_up),
        Ok(_) => return Some(format!("{depth} levels of {} are read", place.name)),
        Err(error) if depth <= place.most => {
            return Some(format!("{depth} levels of {}: {error}", place.name));
        }
        // A setting is quoted as it was written.
        Err(error) if error.len() > 2000 + 3 * depth => {
            return Some(format!("{}: {} bytes of error", place.name, error.len()));
        }
        Err(error) if error.contains("recursion limit exceeded") => {
            return Some(format!("{}: {error}", place.name));
        }
        Err(_) => {}
    }
    None
}

#[test]
fn nothing_is_too_deep_for_a_stack() {
    let all = || {
        let depths = |most: usize| [1, 10, most, most.saturating_add(1), 1000, 1001, 3000, 60_000];
        let cases = PLACES.iter().flat_map(|place| depths(place.most).map(|depth| (place, depth)));
        let cases = cases.filter(|(_, depth)| (1..=60_000).contains(depth));
        cases.filter_map(|(place, depth)| tried(place, depth)).collect::<Vec<_>>()
    };
    let thread = thread::Builder::new().stack_size(STACK_BYTES).spawn(all).unwrap();
    let wrong = thread.join().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
