//! Which handler answers which request.
//!
//! Fixed paths are routes; what begins with a tenant (sign-in) or an account (storage) is recognised by its form.

use std::sync::Arc;

use axum::extract::{Extension, Path, Request, State};
use axum::response::Response;
use axum::routing::{any, get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::auth;
use crate::backend::Backend;
use crate::connection::Connection;
use crate::data_management::{self, Outcome};
use crate::faults::Rule;
use crate::http_request::{self, HttpRequest};
use crate::http_response;
use crate::kusto;
use crate::operation::Operation;
use crate::queued;
use crate::storage::StorageError;
use crate::storage::http::{self as storage_http, StoragePath};
use crate::streaming;

/// The longest list of fault rules.
const RULES_LIMIT: usize = 1024 * 1024;

/// The router of one emulator.
pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/v1/rest/auth/metadata", get(metadata))
        .route("/v1/rest/ping", get(health))
        .route("/health", get(health))
        .route("/v1/rest/mgmt", post(mgmt))
        .route("/v1/rest/query", get(query).post(query))
        .route("/v2/rest/query", get(query).post(query))
        .route("/v1/rest/ingest/{database}/{table}", post(ingest))
        .route("/v1/rest/ingestion/configuration", get(configuration))
        .route("/v1/rest/ingestion/queued/{database}/{table}", post(queue))
        .route("/v1/rest/ingestion/queued/{database}/{table}/{operation}", get(queued_status))
        .route("/metadata/identity/oauth2/token", any(managed_identity))
        .route("/msi/token", any(managed_identity))
        .route("/emulator/faults", get(faults).post(add_faults).delete(clear_faults))
        .route("/emulator/stats", get(stats))
        .route("/emulator/reports", get(reports).post(add_reports))
        .fallback(other)
        .with_state(app)
}

type Shared = State<Arc<App>>;

async fn metadata(
    State(app): Shared,
    Extension(connection): Extension<Connection>,
    request: Request,
) -> Response {
    let request = HttpRequest::new(request, connection);
    app.guard(Operation::Metadata, request, |request, _| {
        let response = kusto::metadata(&app, &request);
        async move { response }
    })
    .await
}

async fn health(
    State(app): Shared,
    Extension(connection): Extension<Connection>,
    request: Request,
) -> Response {
    let request = HttpRequest::new(request, connection);
    let answer = json!({"status": "healthy", "version": env!("CARGO_PKG_VERSION")});
    app.guard(Operation::Health, request, |_, _| async move { http_response::json(200, &answer) }).await
}

async fn mgmt(
    State(app): Shared,
    Extension(connection): Extension<Connection>,
    request: Request,
) -> Response {
    kusto::mgmt(app, HttpRequest::new(request, connection)).await
}

async fn query(
    State(app): Shared,
    Extension(connection): Extension<Connection>,
    request: Request,
) -> Response {
    kusto::query(app, HttpRequest::new(request, connection)).await
}

async fn ingest(
    State(app): Shared,
    Path((database, table)): Path<(String, String)>,
    Extension(connection): Extension<Connection>,
    request: Request,
) -> Response {
    streaming::ingest(app, database, table, HttpRequest::new(request, connection)).await
}

async fn configuration(
    State(app): Shared,
    Extension(connection): Extension<Connection>,
    request: Request,
) -> Response {
    queued::configuration(app, HttpRequest::new(request, connection)).await
}

async fn queue(
    State(app): Shared,
    Path(path): Path<(String, String)>,
    Extension(connection): Extension<Connection>,
    request: Request,
) -> Response {
    queued::post(app, path, HttpRequest::new(request, connection)).await
}

async fn queued_status(
    State(app): Shared,
    Path(path): Path<(String, String, String)>,
    Extension(connection): Extension<Connection>,
    request: Request,
) -> Response {
    queued::status(app, path, HttpRequest::new(request, connection)).await
}

async fn managed_identity(
    State(app): Shared,
    Extension(connection): Extension<Connection>,
    request: Request,
) -> Response {
    let request = HttpRequest::new(request, connection);
    app.guard(Operation::ManagedIdentity, request, |request, _| {
        let response = app.auth.managed_identity(&request);
        async move { response }
    })
    .await
}

async fn faults(State(app): Shared) -> Json<Value> {
    Json(json!(app.faults.list()))
}

