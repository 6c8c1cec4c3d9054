//! What is fuzzed: one function for each thing that reads bytes of others, each a promise about any bytes at all.
//!
//! No function may panic, whatever it is given, and what comes out is bounded by what came in. libFuzzer calls them from
//! `fuzz_targets`, `tests/it/fuzz.rs` with the stored corpus and changes of it. Nothing here does I/O or reads a clock.

use kusto_connect::plugins::BUILT_IN;
use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use kusto_connect::config::{WorkerConfig, jaas, properties};
use kusto_connect::convert::{
    ConvertFailure, Converter, Input, Made, RegisteredConverter, avro, connect_json, protobuf, schema_json,
};
use kusto_connect::data::java_time::DateFormat;
use kusto_connect::data::json::{self, DecimalFormat};
use kusto_connect::data::registered::{Registered, SchemaId};
use kusto_connect::data::{Converted, Origin, Record, SchemaAndValue, TimestampType, Value, literal};
use kusto_connect::kusto::KustoConnector;
use kusto_connect::kusto::ingest::parse_table;
use kusto_connect::kusto::outcome::{failures, name, queue};
use kusto_connect::plugins::SinkConnectorConfig;
use kusto_connect::transform::TransformationChain;

/// A function that is fuzzed.
pub type Target = fn(&[u8]);

/// All of them, under the names of their binaries and of their folders in `fuzz/corpus`.
pub const TARGETS: [(&str, Target); 13] = [
    ("avro", avro),
    ("date_pattern", date_pattern),
    ("ingestion_failures", ingestion_failures),
    ("jaas", jaas),
    ("json_envelope", json_envelope),
    ("json_schema", json_schema),
    ("mapping", mapping),
    ("properties", properties),
    ("protobuf", protobuf),
    ("registered_schemas", registered_schemas),
    ("simple_header", simple_header),
    ("topic_regex", topic_regex),
    ("transforms", transforms),
];

/// Longer inputs are ignored: all that is read here can be said in less, and a bound on what comes out may grow with
/// the square of what came in (a default that many nulls repeat).
const LONGEST: usize = 4096;

/// The name of a topic in the settings and the records below.
const TOPIC: &str = "storm-events";

/// `kusto.tables.topics.mapping`: a connector has these settings, or is told what is wrong by name.
pub fn mapping(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    match connector("kusto.tables.topics.mapping", text) {
        Ok(config) => {
            let sink: &dyn Any = &*config.sink;
            let sink = sink.downcast_ref::<KustoConnector>().expect("a Kusto sink");
            let found = sink.config().mapping.get(TOPIC);
            assert!(found.is_none_or(|found| !found.table.is_empty()), "a table without a name");
        }
        Err(error) => assert!(error.contains("kusto.tables.topics.mapping"), "{error}"),
    }
}

/// What ADX tells of ingestions that failed, as the answer to a command and as a message of a queue: each has a code, texts that fit into a
/// log line, and an address without its query; or it is left out.
pub fn ingestion_failures(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let _id = name::id_in(text);
    let mut found: Vec<_> = queue::read(text).into_iter().collect();
    if let Ok(answer) = serde_json::from_str::<serde_json::Value>(text) {
        let table = parse_table(&answer).unwrap_or_default();
        let lines = failures::read(&table);
        assert_eq!(lines.failures.len() as u64 + lines.unreadable, table.len() as u64);
        found.extend(lines.failures);
    }
    for failure in found {
        assert!(!failure.code.is_empty() && !failure.path.contains('?'), "{failure:?}");
        for text in [&failure.path, &failure.database, &failure.table, &failure.code, &failure.text] {
            assert!(text.len() <= 1100 && !text.contains('\n'), "{} bytes: {text}", text.len());
        }
    }
}

/// Java's properties: what was read is written and read again.
pub fn properties(bytes: &[u8]) {
    if bytes.len() > LONGEST {
        return;
    }
    let text = properties::decode(bytes.to_vec());
    let Ok(entries) = properties::parse(&text) else { return };
    let size: usize = entries.iter().map(|(key, value)| key.len() + value.len()).sum();
    assert!(size <= 2 * text.len(), "{size} bytes of {}", text.len());
    assert_eq!(properties::parse(&properties::render(&entries)), Ok(entries));
}

