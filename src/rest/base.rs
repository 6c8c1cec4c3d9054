//! The address by which a client called us, for absolute URLs in answers.

use super::Rest;
use crate::config::Scheme;
use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use std::convert::Infallible;

/// `scheme://host:port`: the host is the client's word for us, or the advertised one when it has none.
pub(super) struct Base(pub(super) String);

impl FromRequestParts<Rest> for Base {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, rest: &Rest) -> Result<Self, Infallible> {
        // The listener that took the request says how it talks.
        let scheme = parts.extensions.get().copied().unwrap_or(Scheme::Http);
        let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        Ok(Self(format!("{}://{}", scheme.as_str(), host.unwrap_or(&rest.advertised))))
    }
}
