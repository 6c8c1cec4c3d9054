//! `/connectors/X/tasks`: list, state of one, restart of one.

use super::Rest;
use super::dto::{TaskInfoDto, TaskStateDto};
use super::error::Error;
use super::openapi::{AnyTime, Named, Writing};
use super::path::{Name, NameAndTask};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

#[utoipa::path(get, path = "/connectors/{name}/tasks", params(Name),
    responses((status = 200, description = "Its tasks.", body = Vec<TaskInfoDto>), AnyTime, Named))]
pub(super) async fn list(State(rest): State<Rest>, Name(name): Name) -> Result<Response, Error> {
    let tasks: Vec<_> = rest.herder.tasks(&name).await?.into_iter().map(TaskInfoDto::from).collect();
    Ok(Json(tasks).into_response())
}

#[utoipa::path(get, path = "/connectors/{name}/tasks/{task}/status", params(NameAndTask),
    responses((status = 200, description = "The task's state.", body = TaskStateDto), AnyTime, Named))]
pub(super) async fn status(
    State(rest): State<Rest>,
    NameAndTask(name, task): NameAndTask,
) -> Result<Response, Error> {
    Ok(Json(TaskStateDto::from(&rest.herder.task_status(&name, task).await?)).into_response())
}

#[utoipa::path(post, path = "/connectors/{name}/tasks/{task}/restart", params(NameAndTask),
    responses((status = 204, description = "Restarted."), AnyTime, Named, Writing))]
pub(super) async fn restart(
    State(rest): State<Rest>,
    NameAndTask(name, task): NameAndTask,
) -> Result<StatusCode, Error> {
    rest.herder.restart_task(&name, task).await?;
    Ok(StatusCode::NO_CONTENT)
}
