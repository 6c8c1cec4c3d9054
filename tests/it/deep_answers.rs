//! Bodies of requests to a worker, and of answers to it, that are nested 1,001 to 60,000 levels deep: the worker stays, and
//! says what is wrong in words of people. What a record or a setting can hold is in `depth`.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::support::{Kafka, Stage, Worker, unique, wait_for};

const DEPTHS: [usize; 3] = [1001, 3000, 60_000];
const AVRO: &str = "io.confluent.connect.avro.AvroConverter";

fn nested(depth: usize) -> String {
    "[".repeat(depth) + "7" + &"]".repeat(depth)
}

fn objects(depth: usize) -> String {
    "{\"a\":".repeat(depth) + "7" + &"}".repeat(depth)
}

/// A service that answers everything with one status, and with members so deep in all places in which clients look.
struct Deep {
    url: String,
    _server: JoinSet<()>,
}

impl Deep {
    async fn start(status: StatusCode, depth: usize) -> Self {
        let deep = nested(depth);
        let of_registry =
            format!(r#""schema":{deep},"references":{deep},"error_code":{deep},"message":{deep}"#);
        let of_service =
            format!(r#""Tables":[{{"Rows":{deep}}}],"AzureAD":{deep},"error":{{"message":{deep}}}"#);
        let of_tokens = format!(r#""access_token":{deep},"expires_in":{deep},"error_description":{deep}"#);
        let body = format!("{{{of_registry},{of_service},{of_tokens}}}");
        let router = Router::new().fallback(answer).with_state((status, body));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self { url, _server: server }
    }

    /// Settings that make a worker ask: the service itself, how to sign in, registries, and who gives tokens for them.
    fn clients(&self) -> Vec<(&'static str, Value)> {
        let url = &self.url;
        let jaas = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required clientId=\"id\" \
                    clientSecret=\"of-no-interest\";";
        vec![
            (
                "service",
                json!({ "kusto.ingestion.url": url, "kusto.query.url": url,
                "aad.auth.strategy": "AZ_DEV_TOKEN", "aad.auth.accesstoken": "of-no-interest" }),
            ),
            (
                "sign-in",
                json!({ "kusto.ingestion.url": url, "kusto.query.url": url,
                "aad.auth.appid": "app", "aad.auth.appkey": "of-no-interest", "aad.auth.authority": "tenant" }),
            ),
            (
                "registry",
                json!({ "value.converter": AVRO, "value.converter.schema.registry.url": url,
                "value.converter.max.retries": "0" }),
            ),
            (
                "apicurio",
                json!({ "value.converter": "io.apicurio.registry.utils.converter.AvroConverter",
                "value.converter.apicurio.registry.url": url }),
            ),
            (
                "token",
                json!({ "value.converter": AVRO, "value.converter.schema.registry.url": url,
                "value.converter.max.retries": "0",
                "value.converter.bearer.auth.credentials.source": "OAUTHBEARER",
                "value.converter.bearer.auth.issuer.endpoint.url": format!("{url}/token"),
                "value.converter.bearer.auth.client.id": "id",
                "value.converter.bearer.auth.client.secret": "of-no-interest" }),
            ),
            (
                "kafka",
                json!({ "consumer.override.security.protocol": "SASL_PLAINTEXT",
                "consumer.override.sasl.mechanism": "OAUTHBEARER",
                "consumer.override.sasl.jaas.config": jaas,
                "consumer.override.sasl.oauthbearer.token.endpoint.url": format!("{url}/token") }),
            ),
        ]
    }
}

async fn answer(State((status, body)): State<(StatusCode, String)>) -> impl IntoResponse {
    (status, [("content-type", "application/json")], body)
}

/// What is said of a connector that cannot do its work, or of why it cannot be created.
async fn said_of(worker: &Worker, name: &str, config: &Value) -> String {
    let rest = worker.rest();
    let answer = rest.create(name, config).await;
    if answer.status != 201 {
        return answer.body.to_string();
    }
    let said = wait_for(format!("a word about {name}"), Duration::from_mins(1), async || {
        let status = rest.get(&format!("/connectors/{name}/status")).await.body;
        let parts = status["tasks"].as_array()?.iter().chain([&status["connector"]]);
        let told = parts.filter_map(|part| part["trace"].as_str()).collect::<String>();
        let log = worker.log();
        let is_warned =
            |line: &&str| line.contains(name) && (line.contains("WARN") || line.contains("ERROR"));
        let warned = log.lines().find(is_warned).map(str::to_owned);
        Some(told).filter(|told| !told.is_empty()).or(warned)
    })
    .await;
    assert_eq!(rest.delete(&format!("/connectors/{name}")).await.status, 204);
    said
}

async fn assert_well(worker: &Worker, after: &str) {
    assert_eq!(worker.rest().get("/health").await.status, 200, "after {after}");
    assert!(!worker.log().contains("panicked"), "after {after}: {}", worker.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_of_any_depth_are_errors_with_words() {
    let kafka = Kafka::shared().await;
    let worker = Worker::with(kafka, &[("task.restart.backoff.ms", "0")]).await;
    let stage = Stage::around(kafka, 1, worker).await;
    // A schema's id in front, so that registries are asked.
    kafka.write(&stage.topic, &[(None, Some(vec![0, 0, 0, 0, 1, 2, 0, 0, 0, 0]))]).await;
    for (status, depth) in DEPTHS.map(|depth| (200, depth)).into_iter().chain([(400, 60_000), (503, 60_000)])
    {
        let deep = Deep::start(StatusCode::from_u16(status).expect("a status"), depth).await;
        for (name, more) in deep.clients() {
            let case = format!("{name}, {status}, {depth} levels");
            println!("{case}");
            let said = said_of(&stage.worker, &unique(name), &stage.one_task_with(&more)).await;
            assert!(said.contains(&deep.url), "{case}: {said}");
            assert!(!said.contains("recursion limit") && said.len() < 8000, "{case}: {said}");
            assert_well(&stage.worker, &case).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_of_any_depth_are_refused_or_read() {
    let kafka = Kafka::shared().await;
    let worker = Worker::start(kafka).await;
    let stage = Stage::around(kafka, 1, worker).await;
    stage.create().await;
    let (rest, name) = (stage.worker.rest(), &stage.connector);
    let places = [
        ("POST", "/connectors".to_owned()),
        ("PUT", format!("/connectors/{name}/config")),
        ("PATCH", format!("/connectors/{name}/config")),
        ("PATCH", format!("/connectors/{name}/offsets")),
        ("PUT", "/connector-plugins/KustoSinkConnector/config/validate".to_owned()),
        ("PUT", "/admin/loggers/root".to_owned()),
    ];
    for depth in DEPTHS {
        let (deep, deep_object) = (nested(depth), objects(depth));
        let bodies = [
            deep.clone(),
            deep_object.clone(),
            "[".repeat(depth),
            "{\"a\":".repeat(depth),
            format!(r#"{{"name":"deep","config":{deep}}}"#),
            format!(r#"{{"name":{deep},"config":{{}}}}"#),
            format!(r#"{{"name":"deep","config":{{"topics":{deep_object}}}}}"#),
            format!(r#"{{"name":"deep","config":{{}},"initial_state":{deep}}}"#),
            format!(r#"{{"topics":{deep}}}"#),
            format!(r#"{{"offsets":{deep}}}"#),
            format!(r#"{{"offsets":[{{"partition":{deep_object},"offset":{deep}}}]}}"#),
            format!(r#"{{"level":{deep}}}"#),
        ];
        for (method, path) in &places {
            for body in &bodies {
                let answer = rest.send(method, path, Some(body.clone())).await;
                let case = format!("{method} {path} of {depth} levels, {body:.60}");
                let text = answer.body.to_string();
                assert!((400..500).contains(&answer.status), "{case}: {} {text:.500}", answer.status);
                assert!(!text.contains("recursion limit") && text.len() < 2000, "{case}: {text:.2500}");
            }
            assert_well(&stage.worker, path).await;
        }
    }
    stage.assert_running().await;
}
