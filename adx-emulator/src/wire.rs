//! One HTTP request as the services see it, and the pieces of answers they share.
//!
//! Owns percent-coding and reading bodies. Knows nothing of what any service means.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use serde_json::Value;

use crate::connection::Connection;

/// A request, taken apart.
#[derive(Debug)]
pub(crate) struct Asked {
    /// The method.
    pub method: Method,
    /// The path as sent.
    pub path: String,
    /// The query's pairs, decoded.
    pub query: Vec<(String, String)>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, not read yet.
    pub body: Body,
    /// The connection it came on.
    pub connection: Connection,
    /// The blob that its body is about, where that is known.
    pub blob: Option<String>,
}

impl Asked {
    /// Takes `request` apart.
    pub(crate) fn new(request: Request, connection: Connection) -> Self {
        let (parts, body) = request.into_parts();
        Self {
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query: pairs(parts.uri.query().unwrap_or_default()),
            headers: parts.headers,
            body,
            connection,
            blob: None,
        }
    }

    /// The value of query key `name`, in any case.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The text of header `name`.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// `http://host:port` as the client addressed us.
    pub(crate) fn base_url(&self) -> String {
        let host = self.header("host").map_or_else(|| self.connection.local.to_string(), str::to_owned);
        format!("{}://{host}", self.connection.scheme())
    }
}

/// The decoded pairs of a query or a form.
pub(crate) fn pairs(text: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

/// The whole of `body`, or why it cannot be had: too long (413) or broken off (400).
pub(crate) async fn whole(body: Body, limit: usize) -> Result<Bytes, StatusCode> {
    if body.size_hint().lower() > limit as u64 {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let mut bytes = Vec::new();
    each_part(body, |part| {
        bytes.extend_from_slice(part);
        bytes.len() <= limit
    })
    .await?;
    Ok(bytes.into())
}

/// Hands each part of `body` to `take`, which answers false to refuse the rest as too long.
pub(crate) async fn each_part(mut body: Body, mut take: impl FnMut(&[u8]) -> bool) -> Result<(), StatusCode> {
    while let Some(frame) = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|_| StatusCode::BAD_REQUEST)?;
        if let Some(part) = frame.data_ref()
            && !take(part)
        {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
    }
    Ok(())
}

/// Reads `body` to its end and keeps nothing: a client that is still sending would see a cut connection instead of
/// an early answer.
pub(crate) async fn drain(body: Body) {
    if let Err(status) = each_part(body, |_| true).await {
        tracing::debug!(%status, "a refused request's body broke off");
    }
}

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

/// `text` with its percent codes resolved; what is no UTF-8 then becomes U+FFFD.
pub(crate) fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let code = (*byte == b'%')
            .then(|| text.get(at + 1..at + 3).and_then(|digits| u8::from_str_radix(digits, 16).ok()))
            .flatten();
        out.push(code.unwrap_or(*byte));
        at += if code.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// True when the path of a blob says that it is gzip: by its ending only, as the service tells it.
pub(crate) fn is_gzip(path: &str) -> bool {
    has_extension(path, "gz")
}

/// True when the path of a blob says that it is a zip archive.
pub(crate) fn is_zip(path: &str) -> bool {
    has_extension(path, "zip")
}

fn has_extension(path: &str, wanted: &str) -> bool {
    std::path::Path::new(path).extension().is_some_and(|extension| extension.eq_ignore_ascii_case(wanted))
}

/// A body that promises all of `bytes` and breaks off in the middle.
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

#[cfg(test)]
mod tests {
    use super::percent_decode;
    use proptest::prelude::*;

    #[test]
    fn codes_are_resolved_and_damaged_ones_stay() {
        assert_eq!(percent_decode("a%20b+c%C3%BC"), "a b+cü");
        assert_eq!(percent_decode("50%-%zz%4"), "50%-%zz%4");
        assert_eq!(percent_decode("%ü"), "%ü");
    }

    proptest! {
        #[test]
        fn any_text_is_decoded_from_its_code(text in "\\PC*") {
            let coded = text.bytes().fold(String::new(), |coded, byte| format!("{coded}%{byte:02X}"));
            prop_assert_eq!(percent_decode(&coded), text);
        }

        #[test]
        fn any_input_is_answered(text in ".*") {
            let _ = percent_decode(&text);
        }
    }
}
