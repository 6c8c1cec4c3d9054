//! What the Kusto endpoints have in common: the form of answers, the check of tokens, gzip bodies.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use serde_json::Value;
use uuid::Uuid;

use adx_engine::KustoError;

use crate::auth::Auth;
use crate::gzip::{unzip, zip};
use crate::http_request::{HttpRequest, read_body};
use crate::http_response;

/// The ids of one request and the form of its answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    client_request: String,
    activity: Uuid,
    gzip: bool,
}

impl Reply {
    /// For an answer to `request`.
    pub(crate) fn of(request: &HttpRequest) -> Self {
        let activity = Uuid::new_v4();
        let client_request = request
            .header("x-ms-client-request-id")
            .map_or_else(|| format!("unspecified;{activity}"), str::to_owned);
        let gzip = request.header("accept-encoding").is_some_and(|text| text.contains("gzip"));
        Self { client_request, activity, gzip }
    }

    pub(crate) fn success(&self, body: &Value) -> Response {
        self.success_text(body.to_string())
    }

    /// A success whose body is this JSON text.
    pub(crate) fn success_text(&self, body: String) -> Response {
        self.finish(200, body)
    }

    pub(crate) fn error(&self, error: &KustoError) -> Response {
        tracing::debug!(%error, "request refused");
        self.finish(error.status, error.body(&self.client_request, self.activity).to_string())
    }

    fn finish(&self, status: u16, text: String) -> Response {
        let zipped = if self.gzip { zip(text.as_bytes()) } else { None };
        let coded = zipped.is_some();
        let body = zipped.map_or_else(|| Body::from(text), Body::from);
        let mut response = http_response::answer(status, "application/json", body);
        if coded {
            http_response::set(&mut response, "content-encoding", "gzip");
        }
        http_response::set(&mut response, "x-ms-client-request-id", &self.client_request);
        http_response::set(&mut response, "x-ms-activity-id", &self.activity.to_string());
        response
    }
}

/// A request without a token that was issued here.
pub(crate) fn unauthorized() -> KustoError {
    KustoError {
        status: 401,
        code: "Unauthorized",
        summary: "Authentication failed.",
        kusto_type: "Kusto.DataNode.Exceptions.KustoUnauthorizedException",
        message: "The request has no bearer token, or one that was not issued here or has expired."
            .to_owned(),
        permanent: true,
    }
}

/// The refusal of a request without a valid token.
pub(crate) fn refuse_without_token(auth: &Auth, reply: &Reply, request: &HttpRequest) -> Option<Response> {
    if auth.admits(request.header("authorization")) {
        return None;
    }
    let mut response = reply.error(&unauthorized());
    let challenge = format!("Bearer authorization_uri=\"{}/common\"", request.base_url());
    http_response::set(&mut response, "www-authenticate", &challenge);
    Some(response)
}

/// A refusal of a request that makes no sense.
pub(crate) fn bad_request(text: &str) -> KustoError {
    KustoError::invalid("General_BadRequest", text)
}

/// The body of a request, uncompressed when it says `Content-Encoding: gzip`.
pub(crate) async fn uncompressed(request: &mut HttpRequest, limit: usize) -> Result<Bytes, KustoError> {
    let gzip = request.header("content-encoding").is_some_and(|text| text.eq_ignore_ascii_case("gzip"));
    let body = std::mem::replace(&mut request.body, Body::empty());
    let body = read_body(body, limit).await.map_err(|status| KustoError {
        status: status.as_u16(),
        code: "Request is too large",
        summary: "Request payload is too large or incomplete.",
        kusto_type: "Kusto.DataNode.Exceptions.KustoRequestPayloadTooLargeException",
        message: format!("The body is incomplete or larger than the maximum allowed size of {limit} bytes."),
        permanent: true,
    })?;
    if !gzip {
        return Ok(body);
    }
    // Raw data of streaming ingestion is small; the factor only stops a bomb.
    let raw =
        unzip(&body, 64 * limit as u64).map_err(|error| bad_request(&format!("the gzip body: {error}")))?;
    Ok(raw.into())
}
