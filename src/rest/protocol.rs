//! What holds for all paths: what is refused at once, unknown paths and methods, `Accept`, the access log.

use super::error::Error;
use super::ui;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;

/// No such path.
pub(super) async fn not_found() -> Error {
    Error::http(StatusCode::NOT_FOUND)
}

/// A known path, another method: 405 with `Allow` (which axum adds).
pub(super) async fn method_not_allowed() -> Error {
    Error::http(StatusCode::METHOD_NOT_ALLOWED)
}

/// Refuses what could be read in two ways: two hosts, two logins, and a name that would end for others at a NUL.
pub(super) async fn unambiguous(request: Request, next: Next) -> Response {
    for name in [header::HOST, header::AUTHORIZATION] {
        if request.headers().get_all(&name).iter().nth(1).is_some() {
            return Error::bad_request(format!("The request has more than one header {name}"))
                .into_response();
        }
    }
    if request.uri().path_and_query().is_some_and(|text| text.as_str().contains("%00")) {
        return Error::bad_request("The path or the query contains the character NUL").into_response();
    }
    next.run(request).await
}

/// A slash at the end of a path means nothing, but to a browser; kcctl and Strimzi write it.
pub(super) async fn without_trailing_slash(mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let means_nothing = |path: &&str| !path.is_empty() && request.uri().path() != ui::WITH_SLASH;
    let shorter = path.strip_suffix('/').filter(means_nothing).map(|path| {
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        let mut parts = request.uri().clone().into_parts();
        parts.path_and_query = format!("{path}{query}").parse().ok();
        Uri::from_parts(parts)
    });
    if let Some(Ok(uri)) = shorter {
        *request.uri_mut() = uri;
    }
    next.run(request).await
}

/// `OPTIONS` of a known path: 200 with `Allow`, and the same list as text. In a 405, too, `Allow` names `OPTIONS`.
pub(super) async fn options(request: Request, next: Next) -> Response {
    let asked = request.method() == Method::OPTIONS;
    let mut response = next.run(request).await;
    if response.status() != StatusCode::METHOD_NOT_ALLOWED {
        return response;
    }
    let allowed = response.headers().get(header::ALLOW).and_then(|allow| allow.to_str().ok());
    let allowed = format!("{},OPTIONS", allowed.unwrap_or_default());
    if asked {
        response = (StatusCode::OK, [(header::CONTENT_TYPE, "text/plain")], allowed.clone()).into_response();
    }
    if let Ok(allow) = HeaderValue::from_str(&allowed) {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}

/// Refuses clients that do not want JSON: there is nothing else.
pub(super) async fn json_is_accepted(request: Request, next: Next) -> Response {
    // The answer to OPTIONS is text, and asks for nothing; numbers are text too.
    if request.method() == Method::OPTIONS
        || request.uri().path() == "/metrics"
        || accepts_json(request.headers())
    {
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
