//! `/connector-plugins`: what is there, the keys of each, and validation of settings.

use super::Rest;
use super::body::Object;
use super::dto_config::{ConfigInfosDto, ConfigKeyDto, PluginDto};
use super::error::Error;
use super::openapi::{AnyTime, Named, WithBody};
use super::path::Name;
use super::query::Query;
use super::settings_schema::SettingsSchema;
use crate::configdef::PluginKind;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

#[utoipa::path(get, path = "/connector-plugins",
    params(("connectorsOnly" = Option<bool>, Query, description = "`false` shows converters and header converters too.")),
    responses((status = 200, description = "The plugins.", body = Vec<PluginDto>), AnyTime))]
pub(super) async fn list(State(rest): State<Rest>, query: Query) -> Response {
    // Only the word "false" asks for all, as everything that is not "true" is false.
    let all = query.first("connectorsOnly").is_some_and(|value| !value.eq_ignore_ascii_case("true"));
    let shown =
        rest.herder.plugins().all().into_iter().filter(|plugin| all || plugin.kind == PluginKind::Sink);
    Json(shown.map(PluginDto::from).collect::<Vec<_>>()).into_response()
}

#[utoipa::path(get, path = "/connector-plugins/{name}/config", params(Name),
    responses((status = 200, description = "Its keys.", body = Vec<ConfigKeyDto>), AnyTime, Named))]
pub(super) async fn keys(State(rest): State<Rest>, Name(name): Name) -> Result<Response, Error> {
    let unknown = || Error::new(StatusCode::NOT_FOUND, format!("Unknown plugin {name}."));
    let keys = rest.herder.plugins().keys_of(&name).ok_or_else(unknown)?;
    Ok(Json(keys.iter().map(ConfigKeyDto::from).collect::<Vec<_>>()).into_response())
}

#[utoipa::path(put, path = "/connector-plugins/{name}/config/validate", params(Name), request_body = SettingsSchema,
    responses((status = 200, description = "What is wrong, if anything.", body = ConfigInfosDto), AnyTime, WithBody))]
pub(super) async fn validate(
    State(rest): State<Rest>,
    Name(name): Name,
    body: Object,
) -> Result<Response, Error> {
    let config = body.into_config()?;
    let class = config.get("connector.class").and_then(Option::as_deref);
    if let Some(class) = class.filter(|class| !without_kind(class).ends_with(without_kind(&name))) {
        return Err(Error::bad_request(format!(
            "Included connector type {class} does not match request type {name}"
        )));
    }
    Ok(Json(ConfigInfosDto::from(&rest.herder.validate(config).await?)).into_response())
}

/// A class name without `Connector` at its end, if something remains.
fn without_kind(class: &str) -> &str {
    class.strip_suffix("Connector").filter(|rest| !rest.is_empty()).unwrap_or(class)
}
