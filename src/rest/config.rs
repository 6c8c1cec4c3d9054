//! `/connectors/X/config`: read, replace, and change in part.

use super::Rest;
use super::base::Base;
use super::body::Object;
use super::connectors::created;
use super::dto::{ConnectorInfoDto, Shared};
use super::error::Error;
use super::openapi::{AnyTime, Named, WithBody, Writing};
use super::path::Name;
use super::settings_schema::{ConfigSchema, SettingsSchema};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

#[utoipa::path(get, path = "/connectors/{name}/config", params(Name),
    responses((status = 200, description = "Its config.", body = ConfigSchema), AnyTime, Named))]
pub(super) async fn read(State(rest): State<Rest>, Name(name): Name) -> Result<Response, Error> {
    Ok(Json(Shared(rest.herder.connector(&name).await?.config)).into_response())
}

#[utoipa::path(put, path = "/connectors/{name}/config", params(Name), request_body = SettingsSchema,
    responses(
        (status = 200, description = "Replaced.", body = ConnectorInfoDto),
        (status = 201, description = "Created.", body = ConnectorInfoDto, headers(("Location" = String, description = "Its URL."))),
        AnyTime, WithBody, Writing
    ))]
pub(super) async fn write(
    State(rest): State<Rest>,
    Name(name): Name,
    base: Base,
    body: Object,
) -> Result<Response, Error> {
    let (info, is_new) = rest.herder.put_config(&name, body.into_config()?).await?;
    if is_new {
        return Ok(created(&base, info));
    }
    Ok(Json(ConnectorInfoDto::from(info)).into_response())
}

#[utoipa::path(patch, path = "/connectors/{name}/config", params(Name), request_body = SettingsSchema,
    responses((status = 200, description = "Changed.", body = ConnectorInfoDto), AnyTime, Named, WithBody, Writing))]
pub(super) async fn patch(
    State(rest): State<Rest>,
    Name(name): Name,
    body: Object,
) -> Result<Response, Error> {
    let info = rest.herder.patch_config(&name, body.into_config()?).await?;
    Ok(Json(ConnectorInfoDto::from(info)).into_response())
}
