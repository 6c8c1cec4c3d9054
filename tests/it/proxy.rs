//! `proxy.host` and `proxy.port`: each kind of call takes the proxy. The cluster's name has no address, so a call that went
//! another way would fail.

use std::time::Duration;

use adx_emulator::options::AuthOptions;
use adx_emulator::{Operation, Options};
use serde_json::{Value, json};

use crate::support::{Adx, DATABASE, Kafka, Numbers, Proxy, Worker, unique};

/// A name that no resolver knows (RFC 2606).
const NAME: &str = "adx.invalid";
const KEY: &str = "the key of the application";

fn with_name(url: &str) -> String {
    url.replace("localhost", NAME)
}

/// The settings for a topic that is queued and one that is streamed, by way of `proxy`.
fn config(url: &str, proxy: &Proxy, queued: &str, streamed: &str) -> Value {
    json!({
        "connector.class": "com.microsoft.azure.kusto.kafka.connect.sink.KustoSinkConnector",
        "topics": format!("{queued},{streamed}"),
        "flush.interval.ms": "300",
        "kusto.ingestion.url": url,
        "kusto.query.url": url,
        "kusto.tables.topics.mapping": format!(
            "[{{'topic':'{queued}','db':'{DATABASE}','table':'Queued'}},\
             {{'topic':'{streamed}','db':'{DATABASE}','table':'Numbers','streaming':true}}]"
        ),
        "aad.auth.appid": "app-1", "aad.auth.appkey": KEY, "aad.auth.authority": "tenant-1",
        "proxy.host": "127.0.0.1",
        "proxy.port": proxy.port().to_string(),
    })
}

async fn adx() -> Adx {
    let auth = AuthOptions {
        require: true,
        client_secret: Some(KEY.to_owned()),
        dev_token: Some("ours".to_owned()),
        ..AuthOptions::default()
    };
    let tls_listen = Some(([127, 0, 0, 1], 0).into());
    let options = Options { auth, tls_listen, tls_names: vec![NAME.to_owned()], ..Options::default() };
    let adx = Adx::with(options).await.authorized("ours");
    adx.create_numbers().await;
    adx.command(".create table Queued (Partition: int, Number: long, Text: string)").await;
    adx.command(".alter table Numbers policy streamingingestion enable").await;
    adx
}

/// Rows by both ways; what the proxy saw.
async fn rows_arrive_by(url: &str, adx: &Adx, proxy: &Proxy) -> Vec<String> {
    let kafka = Kafka::shared().await;
    let (queued, streamed) = (unique("queued"), unique("streamed"));
    let mut worker = Worker::stopped(kafka.bootstrap(), &[("worker.allow.insecure.http", "true")]);
    worker.environment("SSL_CERT_FILE", adx.ca_file().to_str().expect("a path"));
    for topic in [&queued, &streamed] {
        kafka.create_topic(topic, 1).await;
    }
    worker.start_again().await;
    worker.rest().create_running("proxied", &config(url, proxy, &queued, &streamed)).await;
    Numbers::send(kafka, &queued, 1, 50).await;
    let sent = Numbers::send(kafka, &streamed, 1, 50).await;
    adx.wait_for_all(&sent, Duration::from_mins(1)).await;
    crate::support::wait_for("the queued rows", Duration::from_mins(1), async || {
        (adx.count("Queued").await == 50).then_some(())
    })
    .await;
    for operation in [
        Operation::Metadata,
        Operation::Token,
        Operation::IngestionResources,
        Operation::PutBlob,
        Operation::PutMessage,
        Operation::StreamingIngest,
    ] {
        assert!(adx.requests(operation) > 0, "{operation:?}");
    }
    proxy.seen()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_over_tls_takes_the_proxy() {
    let (adx, proxy) = (adx().await, Proxy::start().await);
    let url = with_name(&adx.https_url());
    let seen = rows_arrive_by(&url, &adx, &proxy).await;
    let authority = url.trim_start_matches("https://").trim_end_matches('/');
    assert!(!seen.is_empty() && seen.iter().all(|line| *line == format!("CONNECT {authority}")), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_plain_call_takes_the_proxy_too() {
    let (adx, proxy) = (adx().await, Proxy::start().await);
    let url = with_name(&adx.url());
    let seen = rows_arrive_by(&url, &adx, &proxy).await;
    for part in [
        "GET {}/v1/rest/auth/metadata",
        "POST {}/v1/rest/mgmt",
        "POST {}/v1/rest/ingest/lab/Numbers",
        "CONNECT ",
    ] {
        let part = part.replace("{}", url.trim_end_matches('/'));
        assert!(seen.iter().any(|line| line.starts_with(&part)), "{part} in {seen:?}");
    }
    for (method, word) in [("PUT", ".csv.gz"), ("POST", "/messages")] {
        let found =
            |line: &String| line.starts_with(&format!("{method} http://{NAME}")) && line.contains(word);
        assert!(seen.iter().any(found), "{method} {word} in {seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_that_is_not_there_is_named() {
    let kafka = Kafka::shared().await;
    let adx = adx().await;
    let proxy = Proxy::start().await;
    let topic = unique("unproxied");
    kafka.create_topic(&topic, 1).await;
    let worker = Worker::with(kafka, &[]).await;
    let config = config(&adx.https_url(), &proxy, &topic, &unique("nothing"));
    drop(proxy);
    assert_eq!(worker.rest().create("proxied", &config).await.status, 201);
    Numbers::send(kafka, &topic, 1, 5).await;
    crate::support::wait_for("a line about the proxy", Duration::from_mins(1), async || {
        worker.log().contains("by the proxy of proxy.host and proxy.port").then_some(())
    })
    .await;
}
