//! The requests that workers of a JVM cluster send each other (`connect-runtime.md` §1.17).
//!
//! Workers of ours do not: each makes the task configs of what it runs known through the leader's own loop. So none of
//! these is ever signed as one of ours, and the answers come from the headers alone: nobody is made to read a body.

use super::Rest;
use super::dto::ErrorDto;
use super::error::Error;
use super::openapi::{Named, NotAcceptable};
use super::path::Name;
use super::signed::{self, ALGORITHM, SIGNATURE};
use crate::cluster_key;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};

#[utoipa::path(post, path = "/connectors/{name}/tasks", params(Name), responses(
    (status = 403, description = "The signature is not a worker's.", body = ErrorDto),
    (status = 503, description = "This worker has no session key.", body = ErrorDto),
    Named, NotAcceptable
))]
pub(super) async fn put_tasks(State(rest): State<Rest>, _: Name, headers: HeaderMap) -> Error {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(_), Some(algorithm)) = (text(SIGNATURE), text(ALGORITHM)) else {
        return Error::bad_request("Internal request missing required signature");
    };
    if algorithm != cluster_key::ALGORITHM {
        return Error::bad_request(format!(
            "This worker does not support the '{algorithm}' key signing algorithm used by other workers. This worker is \
             currently configured to use: HmacSHA256."
        ));
    }
    if rest.workers.has_key() {
        return signed::refused();
    }
    Error::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "This worker is still starting up and has not been able to read a session key from the config topic yet",
    )
}

#[utoipa::path(put, path = "/connectors/{name}/fence", params(Name), responses(Named, NotAcceptable))]
pub(super) async fn fence(Name(name): Name) -> Error {
    Error::bad_request(format!("Connector {name} is not a source connector"))
}
