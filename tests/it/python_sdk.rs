//! The emulator by other eyes: the official Python SDK ingests into it, by queue files of several formats and by
//! streaming, and reads back by query.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::support::{Adx, DATABASE, rigs, root};

/// What the script says.
async fn run(script: &str) -> String {
    let adx = Adx::start().await;
    let run = Command::new(rigs().join("python/bin/python"))
        .arg(root().join("tests/it").join(script))
        .args([adx.url(), DATABASE.to_owned()])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output =
        tokio::time::timeout(Duration::from_mins(2), run).await.expect("in time").expect("python runs");
    let text =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    println!("{text}");
    assert!(output.status.success(), "{text}");
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_sdk_ingests_and_reads_back() {
    let text = run("python_sdk.py").await;
    for format in ["csv", "avro", "apacheavro", "parquet", "orc"] {
        assert!(text.contains(&format!("{format}: 3000 rows read back, all equal")), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_sdk_streams_and_reads_back() {
    let text = run("python_sdk_streaming.py").await;
    assert!(text.contains("3000 rows streamed, all equal"), "{text}");
}
