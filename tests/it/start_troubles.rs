//! What stands in the way of a start is said at once, with its cause and the setting to change: in the log, and in
//! `/health` of the worker that waits for it to pass.

use std::time::Duration;

use adx_emulator::Options;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::support::sentences::UNTRUSTED;
use crate::support::{
    Adx, Authority, DATABASE, Kafka, Raw, Registry, Stage, Worker, free_port, send_raw, unique, wait_for,
};

/// Waits for a line of the log that has all these words.
async fn said(worker: &Worker, words: &[&str]) {
    let what = format!("a line with {words:?}");
    wait_for(&what, Duration::from_secs(30), async || {
        let log = worker.log();
        log.lines().any(|line| words.iter().all(|word| line.contains(word))).then_some(())
    })
    .await;
}

async fn said_in_health(worker: &Worker, words: &[&str]) {
    let what = format!("/health with {words:?}");
    wait_for(&what, Duration::from_secs(30), async || {
        let answer = worker.rest().try_send("GET", "/health", None).await.ok()?;
        let text = answer.body.to_string();
        words.iter().all(|word| text.contains(word)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_copies_than_brokers() {
    let kafka = Kafka::shared().await;
    for which in ["config", "offset", "status"] {
        let key = format!("{which}.storage.replication.factor");
        let mut worker = Worker::stopped(kafka.bootstrap(), &[(key.as_str(), "3")]);
        worker.spawn();
        let words = [key.as_str(), "=3", "there are fewer brokers than copies"];
        said(&worker, &words).await;
        said_in_health(&worker, &words).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_nobody_knows() {
    let mut worker = Worker::stopped("no-such-host.invalid:9092", &[]);
    worker.spawn();
    said(&worker, &["no-such-host.invalid:9092", "bootstrap.servers", "the host does not resolve here"])
        .await;
    said_in_health(&worker, &["bootstrap.servers=no-such-host.invalid:9092", "resolve"]).await;
}

/// A port that speaks HTTP, one that says nothing, and one where nobody listens.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_that_is_not_kafkas() {
    let adx = Adx::start().await;
    let http = adx.url().trim_start_matches("http://").trim_end_matches('/').to_owned();
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let dumb = silent.local_addr().expect("an address").to_string();
    let mut held = JoinSet::new();
    held.spawn(async move {
        let mut connections = Vec::new();
        while let Ok((connection, _)) = silent.accept().await {
            connections.push(connection);
        }
    });
    let nobody = format!("127.0.0.1:{}", free_port());
    for (address, words) in [
        (http, "no broker of Kafka"),
        (dumb, "does not answer as a broker"),
        (nobody, "the connection is refused"),
    ] {
        let mut worker = Worker::stopped(&address, &[]);
        worker.spawn();
        said(&worker, &[&*address, "bootstrap.servers", words]).await;
        said_in_health(&worker, &[&*address, "bootstrap.servers", words]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_authority_of_adx_that_is_not_trusted() {
    let kafka = Kafka::shared().await;
    let stage = Stage::set(kafka, 1).await;
    let adx = Adx::with(Options { tls_listen: Some(([127, 0, 0, 1], 0).into()), ..Options::default() }).await;
    let mut config = stage.config();
    config["kusto.ingestion.url"] = adx.https_url().into();
    config["kusto.query.url"] = adx.https_url().into();
    stage.worker.rest().create_running(&stage.connector, &config).await;
    said(&stage.worker, &["certificate verify failed", "SSL_CERT_FILE", "kusto."]).await;
    stage.send(kafka, 10).await;
    let place = format!("{}-0, offsets 0-9", stage.topic);
    UNTRUSTED.waits(&stage.worker, &stage.connector, &[&place, "(table lab.Numbers)"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_authority_of_a_registry_that_is_not_trusted() {
    let kafka = Kafka::shared().await;
    let (stage, mut registry) = (Stage::set(kafka, 1).await, Registry::start().await);
    let folder = tempfile::tempdir().expect("a folder");
    let url = registry.up_by_tls(&Authority::new(folder.path())).await;
    let mut config = stage.config();
    let own: Value = json!({
        "value.converter": "io.confluent.connect.avro.AvroConverter",
        "value.converter.schema.registry.url": url,
        "value.converter.max.retries": "0",
        "kusto.tables.topics.mapping": format!(
            "[{{'topic':'{}','db':'{DATABASE}','table':'Numbers','format':'json'}}]", stage.topic
        ),
    });
    config.as_object_mut().expect("an object").extend(own.as_object().expect("an object").clone());
    let record = Raw { value: Some(vec![0, 0, 0, 0, 1, 0]), ..Raw::default() };
    send_raw(kafka, &stage.topic, &[record]).await;
    let name = unique("untrusted");
    assert_eq!(stage.worker.rest().create(&name, &config).await.status, 201);
    let trace = stage.worker.rest().wait_for_trace(&name).await;
    let words = [
        "certificate verify failed",
        "value.converter.schema.registry.ssl.truststore.location",
        "SSL_CERT_FILE",
    ];
    assert!(words.iter().all(|word| trace.contains(word)), "{trace}");
    let line = trace.lines().next().unwrap_or_default();
    for part in [&*format!("{}-0, offset 0: VALUE_CONVERTER: GET ", stage.topic), "; check value.converter."]
    {
        assert!(line.contains(part), "{part}: {trace}");
    }
}
