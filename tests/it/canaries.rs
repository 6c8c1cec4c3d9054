//! Canaries: a secret in every setting that takes one, of connectors and of the worker; services that repeat whatever they
//! are sent, are cut off or are not to be trusted; each level and both formats of the log. No log line, trace, answer, metric or
//! dead letter holds one, in any form, in the whole life of a connector and of its worker.

mod own;
mod places;
mod services;

use std::fmt::Write;
use std::time::Duration;

use aho_corasick::AhoCorasick;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::{Authority, Kafka, Worker, read_raw, unique, wait_for};
use places::{Around, Aviary};
use services::{Lent, Manner, Parrots};

/// A canary's name; no two are alike, and none is a word.
fn canary(number: usize) -> String {
    // Signs that base64, URLs and JSON write in other ways.
    format!("c4nary{number:02}/+\"x=")
}

/// What of a canary is the same in text, URLs and JSON.
fn name(canary: &str) -> &str {
    canary.split('/').next().expect("a name")
}

/// The forms in which one may be repeated.
fn forms(canary: &str) -> Vec<String> {
    let coded: String = url::form_urlencoded::byte_serialize(canary.as_bytes()).collect();
    // What all forms but base64 have in common is the name.
    let name = name(canary).to_owned();
    let in_base64 = (0..3).map(|shift| {
        let text = format!("{}{canary}", "x".repeat(shift));
        let code = STANDARD.encode(text);
        // Only whole groups of the canary alone are the same whatever stands around.
        let begin = if shift == 0 { 0 } else { 4 };
        code[begin..code.len() - 8].to_owned()
    });
    in_base64.chain([name, coded]).collect()
}

