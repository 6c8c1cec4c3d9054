//! `/metrics`: the worker's numbers, for Prometheus. A path of our own; Connect has JMX.

use super::Rest;
use super::openapi::AnyTime;
use crate::telemetry::metrics::CONTENT_TYPE;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::{IntoResponse, Response};

#[utoipa::path(get, path = "/metrics",
    responses((status = 200, description = "The numbers of this worker, in Prometheus' text form.",
        body = String, content_type = "text/plain; version=0.0.4; charset=utf-8"), AnyTime))]
pub(super) async fn read(State(rest): State<Rest>) -> Response {
    match rest.metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
