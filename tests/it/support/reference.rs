//! Kafka's own transformations and converters on the corpus in `tests/reference`, and the typed JSON in which cases and
//! results are written.
//!
//! [`cases`] runs `Reference.java` once on the cases of one kind. Everything that ours makes is written as the same JSON
//! and compared there by [`same`]: floats bit by bit, maps without regard to order, all else as it is.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::process::Command;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bigdecimal::BigDecimal;
use bigdecimal::num_bigint::BigInt;
use kusto_connect::data::schema::Kind;
use kusto_connect::data::{
    Field, Header, Origin, Record, Schema, SchemaAndValue, Struct, TimestampType, Value,
};
use serde_json::{Map, Value as Json, json};

use super::process::{rigs, root};

/// A case and what Kafka's code makes of it.
pub struct Case {
    /// Its id in the corpus.
    pub id: String,
    /// All of it; a record that the corpus shares by name stands here itself.
    pub given: Json,
    /// The result, without its id.
    pub wanted: Json,
}

impl Case {
    /// A member that is text.
    pub fn text(&self, name: &str) -> &str {
        self.given[name].as_str().unwrap_or_else(|| panic!("{}: no {name}", self.id))
    }

    /// Its settings.
    pub fn config(&self) -> impl Iterator<Item = (&str, &str)> {
        let config = self.given["config"].as_object().into_iter().flatten();
        config.map(|(key, value)| (key.as_str(), value.as_str().expect("a text")))
    }

    /// The record that it is about.
    pub fn record(&self) -> Record {
        read_record(&self.given["record"])
    }
}

/// All records that the corpus shares by name.
pub fn records() -> HashMap<String, Json> {
    lines(&corpus())
        .filter_map(|line| Some((line["define"].as_str()?.to_owned(), line["record"].clone())))
        .collect()
}

/// The cases of one kind, in the order of the corpus.
pub fn cases(kind: &str) -> Vec<Case> {
    let corpus = corpus();
    let records = records();
    let is_of_kind = |line: &Json| line["kind"] == kind || !line["define"].is_null();
    let asked: Vec<Json> = lines(&corpus).filter(is_of_kind).collect();
    let answers = run(&asked);
    let mut answers = lines(&answers);
    let mut found = Vec::new();
    for mut given in asked.into_iter().filter(|line| line["define"].is_null()) {
        let mut wanted = answers.next().expect("an answer to each case");
        assert_eq!(given["id"], wanted["id"], "answers come in order");
        wanted.as_object_mut().expect("an object").remove("id");
        if let Some(name) = given["record"].as_str() {
            given["record"] = records[name].clone();
        }
        found.push(Case { id: given["id"].as_str().expect("an id").to_owned(), given, wanted });
    }
    assert!(!found.is_empty(), "the corpus has cases of kind {kind}");
    found
}

fn corpus() -> String {
    std::fs::read_to_string(root().join("tests/reference/cases.jsonl")).expect("the corpus")
}

fn lines(text: &str) -> impl Iterator<Item = Json> {
    text.lines().map(|line| serde_json::from_str(line).expect("JSON in each line"))
}

