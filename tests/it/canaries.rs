//! Canaries: a secret in every setting that takes one, services that repeat whatever they are sent, and each way to fail.
//! No log line at any level, no trace, no answer and no dead letter holds one, in any form.

use std::fmt::Write;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::IntoResponse;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::support::{Kafka, Worker, unique, wait_for};

/// A service that answers with a status and repeats the request: its address, its headers as they came and decoded, its
/// body; in the shapes of a registry's, an identity provider's and ADX's errors at once, and in headers.
struct Parrot {
    port: u16,
    _server: JoinSet<()>,
}

impl Parrot {
    async fn start(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let status = StatusCode::from_u16(status).expect("a status");
        let router = Router::new().fallback(repeat).with_state(status);
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self { port, _server: server }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

async fn repeat(
    State(status): State<StatusCode>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    let mut text = format!("you asked {uri}");
    for (name, value) in &headers {
        let value = value.to_str().unwrap_or_default();
        write!(text, " {name}: {value}").expect("a text");
        if let Some(pair) = value.strip_prefix("Basic ").and_then(|pair| STANDARD.decode(pair).ok()) {
            write!(text, " which is {}", String::from_utf8_lossy(&pair)).expect("a text");
        }
    }
    write!(text, " with {}", String::from_utf8_lossy(&body)).expect("a text");
    let text = text.replace(['\n', '\r'], " ");
    let answer = json!({
        "error_code": 40101, "message": text,
        "error": {"code": text, "message": text, "@message": text, "@permanent": true},
        "error_description": text,
    });
    ([("x-ms-error-code", text)], (status, axum::Json(answer)))
}

/// A canary's name; no two are alike, and none is a word.
fn canary(number: usize) -> String {
    // Signs that base64, URLs and JSON write in other ways.
    format!("c4nary{number:02}/+\"x=")
}

/// The forms in which one may be repeated.
fn forms(canary: &str) -> Vec<String> {
    let coded: String = url::form_urlencoded::byte_serialize(canary.as_bytes()).collect();
    // What all forms but base64 have in common is the name.
    let name = canary.split('/').next().expect("a name").to_owned();
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

/// One connector that fails: its settings beside the common ones.
type Case = (&'static str, Vec<(&'static str, String)>);

fn registry(class: &str, url: String, more: Vec<(&'static str, String)>) -> Vec<(&'static str, String)> {
    let mut settings =
        vec![("value.converter", class.to_owned()), ("value.converter.schema.registry.url", url)];
    settings.extend(more);
    settings
}

/// Every place for a secret, with canaries from `next`.
fn cases(parrot: &Parrot, mut next: impl FnMut() -> String) -> Vec<Case> {
    let mut all = of_services(parrot, &mut next);
    all.extend(of_kafka(parrot, &mut next));
    all
}

/// Of registries, proxies and the service itself.
fn of_services(parrot: &Parrot, next: &mut impl FnMut() -> String) -> Vec<Case> {
    let (url, port) = (parrot.url(), parrot.port);
    let avro = "io.confluent.connect.avro.AvroConverter";
    let [of_info, of_url, of_proxy] = [(); 3].map(|()| next());
    let mut key = |name: &'static str| (name, next());
    vec![
        (
            "info",
            registry(
                avro,
                url.clone(),
                vec![
                    ("value.converter.basic.auth.credentials.source", "USER_INFO".to_owned()),
                    ("value.converter.basic.auth.user.info", format!("user:{of_info}")),
                    key("value.converter.request.header.X-Key"),
                ],
            ),
        ),
        (
            "bearer",
            registry(
                avro,
                url.clone(),
                vec![
                    ("value.converter.bearer.auth.credentials.source", "STATIC_TOKEN".to_owned()),
                    key("value.converter.bearer.auth.token"),
                ],
            ),
        ),
        ("url", registry(avro, format!("http://user:{}@127.0.0.1:{port}", in_url(&of_url)), vec![])),
        (
            "proxy",
            vec![
                ("proxy.host", format!("user:{}@127.0.0.1", in_url(&of_proxy))),
                ("proxy.port", port.to_string()),
            ],
        ),
        ("token", vec![("aad.auth.strategy", "AZ_DEV_TOKEN".to_owned()), key("aad.auth.accesstoken")]),
        (
            "application",
            vec![
                ("aad.auth.appid", "app".to_owned()),
                ("aad.auth.authority", "tenant".to_owned()),
                key("aad.auth.appkey"),
            ],
        ),
    ]
}

/// Of Kafka's clients.
fn of_kafka(parrot: &Parrot, next: &mut impl FnMut() -> String) -> Vec<Case> {
    let url = parrot.url();
    let [of_plain, of_oauth, of_endpoint] = [(); 3].map(|()| next());
    let mut key = |name: &'static str| (name, next());
    let quoted = |text: &str| text.replace('"', "\\\"");
    let plain = format!(
        "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"user\" password=\"{}\";",
        quoted(&of_plain)
    );
    let oauth = format!(
        "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required clientId=\"id\" \
         clientSecret=\"{}\";",
        quoted(&of_oauth)
    );
    vec![
        (
            "plain",
            vec![
                ("consumer.override.security.protocol", "SASL_PLAINTEXT".to_owned()),
                ("consumer.override.sasl.mechanism", "PLAIN".to_owned()),
                ("consumer.override.sasl.jaas.config", plain),
            ],
        ),
        (
            "oauth",
            vec![
                ("consumer.override.security.protocol", "SASL_PLAINTEXT".to_owned()),
                ("consumer.override.sasl.mechanism", "OAUTHBEARER".to_owned()),
                ("consumer.override.sasl.jaas.config", oauth),
                (
                    "consumer.override.sasl.oauthbearer.token.endpoint.url",
                    format!("{url}/token?code={}", in_url(&of_endpoint)),
                ),
            ],
        ),
        (
            "stores",
            vec![
                ("consumer.override.security.protocol", "SSL".to_owned()),
                ("consumer.override.ssl.keystore.location", "/nowhere".to_owned()),
                key("consumer.override.ssl.keystore.password"),
                key("consumer.override.ssl.key.password"),
                key("consumer.override.ssl.truststore.password"),
            ],
        ),
        (
            "letters",
            vec![
                ("errors.tolerance", "all".to_owned()),
                ("producer.override.security.protocol", "SSL".to_owned()),
                key("producer.override.ssl.keystore.key"),
                key("producer.override.ssl.key.password"),
            ],
        ),
    ]
}

/// The common settings of a connector whose target is `url`.
fn config(topic: &str, url: &str, more: &[(&'static str, String)]) -> Value {
    let mut config = json!({
        "connector.class": "com.microsoft.azure.kusto.kafka.connect.sink.KustoSinkConnector",
        "topics": topic,
        "tasks.max": "1",
        "flush.interval.ms": "200",
        "errors.log.enable": "true",
        "kusto.ingestion.url": url,
        "kusto.query.url": url,
        "aad.auth.strategy": "AZ_DEV_TOKEN",
        "aad.auth.accesstoken": "of-no-interest",
        "kusto.tables.topics.mapping":
            format!("[{{'topic': '{topic}', 'db': 'lab', 'table': 'T', 'format': 'json'}}]"),
    });
    if more.iter().any(|(key, _)| key.starts_with("aad.auth.app")) {
        let config = config.as_object_mut().expect("an object");
        config.remove("aad.auth.strategy");
        config.remove("aad.auth.accesstoken");
    }
    for (key, value) in more {
        config[*key] = value.as_str().into();
    }
    config
}

/// Creates a connector and gives all that is said of it until it fails, or of its refusal.
async fn said_of(worker: &Worker, name: &str, config: &Value) -> String {
    let rest = worker.rest();
    let answer = rest.create(name, config).await;
    if answer.status != 201 {
        return answer.body.to_string();
    }
    wait_for(format!("the failure of {name}"), Duration::from_mins(1), async || {
        let status = rest.get(&format!("/connectors/{name}/status")).await.body;
        let tasks = status["tasks"].as_array()?;
        let told = tasks.iter().chain([&status["connector"]]).any(|part| part["trace"].is_string());
        // What may pass by itself is waited for, and told in the log.
        let is_warned = |line: &str| line.contains(name) && (line.contains("WARN") || line.contains("ERROR"));
        (told || worker.log().lines().any(is_warned)).then(|| status.to_string())
    })
    .await
}

async fn nothing_is_told(status: u16, level: &str) {
    let kafka = Kafka::shared().await;
    let parrot = Parrot::start(status).await;
    let mut numbers = 0..;
    let cases = cases(&parrot, || canary(numbers.next().expect("a number")));
    let used = numbers.next().expect("a number");
    assert!(used >= 15, "only {used} canaries");
    let mut worker = Worker::stopped(kafka.bootstrap(), &[("task.restart.backoff.ms", "0")]);
    worker.environment("RUST_LOG", level);
    worker.start_again().await;
    let topic = unique("canaries");
    kafka.create_topic(&topic, 1).await;
    // A schema's id in front, so that registries are asked.
    kafka.write(&topic, &[(None, Some(vec![0, 0, 0, 0, 1, 2]))]).await;
    let mut all = String::new();
    for (name, more) in cases {
        let config = config(&topic, &parrot.url(), &more);
        all += &said_of(&worker, &unique(name), &config).await;
        // A mistake beside the secret, and a validation of it.
        let mut wrong = config.clone();
        wrong["flush.size.bytes"] = "many".into();
        wrong["name"] = name.into();
        all += &worker.rest().create(name, &wrong).await.body.to_string();
    }
    let log = worker.log();
    for number in 0..used {
        for form in forms(&canary(number)) {
            for line in log.lines().chain(all.lines()) {
                assert!(!line.contains(&form), "canary {number} as {form} in: {line}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_refusal_repeats_a_secret_at_any_level_of_logs() {
    nothing_is_told(401, "trace").await;
    nothing_is_told(400, "info").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_success_that_makes_no_sense_repeats_a_secret() {
    nothing_is_told(200, "debug").await;
}
