//! Services that repeat whatever they are sent: registries, token endpoints, storage, proxies; and a cluster that lends their
//! storage, with canaries for signature and identity token.

use std::fmt::Write;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::{in_url, name};
use crate::support::{Authority, Tls};

/// How the services fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// They answer with this status and repeat the request.
    Status(u16),
    /// They read a request and end the connection.
    Cut,
    /// They speak TLS, and nobody knows who signed their certificates.
    Untrusted,
}

/// What a cluster lends.
#[derive(Debug, Clone)]
pub struct Lent {
    /// The signature of its storage.
    pub signature: String,
    /// Its identity token.
    pub identity: String,
}

/// The services, on two ports.
pub struct Parrots {
    plain: u16,
    secure: u16,
    manner: Manner,
    heard: Arc<Mutex<String>>,
    _servers: JoinSet<()>,
}

struct Parrot {
    status: StatusCode,
    /// Where it is itself.
    url: String,
    lent: Lent,
    heard: Arc<Mutex<String>>,
}

impl Parrots {
    /// Starts them; `authority` signs the one that speaks TLS.
    pub async fn start(manner: Manner, authority: &Authority, lent: &Lent) -> Self {
        let tcp = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let plain = tcp.local_addr().expect("an address").port();
        let tls = Tls::open(authority).await;
        let secure = tls.port();
        let (heard, mut servers) = (Arc::<Mutex<String>>::default(), JoinSet::new());
        let status = match manner {
            Manner::Status(status) => StatusCode::from_u16(status).expect("a status"),
            Manner::Cut | Manner::Untrusted => StatusCode::OK,
        };
        let app = |url: String| router(Parrot { status, url, lent: lent.clone(), heard: Arc::clone(&heard) });
        let [open, safe] =
            [format!("http://127.0.0.1:{plain}"), format!("https://localhost:{secure}")].map(app);
        if manner == Manner::Cut {
            servers.spawn(cut(tcp));
        } else {
            servers.spawn(async move { axum::serve(tcp, open).await.expect("it serves") });
        }
        servers.spawn(async move { axum::serve(tls, safe).await.expect("it serves") });
        Self { plain, secure, manner, heard, _servers: servers }
    }

    /// Where a service is that needs no TLS; under this manner of failure it may have it.
    pub fn url(&self) -> String {
        match self.manner {
            Manner::Untrusted => self.secure_url(),
            _ => format!("http://127.0.0.1:{}", self.plain),
        }
    }

    /// The same with a login before the host.
    pub fn url_of(&self, login: &str) -> String {
        self.url().replacen("://", &format!("://{login}@"), 1)
    }

    /// The port without TLS.
    pub fn port(&self) -> u16 {
        self.plain
    }

    /// Where one is that has TLS.
    pub fn secure_url(&self) -> String {
        format!("https://localhost:{}", self.secure)
    }

    /// True when anybody was told `canary`.
    pub fn heard(&self, canary: &str) -> bool {
        self.heard.lock().expect("no panic").contains(name(canary))
    }
}

/// Reads what comes first, and says nothing.
async fn cut(listener: TcpListener) {
    while let Ok((client, _)) = listener.accept().await {
        if client.readable().await.is_ok() {
            // Whoever was told something before does not matter any more.
            let _read = client.try_read(&mut [0; 4096]);
        }
    }
}

fn router(parrot: Parrot) -> Router {
    Router::new()
        .route("/v1/rest/auth/metadata", get(metadata))
        .route("/lending/v1/rest/mgmt", post(lend))
        .route("/storing/v1/rest/mgmt", post(lend))
        .route("/stored/{*blob}", put(async || StatusCode::CREATED))
        .fallback(repeat)
        .with_state(Arc::new(parrot))
}

/// The cloud of a cluster: its own login server.
async fn metadata(State(parrot): State<Arc<Parrot>>) -> axum::Json<Value> {
    axum::Json(json!({"AzureAD": {
        "LoginEndpoint": parrot.url, "LoginMfaRequired": false,
        "KustoServiceResourceId": "https://kusto.kusto.windows.net",
    }}))
}

/// The commands of a cluster that works; of one of two, containers work too.
async fn lend(State(parrot): State<Arc<Parrot>>, uri: Uri, axum::Json(asked): axum::Json<Value>) -> Response {
    let Lent { signature, identity } = &parrot.lent;
    let root = |place: &str| format!("{}/{place}?sv=1&sig={}", parrot.url, in_url(signature));
    let (columns, rows) = if asked["csl"].as_str().is_some_and(|text| text.contains("identity")) {
        (vec!["AuthorizationContext"], json!([[identity]]))
    } else {
        let stores = uri.path().starts_with("/storing/");
        let container = root(if stores { "stored/container" } else { "account/container" });
        let queue = root("account/queue");
        let rows = json!([["TempStorage", container], ["SecuredReadyForAggregationQueue", queue]]);
        (vec!["ResourceTypeName", "StorageRoot"], rows)
    };
    let columns: Vec<_> =
        columns.iter().map(|name| json!({"ColumnName": name, "ColumnType": "string"})).collect();
    axum::Json(json!({"Tables": [{"TableName": "Table_0", "Columns": columns, "Rows": rows}]}))
        .into_response()
}

/// Repeats a request: its address, its headers as they came and decoded, its body; in the shapes of the errors of registries,
/// identity providers, ADX and storage at once, and in headers.
async fn repeat(
    State(parrot): State<Arc<Parrot>>,
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
    let body = String::from_utf8_lossy(&body);
    write!(text, " with {body}").expect("a text");
    // What a queue is told.
    let message = body.split_once("<MessageText>").and_then(|(_, rest)| rest.split('<').next());
    if let Some(message) = message.and_then(|message| STANDARD.decode(message).ok()) {
        write!(text, " which is {}", String::from_utf8_lossy(&message)).expect("a text");
    }
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    parrot.heard.lock().expect("no panic").push_str(&text);
    let answer = json!({
        "error_code": 40101, "message": text,
        "error": {"code": text, "message": text, "@message": text, "@permanent": true},
        "error_description": text,
    });
    let flat = json!({"error": text, "error_description": text, "message": text});
    // OAuth's `error` is a text, ADX's an object.
    let answer = if uri.path().contains("token") { flat } else { answer };
    let quoted: String = text.chars().filter(|c| c.is_ascii() && *c != '\u{7f}').collect();
    ([("x-ms-error-code", quoted)], (parrot.status, axum::Json(answer)))
}