/// Answers from Java; time zone and language are fixed because formats depend on them.
fn run(asked: &[Json]) -> String {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let path = folder.path().join("cases.jsonl");
    let mut file = File::create(&path).expect("a file");
    for line in asked {
        writeln!(file, "{line}").expect("a line");
    }
    let output = Command::new("java")
        .args(["-Duser.timezone=UTC", "-Duser.language=en", "-Duser.country=US", "-Xmx512m"])
        .args(["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"])
        .arg(rigs().join("kafka/*"))
        .arg(root().join("tests/reference/Reference.java"))
        .stdin(File::open(&path).expect("the file"))
        .output()
        .expect("java runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

// From typed JSON.

/// A record.
pub fn read_record(json: &Json) -> Record {
    let topic: Arc<str> = json["topic"].as_str().expect("a topic").into();
    let partition = json["partition"].as_i64().and_then(|number| number.try_into().ok());
    let timestamp = json["timestamp"].as_i64();
    let header = |header: &Json| Header {
        key: header[0].as_str().expect("a name").into(),
        value: read_both(&header[1]),
    };
    Record {
        origin: Origin {
            topic: topic.clone(),
            partition: partition.expect("a partition"),
            offset: json["offset"].as_i64().expect("an offset"),
        },
        topic,
        key: read_both(&json["key"]),
        value: read_both(&json["value"]),
        headers: json["headers"].as_array().expect("headers").iter().map(header).collect(),
        timestamp,
        timestamp_type: timestamp.map(|_| TimestampType::CreateTime),
    }
}

/// A value and its schema.
pub fn read_both(json: &Json) -> SchemaAndValue {
    let schema = read_schema(&json["schema"]);
    let value = read_value(&json["value"], schema.as_ref());
    SchemaAndValue { schema, value }
}

/// A schema, if there is one.
pub fn read_schema(json: &Json) -> Option<Arc<Schema>> {
    let kind = read_kind(json)?;
    let text = |name: &str| json[name].as_str().map(Arc::from);
    let parameter = |(key, value): (&String, &Json)| {
        (Arc::from(key.as_str()), Arc::from(value.as_str().expect("a text")))
    };
    let bare = Schema {
        optional: json["optional"].as_bool().unwrap_or(false),
        name: text("name"),
        version: json["version"].as_i64().map(|number| number.try_into().expect("a version")),
        doc: text("doc"),
        parameters: json["parameters"].as_object().into_iter().flatten().map(parameter).collect(),
        ..Schema::new(kind)
    };
    if json["default"].is_null() {
        return Some(Arc::new(bare));
    }
    // A default that is a struct is of the schema without the default.
    let bare = Arc::new(bare);
    let default = Some(read_value(&json["default"], Some(&bare)));
    Some(Arc::new(Schema { default, ..Schema::clone(&bare) }))
}

fn read_kind(json: &Json) -> Option<Kind> {
    Some(match json["type"].as_str()? {
        "INT8" => Kind::Int8,
        "INT16" => Kind::Int16,
        "INT32" => Kind::Int32,
        "INT64" => Kind::Int64,
        "FLOAT32" => Kind::Float32,
        "FLOAT64" => Kind::Float64,
        "BOOLEAN" => Kind::Boolean,
        "STRING" => Kind::String,
        "BYTES" => Kind::Bytes,
        "ARRAY" => Kind::Array(read_schema(&json["items"])),
        "MAP" => Kind::Map(read_schema(&json["keys"]), read_schema(&json["values"])),
        "STRUCT" => {
            let field = |field: &Json| Field {
                name: field["name"].as_str().expect("a name").into(),
                schema: read_schema(&field["schema"]).expect("a field's schema"),
            };
            Kind::Struct(json["fields"].as_array().expect("fields").iter().map(field).collect())
        }
        other => panic!("a type {other}"),
    })
}

/// A value; structs are of the schema beside them.
pub fn read_value(json: &Json, schema: Option<&Arc<Schema>>) -> Value {
    let Some(object) = json.as_object() else {
        assert!(json.is_null(), "a value {json}");
        return Value::Null;
    };
    let (kind, inner) = object.iter().next().expect("a typed value");
    let text = || inner.as_str().expect("a text");
    let list = || inner.as_array().expect("a list").iter();
    match kind.as_str() {
        "int8" => Value::Int8(text().parse().expect("a number")),
        "int16" => Value::Int16(text().parse().expect("a number")),
        "int32" => Value::Int32(text().parse().expect("a number")),
        "int64" => Value::Int64(text().parse().expect("a number")),
        "float32" => Value::Float32(text().parse().expect("a number")),
        "float64" => Value::Float64(text().parse().expect("a number")),
        "boolean" => Value::Boolean(inner.as_bool().expect("true or false")),
        "string" => text().into(),
        "bytes" => Value::Bytes(STANDARD.decode(text()).expect("base64").into()),
        "decimal" => {
            let unscaled: BigInt = inner[0].as_str().expect("a text").parse().expect("a number");
            Value::Decimal(BigDecimal::new(unscaled, inner[1].as_i64().expect("a scale")))
        }
        "date" => Value::Date(inner.as_i64().expect("milliseconds")),
        "array" => {
            let items = match schema.map(|schema| &schema.kind) {
                Some(Kind::Array(items)) => items.as_ref(),
                _ => None,
            };
            Value::Array(list().map(|each| read_value(each, items)).collect())
        }
        "map" => {
            let (keys, values) = map_schemas(schema.map(Arc::as_ref));
            let entry = |each: &Json| (read_value(&each[0], keys), read_value(&each[1], values));
            Value::Map(list().map(entry).collect())
        }
        "struct" => {
            let own = read_schema(&json["schema"]);
            let schema = own.as_ref().or(schema).expect("a struct has a schema");
            let values = schema.fields().iter().zip(list());
            let values = values.map(|(field, each)| read_value(each, Some(&field.schema))).collect();
            Value::Struct(Struct { schema: schema.clone(), values })
        }
        other => panic!("a value of type {other}"),
    }
}

fn map_schemas(schema: Option<&Schema>) -> (Option<&Arc<Schema>>, Option<&Arc<Schema>>) {
    match schema.map(|schema| &schema.kind) {
        Some(Kind::Map(keys, values)) => (keys.as_ref(), values.as_ref()),
        _ => (None, None),
    }
}

// To typed JSON.

/// A record.
pub fn write_record(record: &Record) -> Json {
    let header = |header: &Header| json!([&*header.key, write_both(&header.value)]);
    json!({
        "topic": &*record.topic,
        "partition": record.origin.partition,
        "offset": record.origin.offset,
        "timestamp": record.timestamp,
        "key": write_both(&record.key),
        "value": write_both(&record.value),
        "headers": record.headers.iter().map(header).collect::<Vec<_>>(),
    })
}

/// A value and its schema.
pub fn write_both(both: &SchemaAndValue) -> Json {
    let schema = both.schema.as_deref();
    json!({ "schema": schema.map(write_schema), "value": write_value(&both.value, schema) })
}

/// A schema.
pub fn write_schema(schema: &Schema) -> Json {
    let mut json = json!({
        "type": schema.kind.name(),
        "optional": schema.optional,
        "name": schema.name.as_deref(),
        "version": schema.version,
        "doc": schema.doc.as_deref(),
    });
    if !schema.parameters.is_empty() {
        let parameter = |(key, value): (&Arc<str>, &Arc<str>)| (key.to_string(), json!(&**value));
        json["parameters"] = schema.parameters.iter().map(parameter).collect::<Map<_, _>>().into();
    }
    if let Some(default) = &schema.default {
        json["default"] = write_value(default, Some(schema));
    }
    let inner = |schema: &Option<Arc<Schema>>| json!(schema.as_deref().map(write_schema));
    match &schema.kind {
        Kind::Array(items) => json["items"] = inner(items),
        Kind::Map(keys, values) => {
            json["keys"] = inner(keys);
            json["values"] = inner(values);
        }
        Kind::Struct(fields) => {
            let field =
                |field: &Field| json!({ "name": &*field.name, "schema": write_schema(&field.schema) });
            json["fields"] = fields.iter().map(field).collect();
        }
        _ => {}
    }
    json
}

/// A value; the schema of a struct is written only where it is not the one beside it.
pub fn write_value(value: &Value, schema: Option<&Schema>) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Int8(number) => json!({ "int8": number.to_string() }),
        Value::Int16(number) => json!({ "int16": number.to_string() }),
        Value::Int32(number) => json!({ "int32": number.to_string() }),
        Value::Int64(number) => json!({ "int64": number.to_string() }),
        Value::Float32(number) => json!({ "float32": number.to_string() }),
        Value::Float64(number) => json!({ "float64": number.to_string() }),
        Value::Boolean(flag) => json!({ "boolean": flag }),
        Value::String(text) => json!({ "string": &**text }),
        Value::Bytes(bytes) => json!({ "bytes": STANDARD.encode(bytes) }),
        Value::Decimal(number) => {
            let (unscaled, scale) = number.as_bigint_and_exponent();
            json!({ "decimal": [unscaled.to_string(), scale] })
        }
        Value::Date(ms) => json!({ "date": ms }),
        Value::Array(values) => {
            let items = match schema.map(|schema| &schema.kind) {
                Some(Kind::Array(items)) => items.as_deref(),
                _ => None,
            };
            json!({ "array": values.iter().map(|each| write_value(each, items)).collect::<Vec<_>>() })
        }
        Value::Map(entries) => {
            let (keys, values) = map_schemas(schema);
            let (keys, values) = (keys.map(Arc::as_ref), values.map(Arc::as_ref));
            let entry =
                |(key, value): &(Value, Value)| json!([write_value(key, keys), write_value(value, values)]);
            json!({ "map": entries.iter().map(entry).collect::<Vec<_>>() })
        }
        Value::Struct(of) => {
            let values = of.schema.fields().iter().zip(&of.values);
            let values: Vec<Json> =
                values.map(|(field, each)| write_value(each, Some(&field.schema))).collect();
            if schema.is_some_and(|schema| is_of(of, schema)) {
                return json!({ "struct": values });
            }
            json!({ "struct": values, "schema": write_schema(&of.schema) })
        }
    }
}

