//! OAUTHBEARER: tokens of an identity provider, with the settings that Java's clients have, open a real broker to every
//! client of a worker, and are renewed; a provider that refuses is named, its secret is not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::support::sentences::KAFKA_REFUSES;
use crate::support::{Secured, Stage, Worker, wait_for};

const CLIENT: &str = "client-of-kafka";
const SECRET: &str = "s3cret-of-the-client";
const SCOPE: &str = "https://namespace.servicebus.windows.net/.default";
/// Short, so that a test sees tokens end.
const LIFE: i64 = 10;

/// A token endpoint on loopback.
struct Provider {
    url: String,
    issued: Arc<AtomicU64>,
    _server: JoinSet<()>,
}

impl Provider {
    async fn start() -> Self {
        let issued = Arc::new(AtomicU64::new(0));
        let app = Router::new().route("/token", post(issue)).with_state(Arc::clone(&issued));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/token", listener.local_addr().unwrap());
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, issued, _server: server }
    }

    fn issued(&self) -> u64 {
        self.issued.load(Ordering::Relaxed)
    }

    /// A worker's settings, its consumers' too.
    fn settings(&self, broker: &Secured, secret: &str) -> Vec<(String, String)> {
        let package = "org.apache.kafka.common.security.oauthbearer";
        let own = [
            ("security.protocol", "SASL_SSL".to_owned()),
            ("ssl.truststore.location", broker.authority.pem_file()),
            ("sasl.mechanism", "OAUTHBEARER".to_owned()),
            (
                "sasl.login.callback.handler.class",
                format!("{package}.secured.OAuthBearerLoginCallbackHandler"),
            ),
            ("sasl.oauthbearer.token.endpoint.url", self.url.clone()),
            (
                "sasl.jaas.config",
                format!(
                    "{package}.OAuthBearerLoginModule required clientId=\"{CLIENT}\" clientSecret=\"{secret}\" \
                     scope=\"{SCOPE}\";"
                ),
            ),
        ];
        let prefixed = own.iter().flat_map(|(key, value)| {
            ["", "consumer.", "producer."].map(|prefix| (format!("{prefix}{key}"), value.clone()))
        });
        prefixed.collect()
    }
}

/// A token as a broker without an authority takes it, for who knows the secret.
async fn issue(
    State(issued): State<Arc<AtomicU64>>,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, Json<Value>) {
    let form: Vec<(String, String)> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let has = |name: &str, value: &str| form.iter().any(|pair| pair.0 == name && pair.1 == value);
    let expected = format!("Basic {}", STANDARD.encode(format!("{CLIENT}:{SECRET}")));
    let known = headers.get("authorization").is_some_and(|value| *value == expected);
    if !known || !has("grant_type", "client_credentials") || !has("scope", SCOPE) {
        let refusal = json!({"error": "invalid_client", "error_description": "the secret is not right"});
        return (StatusCode::UNAUTHORIZED, Json(refusal));
    }
    issued.fetch_add(1, Ordering::Relaxed);
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({"sub": CLIENT, "iat": now, "exp": now + LIFE});
    let token = format!("{}.{}.", part(json!({"alg": "none"})), part(claims));
    (StatusCode::OK, Json(json!({"access_token": token, "token_type": "Bearer", "expires_in": LIFE})))
}

fn assert_silent(worker: &Worker, more: &str) {
    for line in worker.log().lines().chain(more.lines()) {
        assert!(!line.contains(SECRET) && !line.contains(WRONG), "a secret in: {line}");
    }
}

const WRONG: &str = "wr0ng-secret-of-the-client";

async fn worker(broker: &Secured, settings: &[(String, String)]) -> Worker {
    let pairs: Vec<_> = settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let mut worker = Worker::stopped(&broker.sasl(), &pairs);
    worker.environment("LOG_LEVEL", "DEBUG");
    worker.start_again().await;
    worker
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_of_a_provider_open_the_broker_and_are_renewed() {
    let (broker, provider) = (Secured::start().await, Provider::start().await);
    let worker = worker(&broker, &provider.settings(&broker, SECRET)).await;
    let stage = Stage::around(&broker.kafka, 2, worker).await;
    stage.create().await;
    let sent = stage.send(&broker.kafka, 200).await;
    stage.adx.wait_for_all(&sent, Duration::from_mins(1)).await;
    let clients = provider.issued();
    wait_for("every client to get another token", Duration::from_mins(1), async || {
        (provider.issued() >= 2 * clients).then_some(())
    })
    .await;
    stage.assert_running().await;
    assert_silent(&stage.worker, "");
    // What a connector's REST asks Kafka goes by a token, too.
    let offsets = stage.worker.rest().get(&format!("/connectors/{}/offsets", stage.connector)).await;
    assert_eq!(offsets.status, 200, "{}", offsets.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_refuses_is_named_and_the_secret_is_not() {
    let (broker, provider) = (Secured::start().await, Provider::start().await);
    let mut settings = provider.settings(&broker, SECRET);
    let wrong = provider.settings(&broker, WRONG);
    let jaas = wrong.iter().find(|(key, _)| key == "consumer.sasl.jaas.config").unwrap();
    settings.retain(|(key, _)| *key != jaas.0);
    settings.push(jaas.clone());
    let stage = Stage::around(&broker.kafka, 1, worker(&broker, &settings).await).await;
    let answer = stage.worker.rest().create(&stage.connector, &stage.config()).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let places = ["status 401 invalid_client", "check consumer.sasl.jaas.config"];
    let trace = KAFKA_REFUSES.fails(&stage.worker, &stage.connector, &places).await;
    assert!(trace.contains("status 401 invalid_client: the secret is not right"), "{trace}");
    assert!(trace.contains("consumer.sasl.jaas.config"), "{trace}");
    assert_silent(&stage.worker, &trace);
}
