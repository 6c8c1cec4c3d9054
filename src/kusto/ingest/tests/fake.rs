//! A cluster and its storage on one loopback port, with faults to order.
//!
//! It checks what the client sends as the real services would (signature, container, headers) and keeps it all for the
//! tests to look at.

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use url::Url;

/// What stands for us in queue messages; must never be seen in a log.
pub const IDENTITY: &str = "IDENTITY-TOKEN-TEXT";

/// The answer to a streamed batch.
pub const STREAMED: &str = r#"{"Tables":[{"TableName":"Table_0","Columns":[{"ColumnName":"ConsumedRecordsCount"},
    {"ColumnName":"UpdatePolicyStatus"},{"ColumnName":"UpdatePolicyFailureCode"},
    {"ColumnName":"UpdatePolicyFailureReason"}],"Rows":[[1,"Inactive","Unknown",null]]}]}"#;

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Metadata,
    Command,
    Blob,
    Message,
    Stream,
    Imds,
}

/// What goes wrong with one request.
#[derive(Debug, Clone)]
pub enum Fault {
    /// An answer instead of the real one.
    Answer(u16, &'static str),
    /// No answer.
    Hang,
    /// The request takes effect, and then the connection breaks in the middle of the answer.
    BreakAfter,
}

/// One request as it came in.
#[derive(Debug, Clone)]
pub struct Seen {
    pub op: Op,
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

#[derive(Default)]
struct Inner {
    seen: Vec<Seen>,
    faults: VecDeque<(Op, Fault)>,
    signature: String,
    containers: Vec<String>,
    queues: Vec<String>,
    blobs: BTreeMap<String, Vec<u8>>,
    blocks: BTreeMap<String, Vec<u8>>,
    messages: Vec<Value>,
    answers: VecDeque<(&'static str, u16, Value)>,
    login: Option<String>,
    token: Option<String>,
}

/// The handle of a running fake; dropping it ends the fake.
pub struct Fake {
    pub url: Url,
    inner: Arc<Mutex<Inner>>,
    _server: JoinSet<()>,
}

impl Fake {
    /// Two accounts, each with a container and a queue, all signed with `first`.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let inner = Inner {
            signature: "SIGNATURE-first".to_owned(),
            containers: vec!["acct1/c1".to_owned(), "acct2/c2".to_owned()],
            queues: vec!["acct1/q1".to_owned(), "acct2/q2".to_owned()],
            ..Inner::default()
        };
        let inner = Arc::new(Mutex::new(inner));
        let app = Router::new().fallback(handle).with_state((url.clone(), Arc::clone(&inner)));
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, inner, _server: server }
    }

    /// Lets the next requests of kind `op` go wrong, one fault each.
    pub fn fail(&self, op: Op, faults: &[Fault]) {
        let faults = faults.iter().map(|fault| (op, fault.clone()));
        self.inner.lock().unwrap().faults.extend(faults);
    }

    /// From now on only this signature is good, and it is the one handed out.
    pub fn sign(&self, signature: &str) {
        signature.clone_into(&mut self.inner.lock().unwrap().signature);
    }

    /// From now on these are the containers.
    pub fn containers(&self, names: &[&str]) {
        self.inner.lock().unwrap().containers = names.iter().map(ToString::to_string).collect();
    }

    /// From now on these are the queues.
    pub fn queues(&self, names: &[&str]) {
        self.inner.lock().unwrap().queues = names.iter().map(ToString::to_string).collect();
    }

    /// The answer to the next command that starts with `prefix`.
    pub fn answer(&self, prefix: &'static str, status: u16, body: Value) {
        self.inner.lock().unwrap().answers.push_back((prefix, status, body));
    }

    /// The login server that the cluster names; without it the metadata endpoint does not exist.
    pub fn login(&self, endpoint: &str) {
        self.inner.lock().unwrap().login = Some(endpoint.to_owned());
    }

    /// From now on commands need this bearer token.
    pub fn require(&self, token: &str) {
        self.inner.lock().unwrap().token = Some(token.to_owned());
    }

    /// All requests of one kind so far.
    pub fn seen(&self, op: Op) -> Vec<Seen> {
        self.inner.lock().unwrap().seen.iter().filter(|seen| seen.op == op).cloned().collect()
    }

    /// The stored blobs by path.
    pub fn blobs(&self) -> BTreeMap<String, Vec<u8>> {
        self.inner.lock().unwrap().blobs.clone()
    }

    /// The messages in all queues, decoded.
    pub fn messages(&self) -> Vec<Value> {
        self.inner.lock().unwrap().messages.clone()
    }
}

type Shared = (Url, Arc<Mutex<Inner>>);

async fn handle(State((url, inner)): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let path = parts.uri.path().trim_start_matches('/').to_owned();
    let op = match path.as_str() {
        "v1/rest/auth/metadata" => Op::Metadata,
        "v1/rest/mgmt" => Op::Command,
        "metadata/identity/oauth2/token" | "msi/token" => Op::Imds,
        _ if path.starts_with("v1/rest/ingest/") => Op::Stream,
        _ if path.ends_with("/messages") && parts.method == Method::POST => Op::Message,
        _ => Op::Blob,
    };
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let seen = Seen { op, path, query, headers: parts.headers, body };
    let fault = {
        let mut inner = inner.lock().unwrap();
        inner.seen.push(seen.clone());
        let at = inner.faults.iter().position(|(kind, _)| *kind == op);
        at.and_then(|at| inner.faults.remove(at)).map(|(_, fault)| fault)
    };
    match fault {
        None => inner.lock().unwrap().act(&url, &seen),
        Some(Fault::Answer(status, body)) => reply(status, body.to_owned()),
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::BreakAfter) => {
            let status = inner.lock().unwrap().act(&url, &seen).status();
            let pieces = [Ok("half of"), Err(std::io::Error::other("broken"))];
            let body = Body::from_stream(futures::stream::iter(pieces));
            Response::builder().status(status).header("content-length", "100").body(body).unwrap()
        }
    }
}