/// True when a struct is of the schema beside it, which may have a default: that is a struct of the schema without.
fn is_of(value: &Struct, schema: &Schema) -> bool {
    let own = &value.schema;
    own.optional == schema.optional
        && own.name == schema.name
        && own.version == schema.version
        && own.kind == schema.kind
}

/// True when two documents of typed JSON say the same: floats are compared bit by bit (all NaN are one), maps without
/// regard to the order of their entries, and a member that is absent is null.
pub fn same(one: &Json, other: &Json) -> bool {
    match (one, other) {
        (Json::Object(one), Json::Object(other)) => same_objects(one, other),
        (Json::Array(one), Json::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        _ => one == other,
    }
}

fn same_objects(one: &Map<String, Json>, other: &Map<String, Json>) -> bool {
    let rest = other.keys().filter(|name| !one.contains_key(*name));
    one.keys().chain(rest).all(|name| {
        let null = &Json::Null;
        let (one, other) = (one.get(name).unwrap_or(null), other.get(name).unwrap_or(null));
        match (name.as_str(), one, other) {
            ("float32", Json::String(one), Json::String(other)) => {
                let bits = |text: &str| text.parse::<f32>().map(|number| (number.is_nan(), number.to_bits()));
                let (one, other) = (bits(one).expect("a number"), bits(other).expect("a number"));
                one == other || (one.0 && other.0)
            }
            ("float64", Json::String(one), Json::String(other)) => {
                let bits = |text: &str| text.parse::<f64>().map(|number| (number.is_nan(), number.to_bits()));
                let (one, other) = (bits(one).expect("a number"), bits(other).expect("a number"));
                one == other || (one.0 && other.0)
            }
            ("map", Json::Array(one), Json::Array(other)) => {
                one.len() == other.len() && one.iter().all(|entry| other.iter().any(|each| same(entry, each)))
            }
            _ => same(one, other),
        }
    })
}
