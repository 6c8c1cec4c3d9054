//! Apicurio's schema registry, and its own converters writing by it.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::process::{Guarded, free_port, rigs, root};
use super::{Raw, wait_for};

/// One registry, all in memory.
pub struct Apicurio {
    port: u16,
    _process: Guarded,
    _dir: tempfile::TempDir,
}

/// The application's jar, which names those beside it.
fn jar() -> PathBuf {
    let folder = rigs().join("apicurio/registry");
    let files = std::fs::read_dir(&folder).expect("the registry: run scripts/rigs (make test does)");
    let mut paths = files.map(|file| file.expect("a file").path());
    paths.find(|path| path.to_string_lossy().ends_with("-runner.jar")).expect("the registry's jar")
}

impl Apicurio {
    /// Starts one; returns when it answers.
    pub async fn start() -> Self {
        let port = free_port();
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let (jar, listen) = (jar(), format!("-Dquarkus.http.port={port}"));
        let arguments = [
            "-Xmx300m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Dquarkus.http.host=127.0.0.1",
            &listen,
            "-jar",
            jar.to_str().expect("a path"),
        ];
        let process = Guarded::start("java", &arguments, &dir.path().join("apicurio.log"));
        let registry = Self { port, _process: process, _dir: dir };
        let info = registry.url("registry/v3/system/info");
        wait_for("Apicurio's registry", Duration::from_mins(2), async || {
            reqwest::get(&info).await.ok().filter(|answer| answer.status().is_success()).map(drop)
        })
        .await;
        registry
    }

    /// The address of one of its APIs: `registry/v2`, `registry/v3`, `ccompat/v7`.
    pub fn url(&self, api: &str) -> String {
        format!("http://127.0.0.1:{}/apis/{api}", self.port)
    }

    /// Runs `Apicurio.java`: each record with the name of its case, those of one in order.
    pub async fn write(&self, prefix: &str) -> Vec<(String, Raw)> {
        let output = tokio::process::Command::from(Command::new("java"))
            .args(["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx300m", "-cp"])
            .arg(rigs().join("apicurio/clients/*"))
            .arg(root().join("tests/it/registry/Apicurio.java"))
            .args([&self.url("registry/v2"), prefix])
            .kill_on_drop(true)
            .output();
        let output =
            tokio::time::timeout(Duration::from_mins(2), output).await.expect("in time").expect("java runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8").lines().map(record).collect()
    }
}

fn record(line: &str) -> (String, Raw) {
    let line: Value = serde_json::from_str(line).expect("JSON");
    let bytes = |value: &Value| value.as_str().map(|text| STANDARD.decode(text).expect("base64"));
    let headers = line["headers"].as_array().into_iter().flatten();
    let header = |header: &Value| (header[0].as_str().expect("a name").to_owned(), bytes(&header[1]));
    let raw = Raw {
        key: bytes(&line["key"]),
        value: bytes(&line["value"]),
        headers: headers.map(header).collect(),
        timestamp: None,
    };
    (line["case"].as_str().expect("a name").to_owned(), raw)
}
