//! One HTTP request as the services see it.
//!
//! Owns percent-coding and reading bodies. Knows nothing of what any service means.

use std::pin::Pin;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode};
use bytes::Bytes;
use http_body::Body as _;

use crate::connection::Connection;

/// The parts of a request.
#[derive(Debug)]
pub(crate) struct HttpRequest {
    pub method: Method,
    /// Not decoded.
    pub path: String,
    /// Decoded.
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    /// Not read yet.
    pub body: Body,
    pub connection: Connection,
    /// What its body is about, where that is known: the path of a message's blob, the text of a command.
    pub about: Option<String>,
}

impl HttpRequest {
    pub(crate) fn new(request: Request, connection: Connection) -> Self {
        let (parts, body) = request.into_parts();
        Self {
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query: pairs(parts.uri.query().unwrap_or_default()),
            headers: parts.headers,
            body,
            connection,
            about: None,
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

/// The whole of `body`, or why it cannot be read: too long (413) or incomplete (400).
pub(crate) async fn read_body(body: Body, limit: usize) -> Result<Bytes, StatusCode> {
    if body.size_hint().lower() > limit as u64 {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let mut bytes = Vec::new();
    for_each_part(body, |part| {
        bytes.extend_from_slice(part);
        bytes.len() <= limit
    })
    .await?;
    Ok(bytes.into())
}

/// Hands each part of `body` to `take`, which returns false to refuse the rest as too long.
pub(crate) async fn for_each_part(
    mut body: Body,
    mut take: impl FnMut(&[u8]) -> bool,
) -> Result<(), StatusCode> {
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

/// Reads `body` to its end and keeps nothing: a client that is still sending would see a closed connection instead
/// of an early answer.
pub(crate) async fn drain(body: Body) {
    if let Err(status) = for_each_part(body, |_| true).await {
        tracing::debug!(%status, "the body of a refused request is incomplete");
    }
}

/// `text` with its percent codes resolved; what is then not UTF-8 becomes U+FFFD.
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
