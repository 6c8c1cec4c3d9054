//! Requests that another worker has to carry out: passed on to it, and its answer given back (`connect-runtime.md` §3.6).
//!
//! A handler that is told "elsewhere" by the herder says so in its answer; this layer, which kept the request, sends it
//! there, signed as a worker's (`signed`): the user's password goes to nobody. The path is passed on as it came, so names
//! need no decoding. A request travels twice at most.

use super::error::{Elsewhere, Error};
use super::signed::{self, FromWorker};
use super::{MAX_BODY, Rest, basic_auth};
use crate::bounded;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// A little longer than the other worker may take for a request.
const TIMEOUT: Duration = Duration::from_secs(95);

/// Answers to writes and validations are some ten times as long as their bodies at most.
const MOST_BYTES: usize = 16 * MAX_BODY;

/// The parameter that counts the hops.
const HOPS: &str = "forward";

/// Runs a request, and sends it on when another worker has to carry it out.
pub(super) async fn forward(State(rest): State<Rest>, request: Request, next: Next) -> Response {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    // The latter are answered by their headers.
    if is_read || basic_auth::is_internal(request.method(), request.uri().path()) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return Error::http(StatusCode::PAYLOAD_TOO_LARGE).into_response();
    };
    if parts.extensions.get::<FromWorker>().is_some_and(|from| !from.fits(&body)) {
        tracing::warn!(method = %parts.method, path = parts.uri.path(), "the body is not the one that a worker signed");
        return signed::refused().into_response();
    }
    let response = next.run(Request::from_parts(parts.clone(), Body::from(body.clone()))).await;
    match response.extensions().get::<Elsewhere>() {
        Some(Elsewhere(url)) => {
            let url = url.clone();
            pass_on(&rest, &url, &parts, body).await.unwrap_or_else(IntoResponse::into_response)
        }
        None => response,
    }
}

async fn pass_on(rest: &Rest, url: &Arc<str>, parts: &Parts, body: Bytes) -> Result<Response, Error> {
    let target = Url::parse(&target(url, &parts.uri)?).map_err(io_error)?;
    tracing::debug!(method = %parts.method, %target, "passing a request on");
    let signature = rest.workers.sign(&parts.method, &target, url, &body);
    let signature = signature.ok_or_else(|| io_error("this worker has no key to sign it with"))?;
    let mut request = rest.forwarder.request(parts.method.clone(), target).timeout(TIMEOUT);
    request = request.header(header::ACCEPT, "application/json").header(header::USER_AGENT, "kafka-connect");
    for (name, value) in signature {
        request = request.header(name, value);
    }
    if !body.is_empty() {
        request = request.header(header::CONTENT_TYPE, "application/json").body(body);
    }
    let answer = request.send().await.map_err(|error| unreachable(url, &error))?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let body = bounded::body(answer, MOST_BYTES).await.map_err(|error| match error {
        bounded::Error::Broken(error) => unreachable(url, &error),
        too_long @ bounded::Error::TooLong(_) => io_error(too_long),
    })?;
    if status.is_success() {
        // The client may read here next what it has just written there.
        if let Err(error) = rest.herder.refresh().await {
            tracing::debug!(%error, "the config topic was not read after a forwarded write");
        }
    } else if serde_json::from_slice::<serde_json::Value>(&body).is_err() {
        return Err(io_error(format!("the worker at {url} answered {status}")));
    }
    let mut response = (status, body).into_response();
    *response.headers_mut() = kept(&headers);
    Ok(response)
}

/// The same path and query there, with one hop more.
fn target(url: &str, uri: &Uri) -> Result<String, Error> {
    let query = uri.query().unwrap_or_default();
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let hops = match pairs.iter().find(|(key, _)| key == HOPS).map(|(_, value)| value.as_str()) {
        None => "true",
        Some("true") => "false",
        Some(_) => {
            return Err(Error::new(
                StatusCode::CONFLICT,
                "Cannot complete request because of a conflicting operation (e.g. worker rebalance)",
            ));
        }
    };
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs.iter().filter(|(key, _)| key != HOPS)).append_pair(HOPS, hops);
    Ok(format!("{}{}?{}", url.trim_end_matches('/'), uri.path(), query.finish()))
}

fn unreachable(url: &str, error: &reqwest::Error) -> Error {
    tracing::warn!(url, error = %error.without_url_ref(), "another worker could not be reached");
    if error.is_connect() {
        return crate::herder::Error::NoLeader.into();
    }
    io_error(error.without_url_ref())
}

fn io_error(cause: impl std::fmt::Display) -> Error {
    let message = format!("IO Error trying to forward REST request: {cause}");
    Error::new(StatusCode::INTERNAL_SERVER_ERROR, message)
}

/// An error's text without the URL, which may say more than a client should know.
trait WithoutUrl {
    fn without_url_ref(&self) -> String;
}

impl WithoutUrl for reqwest::Error {
    fn without_url_ref(&self) -> String {
        let source = std::error::Error::source(self).map(crate::causes::chain);
        source.unwrap_or_else(
            || if self.is_timeout() { "timed out".to_owned() } else { "no answer".to_owned() },
        )
    }
}

fn kept(headers: &HeaderMap<HeaderValue>) -> HeaderMap<HeaderValue> {
    let names = [header::CONTENT_TYPE, header::LOCATION];
    names.into_iter().filter_map(|name| Some((name.clone(), headers.get(name)?.clone()))).collect()
}

#[cfg(test)]
mod tests {
    use super::target;

    #[test]
    fn a_request_travels_twice_at_most() {
        let go = |uri: &str| target("http://w:1/", &uri.parse().unwrap());
        assert_eq!(
            go("/connectors/a%2Fb/restart?includeTasks=true").unwrap(),
            "http://w:1/connectors/a%2Fb/restart?includeTasks=true&forward=true"
        );
        assert_eq!(go("/connectors?forward=true").unwrap(), "http://w:1/connectors?forward=false");
        let end = format!("{:?}", go("/connectors?forward=false").unwrap_err());
        assert!(end.contains("conflicting operation"), "{end}");
    }
}
