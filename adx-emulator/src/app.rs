//! What all handlers share: the parts of one running emulator, and the guard that counts requests and injects faults.

use std::future::Future;

use axum::response::Response;
use serde_json::json;
use uuid::Uuid;

use adx_engine::{Engine, KustoError};

use crate::auth::{self, Auth};
use crate::backend::Backend;
use crate::faults::{Effect, Faults, Moment};
use crate::http_request::{self, HttpRequest};
use crate::http_response::{self, Truncated};
use crate::operation::Operation;
use crate::options::Options;
use crate::stats::Stats;
use crate::storage::http as storage_http;
use crate::storage::{ResourceKind, StorageError};
use crate::tracking::Operations;

/// The longest answer that can be truncated on demand.
const TRUNCATE_LIMIT: usize = 256 * 1024 * 1024;

/// The parts of one emulator.
#[derive(Debug)]
pub(crate) struct App {
    pub options: Options,
    pub tls_port: Option<u16>,
    pub engine: Engine,
    pub backend: Backend,
    pub auth: Auth,
    pub faults: Faults,
    /// Fetches blobs that are not in our own storage.
    pub client: reqwest::Client,
    pub stats: Stats,
    /// The progress of what was posted by REST.
    pub operations: Operations,
}

impl App {
    /// Counts one request for `operation` and answers it with `work`, unless a fault rule says otherwise. `work`
    /// learns whether signatures it hands out must have expired already.
    pub(crate) async fn guard<F>(
        &self,
        operation: Operation,
        request: HttpRequest,
        work: impl FnOnce(HttpRequest, bool) -> F,
    ) -> Response
    where
        F: Future<Output = Response>,
    {
        let _under_way = self.stats.request(operation);
        let path = [request.path.as_str(), request.about.as_deref().unwrap_or_default()].concat();
        let Some(effect) = self.faults.pick(operation, &path) else { return work(request, false).await };
        tracing::info!(operation = operation.as_str(), ?effect, "fault injected");
        let connection = request.connection.clone();
        match effect {
            Effect::Delay { .. } | Effect::Scatter { .. } => {
                tokio::time::sleep(effect.delay().unwrap_or_default()).await;
                work(request, false).await
            }
            Effect::Reset { when: Moment::Before } | Effect::Lose => connection.reset().await,
            Effect::Reset { when: Moment::After } => {
                drop(work(request, false).await);
                connection.reset().await
            }
            Effect::Truncate => {
                let (parts, body) = work(request, false).await.into_parts();
                match http_request::read_body(body, TRUNCATE_LIMIT).await {
                    Ok(bytes) if !bytes.is_empty() => {
                        Response::from_parts(parts, axum::body::Body::new(Truncated::new(&bytes)))
                    }
                    _ => connection.reset().await,
                }
            }
            Effect::ExpiredSas if operation == Operation::IngestionResources => work(request, true).await,
            Effect::ExpiredSas => {
                http_request::drain(request.body).await;
                let text = "Server failed to authenticate the request. Signature not valid in the specified time \
                    frame (fault on demand).";
                error_for(operation, 403, Some("AuthenticationFailed"), text)
            }
            Effect::ContainerNotFound => {
                http_request::drain(request.body).await;
                let queue = request.path.contains("/messages");
                let code = if queue { "QueueNotFound" } else { "ContainerNotFound" };
                error_for(
                    operation,
                    404,
                    Some(code),
                    "The specified resource does not exist (fault on demand).",
                )
            }
            Effect::Fail { code, permanent, details } => {
                http_request::drain(request.body).await;
                let status = if permanent == Some(false) { 503 } else { 400 };
                let text = details.as_deref().unwrap_or("A fault on demand.");
                error_for(operation, status, code.as_deref(), text)
            }
            Effect::Status { status, code, retry_after } => {
                http_request::drain(request.body).await;
                let mut response = error_for(operation, status, code.as_deref(), "A fault on demand.");
                if let Some(seconds) = retry_after {
                    http_response::set(&mut response, "retry-after", &seconds.to_string());
                }
                response
            }
        }
    }

    /// Runs a call of the engine, which blocks, beside the async threads.
    pub(crate) async fn with_engine<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Engine) -> T + Send + 'static,
    ) -> Result<T, KustoError> {
        let engine = self.engine.clone();
        tokio::task::spawn_blocking(move || work(&engine)).await.map_err(|error| KustoError {
            status: 500,
            code: "Internal service error",
            summary: "Request aborted due to an internal service error.",
            kusto_type: "Kusto.Data.Exceptions.KustoServiceException",
            message: format!("the emulator's engine failed: {error}"),
            permanent: false,
        })
    }

    /// Kind and URL of each ingestion resource, as the client that asks reaches them.
    pub(crate) fn resources(&self, request: &HttpRequest, expired: bool) -> Vec<(ResourceKind, String)> {
        let base = self.options.public_url.as_ref().map_or_else(|| request.base_url(), ToString::to_string);
        let lifetime = (!expired).then_some(self.options.sas_lifetime);
        self.backend.resources(&base, lifetime)
    }
}

/// An error answer in the form of the service that `operation` belongs to.
fn error_for(operation: Operation, status: u16, code: Option<&str>, text: &str) -> Response {
    if operation.is_storage() {
        let code = code.unwrap_or(storage_code(status));
        return storage_http::error_answer(&StorageError::new(status, code, text));
    }
    if operation.is_sign_in() {
        let error = code.unwrap_or(if status < 500 { "invalid_client" } else { "temporarily_unavailable" });
        return auth::error_answer(status, error, 90_033, text);
    }
    let permanent = (400..500).contains(&status) && !matches!(status, 404 | 408 | 429);
    let (default, kind) = match status {
        401 => ("Unauthorized", "Kusto.DataNode.Exceptions.KustoUnauthorizedException"),
        403 => ("Forbidden", "Kusto.Data.Exceptions.KustoRequestDeniedException"),
        429 => ("Too many requests", "Kusto.Data.Exceptions.KustoRequestThrottledException"),
        400..500 => ("General_BadRequest", "Kusto.Data.Exceptions.KustoBadRequestException"),
        _ => ("Internal service error", "Kusto.Data.Exceptions.KustoServiceException"),
    };
    let activity = Uuid::new_v4().to_string();
    let body = json!({"error": {"code": code.unwrap_or(default), "message": text, "@type": kind,
        "@message": text, "@context": {"activityId": activity}, "@permanent": permanent}});
    let mut response = http_response::json(status, &body);
    http_response::set(&mut response, "x-ms-activity-id", &activity);
    response
}

fn storage_code(status: u16) -> &'static str {
    match status {
        403 => "AuthenticationFailed",
        404 => "ResourceNotFound",
        408 | 504 => "OperationTimedOut",
        409 => "Conflict",
        429 => "TooManyRequests",
        503 => "ServerBusy",
        500..600 => "InternalError",
        _ => "InvalidInput",
    }
}
