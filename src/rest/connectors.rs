//! `/connectors` and `/connectors/X`: list, create, read, delete, status.

use super::Rest;
use super::base::Base;
use super::body::{CreateRequest, Object};
use super::dto::{ConnectorInfoDto, ConnectorsDto, ExpandedDto, Shared, StatusDto};
use super::error::Error;
use super::health;
use super::openapi::{AnyTime, Named, WithBody, Writing};
use super::path::{self, Name};
use super::query::Query;
use crate::herder::ConnectorInfo;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

#[utoipa::path(get, path = "/connectors",
    params(("expand" = Option<Vec<String>>, Query, description = "`status`, `info`, `health` (ours), or several as several parameters; others are ignored.")),
    responses((status = 200, description = "Names, or with `expand` an object of all connectors.", body = ConnectorsDto), AnyTime))]
pub(super) async fn list(State(rest): State<Rest>, query: Query) -> Result<Json<ConnectorsDto>, Error> {
    let expand: Vec<_> = query.all("expand").collect();
    if expand.is_empty() {
        let names = rest.herder.connectors().await?.into_iter().map(Shared);
        return Ok(Json(ConnectorsDto::Names(names.collect())));
    }
    let wanted = |part: &str| expand.iter().any(|value| value == part);
    let (with_status, with_info) = (wanted("status"), wanted("info"));
    let mut healths = if wanted("health") { Some(health::summaries(&rest, &query).await?) } else { None };
    // Before its first state a connector is not listed at all.
    let listed = rest.herder.expanded().await?.into_iter();
    let listed = listed.filter(|(_, (_, status))| !with_status || status.is_some());
    let all = listed.map(|(name, (info, status))| {
        let status = status.filter(|_| with_status).map(|status| StatusDto::from(status.as_ref()));
        let info = info.filter(|_| with_info).map(ConnectorInfoDto::from);
        let health = healths.as_mut().and_then(|healths| healths.remove(&*name));
        (name.to_string(), ExpandedDto { status, info, health })
    });
    Ok(Json(ConnectorsDto::Expanded(all.collect())))
}

#[utoipa::path(post, path = "/connectors", request_body = CreateRequest,
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
