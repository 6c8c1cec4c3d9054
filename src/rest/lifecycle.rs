//! `/connectors/X/{pause,resume,stop,restart}`.

use super::Rest;
use super::dto::StatusDto;
use super::error::Error;
use super::openapi::{AnyTime, Named, Writing};
use super::path::Name;
use super::query::Query;
use crate::status::TargetState;
use crate::storage::RestartRequest;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

#[utoipa::path(put, path = "/connectors/{name}/pause", params(Name),
    responses((status = 202, description = "Noted."), AnyTime, Named, Writing))]
pub(super) async fn pause(State(rest): State<Rest>, Name(name): Name) -> Result<StatusCode, Error> {
    rest.herder.set_target_state(&name, TargetState::Paused).await?;
    Ok(StatusCode::ACCEPTED)
}

#[utoipa::path(put, path = "/connectors/{name}/resume", params(Name),
    responses((status = 202, description = "Noted."), AnyTime, Named, Writing))]
pub(super) async fn resume(State(rest): State<Rest>, Name(name): Name) -> Result<StatusCode, Error> {
    rest.herder.set_target_state(&name, TargetState::Started).await?;
    Ok(StatusCode::ACCEPTED)
}

#[utoipa::path(put, path = "/connectors/{name}/stop", params(Name),
    responses((status = 204, description = "Noted."), AnyTime, Named, Writing))]
pub(super) async fn stop(State(rest): State<Rest>, Name(name): Name) -> Result<StatusCode, Error> {
    rest.herder.set_target_state(&name, TargetState::Stopped).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(post, path = "/connectors/{name}/restart",
    params(Name, ("includeTasks" = Option<bool>, Query, description = "The tasks too."),
        ("onlyFailed" = Option<bool>, Query, description = "Only what has failed.")),
    responses(
        (status = 202, description = "Ordered; what restarts is RESTARTING.", body = StatusDto),
        (status = 204, description = "The connector itself was restarted."),
        AnyTime, Named, Writing
    ))]
pub(super) async fn restart(
    State(rest): State<Rest>,
    Name(name): Name,
    query: Query,
) -> Result<Response, Error> {
    let (include_tasks, only_failed) = (query.flag("includeTasks"), query.flag("onlyFailed"));
    if !include_tasks && !only_failed {
        rest.herder.restart_connector(&name).await?;
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let request = RestartRequest { name: name.as_str().into(), include_tasks, only_failed };
    let status = rest.herder.restart(request).await?;
    Ok((StatusCode::ACCEPTED, Json(StatusDto::from(&status))).into_response())
}
