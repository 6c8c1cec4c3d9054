//! An ingestion service in front of the emulator that says something else where it is told to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::support::Adx;

#[derive(Default)]
struct Told {
    /// Answers by command.
    answers: BTreeMap<String, Value>,
    /// What it says the time is.
    date: Option<String>,
}

struct Shared {
    behind: String,
    http: reqwest::Client,
    told: Mutex<Told>,
}

/// The front; dropping it ends it.
pub struct Desk {
    port: u16,
    shared: Arc<Shared>,
    _server: JoinSet<()>,
}

impl Desk {
    /// One that says that it is the ingestion service.
    pub async fn before(adx: &Adx) -> Self {
        let shared =
            Arc::new(Shared { behind: adx.url(), http: reqwest::Client::new(), told: Mutex::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let app = Router::new().fallback(serve).with_state(Arc::clone(&shared));
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, app).await.expect("it serves") });
        let desk = Self { port, shared, _server: server };
        desk.answer(".show version", &["BuildVersion", "ServiceType"], &[&["1", "DataManagement"]]);
        desk
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// From now on the answer to a command.
    pub fn answer(&self, command: &str, columns: &[&str], rows: &[&[&str]]) {
        let columns: Vec<_> =
            columns.iter().map(|name| json!({ "ColumnName": name, "ColumnType": "string" })).collect();
        let table = json!({ "Tables": [{ "TableName": "Table_0", "Columns": columns, "Rows": rows }] });
        self.shared.told.lock().expect("no panic").answers.insert(command.to_owned(), table);
    }

    /// From now on the time that it says.
    pub fn says_the_time(&self, date: &str) {
        self.shared.told.lock().expect("no panic").date = Some(date.to_owned());
    }
}

async fn serve(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a body");
    let command =
        serde_json::from_slice::<Value>(&body).unwrap_or_default()["csl"].as_str().map(str::to_owned);
    let own = command.and_then(|csl| shared.told.lock().expect("no panic").answers.get(&csl).cloned());
    let mut response = match own {
        Some(table) => axum::Json(table).into_response(),
        None => forward(&shared, &parts, body).await,
    };
    let date = shared.told.lock().expect("no panic").date.clone();
    if let Some(date) = date {
        response.headers_mut().insert("date", date.parse().expect("a header"));
    }
    response
}

async fn forward(shared: &Shared, parts: &axum::http::request::Parts, body: Bytes) -> Response {
    let url = format!("{}{}", shared.behind, parts.uri);
    let mut headers = parts.headers.clone();
    headers.remove("host");
    let answer = shared.http.request(parts.method.clone(), url).headers(headers).body(body).send().await;
    let Ok(answer) = answer else { return StatusCode::BAD_GATEWAY.into_response() };
    let status = answer.status();
    (status, answer.bytes().await.unwrap_or_default()).into_response()
}
