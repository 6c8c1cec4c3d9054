//! The emulator by other eyes: the official Python SDK queue-ingests files of several formats into it and reads them back.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::support::{Adx, DATABASE, rigs, root};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_sdk_ingests_and_reads_back() {
    let adx = Adx::start().await;
    let run = Command::new(rigs().join("python/bin/python"))
        .arg(root().join("tests/it/python_sdk.py"))
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
    for format in ["csv", "avro", "apacheavro", "parquet"] {
        assert!(text.contains(&format!("{format}: 3000 rows read back, all equal")), "{text}");
    }
}
