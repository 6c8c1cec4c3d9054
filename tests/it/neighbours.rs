//! What a table's format cannot hold costs no neighbour in its blob: it is a letter, and all others are rows.

use std::time::Duration;

use futures::StreamExt;
use serde_json::{Value, json};

use crate::support::{Adx, DATABASE, Kafka, Raw, Worker, read_raw, send_raw, unique, wait_for};

const MINUTE: Duration = Duration::from_mins(1);
const STRING: &str = "org.apache.kafka.connect.storage.StringConverter";
const BYTES: &str = "org.apache.kafka.connect.converters.ByteArrayConverter";
const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";

/// One topic and its table; every other record is bad.
struct Case {
    what: &'static str,
    converter: &'static str,
    /// Of the topic's entry in the mapping.
    entry: Value,
    more: Value,
    good: fn(usize) -> String,
    bad: Vec<String>,
}

fn case(what: &'static str, converter: &'static str, format: &'static str, bad: &[&str]) -> Case {
    let good = match format {
        "json" => |n| format!("{{\"n\":{n}}}"),
        "tsve" => |n| format!("{n}\ttext"),
        _ => |n| format!("{n},text"),
    };
    let bad = bad.iter().map(|text| (*text).to_owned()).collect();
    Case { what, converter, entry: json!({ "format": format }), more: json!({}), good, bad }
}

fn envelope(schema: &Value, payload: &Value) -> String {
    json!({ "schema": schema, "payload": payload }).to_string()
}

fn cases() -> Vec<Case> {
    let no_objects =
        ["text", "\"text\"", "42", "[1,2]", "{\"n\":", "{\"n\":1} x", "{\"n\":1},", "[{\"n\":1},2]"];
    let plain = json!({ "value.converter.schemas.enable": "false" });
    let of_int = json!({ "type": "int32", "optional": false });
    let list = json!({ "type": "array", "items": of_int, "optional": false });
    let scalars = vec![
        envelope(&of_int, &json!(5)),
        envelope(&json!({ "type": "string", "optional": false }), &json!("text")),
        envelope(&list, &json!([1, 2])),
        envelope(&Value::Null, &json!("text")),
    ];
    let extract = json!({
        "value.converter.schemas.enable": "false",
        "transforms": "v",
        "transforms.v.type": "org.apache.kafka.connect.transforms.ExtractField$Value",
        "transforms.v.field": "v",
    });
    let offset = json!({ "format": "csv", "columns": ["offset"] });
    vec![
        case("texts", STRING, "json", &no_objects),
        case("bytes", BYTES, "json", &no_objects),
        Case {
            more: plain,
            ..case("documents", JSON, "json", &["\"text\"", "42", "[1,2]", "true", "[{\"n\":1},\"x\"]"])
        },
        Case {
            good: |n| {
                let fields = json!([{ "field": "n", "type": "int32", "optional": false }]);
                envelope(&json!({ "type": "struct", "fields": fields }), &json!({ "n": n }))
            },
            bad: scalars,
            ..case("envelopes", JSON, "json", &[])
        },
        Case {
            more: extract,
            good: |n| json!({ "v": { "n": n } }).to_string(),
            ..case(
                "a field that is taken out",
                JSON,
                "json",
                &["{\"v\":\"text\"}", "{\"v\":7}", "{\"v\":[7]}"],
            )
        },
        case("quotes", STRING, "csv", &["1,\"text", "\"", "1,\"a\"\"", "\"1,2\n3,4\n"]),
        case("quotes in bytes", BYTES, "csv", &["1,\"text", "\"\n"]),
        case("backslashes", STRING, "tsve", &["1\ttext\\", "\\\\\\"]),
        Case {
            entry: offset,
            // What is empty stands for a row, once its width is known.
            ..case("quotes before columns", STRING, "csv", &["1,\"text", "2,\"\n"])
        },
    ]
}

struct Ground {
    kafka: &'static Kafka,
    worker: Worker,
    adx: Adx,
    name: String,
}

impl Ground {
    async fn set() -> Self {
        let kafka = Kafka::shared().await;
        let worker = Worker::start(kafka).await;
        Self { kafka, worker, adx: Adx::start().await, name: unique("neighbours") }
    }

    fn config(&self, case: &Case, name: &str, table: &str) -> Value {
        let mut entry = json!({ "topic": name, "db": DATABASE, "table": table });
        entry.as_object_mut().unwrap().extend(case.entry.as_object().unwrap().clone());
        let mut config = json!({
            "connector.class": "com.microsoft.azure.kusto.kafka.connect.sink.KustoSinkConnector",
            "topics": name,
            // All in one blob.
            "flush.interval.ms": "1000",
            "kusto.ingestion.url": self.adx.url(),
            "kusto.query.url": self.adx.url(),
            "kusto.tables.topics.mapping": json!([entry]).to_string(),
            "value.converter": case.converter,
            "errors.tolerance": "all",
            "errors.deadletterqueue.topic.name": format!("{name}-dead"),
            "errors.deadletterqueue.topic.replication.factor": "1",
            "errors.deadletterqueue.context.headers.enable": "true",
        });
        config.as_object_mut().unwrap().extend(case.more.as_object().unwrap().clone());
        config
    }

