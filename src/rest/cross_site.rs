//! Writes that a browser sends for a page of another site: refused, unless `access.control.allow.origin` names it.
//!
//! A browser that was once signed in for the page of `/ui` sends the password with every request to this worker, also with
//! one that a page of somebody else makes it send. A restart has no body, so it needs no permission of CORS to be sent.
//! Browsers say where a request comes from in `Sec-Fetch-Site`; other clients do not send it, and are not concerned.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

use super::error::Error;
use crate::config::Cors;

/// Lets a write pass that comes from the worker's own page, from no page, or from one that may write.
pub(super) async fn refuse(State(cors): State<Option<Arc<Cors>>>, request: Request, next: Next) -> Response {
    match refusal(cors.as_deref(), request.method(), request.headers()) {
        Some(error) => error.into_response(),
        None => next.run(request).await,
    }
}

fn refusal(cors: Option<&Cors>, method: &Method, headers: &HeaderMap) -> Option<Error> {
    let is_read = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let is_foreign = matches!(text("sec-fetch-site"), Some("cross-site" | "same-site"));
    let origin = text("origin").unwrap_or_default();
    if is_read || !is_foreign || cors.is_some_and(|cors| cors.allows(origin)) {
        return None;
    }
    let message = format!("A page of {origin} may not write here; access.control.allow.origin names who may");
    Some(Error::new(StatusCode::FORBIDDEN, message))
}