/// `JsonConverter` with and without its envelope, by both ways through it.
pub fn json_envelope(bytes: &[u8]) {
    static CONVERTERS: LazyLock<[Arc<dyn Converter>; 2]> = LazyLock::new(|| {
        ["true", "false"].map(|envelope| {
            plain("value", "JsonConverter", &[("schemas.enable", envelope), ("schemas.cache.size", "16")])
        })
    });
    if bytes.len() > LONGEST {
        return;
    }
    for converter in &*CONVERTERS {
        if let Ok(data) = converter.to_data(Some(bytes)) {
            bounded(&data, square(bytes));
        }
        if let Ok(Converted::Json(document)) = converter.convert(Some(bytes)) {
            assert!(document.len() <= bytes.len());
        }
    }
}

/// Avro's binary form, by schemas with every type, with lengths, depths and values of no bytes.
pub fn avro(bytes: &[u8]) {
    static CONVERTER: LazyLock<RegisteredConverter> = LazyLock::new(|| {
        const SCHEMAS: [&str; 3] = [
            include_str!("schemas/storm.avsc"),
            include_str!("schemas/hostile.avsc"),
            r#"["null","int",{"type":"map","values":{"type":"array","items":"bytes"}}]"#,
        ];
        knowing(avro::CONFLUENT.class, "AVRO", &SCHEMAS)
    });
    records(&CONVERTER, bytes);
}

/// Protobuf's, by schemas of both syntaxes.
pub fn protobuf(bytes: &[u8]) {
    static CONVERTER: LazyLock<RegisteredConverter> = LazyLock::new(|| {
        const SCHEMAS: [&str; 2] =
            [include_str!("schemas/storm.proto"), include_str!("schemas/groups.proto")];
        knowing(protobuf::CONFLUENT.class, "PROTOBUF", &SCHEMAS)
    });
    records(&CONVERTER, bytes);
}

/// JSON with a JSON Schema.
pub fn json_schema(bytes: &[u8]) {
    static CONVERTER: LazyLock<RegisteredConverter> = LazyLock::new(|| {
        const SCHEMAS: [&str; 2] = [
            include_str!("schemas/storm.json"),
            r#"{"oneOf":[{"type":"null"},{"type":"integer"},{"type":"array","items":{"type":"number"}}]}"#,
        ];
        knowing(schema_json::ROW.class, "JSON", &SCHEMAS)
    });
    records(&CONVERTER, bytes);
}

/// What a registry answers: the first byte says of which format the schema is, a record of it may follow behind a zero.
pub fn registered_schemas(bytes: &[u8]) {
    let (Some((format, rest)), true) = (bytes.split_first(), bytes.len() <= LONGEST) else { return };
    let (schema, record) = halves(rest);
    let (Ok(schema), Some(class)) = (std::str::from_utf8(schema), CLASSES.get(usize::from(format % 4)))
    else {
        return;
    };
    let converter = registered(class, "", &[schema]);
    // Apicurio's ids have 8 bytes.
    let id: &[u8] = if class.starts_with("io.apicurio.") { &[0; 9] } else { &[0; 5] };
    let result = converter.convert(Input {
        bytes: Some(&[id, record].concat()),
        id: None,
        detail: None,
        topic: TOPIC,
    });
    assert!(!matches!(result, Err(ConvertFailure::NeedsSchema(_))), "what was learnt is known");
}

/// A class of each format.
const CLASSES: [&str; 4] =
    [avro::CONFLUENT.class, protobuf::CONFLUENT.class, schema_json::ROW.class, connect_json::ROW.class];

/// `SimpleHeaderConverter`: every text is read, and what was read can be written.
pub fn simple_header(bytes: &[u8]) {
    if bytes.len() > LONGEST {
        return;
    }
    let converter = plain("header", "SimpleHeaderConverter", &[]);
    let data = converter.to_data(Some(bytes)).expect("it never fails");
    let written = literal::write(&data.value);
    // A quote in a text becomes two characters, a number may be written with its exponent's zeros.
    assert!(written.len() <= LINEAR * bytes.len() + SMALL, "{} bytes", written.len());
    bounded(&data, LINEAR * bytes.len() + SMALL);
}