    async fn prove(&self, number: usize, case: &Case) {
        let (name, table) = (format!("{}-{number}", self.name), format!("Case{number}"));
        self.adx.command(&format!(".create table {table} (n: long, text: string, at: long)")).await;
        self.kafka.create_topic(&name, 1).await;
        let records: Vec<Raw> = case
            .bad
            .iter()
            .enumerate()
            .flat_map(|(n, bad)| [Raw::text("k", &(case.good)(n)), Raw::text("k", bad)])
            .collect();
        send_raw(self.kafka, &name, &records).await;
        let config = self.config(case, &name, &table);
        self.worker.rest().create_running(&name, &config).await;
        let wanted = case.bad.len();
        wait_for(format!("{wanted} rows of {}", case.what), MINUTE, async || {
            (self.adx.count(&table).await >= wanted as u64).then_some(())
        })
        .await;
        let rows = self.adx.query(&format!("{table} | project n, at | order by n asc")).await;
        let has_offset = case.entry.get("columns").is_some();
        let row = |n: usize| vec![json!(n), if has_offset { json!(2 * n) } else { Value::Null }];
        assert_eq!(rows, (0..wanted).map(row).collect::<Vec<_>>(), "{}", case.what);
        let letters = read_raw(self.kafka, &format!("{name}-dead")).await;
        let values: Vec<_> =
            letters.iter().map(|letter| String::from_utf8(letter.value.clone().unwrap()).unwrap()).collect();
        assert_eq!(values, case.bad, "{}", case.what);
        for letter in &letters {
            assert_eq!(letter.header_text("__connect.errors.stage"), Some("TASK_PUT"), "{}", case.what);
        }
        wait_for(format!("the offsets of {}", case.what), MINUTE, async || {
            let committed = self.kafka.committed(&format!("connect-{name}"), &name, 1).await;
            (committed == [i64::try_from(2 * wanted).unwrap()]).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_format_cannot_hold_is_a_letter_and_its_neighbours_are_rows() {
    let ground = Ground::set().await;
    let cases = cases();
    let all = futures::stream::iter(cases.iter().enumerate());
    all.for_each_concurrent(4, |(number, case)| ground.prove(number, case)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_record_is_a_row_with_columns_or_without() {
    let ground = Ground::set().await;
    let fields = json!([{ "field": "a", "type": "string", "optional": true }]);
    let of = |a: Value| envelope(&json!({ "type": "struct", "fields": fields }), &json!({ "a": a }));
    let of = &of;
    let values = |texts: &[&str]| texts.iter().map(|text| Raw::text("k", text)).collect::<Vec<_>>();
    let nulls: Vec<Raw> =
        [json!("x"), Value::Null, json!(""), Value::Null].map(|a| Raw::text("k", &of(a))).into();
    let with_offset = json!({ "format": "csv", "columns": ["offset"] });
    for (number, (what, converter, entry, records, wanted)) in [
        (
            "a struct of one null",
            JSON,
            json!({ "format": "csv" }),
            nulls.clone(),
            json!([["", null], ["", null], ["", null], ["x", null]]),
        ),
        (
            "the same with columns",
            JSON,
            with_offset.clone(),
            nulls,
            json!([["", 1], ["", 2], ["", 3], ["x", 0]]),
        ),
        (
            "rows in a value, and empty values",
            STRING,
            with_offset,
            values(&["a\nb\r\n\n\"c\n\"\n", "", "\n", "d"]),
            json!([["", 1], ["", 2], ["a", 0], ["b", 0], ["c\n", 0], ["d", 3]]),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let (name, table) = (format!("{}-rows-{number}", ground.name), format!("Rows{number}"));
        ground.adx.command(&format!(".create table {table} (text: string, at: long)")).await;
        ground.kafka.create_topic(&name, 1).await;
        send_raw(ground.kafka, &name, &records).await;
        let case = Case { entry, ..case(what, converter, "csv", &[]) };
        let mut config = ground.config(&case, &name, &table);
        config["errors.tolerance"] = "none".into();
        ground.worker.rest().create_running(&name, &config).await;
        let count = wanted.as_array().unwrap().len() as u64;
        wait_for(format!("{count} rows of {what}"), MINUTE, async || {
            (ground.adx.count(&table).await >= count).then_some(())
        })
        .await;
        let rows = ground.adx.query(&format!("{table} | order by text asc, at asc")).await;
        assert_eq!(json!(rows), wanted, "{what}");
        ground.worker.rest().wait_for_states(&name, "RUNNING", &["RUNNING"]).await;
    }
}
