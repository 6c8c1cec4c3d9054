//! `/connectors/X/topics`: the topics that a connector has read from.

use super::Rest;
use super::dto::ErrorDto;
use super::error::Error;
use super::openapi::AnyTime;
use super::path::Name;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The topics of one connector.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ActiveTopics)]
pub(super) struct TopicsDto {
    topics: Vec<String>,
}

#[utoipa::path(get, path = "/connectors/{name}/topics", params(Name), responses(
    (status = 200, description = "By the connector's name; an unknown one has none.", body = BTreeMap<String, TopicsDto>),
    (status = 400, description = "The path is not percent-encoded UTF-8.", body = ErrorDto),
    (status = 403, description = "topic.tracking.enable is false.", body = ErrorDto),
    AnyTime
))]
pub(super) async fn read(
    State(rest): State<Rest>,
    Name(name): Name,
) -> Result<Json<BTreeMap<String, TopicsDto>>, Error> {
    let topics = rest.herder.active_topics(&name).await?;
    let topics = TopicsDto { topics: topics.iter().map(ToString::to_string).collect() };
    Ok(Json(BTreeMap::from([(name, topics)])))
}

#[utoipa::path(put, path = "/connectors/{name}/topics/reset", params(Name), responses(
    (status = 202, description = "The list is empty now."),
    (status = 400, description = "The path is not percent-encoded UTF-8.", body = ErrorDto),
    (status = 403, description = "topic.tracking.enable or topic.tracking.allow.reset is false.", body = ErrorDto),
    AnyTime
))]
pub(super) async fn reset(State(rest): State<Rest>, Name(name): Name) -> Result<StatusCode, Error> {
    rest.herder.reset_topics(&name).await?;
    Ok(StatusCode::ACCEPTED)
}
