//! `/connectors/X/config`: read, replace, and change in part.

use super::Rest;
use super::body::Object;
use super::connectors::created;
use super::dto::{ConnectorInfoDto, Shared};
use super::error::Error;
use super::path::Name;
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};

pub(super) async fn read(State(rest): State<Rest>, Name(name): Name) -> Result<Response, Error> {
    Ok(Json(Shared(rest.herder.connector(&name).await?.config)).into_response())
}

pub(super) async fn write(
    State(rest): State<Rest>,
    Name(name): Name,
    headers: HeaderMap,
    body: Object,
) -> Result<Response, Error> {
    let (info, is_new) = rest.herder.put_config(&name, body.into_config()?).await?;
    if is_new {
        return Ok(created(&rest, &headers, info));
    }
    Ok(Json(ConnectorInfoDto::from(info)).into_response())
}

pub(super) async fn patch(
    State(rest): State<Rest>,
    Name(name): Name,
    body: Object,
) -> Result<Response, Error> {
    let info = rest.herder.patch_config(&name, body.into_config()?).await?;
    Ok(Json(ConnectorInfoDto::from(info)).into_response())
}