/// A text as a part of an address.
fn in_url(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// A text as a file of properties holds it.
fn in_properties(text: &str) -> String {
    text.replace('\\', "\\\\")
}

/// Fails when one of the first `count` canaries is in `text`.
fn assert_silent(text: &str, count: usize) {
    let all: Vec<(usize, String)> = (0..count)
        .flat_map(|number| forms(&canary(number)).into_iter().map(move |form| (number, form)))
        .collect();
    let finder = AhoCorasick::new(all.iter().map(|(_, form)| form)).expect("a finder");
    let mut found = String::new();
    for line in text.lines() {
        for hit in finder.find_iter(line) {
            let (number, form) = &all[hit.pattern().as_usize()];
            writeln!(found, "canary {number} as {form} in: {line}").expect("a text");
        }
    }
    assert!(found.is_empty(), "{found}");
}

/// The settings of a connector that reads `topic`, with `more` over the common ones; what is empty is left out.
fn config(topic: &str, letters: &str, more: &[(&'static str, String)]) -> Value {
    let mut config = json!({
        "connector.class": "com.microsoft.azure.kusto.kafka.connect.sink.KustoSinkConnector",
        "topics": topic,
        "tasks.max": "1",
        "flush.interval.ms": "200",
        "errors.log.enable": "true",
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": letters,
        "errors.deadletterqueue.topic.replication.factor": "1",
        "errors.deadletterqueue.context.headers.enable": "true",
        "kusto.validation.table.enable": "false",
        "kusto.validation.records.enable": "false",
        "kusto.ingestion.url": "http://127.0.0.1:9",
        "kusto.query.url": "http://127.0.0.1:9",
        "aad.auth.strategy": "AZ_DEV_TOKEN",
        "aad.auth.accesstoken": "of-no-interest",
        "kusto.tables.topics.mapping":
            format!("[{{'topic': '{topic}', 'db': 'lab', 'table': 'T', 'format': 'json'}}]"),
    });
    for (key, value) in more {
        config[*key] = value.as_str().into();
    }
    let settings = config.as_object_mut().expect("an object");
    if settings["aad.auth.strategy"] == "APPLICATION" {
        settings.remove("aad.auth.accesstoken");
    }
    settings.retain(|_, value| value != "");
    config
}

/// How one worker is looked at: in its first life at `trace`, which has the lines of all levels, in its second at this level and
/// in the other format.
struct Look {
    manner: Manner,
    first: Format,
    level: &'static str,
}

#[derive(Clone, Copy)]
enum Format {
    Text,
    Json,
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Text => Self::Json,
            Self::Json => Self::Text,
        }
    }
}

/// A worker with secrets of its own, under which everything is tried.
struct Stage {
    worker: Worker,
    parrots: Parrots,
    authority: Authority,
    folder: tempfile::TempDir,
    aviary: Aviary,
    topic: String,
    letters: String,
    said: Vec<String>,
}

impl Stage {
    async fn set(look: &Look) -> Self {
        let kafka = Kafka::shared().await;
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let authority = Authority::new(folder.path());
        let mut aviary = Aviary::default();
        let lent = Lent { signature: aviary.told(), identity: aviary.told() };
        let parrots = Parrots::start(look.manner, &authority, &lent).await;
        let store_password = aviary.next();
        let store = authority.put("worker.p12", &authority.keys("worker").pkcs12_bytes(&store_password));
        let (login, proxy) = (in_properties(&places::login(&aviary.next())), aviary.next());
        let folder_text = folder.path().to_str().expect("a path").to_owned();
        let settings = [
            ("task.restart.backoff.ms", "0"),
            ("task.shutdown.graceful.timeout.ms", "500"),
            ("worker.allow.paths", &folder_text),
            ("config.providers", "vault"),
            ("config.providers.vault.class", "org.apache.kafka.common.config.provider.FileConfigProvider"),
            ("config.providers.vault.param.allowed.paths", &folder_text),
            // A login that this broker does not ask for is a secret like any other.
            ("sasl.jaas.config", &login),
            ("admin.listeners", "https://127.0.0.1:0"),
            ("admin.listeners.https.ssl.keystore.location", &store),
            ("admin.listeners.https.ssl.keystore.password", &store_password),
        ];
        let mut worker = Worker::stopped(kafka.bootstrap(), &settings);
        worker.environment("RUST_LOG", "trace");
        worker.environment("LOG_FORMAT", look.first.name());
        worker.environment("NO_PROXY", "127.0.0.1,localhost");
        let proxy = format!("http://user:{}@127.0.0.1:{}", in_url(&proxy), parrots.port());
        worker.environment("HTTP_PROXY", &proxy);
        if look.manner != Manner::Untrusted {
            worker.environment("SSL_CERT_FILE", &authority.pem_file());
        }
        worker.start_again().await;
        let (topic, letters) = (unique("canaries"), unique("canaries-letters"));
        kafka.create_topic(&topic, 1).await;
        kafka.create_topic(&letters, 1).await;
        Self { worker, parrots, authority, folder, aviary, topic, letters, said: Vec::new() }
    }

    /// Creates a connector for each place; the names of those that were not refused.
    async fn create(&mut self) -> Vec<String> {
        let vault = self.folder.path().to_str().expect("a path");
        let (broker, authority, parrots) =
            (Kafka::shared().await.bootstrap(), &self.authority, &self.parrots);
        let around = Around { parrots, authority, broker, vault };
        let cases = places::cases(&around, &mut self.aviary);
        let rest = self.worker.rest().clone();
        let mut names = Vec::new();
        for (name, more) in cases {
            let (full, config) = (unique(name), config(&self.topic, &self.letters, &more));
            let answer = rest.create(&full, &config).await;
            println!("{full}: {} {}", answer.status, answer.message());
            // Who creates one is told its settings, as Connect does it.
            match answer.status {
                201 => names.push(full),
                _ => self.said.push(answer.body.to_string()),
            }
            // The same as a form asks; with a mistake beside the secret; and without what says how it is to be read.
            let path = "/connector-plugins/KustoSinkConnector/config/validate";
            let mut wrong = config.clone();
            wrong["flush.size.bytes"] = "many".into();
            let mut unknown = config.clone();
            unknown.as_object_mut().expect("an object").remove("connector.class");
            for (method, path, body) in [
                ("PUT", path, config.to_string()),
                ("POST", "/connectors", json!({ "name": name, "config": wrong }).to_string()),
                ("POST", "/connectors", json!({ "name": name, "config": unknown }).to_string()),
            ] {
                self.said.push(rest.send(method, path, Some(body)).await.body.to_string());
            }
        }
        names
    }

    /// Writes a record and waits until there is trouble with each of these, by its status or by a line of the log from `start`
    /// on.
    async fn trouble(&mut self, names: &[String], start: usize) {
        // The id of a schema in front, so that registries are asked.
        Kafka::shared().await.write(&self.topic, &[(None, Some(vec![0, 0, 0, 0, 1, 0, 0, 0, 2, 2]))]).await;
        let (rest, worker) = (self.worker.rest(), &self.worker);
        let mut last = Vec::new();
        let said = wait_for("trouble with each connector", Duration::from_mins(2), async || {
            let statuses = rest.get("/connectors?expand=status").await.body;
            let log = worker.log();
            let lines: Vec<&str> = log[start..].lines().filter(|line| is_of_trouble(line)).collect();
            let waits = |name: &&String| {
                let status = &statuses[name.as_str()]["status"];
                let tasks = status["tasks"].as_array().into_iter().flatten();
                let has_trace = tasks.chain([&status["connector"]]).any(|part| part["trace"].is_string());
                !has_trace && !lines.iter().any(|line| line.contains(name.as_str()))
            };
            let missing: Vec<&String> = names.iter().filter(waits).collect();
            if missing.len() != last.len() {
                println!("no trouble yet: {missing:?}");
                last = missing.into_iter().cloned().collect();
            }
            last.is_empty().then(|| statuses.to_string())
        })
        .await;
        self.said.push(said);
    }

    /// Everything else that may be asked, and a restart of every task.
    async fn ask(&mut self, names: &[String]) {
        let rest = self.worker.rest().clone();
        for name in names {
            let restart = format!("/connectors/{name}/restart?includeTasks=true");
            for (method, path) in [
                ("POST", restart.as_str()),
                ("GET", &format!("/connectors/{name}/tasks/0/status")),
                ("PUT", &format!("/connectors/{name}/pause")),
                ("PUT", &format!("/connectors/{name}/resume")),
            ] {
                self.said.push(rest.send(method, path, None).await.body.to_string());
            }
        }
        for path in ["/metrics", "/health", "/admin/loggers", "/connectors?expand=status"] {
            self.said.push(rest.get(path).await.body.to_string());
        }
    }
}

/// A line about something that went wrong, or, where nothing did, about what was done.
fn is_of_trouble(line: &str) -> bool {
    ["WARN", "ERROR", "in the last minute"].iter().any(|word| line.contains(word))
}

async fn nothing_is_told(look: Look) {
    let mut stage = Stage::set(&look).await;
    live(&mut stage, &look).await;
    let letters = read_raw(Kafka::shared().await, &stage.letters).await;
    assert!(!letters.is_empty(), "no letters");
    for (name, value) in letters.into_iter().flat_map(|letter| letter.headers) {
        stage.said.push(format!("{name}: {}", String::from_utf8_lossy(&value.unwrap_or_default())));
    }
    let count = stage.aviary.count;
    assert!(count >= 35, "only {count} canaries");
    // A canary that nobody was told proves nothing.
    if let Manner::Status(_) = look.manner {
        for number in &stage.aviary.told {
            assert!(stage.parrots.heard(&canary(*number)), "nobody was told canary {number}");
        }
    }
    assert_silent(&stage.said.join("\n"), count);
    assert_silent(&stage.worker.log(), count);
}

/// The life of connectors: made, looked at, started anew, removed; and taken up again by another worker.
async fn live(stage: &mut Stage, look: &Look) {
    let names = stage.create().await;
    assert!(names.len() >= 15, "only {names:?} were taken");
    stage.trouble(&names, 0).await;
    let before = stage.worker.log().len();
    stage.ask(&names).await;
    stage.trouble(&names, before).await;
    let (removed, kept) = names.split_at(names.len() / 2);
    for name in removed {
        let gone = stage.worker.rest().delete(&format!("/connectors/{name}")).await;
        stage.said.push(gone.body.to_string());
    }
    stage.worker.terminate().await;
    let before = stage.worker.log().len();
    stage.worker.environment("RUST_LOG", look.level);
    stage.worker.environment("LOG_FORMAT", look.first.other().name());
    stage.worker.start_again().await;
    stage.trouble(kept, before).await;
    stage.worker.terminate().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_refusal_repeats_a_secret() {
    nothing_is_told(Look { manner: Manner::Status(401), first: Format::Text, level: "debug" }).await;
    nothing_is_told(Look { manner: Manner::Status(400), first: Format::Json, level: "info" }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_ban_and_no_limit_repeats_a_secret() {
    nothing_is_told(Look { manner: Manner::Status(403), first: Format::Json, level: "warn" }).await;
    nothing_is_told(Look { manner: Manner::Status(413), first: Format::Text, level: "debug" }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_outage_repeats_a_secret() {
    nothing_is_told(Look { manner: Manner::Status(500), first: Format::Json, level: "debug" }).await;
    nothing_is_told(Look { manner: Manner::Cut, first: Format::Text, level: "warn" }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_success_that_makes_no_sense_repeats_a_secret_and_no_stranger() {
    nothing_is_told(Look { manner: Manner::Status(200), first: Format::Json, level: "info" }).await;
    nothing_is_told(Look { manner: Manner::Untrusted, first: Format::Text, level: "error" }).await;
}
