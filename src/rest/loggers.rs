//! `/admin/loggers`: the levels of loggers, of this worker or of all workers of the cluster.

use super::Rest;
use super::body::Object;
use super::dto::LoggerLevelDto;
use super::error::Error;
use super::openapi::{AnyTime, Named, NotAcceptable, WithBody};
use super::path::Name;
use super::query::Query;
use crate::telemetry::Level;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The body of a change.
#[derive(ToSchema)]
#[schema(as = LoggerLevelRequest)]
pub(super) struct LevelRequest {
    /// ERROR, WARN, INFO, DEBUG, TRACE, OFF, FATAL or ALL, in any letter case.
    level: String,
}

impl LevelRequest {
    fn read(body: Object) -> Result<Self, Error> {
        let missing = || Error::bad_request("Desired 'level' parameter was not specified in request.");
        let level = body.into_config()?.remove("level").flatten().ok_or_else(missing)?;
        Ok(Self { level })
    }
}

#[utoipa::path(get, path = "/admin/loggers",
    responses((status = 200, description = "Loggers with a level of their own.", body = BTreeMap<String, LoggerLevelDto>), NotAcceptable))]
pub(super) async fn list(State(rest): State<Rest>) -> Response {
    let levels = rest.loggers.all().await.into_iter();
    Json(levels.map(|(name, level)| (name, level.into())).collect::<BTreeMap<_, LoggerLevelDto>>())
        .into_response()
}

#[utoipa::path(get, path = "/admin/loggers/{name}", params(Name),
    responses((status = 200, description = "The level that counts for it.", body = LoggerLevelDto), Named, NotAcceptable))]
pub(super) async fn read(State(rest): State<Rest>, Name(name): Name) -> Result<Json<LoggerLevelDto>, Error> {
    let level = rest.loggers.get(&name).await;
    let not_found = || Error::new(StatusCode::NOT_FOUND, format!("Logger {name} not found."));
    Ok(Json(level.ok_or_else(not_found)?.into()))
}

#[utoipa::path(put, path = "/admin/loggers/{name}", request_body = LevelRequest,
    params(Name, ("scope" = Option<String>, Query, description = "`worker` or `cluster`; anything else is `worker`.")),
    responses(
        (status = 200, description = "Set on this worker; the loggers that changed.", body = Vec<String>),
        (status = 204, description = "Noted for all workers of the cluster."),
        AnyTime, Named, WithBody
    ))]
pub(super) async fn write(
    State(rest): State<Rest>,
    Name(name): Name,
    query: Query,
    body: Object,
) -> Result<Response, Error> {
    let LevelRequest { level: text } = LevelRequest::read(body)?;
    // Connect calls this not found.
    let invalid = || Error::new(StatusCode::NOT_FOUND, format!("invalid log level '{text}'."));
    let level = Level::from_name(&text).ok_or_else(invalid)?;
    let scope = query.first("scope").unwrap_or_default();
    if scope.eq_ignore_ascii_case("cluster") {
        rest.herder.set_logger_level(&name, level).await?;
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    if !scope.is_empty() && !scope.eq_ignore_ascii_case("worker") {
        tracing::warn!(?scope, "an unknown scope for a logger's level is taken for this worker");
    }
    Ok(Json(rest.loggers.set(&name, level).await).into_response())
}
