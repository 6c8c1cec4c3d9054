//! `/connectors` and `/connectors/X`: list, create, read, delete, status.

use super::Rest;
use super::base::Base;
use super::body::Object;
use super::dto::{ConnectorInfoDto, Shared, StatusDto};
use super::error::Error;
use super::openapi::{AnyTime, ConnectorsSchema, CreateRequestSchema, Named, WithBody, Writing};
use super::path::{self, Name};
use super::query::Query;
use crate::herder::ConnectorInfo;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

#[utoipa::path(get, path = "/connectors",
    params(("expand" = Option<Vec<String>>, Query, description = "`status`, `info`, or both as two parameters; others are ignored.")),
    responses((status = 200, description = "Names, or with `expand` an object of all connectors.", body = ConnectorsSchema), AnyTime))]
pub(super) async fn list(State(rest): State<Rest>, query: Query) -> Result<Response, Error> {
    let expand: Vec<_> = query.all("expand").collect();
    if expand.is_empty() {
        let names: Vec<_> = rest.herder.connectors().await?.into_iter().map(Shared).collect();
        return Ok(Json(names).into_response());
    }
    let wanted = |part: &str| expand.iter().any(|value| value == part);
    let (with_status, with_info) = (wanted("status"), wanted("info"));
    let mut all = Map::new();
    for (name, (info, status)) in rest.herder.expanded().await? {
        let mut entry = Map::new();
        if with_status {
            // Before its first state a connector is not listed at all.
            let Some(status) = status else { continue };
            entry.insert("status".to_owned(), json!(StatusDto::from(status.as_ref())));
        }
        if with_info {
            entry.insert("info".to_owned(), json!(info.map(ConnectorInfoDto::from)));
        }
        all.insert(name.to_string(), Value::Object(entry));
    }
    Ok(Json(all).into_response())
}

#[utoipa::path(post, path = "/connectors", request_body = CreateRequestSchema,
    responses(
        (status = 201, description = "Created.", body = ConnectorInfoDto, headers(("Location" = String, description = "Its URL."))),
        AnyTime, WithBody, Writing
    ))]
pub(super) async fn create(State(rest): State<Rest>, base: Base, body: Object) -> Result<Response, Error> {
    let request = body.into_create_request()?;
    let info = rest.herder.create(&request.name, request.config, request.initial_state).await?;
    Ok(created(&base, info))
}

#[utoipa::path(get, path = "/connectors/{name}", params(Name),
    responses((status = 200, description = "The connector.", body = ConnectorInfoDto), AnyTime, Named))]
pub(super) async fn read(State(rest): State<Rest>, Name(name): Name) -> Result<Response, Error> {
    let info = rest.herder.connector(&name).await?;
    Ok(Json(ConnectorInfoDto::from(info)).into_response())
}

#[utoipa::path(delete, path = "/connectors/{name}", params(Name),
    responses((status = 204, description = "Deleted."), AnyTime, Named, Writing))]
pub(super) async fn delete(State(rest): State<Rest>, Name(name): Name) -> Result<StatusCode, Error> {
    rest.herder.delete(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(get, path = "/connectors/{name}/status", params(Name),
    responses((status = 200, description = "Its states.", body = StatusDto), AnyTime, Named))]
pub(super) async fn status(State(rest): State<Rest>, Name(name): Name) -> Result<Response, Error> {
    let status = rest.herder.status(&name).await?;
    Ok(Json(StatusDto::from(status.as_ref())).into_response())
}

/// 201 with the connector and its absolute address, on the host by which the client called us.
pub(super) fn created(Base(base): &Base, info: ConnectorInfo) -> Response {
    let location = format!("{base}/connectors/{}", path::encode(&info.name));
    let mut response = (StatusCode::CREATED, Json(ConnectorInfoDto::from(info))).into_response();
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}
