//! The pieces that the answers of all services are made of.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use serde_json::Value;

/// An answer with `body` of media type `content_type`.
pub(crate) fn answer(status: u16, content_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// An answer with a JSON body.
pub(crate) fn json(status: u16, body: &Value) -> Response {
    answer(status, "application/json", body.to_string())
}

/// An answer without a body.
pub(crate) fn empty(status: u16) -> Response {
    let mut response = answer(status, "text/plain", Body::empty());
    response.headers_mut().remove(header::CONTENT_TYPE);
    response
}

/// Sets header `name`; a value that cannot be a header is left out.
pub(crate) fn set(response: &mut Response, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
}

/// A body that promises all of `bytes` and ends in the middle.
pub(crate) struct Truncated {
    bytes: Option<Bytes>,
    flushed: bool,
    length: u64,
}

impl Truncated {
    /// Half of `bytes`, then an error.
    pub(crate) fn new(bytes: &Bytes) -> Self {
        Self { bytes: Some(bytes.slice(..bytes.len() / 2)), flushed: false, length: bytes.len() as u64 }
    }
}

impl HttpBody for Truncated {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Some(bytes) = self.bytes.take() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        if !self.flushed {
            // An error at once would throw away what is still in the server's buffer; one pause lets it out.
            self.flushed = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(std::io::Error::other("cut off on demand"))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}