fn reply(status: u16, body: String) -> Response {
    Response::builder().status(StatusCode::from_u16(status).unwrap()).body(Body::from(body)).unwrap()
}

fn refuse(status: u16, code: &str) -> Response {
    let body =
        format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{code} it says</Message></Error>");
    Response::builder().status(status).header("x-ms-error-code", code).body(Body::from(body)).unwrap()
}

fn table(columns: &[&str], rows: &[Vec<String>]) -> String {
    let columns: Vec<_> = columns.iter().map(|c| json!({"ColumnName": c, "ColumnType": "string"})).collect();
    json!({"Tables": [{"TableName": "Table_0", "Columns": columns, "Rows": rows}]}).to_string()
}

impl Inner {
    fn act(&mut self, url: &Url, seen: &Seen) -> Response {
        match seen.op {
            Op::Metadata => match &self.login {
                Some(login) => reply(
                    200,
                    json!({"AzureAD": {"LoginEndpoint": login, "LoginMfaRequired": false,
                    "KustoServiceResourceId": "https://kusto.kusto.windows.net"}})
                    .to_string(),
                ),
                None => reply(404, String::new()),
            },
            Op::Imds => reply(
                200,
                json!({"access_token": "MACHINE-TOKEN", "expires_on": "4102444800",
                "resource": "r", "token_type": "Bearer"})
                .to_string(),
            ),
            Op::Command => self.command(url, seen),
            Op::Stream => reply(200, STREAMED.to_owned()),
            Op::Message | Op::Blob => self.storage(seen),
        }
    }

    fn command(&mut self, url: &Url, seen: &Seen) -> Response {
        let bearer = seen.headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
        if let Some(token) = &self.token
            && bearer != Some(format!("Bearer {token}"))
        {
            return reply(401, String::new());
        }
        let body: Value = serde_json::from_slice(&seen.body).unwrap();
        let command = body["csl"].as_str().unwrap();
        if let Some(at) = self.answers.iter().position(|(prefix, _, _)| command.starts_with(prefix)) {
            let (_, status, body) = self.answers.remove(at).unwrap();
            return reply(status, body.to_string());
        }
        let root = |name: &String| format!("{url}{name}?sv=1&sig={}", self.signature);
        match command {
            ".get ingestion resources" => {
                let row = |kind: &str, root: String| vec![kind.to_owned(), root];
                let mut rows: Vec<_> = self.containers.iter().map(|c| row("TempStorage", root(c))).collect();
                let queues = self.queues.iter().map(|q| row("SecuredReadyForAggregationQueue", root(q)));
                rows.extend(queues);
                rows.push(row("SomethingNew", "https://example.com".to_owned()));
                reply(200, table(&["ResourceTypeName", "StorageRoot"], &rows))
            }
            ".get kusto identity token" => {
                reply(200, table(&["AuthorizationContext"], &[vec![IDENTITY.to_owned()]]))
            }
            _ => reply(
                400,
                json!({"error": {"code": "BadRequest_SyntaxError", "@message": command,
                "@permanent": true}})
                .to_string(),
            ),
        }
    }

    fn storage(&mut self, seen: &Seen) -> Response {
        let pairs: BTreeMap<String, String> =
            url::form_urlencoded::parse(seen.query.as_bytes()).into_owned().collect();
        if pairs.get("sig") != Some(&self.signature) {
            return refuse(403, "AuthenticationFailed");
        }
        if let Some(queue) = seen.path.strip_suffix("/messages") {
            if !self.queues.iter().any(|name| name == queue) {
                return refuse(404, "QueueNotFound");
            }
            let xml = String::from_utf8(seen.body.to_vec()).unwrap();
            let text = xml.split("<MessageText>").nth(1).unwrap().split("</MessageText>").next().unwrap();
            self.messages.push(serde_json::from_slice(&STANDARD.decode(text).unwrap()).unwrap());
            return reply(201, "<QueueMessagesList><QueueMessage><MessageId>1</MessageId></QueueMessage></QueueMessagesList>".to_owned());
        }
        let container = seen.path.rsplit_once('/').map(|(container, _)| container).unwrap_or_default();
        if !self.containers.iter().any(|name| name == container) {
            return refuse(404, "ContainerNotFound");
        }
        match pairs.get("comp").map(String::as_str) {
            None => {
                assert_eq!(seen.headers["x-ms-blob-type"], "BlockBlob");
                self.blobs.insert(seen.path.clone(), seen.body.to_vec());
            }
            Some("block") => {
                self.blocks.insert(pairs["blockid"].clone(), seen.body.to_vec());
            }
            Some(_) => {
                let xml = String::from_utf8(seen.body.to_vec()).unwrap();
                let ids = xml.split("<Latest>").skip(1).map(|part| part.split("</Latest>").next().unwrap());
                let whole = ids.flat_map(|id| self.blocks[id].clone()).collect();
                self.blobs.insert(seen.path.clone(), whole);
            }
        }
        reply(201, String::new())
    }
}
