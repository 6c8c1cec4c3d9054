//! The emulator by other eyes: the official SDKs of Python, Node and Java ingest into it, by queue and by streaming, learn
//! what became of it, and read back by query.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use adx_emulator::Options;
use tokio::process::Command;

use crate::support::{Adx, DATABASE, rigs, root};

/// A program of `tests/it/sdk`.
fn script(name: &str) -> PathBuf {
    root().join("tests/it/sdk").join(name)
}

/// What `program` says, given its arguments.
async fn run(mut program: Command) -> String {
    let run = program.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(Duration::from_mins(2), run).await.expect("in time");
    let output = output.expect("the program runs");
    let text =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    println!("{text}");
    assert!(output.status.success(), "{text}");
    text
}

async fn python(name: &str) -> String {
    let adx = Adx::start().await;
    let mut python = Command::new(rigs().join("python/bin/python"));
    python.arg(script(name)).args([&adx.url(), DATABASE]);
    run(python).await
}

fn assert_says(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

/// What the programs for Node and Java say when all went well.
const BOTH: [&str; 4] = [
    "csv queued: Succeeded, 3000 rows read back, all equal",
    "multijson queued: Succeeded, 3000 rows read back, all equal",
    "3000 rows streamed, all equal",
    "parameters arrived",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_python_sdk_ingests_and_reads_back() {
    let text = python("python.py").await;
    for format in ["csv", "avro", "apacheavro", "parquet", "orc"] {
        assert_says(&text, &[&format!("{format}: 3000 rows read back, all equal")]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_python_sdk_streams_and_reads_back() {
    assert_says(&python("python_streaming.py").await, &["3000 rows streamed, all equal"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_python_sdk_learns_what_became_of_its_sources() {
    let text = python("python_status.py").await;
    assert_says(&text, &["one success and one failure told, 160 reports of others left alone"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_node_sdk_ingests_streams_and_reads_back() {
    // Its client of tables refuses plain http.
    let tls_listen = Some(([127, 0, 0, 1], 0).into());
    let adx = Adx::with(Options { tls_listen, ..Options::default() }).await;
    let mut node = Command::new("node");
    node.arg(script("node.mjs")).args([&adx.https_url(), DATABASE]).arg(rigs().join("kusto-node"));
    node.env("NODE_EXTRA_CA_CERTS", adx.ca_file());
    assert_says(&run(node).await, &BOTH);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_java_sdk_ingests_streams_and_reads_back() {
    let adx = Adx::start().await;
    let mut java = Command::new("java");
    java.arg("-cp").arg(rigs().join("kusto-java/*")).arg(script("Java.java")).args([&adx.url(), DATABASE]);
    assert_says(&run(java).await, &BOTH);
}