/// `sasl.jaas.config`, alone and as a file with sections; an error repeats no value.
pub fn jaas(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    if let Ok(entry) = jaas::login_entry(text) {
        let size: usize = entry.options.iter().map(|(name, value)| name.len() + value.expose().len()).sum();
        assert!(size <= text.len(), "{size} bytes of {}", text.len());
        assert_eq!(jaas::login_entry(&entry.line()), Ok(entry));
    }
    if let Ok(Some(entries)) = jaas::section(text, "KafkaClient") {
        assert!(entries.len() <= text.len());
    }
}

/// `topics.regex`: an expression to match with, or a refusal by name.
pub fn topic_regex(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    if let Err(error) = connector("topics.regex", text) {
        assert!(error.contains("topics.regex"), "{error}");
    }
}

/// A pattern of dates; behind a zero, a text to read by it.
pub fn date_pattern(bytes: &[u8]) {
    const MOMENTS: [i64; 6] = [0, -1, 1_732_600_000_000, -62_135_596_800_001, i64::MIN, i64::MAX];
    let Some(text) = text(bytes) else { return };
    let (pattern, written) = text.split_once('\0').unwrap_or((text, ""));
    let Ok(format) = DateFormat::new(pattern, 1_732_600_000_000) else { return };
    for ms in MOMENTS {
        let written = format.format(ms);
        assert!(written.len() <= 16 * pattern.len() + 32, "{} bytes", written.len());
        let _moment_or_none = format.parse(&written);
    }
    let _moment_or_none = format.parse(written);
}

/// Settings of transformations and predicates, and a record that goes through them.
pub fn transforms(bytes: &[u8]) {
    let Some(settings) = text(bytes).and_then(|text| properties::parse(text).ok()) else { return };
    let plan = BUILT_IN.transformations(&settings);
    match plan.and_then(|plan| TransformationChain::new(&plan)) {
        Ok(chain) => {
            for record in sample_records() {
                if let Ok(Some(record)) = chain.apply(record) {
                    bounded(&record.value, square(bytes) + SMALL);
                }
            }
        }
        Err(errors) => assert!(!errors.is_empty(), "a refusal without a reason"),
    }
}

/// Bytes that one byte of a record may become: the names of a schema's fields, or a number's zeros.
const LINEAR: usize = 2048;
/// What may come out of nothing: the decoders' own bounds on values of no bytes.
const SMALL: usize = 8 << 20;

fn square(bytes: &[u8]) -> usize {
    bytes.len() * bytes.len() + LINEAR * bytes.len() + LINEAR
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().filter(|text| text.len() <= LONGEST)
}

/// What stands before the first zero, and behind it.
fn halves(bytes: &[u8]) -> (&[u8], &[u8]) {
    let at = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    (bytes.get(..at).unwrap_or_default(), bytes.get(at + 1..).unwrap_or_default())
}

fn settings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// A converter as settings make it.
fn made(side: &str, class: &str, pairs: &[(&str, &str)]) -> Made {
    let config = BUILT_IN.converter(side, class, &settings(pairs)).expect("good settings");
    config.make().expect("good settings")
}

/// One that needs no registry.
fn plain(side: &str, class: &str, pairs: &[(&str, &str)]) -> Arc<dyn Converter> {
    match made(side, class, pairs) {
        Made::Plain(converter) => converter,
        Made::Registered(_) => panic!("{class} needs a registry"),
    }
}

/// A sink's settings with one of them replaced, read; what is wrong as one text.
fn connector(key: &str, value: &str) -> Result<SinkConnectorConfig, String> {
    static WORKER: LazyLock<WorkerConfig> = LazyLock::new(|| {
        let env = settings(&[
            ("BOOTSTRAP_SERVERS", "127.0.0.1:9092"),
            ("GROUP_ID", "fuzz"),
            ("CONFIG_STORAGE_TOPIC", "configs"),
            ("OFFSET_STORAGE_TOPIC", "offsets"),
            ("STATUS_STORAGE_TOPIC", "statuses"),
        ]);
        WorkerConfig::load(&BUILT_IN, None, env).expect("good settings")
    });
    let mut raw = settings(&[
        ("name", "fuzz"),
        ("connector.class", "com.microsoft.azure.kusto.kafka.connect.sink.KustoSinkConnector"),
        ("kusto.ingestion.url", "http://127.0.0.1:8080"),
        ("kusto.query.url", "http://127.0.0.1:8080"),
        ("kusto.tables.topics.mapping", "[{'topic':'*','db':'d','table':'t'}]"),
    ]);
    if key != "topics.regex" {
        raw.insert("topics".to_owned(), TOPIC.to_owned());
    }
    raw.insert(key.to_owned(), value.to_owned());
    let raw = raw.into_iter().map(|(key, value)| (key, Some(value))).collect();
    BUILT_IN.parse(&raw, &WORKER).map_err(|errors| errors.to_string())
}

