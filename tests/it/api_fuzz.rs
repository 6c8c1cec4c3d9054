//! The REST API under a fuzzer: requests are made from the API's own document, right ones and wrong ones. No answer may
//! be an error of the server's (but those that Connect itself defines), or one that the document does not name, and none
//! may fail to come.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::{Kafka, TestWorker, rigs, root, unique};

/// The same requests each time.
const SEED: &str = "20261125";
/// Requests of each operation.
const EXAMPLES: &str = "25";
/// How long the fuzzer may go on, in seconds.
const BUDGET: &str = "60";
const CHECKS: &str = "no_server_error_of_its_own,status_code_conformance,content_type_conformance,response_schema_conformance,\
                      allow_header_conformance,unsupported_method";
/// Connectors that are there when it begins.
const CONNECTORS: [&str; 6] = ["a", "b b", "c%c", "d", "e", "f"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_makes_the_worker_fail_or_answer_what_the_document_does_not_name() {
    let kafka = Kafka::shared().await;
    let topic = unique("fuzz");
    kafka.create_topic(&topic, 1).await;
    let worker = TestWorker::start(kafka.bootstrap(), &unique("fuzz"), &[]).await;
    for (name, state) in CONNECTORS.into_iter().zip(["RUNNING", "PAUSED", "STOPPED"].into_iter().cycle()) {
        let body = json!({ "name": name, "config": config(&topic), "initial_state": state });
        let (status, answer) = worker.send("POST", "/connectors", Some(&body)).await;
        assert_eq!(status, 201, "{answer}");
    }
    let (_, mut document) = worker.send("GET", "/openapi.json", None).await;
    point(&mut document, &topic);
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("openapi.json");
    std::fs::write(&file, document.to_string()).expect("the document");
    let run = Command::new(rigs().join("python/bin/schemathesis"))
        .arg("run")
        .arg(&file)
        .args(["--url", &format!("http://{}", worker.address()), "--seed", SEED, "--max-examples", EXAMPLES])
        .args([
            "--max-time",
            BUDGET,
            "--phases",
            "coverage,fuzzing",
            "--checks",
            CHECKS,
            "--request-timeout",
            "30",
        ])
        .args(["--no-shrink", "--continue-on-failure", "--suppress-health-check", "all", "--warnings", "off"])
        .env("SCHEMATHESIS_HOOKS", root().join("tests/it/api_fuzz_checks.py"))
        .current_dir(dir.path())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(Duration::from_mins(4), run).await.expect("in time").expect("it runs");
    let text =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    println!("{text}");
    assert!(output.status.success(), "the fuzzer found something, see above");
    assert!(text.contains("generated"), "it says what it did");
    // All that may have happened to its connectors, but it is well.
    assert_eq!(worker.send("GET", "/health", None).await.0, 200);
    assert!(worker.stop().await);
}

/// A connector whose target nobody serves.
fn config(topic: &str) -> Value {
    let mapping = format!("[{{'topic': '{topic}', 'db': 'd', 'table': 'T', 'format': 'csv'}}]");
    json!({
        "connector.class": "KustoSink", "topics": topic, "kusto.tables.topics.mapping": mapping,
        "kusto.ingestion.url": "https://localhost:8443", "kusto.query.url": "https://localhost:8443",
    })
}

/// Random names and settings would be refused at the door: the document for the fuzzer also has ones that go further.
fn point(document: &mut Value, topic: &str) {
    let names = CONNECTORS.iter().copied().chain(["Json", "KustoSink", "root", "org.apache.kafka.connect"]);
    let names = json!({ "anyOf": [{ "enum": names.collect::<Vec<_>>() }, { "type": "string" }] });
    for operation in operations(document) {
        let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
        for parameter in parameters.into_iter().flatten() {
            if parameter["name"] == "name" {
                parameter["schema"] = names.clone();
            }
        }
    }
    let schemas = &mut document["components"]["schemas"];
    let good = config(topic);
    let fields = good.as_object().unwrap().iter().map(|(key, value)| {
        (key.clone(), json!({ "anyOf": [{ "enum": [value] }, { "type": ["string", "null", "number"] }] }))
    });
    schemas["Settings"]["properties"] = fields.collect();
    schemas["CreateConnectorRequest"]["properties"]["name"] =
        json!({ "anyOf": [{ "enum": CONNECTORS }, { "type": ["string", "null"] }] });
    schemas["CreateConnectorRequest"]["properties"]["initial_state"] =
        json!({ "anyOf": [{ "enum": ["RUNNING", "paused", "STOPPED", null] }, { "type": "string" }] });
    schemas["LoggerLevelRequest"]["properties"]["level"] =
        json!({ "enum": ["DEBUG", "off", "LOUD", "INFO"] });
    schemas["SinkPartition"]["properties"]["kafka_topic"] =
        json!({ "anyOf": [{ "enum": [topic] }, { "type": "string" }] });
}

fn operations(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    let paths = document["paths"].as_object_mut().expect("paths").values_mut();
    paths.flat_map(|path| path.as_object_mut().expect("operations").values_mut())
}
