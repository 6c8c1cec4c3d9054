//! A worker and a connector that would run, in files, and what `kusto-connect doctor` says of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Adx, DATABASE, Kafka, unique, wait_for};

/// The files, and the services that they name.
pub struct Demo {
    pub kafka: &'static Kafka,
    pub adx: Adx,
    pub topic: String,
    pub cluster: String,
    pub worker: BTreeMap<String, String>,
    pub connector: Value,
    pub environment: Vec<(String, String)>,
    folder: TempDir,
}

impl Demo {
    /// A broker with a topic, a cluster with a table and a mapping; nothing was started yet.
    pub async fn set() -> Self {
        Self::on(Adx::start().await).await
    }

    /// The same with this cluster.
    pub async fn on(adx: Adx) -> Self {
        let kafka = Kafka::shared().await;
        adx.create_storms().await;
        let (topic, cluster) = (unique("storms"), unique("examined"));
        kafka.create_topic(&topic, 2).await;
        let mut worker: BTreeMap<String, String> = [
            ("bootstrap.servers", kafka.bootstrap().to_owned()),
            ("group.id", cluster.clone()),
            ("key.converter", "org.apache.kafka.connect.storage.StringConverter".to_owned()),
            ("value.converter", "org.apache.kafka.connect.storage.StringConverter".to_owned()),
        ]
        .map(|(key, value): (&str, String)| (key.to_owned(), value))
        .into();
        for kind in ["config", "offset", "status"] {
            worker.insert(format!("{kind}.storage.topic"), format!("{cluster}-{kind}"));
            worker.insert(format!("{kind}.storage.replication.factor"), "1".to_owned());
        }
        let connector = json!({
            "name": "examined",
            "connector.class": "KustoSinkConnector",
            "topics": topic,
            "kusto.ingestion.url": adx.url(),
            "kusto.query.url": adx.url(),
        });
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let mut demo =
            Self { kafka, adx, topic, cluster, worker, connector, environment: Vec::new(), folder };
        demo.map_to(DATABASE, "Storms", "Storms_CSV_Mapping", "");
        demo
    }

    /// Sends the topic there; `more` are further fields of the mapping.
    pub fn map_to(&mut self, database: &str, table: &str, mapping: &str, more: &str) {
        let topic = &self.topic;
        self.connector["kusto.tables.topics.mapping"] = format!(
            "[{{'topic':'{topic}','db':'{database}','table':'{table}','format':'csv','mapping':'{mapping}'{more}}}]"
        )
        .into();
    }

    /// Sets keys of the connector.
    pub fn connector_with(&mut self, more: Value) {
        let Value::Object(more) = more else { panic!("no object: {more}") };
        self.connector.as_object_mut().expect("an object").extend(more);
    }

    /// Sets a key of the worker.
    pub fn worker_with(&mut self, key: &str, value: &str) {
        self.worker.insert(key.to_owned(), value.to_owned());
    }

    /// Runs the command as a user does; the code it ended with, what it said, and what it complained of.
    pub async fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let path = |name: &str| self.folder.path().join(name);
        let mut properties = String::new();
        for (key, value) in &self.worker {
            writeln!(properties, "{key}={value}").expect("text");
        }
        std::fs::write(path("worker.properties"), properties).expect("a file");
        std::fs::write(path("connector.json"), self.connector.to_string()).expect("a file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_kusto-connect"));
        command
            .arg("doctor")
            .args([path("worker.properties"), path("connector.json")])
            .args(arguments)
            .envs(self.environment.iter().cloned());
        let output = tokio::task::spawn_blocking(move || command.output().expect("the command runs"));
        let output = output.await.expect("its end");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    /// What it found.
    pub async fn examine(&self) -> Report {
        self.examine_with(&[]).await
    }

    /// The same with further arguments.
    pub async fn examine_with(&self, arguments: &[&str]) -> Report {
        let (code, said, complaints) = self.run(&[arguments, &["--json"]].concat()).await;
        let json = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}\n{complaints}"));
        Report { code: code.expect("a code"), json }
    }
}

/// What was found.
pub struct Report {
    pub code: i32,
    pub json: Value,
}

impl Report {
    fn checks(&self) -> impl Iterator<Item = &Value> {
        self.json["checks"].as_array().expect("a list").iter()
    }

    /// The check whose name begins so.
    pub fn check(&self, name: &str) -> &Value {
        let found = self.checks().find(|check| check["name"].as_str().expect("a name").starts_with(name));
        found.unwrap_or_else(|| panic!("no check {name} in {:#}", self.json))
    }

    /// Names of checks with this result.
    pub fn names(&self, result: &str) -> Vec<&str> {
        let found = self.checks().filter(|check| check["result"] == result);
        found.map(|check| check["name"].as_str().expect("a name")).collect()
    }

    /// Nothing failed.
    pub fn assert_good(&self) {
        assert_eq!(
            (self.code, self.names("failed"), self.names("skipped")),
            (0, vec![], vec![]),
            "{:#}",
            self.json
        );
    }

    /// Only the check whose name begins so failed, with these words and these in what is to be done; what was skipped
    /// names it.
    pub fn assert_names(&self, name: &str, said: &str, to_do: &str) {
        let failed = self.names("failed");
        assert!(
            self.code == 1 && failed.len() == 1 && failed[0].starts_with(name),
            "{name}: {:#}",
            self.json
        );
        let check = self.check(name);
        for (field, words) in [("said", said), ("to_do", to_do)] {
            let text = check[field].as_str().expect("a sentence");
            assert!(text.contains(words), "{words} is not in {field}: {text}");
        }
        for check in self.checks().filter(|check| check["result"] == "skipped") {
            assert!(check["said"].as_str().expect("a reason").ends_with(failed[0]), "{check}");
        }
    }
}

/// Waits until nobody listens at this address.
pub async fn wait_until_closed(address: &str) {
    let refused = async || tokio::net::TcpStream::connect(address).await.err();
    wait_for(format!("the end of {address}"), Duration::from_secs(10), refused).await;
}