/// A converter that knows these schemas, by their places as ids; no `kind` is what some registries say of Avro.
fn registered(class: &str, kind: &str, schemas: &[&str]) -> RegisteredConverter {
    let url = if class.starts_with("io.apicurio.") { "apicurio.registry.url" } else { "schema.registry.url" };
    let Made::Registered(converter) = made("value", class, &[(url, "http://127.0.0.1:1")]) else {
        panic!("{class} needs no registry")
    };
    for (id, text) in (0..).zip(schemas) {
        let kind = Some(kind.to_owned()).filter(|kind| !kind.is_empty());
        let schema = Registered { kind, text: (*text).to_owned(), references: Vec::new() };
        converter.learn(SchemaId::Number(id), Ok(schema), None);
    }
    converter
}

/// The same with schemas that can be used, or else nothing would be tried by them.
fn knowing(class: &str, kind: &str, schemas: &[&str]) -> RegisteredConverter {
    let converter = registered(class, kind, schemas);
    for id in (0_u8..).take(schemas.len()) {
        let nothing = Input { bytes: Some(&[0, 0, 0, 0, id]), id: None, detail: None, topic: TOPIC };
        let result = converter.convert(nothing);
        let told = format!("{result:?}");
        assert!(!told.contains("cannot be used") && !told.contains("NeedsSchema"), "schema {id}: {told}");
    }
    converter
}

/// Takes `bytes` as a record with its schema's id before it, then as one with the id in a header.
fn records(converter: &RegisteredConverter, bytes: &[u8]) {
    if bytes.len() > LONGEST {
        return;
    }
    let (id, rest) = bytes.split_at(bytes.len().min(5));
    let inputs = [(bytes, None), (rest, Some(id))];
    for (bytes, id) in inputs {
        match converter.convert(Input { bytes: Some(bytes), id, detail: id, topic: TOPIC }) {
            Ok(data) => bounded(&data, LINEAR * bytes.len() + SMALL),
            Err(ConvertFailure::NeedsSchema(id)) => assert!(!converter.knows(id)),
            Err(ConvertFailure::Data(error)) => assert!(!error.to_string().is_empty()),
        }
    }
}

/// What was read can be written as JSON, or not, and is no longer than `most` bytes.
fn bounded(data: &SchemaAndValue, most: usize) {
    for decimals in [DecimalFormat::Base64, DecimalFormat::Numeric] {
        let mut out = Vec::new();
        let written = json::write(data.schema.as_deref(), &data.value, decimals, &mut out);
        assert!(out.len() <= most, "{} bytes, at most {most} were to come", out.len());
        if written.is_ok() && decimals == DecimalFormat::Base64 {
            let document = serde_json::from_slice::<serde::de::IgnoredAny>(&out);
            assert!(document.is_ok(), "no JSON: {}", String::from_utf8_lossy(&out));
        }
    }
}

/// Records to transform: one of a text, one of an object without a schema, one of a struct.
fn sample_records() -> impl Iterator<Item = Record> {
    static VALUES: LazyLock<Vec<SchemaAndValue>> = LazyLock::new(|| {
        let envelope = plain("value", "JsonConverter", &[]);
        let read = |text: &str| envelope.to_data(Some(text.as_bytes())).expect("good JSON");
        vec![
            SchemaAndValue::text("2024-11-26"),
            read(r#"{"schema":null,"payload":{"a":1,"b":{"c":"2024-11-26","d":[1.5]},"e":null,"f":true}}"#),
            read(include_str!("schemas/storm_envelope.json")),
            SchemaAndValue::NULL,
        ]
    });
    VALUES.iter().map(|value| Record {
        origin: Origin { topic: TOPIC.into(), partition: 0, offset: 7 },
        topic: TOPIC.into(),
        key: SchemaAndValue::schemaless(Value::String("key".into())),
        value: value.clone(),
        headers: Vec::new(),
        timestamp: Some(1_732_600_000_000),
        timestamp_type: Some(TimestampType::CreateTime),
    })
}
