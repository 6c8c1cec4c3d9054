//! Tokens from each kind of source, over loopback.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rdkafka::ClientConfig;
use serde_json::json;
use tokio::runtime::Runtime;

use super::{KEY, ProviderKind, Source, configure, take};
use crate::own_process;

/// Ends in the year 2100.
fn jwt() -> String {
    let claims = json!({"sub": "alice", "exp": 4_102_444_800_i64});
    format!("e30.{}.", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

fn source(kind: ProviderKind) -> Source {
    let extensions = BTreeMap::from([("logicalCluster".to_owned(), "lkc-1".to_owned())]);
    Source { kind, subject: "sub".to_owned(), extensions }
}

/// What a server was asked: path with query, and two headers.
type Seen = Arc<Mutex<Vec<(String, String, String)>>>;

/// Answers everything with a token.
struct Server {
    url: String,
    seen: Seen,
    _runtime: Runtime,
}

impl Server {
    fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let seen = Seen::default();
        let app = Router::new().fallback(answer).with_state(Arc::clone(&seen));
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, seen, _runtime: runtime }
    }

    fn seen(&self) -> Vec<(String, String, String)> {
        self.seen.lock().unwrap().clone()
    }
}

async fn answer(State(seen): State<Seen>, request: Request) -> String {
    let header = |name: &str| {
        request.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    };
    let asked = (request.uri().to_string(), header("authorization"), header("x-identity-header"));
    seen.lock().unwrap().push(asked);
    json!({"access_token": jwt(), "expires_on": "4102444800", "resource": "r", "token_type": "Bearer"})
        .to_string()
}

#[test]
fn a_source_travels_in_the_settings_and_librdkafka_does_not_see_it() {
    let mut config = ClientConfig::new();
    configure(&mut config, &source(ProviderKind::File("/token".to_owned())));
    assert!(config.get(KEY).is_some());
    let taken = take(&mut config).unwrap();
    assert!(matches!(taken.kind, ProviderKind::File(path) if path == "/token") && config.get(KEY).is_none());
    config.set(KEY, "principal=alice");
    assert!(take(&mut config).is_none() && config.get(KEY).is_some(), "librdkafka's own");
}

#[test]
fn a_file_is_read_anew_for_each_token() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let source = source(ProviderKind::File(file.path().to_str().unwrap().to_owned()));
    std::fs::write(file.path(), format!("{}\n", jwt())).unwrap();
    let token = source.fetch().unwrap();
    assert_eq!((token.principal.as_str(), token.text.expose()), ("alice", jwt().as_str()));
    assert_eq!(token.extensions["logicalCluster"], "lkc-1");
    std::fs::write(file.path(), "nonsense").unwrap();
    assert!(source.fetch().unwrap_err().contains("no JWT"));
    drop(file);
    assert!(source.fetch().unwrap_err().contains("cannot be read"));
}

#[test]
fn id_and_secret_are_encoded_where_the_user_wants_it() {
    let server = Server::start();
    for (encode, expected) in [(false, "a b:s/+"), (true, "a+b:s%2F%2B")] {
        let kind = ProviderKind::Endpoint {
            url: format!("{}/token", server.url),
            id: "a b".to_owned(),
            secret: "s/+".to_owned(),
            scope: None,
            encode,
        };
        source(kind).fetch().unwrap();
        let (path, header, _) = server.seen().pop().unwrap();
        assert_eq!((path.as_str(), header), ("/token", format!("Basic {}", STANDARD.encode(expected))));
    }
}

#[test]
fn the_machines_identity_is_asked_for_the_scope() {
    if own_process::is_this() {
        return with_the_identity_of_an_app_service();
    }
    let server = Server::start();
    let endpoint = format!("{}/msi", server.url);
    own_process::run(
        concat!(module_path!(), "::the_machines_identity_is_asked_for_the_scope"),
        &[
            ("IDENTITY_ENDPOINT", endpoint.as_str()),
            ("IDENTITY_HEADER", "header-1"),
            ("http_proxy", "http://127.0.0.1:9"),
        ],
    );
    let (path, _, header) = server.seen().pop().unwrap();
    assert_eq!(header, "header-1");
    for part in ["/msi?", "resource=https%3A%2F%2Fns.servicebus.windows.net", "client_id=user-1"] {
        assert!(path.contains(part), "{part} in {path}");
    }
}

fn with_the_identity_of_an_app_service() {
    let scope = "https://ns.servicebus.windows.net/.default".to_owned();
    let token = source(ProviderKind::ManagedIdentity { client_id: Some("user-1".to_owned()), scope })
        .fetch()
        .unwrap();
    assert_eq!(token.principal, "alice");
}
