//! Answers for pages of other origins, as Jetty's filter gives them to Connect (`connect-runtime.md` §1.18).
//!
//! The request always goes on to its resource: a browser that gets no permission hides the answer from the page, a
//! client that is no browser does not care. Unlike Jetty's, no answer allows credentials to pages that anyone can make.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use std::sync::Arc;

use crate::config::Cors;

/// What a page may send beside what it may always send.
const HEADERS: [&str; 4] = ["X-Requested-With", "Content-Type", "Accept", "Origin"];
/// How many seconds a browser remembers the answer.
const MAX_AGE: HeaderValue = HeaderValue::from_static("1800");

/// Adds the headers of permission, where there is one to give.
pub(super) async fn allow(State(cors): State<Arc<Cors>>, request: Request, next: Next) -> Response {
    let permission = permission(&cors, request.method(), request.headers());
    let mut response = next.run(request).await;
    response.headers_mut().extend(permission);
    response
}

fn permission(cors: &Cors, method: &Method, headers: &HeaderMap) -> HeaderMap {
    let mut out = HeaderMap::new();
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let (Some(origin), Some(origin_text)) = (headers.get(header::ORIGIN), text(header::ORIGIN)) else {
        return out;
    };
    if !cors.allows(origin_text) {
        return out;
    }
    let asked = text(header::ACCESS_CONTROL_REQUEST_METHOD).filter(|_| method == Method::OPTIONS);
    if let Some(asked) = asked {
        let asked_headers = text(header::ACCESS_CONTROL_REQUEST_HEADERS).unwrap_or_default();
        let known = |name: &str| HEADERS.iter().any(|allowed| allowed.eq_ignore_ascii_case(name));
        let mut names = asked_headers.split(',').map(str::trim).filter(|name| !name.is_empty());
        if !cors.methods.iter().any(|allowed| allowed == asked) || !names.all(known) {
            return out;
        }
        out.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        if let Ok(methods) = HeaderValue::from_str(&cors.methods.join(",")) {
            out.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
        }
        if let Ok(names) = HeaderValue::from_str(&HEADERS.join(",")) {
            out.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names);
        }
    }
    if cors.allows_any() {
        out.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        return out;
    }
    out.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    if cors.trusts(origin_text) {
        out.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    // The answer depends on who asked, which a cache must know.
    out.insert(header::VARY, HeaderValue::from_static("Origin"));
    out
}
