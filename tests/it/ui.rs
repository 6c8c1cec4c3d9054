//! The page of `/ui` in a real browser, on a real worker with data flowing. Headers and addresses are tested beside the
//! code (`src/rest/ui_tests.rs`).
//!
//! The scripts of `tests/rigs/browser` drive Chromium and compare what is shown with REST. With `UPDATE_SCREENSHOTS=1` the
//! first of them also writes `docs/images/ui-*.png`.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::{Adx, DATABASE, Kafka, Stage, TestWorker, Worker, rigs, root, unique, wait_for};

const BASIC_AUTH: &str = "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension";
/// Records a second.
const RATE: u32 = 200;
/// What must not be seen.
const SECRET: &str = "not-for-your-eyes";
/// Settings that hold it: one is defined as a password, one only sounds like it.
const SECRETS: [&str; 2] = ["aad.auth.appkey", "notes.password"];

/// Runs a script of `tests/rigs/browser` on the worker; fails with what it says.
async fn in_a_browser(script: &str, base: &str, facts: &Value) {
    let folder = root().join("tests/rigs/browser");
    let mut node = Command::new("node");
    node.arg(folder.join(script)).arg(base).arg(rigs().join("browser"));
    let run = node.arg(facts.to_string()).stdin(Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(Duration::from_mins(5), run).await.expect("in time");
    let output = output.expect("node runs");
    let text =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    println!("{text}");
    assert!(output.status.success(), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_page_shows_is_what_rest_says() {
    let kafka = Kafka::shared().await;
    // A task that failed stays so while it is looked at.
    let worker = Worker::with(kafka, &[("task.restart.backoff.ms", "0")]).await;
    let mut stage = Stage::around(kafka, 3, worker).await;
    stage.connector = "storm-events".to_owned();
    stage.create().await;
    let load = stage.load(kafka, RATE);
    let html = json!({
        "name": unique("<b>&lt;\"'/%?#ü 😀 <img src=x onerror=pwned=1>"),
        "config": stage.one_task_with(&json!({
            "transforms": "route", "transforms.route.type": "org.apache.kafka.connect.transforms.RegexRouter",
            "transforms.route.regex": ".*", "transforms.route.replacement": "<img src=x onerror=pwned=1>",
        })),
    });
    let mapping = stage.config()["kusto.tables.topics.mapping"].as_str().unwrap().replace("Numbers", "Bills");
    let failing = stage.one_task_with(&json!({ "kusto.tables.topics.mapping": mapping }));
    let mut config = stage.one_task_with(&json!({
        "aad.auth.strategy": "application", "aad.auth.authority": "tenant", "aad.auth.appid": "app",
    }));
    for key in SECRETS {
        config[key] = SECRET.into();
    }
    let asked = std::env::var_os("UPDATE_SCREENSHOTS").is_some_and(|value| value == "1");
    let pictures = asked.then(|| root().join("docs/images"));
    let facts = json!({
        "running": stage.connector,
        "html": html,
        "failing": { "name": "billing", "config": failing },
        "secret": { "name": "audit", "config": config, "initial_state": "STOPPED" },
        "secrets": SECRETS,
        "value": SECRET,
        "pictures": pictures,
    });
    in_a_browser("shows.mjs", &stage.worker.rest().url(""), &facts).await;
    load.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_button_of_the_page_does_what_it_says() {
    let kafka = Kafka::shared().await;
    let stage = Stage::running(kafka, 2).await;
    let sent = stage.send(kafka, 100).await;
    assert_eq!(sent.total(), 100);
    wait_for("all to be committed", Duration::from_mins(1), async || {
        (stage.committed(kafka).await.iter().sum::<i64>() == 100).then_some(())
    })
    .await;
    let facts = json!({ "name": stage.connector, "other": unique("other") });
    in_a_browser("buttons.mjs", &stage.worker.rest().url(""), &facts).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_works_below_a_prefix_and_behind_a_password() {
    let kafka = Kafka::shared().await;
    let users = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(users.path(), "alice=wonderland\n").expect("users");
    let settings = [
        ("CONNECT_REST_EXTENSION_CLASSES", BASIC_AUTH),
        ("CONNECT_REST_BASIC_AUTH_USERS_FILE", users.path().to_str().expect("a path")),
    ];
    let worker = TestWorker::start(kafka.bootstrap(), &unique("page"), &settings).await;
    let (topic, adx) = (unique("page"), Adx::start().await);
    kafka.create_topic(&topic, 1).await;
    adx.create_numbers().await;
    let name = unique("sink");
    let body = json!({ "name": name, "config": {
        "connector.class": "com.microsoft.azure.kusto.kafka.connect.sink.KustoSinkConnector",
        "topics": topic,
        "kusto.ingestion.url": adx.url(),
        "kusto.query.url": adx.url(),
        "kusto.tables.topics.mapping":
            format!("[{{'topic': '{topic}', 'db': '{DATABASE}', 'table': 'Numbers', 'format': 'csv'}}]"),
    } });
    let create = worker.request("POST", "/connectors").basic_auth("alice", Some("wonderland")).json(&body);
    assert_eq!(create.send().await.expect("an answer").status().as_u16(), 201);
    let facts = json!({ "name": name, "user": "alice", "password": "wonderland" });
    in_a_browser("behind_a_proxy.mjs", &format!("http://{}", worker.address()), &facts).await;
    assert!(worker.stop().await);
}
