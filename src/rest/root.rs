//! `/` and `/health`: what the worker is, and how it is.

use super::Rest;
use super::dto::{HealthDto, ServerInfoDto};
use super::openapi::{AnyTime, NotAcceptable};
use crate::configdef::CONNECT_VERSION;
use crate::herder::Health;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// The commit that was built, when the build says so.
const COMMIT: &str = match option_env!("KUSTO_CONNECT_COMMIT") {
    Some(commit) => commit,
    None => "unknown",
};

#[utoipa::path(get, path = "/",
    responses((status = 200, description = "What this worker is.", body = ServerInfoDto), AnyTime))]
pub(super) async fn root(State(rest): State<Rest>) -> Response {
    let info = rest.herder.server_info();
    let id = info.kafka_cluster_id;
    Json(ServerInfoDto { version: CONNECT_VERSION, commit: COMMIT, kafka_cluster_id: id }).into_response()
}

#[utoipa::path(get, path = "/health",
    responses(
        (status = 200, description = "Healthy.", body = HealthDto),
        (status = 503, description = "Still starting.", body = HealthDto),
        (status = 500, description = "Unhealthy.", body = HealthDto),
        NotAcceptable
    ))]
pub(super) async fn health(State(rest): State<Rest>) -> Response {
    let (code, status, message) = match rest.herder.health() {
        Health::Healthy => (
            StatusCode::OK,
            "healthy",
            "Worker has completed startup and is ready to handle requests.".to_owned(),
        ),
        Health::Starting(stage) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "starting",
            format!("Worker is still starting up. The worker is currently {stage}."),
        ),
        Health::Troubled(trouble) => (StatusCode::INTERNAL_SERVER_ERROR, "unhealthy", trouble),
        Health::Unhealthy => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "unhealthy",
            "Worker was unable to handle this request and may be unable to handle other requests.".to_owned(),
        ),
    };
    (code, Json(HealthDto { status, message })).into_response()
}
