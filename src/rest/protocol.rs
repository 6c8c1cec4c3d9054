//! What holds for all paths: unknown paths and methods, `Accept`, the access log.

use super::error::Error;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;

/// No such path.
pub(super) async fn not_found() -> Error {
    Error::http(StatusCode::NOT_FOUND)
}

/// A known path, another method: 405 with `Allow` (which axum adds), or the answer to `OPTIONS`.
pub(super) async fn method_not_allowed(method: Method) -> Response {
    if method == Method::OPTIONS {
        return StatusCode::OK.into_response();
    }
    Error::http(StatusCode::METHOD_NOT_ALLOWED).into_response()
}

/// Refuses clients that do not want JSON: there is nothing else.
pub(super) async fn json_is_accepted(request: Request, next: Next) -> Response {
    if accepts_json(request.headers()) {
        next.run(request).await
    } else {
        Error::http(StatusCode::NOT_ACCEPTABLE).into_response()
    }
}

fn accepts_json(headers: &HeaderMap) -> bool {
    let mut ranges =
        headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).peekable();
    let none = ranges.peek().is_none();
    none || ranges.flat_map(|value| value.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
        let refused =
            parts.any(|part| part.strip_prefix("q=").is_some_and(|q| q.trim_matches(['0', '.']).is_empty()));
        !refused && matches!(kind.as_str(), "*/*" | "application/*" | "application/json" | "")
    })
}

/// One line per request; reads only at debug level, since probes come every few seconds.
pub(super) async fn access_log(request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let started = Instant::now();
    let response = next.run(request).await;
    let (status, ms) = (response.status().as_u16(), started.elapsed().as_millis());
    if method == Method::GET || method == Method::HEAD {
        tracing::debug!(%method, path, status, ms, "request");
    } else {
        tracing::info!(%method, path, status, ms, "request");
    }
    response
}

#[cfg(test)]
mod tests {
    use super::accepts_json;
    use axum::http::{HeaderMap, HeaderValue, header};

    #[test]
    fn accept_is_read() {
        let accepts = |value: &'static str| {
            accepts_json(&HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(value))]))
        };
        assert!(accepts_json(&HeaderMap::new()));
        assert!(accepts("*/*") && accepts("text/html, application/json;q=0.5") && accepts("Application/*"));
        assert!(
            !accepts("text/html") && !accepts("application/json;q=0, text/html") && !accepts("text/*;q=0.0")
        );
    }
}
