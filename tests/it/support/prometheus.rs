//! A real Prometheus (Debian's package), and its tool that checks and tests rules.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::process::{Guarded, free_port};
use super::wait_for;

/// A server that scrapes and evaluates. It ends with the test.
pub struct Prometheus {
    base: String,
    http: reqwest::Client,
    _guard: Guarded,
    _dir: TempDir,
}

/// One series of an answer.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its value now.
    pub value: f64,
}

impl Prometheus {
    /// Starts it with this configuration; returns when it answers.
    pub async fn start(config: &str) -> Self {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let (file, data, log) =
            (dir.path().join("prometheus.yaml"), dir.path().join("data"), dir.path().join("prometheus.log"));
        std::fs::write(&file, config).expect("its configuration");
        let address = format!("127.0.0.1:{}", free_port());
        let arguments = [
            format!("--config.file={}", file.display()),
            format!("--storage.tsdb.path={}", data.display()),
            format!("--web.listen-address={address}"),
        ];
        let arguments = arguments.each_ref().map(String::as_str);
        let guard = Guarded::start("prometheus", &arguments, &log);
        let http = reqwest::Client::new();
        let base = format!("http://{address}");
        let ready = format!("{base}/-/ready");
        wait_for("prometheus", Duration::from_mins(1), async || {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            assert!(!said.contains("level=error"), "{said}");
            http.get(&ready).send().await.ok()?.status().is_success().then_some(())
        })
        .await;
        Self { base, http, _guard: guard, _dir: dir }
    }

    /// What `expression` is now; fails when it is no expression.
    pub async fn query(&self, expression: &str) -> Vec<Sample> {
        let answer = self.get("query", &[("query", expression)]).await;
        let samples = answer["result"].as_array().unwrap_or_else(|| panic!("no vector: {expression}"));
        let labels = |sample: &Value| serde_json::from_value(sample["metric"].clone()).expect("labels");
        let value = |sample: &Value| sample["value"][1].as_str().expect("a value").parse().expect("a number");
        samples.iter().map(|sample| Sample { labels: labels(sample), value: value(sample) }).collect()
    }

    /// The alerts that are pending or fire.
    pub async fn alerts(&self) -> Vec<Value> {
        self.get("alerts", &[]).await["alerts"].as_array().expect("alerts").clone()
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Value {
        let request = self.http.get(format!("{}/api/v1/{path}", self.base)).query(query);
        let mut answer: Value = request.send().await.expect("an answer").json().await.expect("JSON");
        assert_eq!(answer["status"], "success", "{query:?}: {answer}");
        answer["data"].take()
    }
}

/// Runs `promtool` in `folder`; fails with what it says.
pub fn promtool(folder: &Path, arguments: &[&str]) -> String {
    let output =
        Command::new("promtool").args(arguments).current_dir(folder).output().expect("promtool runs");
    let said =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "promtool {arguments:?}:\n{said}");
    said
}
