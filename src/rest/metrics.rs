//! `/metrics`: the worker's numbers, for Prometheus. A path of our own; Connect has JMX.

use super::openapi::AnyTime;
use super::{Rest, protocol};
use crate::metrics::CONTENT_TYPE;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header;
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

#[utoipa::path(get, path = "/metrics",
    responses((status = 200, description = "The numbers of this worker, in Prometheus' text form.",
        body = String, content_type = "text/plain; version=0.0.4; charset=utf-8"), AnyTime))]
pub(super) async fn read(State(rest): State<Rest>) -> Response {
    // Thousands of partitions take some milliseconds, in which other requests want their turn.
    let page = tokio::task::spawn_blocking(move || {
        let mut snapshot = rest.metrics.metrics.read();
        let (cluster, known) = rest.herder.known();
        snapshot.know(cluster, known);
        rest.metrics.page.render(&snapshot)
    });
    match page.await {
        Ok(text) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// What `metrics.listeners` serve: this path and nothing else, to anyone.
pub(super) fn router(rest: Rest) -> Router {
    let routes = Router::new()
        .route("/metrics", get(read))
        .method_not_allowed_fallback(protocol::method_not_allowed)
        .fallback(protocol::not_found)
        .with_state(rest);
    Router::new()
        .fallback_service(routes)
        .layer(from_fn(protocol::without_trailing_slash))
        .layer(from_fn(protocol::access_log))
}