async fn add_faults(State(app): Shared, request: Request) -> Response {
    let Ok(body) = http_request::read_body(request.into_body(), RULES_LIMIT).await else {
        return http_response::empty(413);
    };
    match serde_json::from_slice::<Vec<Rule>>(&body) {
        Ok(rules) => {
            for rule in rules {
                app.faults.add(rule);
            }
            http_response::json(200, &json!(app.faults.list()))
        }
        Err(error) => {
            http_response::json(400, &json!({"error": format!("the body must be a list of rules: {error}")}))
        }
    }
}

async fn clear_faults(State(app): Shared) -> Response {
    app.faults.clear();
    http_response::empty(204)
}

/// How many reports of another client are wanted in each queue.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ForeignReports {
    #[serde(default)]
    failed: u16,
    #[serde(default)]
    succeeded: u16,
}

async fn add_reports(State(app): Shared, request: Request) -> Response {
    let Ok(body) = http_request::read_body(request.into_body(), RULES_LIMIT).await else {
        return http_response::empty(413);
    };
    let wanted = match serde_json::from_slice::<ForeignReports>(&body) {
        Ok(wanted) => wanted,
        Err(error) => return http_response::json(400, &json!({ "error": error.to_string() })),
    };
    let failed = data_management::post_foreign(&app, Outcome::Failed, usize::from(wanted.failed)).await;
    let succeeded =
        data_management::post_foreign(&app, Outcome::Succeeded, usize::from(wanted.succeeded)).await;
    match (failed, succeeded) {
        (Ok(failed), Ok(succeeded)) => {
            http_response::json(200, &json!({"failed": failed, "succeeded": succeeded}))
        }
        (Err(error), _) | (_, Err(error)) => http_response::json(503, &json!({ "error": error.to_string() })),
    }
}

async fn reports(State(app): Shared) -> Json<Value> {
    Json(json!({
        "failed": data_management::all_reports(&app, Outcome::Failed),
        "succeeded": data_management::all_reports(&app, Outcome::Succeeded),
    }))
}

async fn stats(State(app): Shared) -> Response {
    http_response::json(200, &json!(app.stats.snapshot()))
}

/// Sign-in, storage, and everything unknown.
async fn other(
    State(app): Shared,
    Extension(connection): Extension<Connection>,
    request: Request,
) -> Response {
    let request = HttpRequest::new(request, connection);
    if let Some(tenant) = auth::token_path(&request.path).map(str::to_owned) {
        let inner = Arc::clone(&app);
        return app
            .guard(
                Operation::Token,
                request,
                |request, _| async move { inner.auth.token(&tenant, request).await },
            )
            .await;
    }
    if let Some(document) = auth::discovery(&request) {
        return app
            .guard(Operation::Discovery, request, |_, _| async move { http_response::json(200, &document) })
            .await;
    }
    match StoragePath::of(&request.path) {
        Some(path) => storage(app, path, request).await,
        None => {
            app.guard(Operation::Other, request, |request, _| async move {
                let text = format!("the emulator has nothing at {}", request.path);
                http_response::json(404, &json!({"error": {"code": "NotFound", "message": text}}))
            })
            .await
        }
    }
}

async fn storage(app: Arc<App>, path: StoragePath, mut request: HttpRequest) -> Response {
    let operation = path.operation(&request);
    let version = request.header("x-ms-version").map(str::to_owned);
    let client_request = request.header("x-ms-client-request-id").map(str::to_owned);
    if operation == Operation::PutMessage {
        let body = std::mem::take(&mut request.body);
        match storage_http::message_text(body).await {
            Ok((body, text)) => {
                request.body = body;
                request.about = text.as_deref().and_then(data_management::blob_of);
            }
            Err(error) => {
                let mut response = storage_http::error_answer(&error);
                storage_http::finish(&mut response, version.as_deref(), client_request.as_deref());
                return response;
            }
        }
    }
    let inner = Arc::clone(&app);
    let mut response = app
        .guard(operation, request, |request, _| async move {
            match &inner.backend {
                Backend::Own(storage) => storage_http::serve(storage, operation, path, request).await,
                Backend::Azurite(_) => {
                    let text = "The emulator keeps no blobs: it runs with the storage of an Azurite.";
                    storage_http::error_answer(&StorageError::new(404, "ResourceNotFound", text))
                }
            }
        })
        .await;
    storage_http::finish(&mut response, version.as_deref(), client_request.as_deref());
    response
}
