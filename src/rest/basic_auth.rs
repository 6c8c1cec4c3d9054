//! The basic auth extension: who is not among the users gets Connect's answer, on every path but the two that workers
//! use among themselves, and unless a worker passes a request on.
//!
//! Knows no passwords: the users of `config` judge. Nothing of the credentials is logged.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::sync::Arc;

use super::connection::Client;
use super::failed_logins::{self, FailedLogins};
use super::signed::FromWorker;
use super::ui;
use crate::config::Users;
use crate::secret::Secret;

const ASK: HeaderValue = HeaderValue::from_static("Basic realm=\"Kafka Connect\", charset=\"UTF-8\"");

/// Who may pass, and who tried to.
pub(super) struct Guard {
    users: Arc<Users>,
    failed: FailedLogins,
}

impl Guard {
    pub(super) fn new(users: Arc<Users>) -> Self {
        Self { users, failed: FailedLogins::default() }
    }

    /// Notes wrong credentials; who came with them before waits.
    async fn wrong(&self, request: Request) {
        let Some(client) = request.extensions().get::<Client>().cloned() else { return };
        let count = self.failed.count(client.peer.ip());
        if failed_logins::is_told(count) {
            let (method, path) = (request.method(), request.uri().path());
            tracing::warn!(peer = %client.peer, failures = count, %method, path, "wrong credentials for REST");
        }
        drop(request);
        // A connection that waits here gives way to others.
        client.turn.of_client();
        tokio::time::sleep(failed_logins::pause(count)).await;
        client.turn.of_worker();
    }
}

/// Lets users pass.
pub(super) async fn check(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let credentials = credentials(request.headers());
    let from_worker = request.extensions().get::<FromWorker>().is_some();
    let admitted = from_worker
        || is_internal(request.method(), request.uri().path())
        || guard.users.admit(credentials.as_ref().map(|(name, password)| (name.as_str(), password)));
    if admitted {
        return next.run(request).await;
    }
    let is_page = ui::is_page(request.uri().path());
    // Who sends none at all asks whether they are needed.
    if request.headers().contains_key(header::AUTHORIZATION) {
        guard.wrong(request).await;
    } else {
        tracing::debug!(method = %request.method(), path = request.uri().path(), "a request without credentials");
    }
    let mut response = (StatusCode::UNAUTHORIZED, "User cannot access the resource.").into_response();
    if is_page {
        // Connect asks nobody for a password; a browser shows no form without this.
        response.headers_mut().insert(header::WWW_AUTHENTICATE, ASK);
    }
    response
}

/// The requests of other workers, which prove themselves by a signature instead.
pub(super) fn is_internal(method: &Method, path: &str) -> bool {
    let path = path.strip_suffix('/').unwrap_or(path);
    let Some((name, what)) = path.strip_prefix("/connectors/").and_then(|rest| rest.split_once('/')) else {
        return false;
    };
    !name.is_empty()
        && ((method == Method::POST && what == "tasks") || (method == Method::PUT && what == "fence"))
}

/// Name and password of the header `Authorization: Basic …`.
fn credentials(headers: &HeaderMap) -> Option<(String, Secret)> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = text.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (name, password) = decoded.split_once(':')?;
    Some((name.to_owned(), Secret::new(password)))
}

#[cfg(test)]
mod tests {
    use super::{credentials, is_internal};
    use axum::http::{HeaderMap, HeaderValue, Method, header};
    use proptest::prelude::*;

    fn read(value: &str) -> Option<(String, String)> {
        let value = HeaderValue::from_str(value).ok()?;
        let (name, password) = credentials(&HeaderMap::from_iter([(header::AUTHORIZATION, value)]))?;
        Some((name, password.expose().to_owned()))
    }

    #[test]
    fn credentials_are_read() {
        assert_eq!(read("Basic YWxpY2U6cDp3"), Some(("alice".to_owned(), "p:w".to_owned())));
        for wrong in ["Basic", "Basic YWxpY2U=", "Bearer YWxpY2U6cA==", "Basic ***", ""] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn only_the_two_internal_requests_are_free() {
        assert!(is_internal(&Method::POST, "/connectors/a/tasks"));
        assert!(is_internal(&Method::POST, "/connectors/a/tasks/"));
        assert!(is_internal(&Method::PUT, "/connectors/a/fence"));
        for (method, path) in [
            (Method::GET, "/connectors/a/tasks"),
            (Method::PUT, "/connectors/a/tasks"),
            (Method::POST, "/connectors/a/tasks/0/restart"),
            (Method::POST, "/connectors/a/b/tasks"),
            (Method::POST, "/connectors//tasks"),
            (Method::POST, "/x/connectors/a/tasks"),
        ] {
            assert!(!is_internal(&method, path), "{method} {path}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(value in "[ -~]{0,30}") {
            let _credentials_or_none = read(&value);
        }
    }
}
