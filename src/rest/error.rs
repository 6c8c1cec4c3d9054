//! The one table from an error to its HTTP answer: `{"error_code": 404, "message": "…"}` (`connect-runtime.md` §1.2).

use super::dto::ErrorDto;
use crate::herder;
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// A request that cannot be answered as asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Error {
    status: StatusCode,
    message: String,
    /// The worker that has to do it, by its URL.
    elsewhere: Option<Arc<str>>,
}

/// In an answer's extensions: not the answer, but where it is to be had.
#[derive(Debug, Clone)]
pub(super) struct Elsewhere(pub(super) Arc<str>);

impl Error {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), elsewhere: None }
    }

    /// The request itself is wrong.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// An error of HTTP itself, in the words of Connect's server.
    pub(super) fn http(status: StatusCode) -> Self {
        let reason = status.canonical_reason().unwrap_or_default();
        Self::new(status, format!("HTTP {} {reason}", status.as_u16()))
    }
}

impl From<herder::Error> for Error {
    fn from(error: herder::Error) -> Self {
        use herder::Error as E;
        let status = match &error {
            E::BadRequest(_) => StatusCode::BAD_REQUEST,
            E::Forbidden(_) => StatusCode::FORBIDDEN,
            E::NotFound(_) => StatusCode::NOT_FOUND,
            E::AlreadyExists(_) | E::Elsewhere(_) | E::NoLeader | E::Stale | E::Changed => {
                StatusCode::CONFLICT
            }
            E::TimedOut(_) | E::Storage(_) | E::Offsets(_) | E::StartFailed(_) | E::ShuttingDown => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        };
        let elsewhere = match &error {
            E::Elsewhere(url) => Some(url.clone()),
            _ => None,
        };
        Self { elsewhere, ..Self::new(status, error.to_string()) }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let body = ErrorDto { error_code: self.status.as_u16(), message: self.message };
        let mut response = (self.status, Json(body)).into_response();
        if let Some(url) = self.elsewhere {
            response.extensions_mut().insert(Elsewhere(url));
        }
        response
    }
}
