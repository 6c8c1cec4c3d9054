//! A schema registry: what the official clients need of one, in memory, and what Apicurio's converters ask. It can go
//! down and come back on its port, and be asked by mutual TLS too.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::{Authority, Tls};

#[derive(Default)]
struct Schemas {
    /// By id less one: the schema as it was sent.
    all: Vec<Value>,
    /// Ids of each subject's versions.
    subjects: BTreeMap<String, Vec<usize>>,
    /// Paths that were asked for.
    asked: Vec<String>,
}

struct Shared {
    schemas: Mutex<Schemas>,
    /// What `Authorization` must be.
    authorization: Option<String>,
}

/// A registry on loopback.
pub struct Registry {
    shared: Arc<Shared>,
    port: u16,
    server: JoinSet<()>,
}

type Shape = State<Arc<Shared>>;

impl Registry {
    /// One that lets everyone in.
    pub async fn start() -> Self {
        Self::guarded(None).await
    }

    /// One that wants this `Authorization`.
    pub async fn guarded(authorization: Option<&str>) -> Self {
        let shared = Shared { schemas: Mutex::default(), authorization: authorization.map(str::to_owned) };
        let mut registry =
            Self { shared: Arc::new(shared), port: super::free_port(), server: JoinSet::new() };
        registry.up().await;
        registry
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Listens again.
    pub async fn up(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.expect("its port");
        let app = self.app();
        self.server.spawn(async move { axum::serve(listener, app).await.expect("it serves") });
    }

    /// Listens at another port too, for who brings a certificate of `authority`; its address.
    pub async fn up_by_tls(&mut self, authority: &Authority) -> String {
        let (listener, app) = (Tls::mutual(authority).await, self.app());
        let url = format!("https://127.0.0.1:{}", listener.port());
        self.server.spawn(async move { axum::serve(listener, app).await.expect("it serves") });
        url
    }

    fn app(&self) -> Router {
        Router::new()
            .route("/apis/registry/v2/ids/{kind}/{id}", get(apicurio))
            .route("/apis/registry/v2/ids/{kind}/{id}/references", get(apicurio_references))
            .route(
                "/apis/registry/v2/groups/default/artifacts/{subject}/versions/{version}",
                get(apicurio_version),
            )
            .route("/subjects/{subject}/versions", post(register))
            .route("/subjects/{subject}/versions/{version}", get(version))
            .route("/subjects/{subject}", post(look_up))
            .route("/schemas/ids/{id}", get(by_id))
            .route("/schemas/guids/{guid}", get(by_guid))
            .route("/text/{subject}", post(as_text))
            .layer(middleware::from_fn_with_state(Arc::clone(&self.shared), admit))
            .with_state(Arc::clone(&self.shared))
    }

    /// Refuses connections, and keeps what it knows.
    pub async fn down(&mut self) {
        self.server.shutdown().await;
    }

    /// How often schemas were asked for by id.
    pub fn asked_by_id(&self) -> usize {
        let schemas = self.shared.schemas.lock().expect("no panic");
        schemas.asked.iter().filter(|path| path.starts_with("/schemas/")).count()
    }

    /// How many questions there were.
    pub fn asked(&self) -> usize {
        self.shared.schemas.lock().expect("no panic").asked.len()
    }
}

async fn admit(State(shared): Shape, request: Request, next: Next) -> Response {
    let given = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    if shared.authorization.as_deref().is_some_and(|wanted| given != Some(wanted)) {
        return refusal(StatusCode::UNAUTHORIZED, 401, "Unauthorized");
    }
    shared.schemas.lock().expect("no panic").asked.push(request.uri().path().to_owned());
    next.run(request).await
}

fn refusal(status: StatusCode, code: u32, message: &str) -> Response {
    (status, Json(json!({ "error_code": code, "message": message }))).into_response()
}

/// The id inside a GUID, and back.
fn guid(id: usize) -> String {
    uuid::Uuid::from_u128(0x5eed_0000_0000_0000_0000_0000_0000_0000 + id as u128).to_string()
}

fn answer(schemas: &Schemas, id: usize, more: &Value) -> Response {
    let Some(schema) = id.checked_sub(1).and_then(|place| schemas.all.get(place)) else {
        return refusal(StatusCode::NOT_FOUND, 40403, &format!("Schema {id} not found"));
    };
    let mut body = schema.clone();
    let object = body.as_object_mut().expect("an object");
    object.insert("guid".to_owned(), guid(id).into());
    object.extend(more.as_object().expect("an object").clone());
    Json(body).into_response()
}

async fn register(State(shared): Shape, Path(subject): Path<String>, Json(schema): Json<Value>) -> Response {
    let mut schemas = shared.schemas.lock().expect("no panic");
    let known = schemas.all.iter().position(|known| *known == schema);
    let id = known.unwrap_or(schemas.all.len()) + 1;
    if known.is_none() {
        schemas.all.push(schema);
    }
    let versions = schemas.subjects.entry(subject).or_default();
    if !versions.contains(&id) {
        versions.push(id);
    }
    Json(json!({ "id": id, "guid": guid(id), "version": versions.len() })).into_response()
}

async fn look_up(State(shared): Shape, Path(subject): Path<String>, Json(schema): Json<Value>) -> Response {
    let schemas = shared.schemas.lock().expect("no panic");
    let id = schemas.all.iter().position(|known| *known == schema).map(|place| place + 1);
    let version = id.and_then(|id| schemas.subjects.get(&subject)?.iter().position(|known| *known == id));
    match (id, version) {
        (Some(id), Some(version)) => {
            answer(&schemas, id, &json!({ "id": id, "subject": subject, "version": version + 1 }))
        }
        _ => refusal(StatusCode::NOT_FOUND, 40401, "Subject not found."),
    }
}

async fn version(State(shared): Shape, Path((subject, version)): Path<(String, String)>) -> Response {
    let schemas = shared.schemas.lock().expect("no panic");
    let versions = schemas.subjects.get(&subject).cloned().unwrap_or_default();
    let number = version.parse().unwrap_or(versions.len());
    match number.checked_sub(1).and_then(|place| versions.get(place)) {
        Some(id) => answer(&schemas, *id, &json!({ "id": id, "subject": subject, "version": number })),
        None => refusal(StatusCode::NOT_FOUND, 40402, "Version not found."),
    }
}

/// The text of a schema, by either kind of id: here they are the same.
async fn apicurio(State(shared): Shape, Path((_, id)): Path<(String, usize)>) -> Response {
    let schemas = shared.schemas.lock().expect("no panic");
    match id.checked_sub(1).and_then(|place| schemas.all.get(place)) {
        Some(schema) => schema["schema"].as_str().expect("a text").to_owned().into_response(),
        None => refusal(StatusCode::NOT_FOUND, 404, "No artifact with ID"),
    }
}

async fn apicurio_references(State(shared): Shape, Path((_, id)): Path<(String, usize)>) -> Response {
    let schemas = shared.schemas.lock().expect("no panic");
    let references = schemas.all[id - 1]["references"].as_array().cloned().unwrap_or_default();
    let artifact = |reference: &Value| {
        let version = reference["version"].to_string();
        json!({ "artifactId": reference["subject"], "version": version, "name": reference["name"] })
    };
    Json(references.iter().map(artifact).collect::<Vec<_>>()).into_response()
}

async fn apicurio_version(State(shared): Shape, Path((subject, version)): Path<(String, usize)>) -> Response {
    let schemas = shared.schemas.lock().expect("no panic");
    let id = schemas.subjects[&subject][version - 1];
    schemas.all[id - 1]["schema"].as_str().expect("a text").to_owned().into_response()
}

/// A real registry makes text of a compiled file that is registered; here the text is handed in.
async fn as_text(State(shared): Shape, Path(subject): Path<String>, text: String) -> Response {
    let mut schemas = shared.schemas.lock().expect("no panic");
    let id = schemas.subjects.get(&subject).and_then(|ids| ids.last()).copied();
    match id.and_then(|id| schemas.all.get_mut(id.checked_sub(1)?)) {
        Some(schema) => {
            schema["schema"] = text.into();
            StatusCode::OK.into_response()
        }
        None => refusal(StatusCode::NOT_FOUND, 40401, "Subject not found."),
    }
}

async fn by_id(State(shared): Shape, Path(id): Path<usize>) -> Response {
    answer(&shared.schemas.lock().expect("no panic"), id, &json!({}))
}

async fn by_guid(State(shared): Shape, Path(guid): Path<uuid::Uuid>) -> Response {
    let id = usize::try_from(guid.as_u128() & 0xffff_ffff).expect("a small number");
    answer(&shared.schemas.lock().expect("no panic"), id, &json!({}))
}
