//! What the answers of all three services have in common: errors, headers, dates; and how bodies are read.

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::http_request::read_body;
use crate::http_response;
use crate::storage::error::StorageError;
use crate::xml;

/// Why a body could not be read.
pub(super) fn body_error(status: StatusCode) -> StorageError {
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        let message = "The request body is too large and exceeds the maximum permissible limit.";
        StorageError::new(413, "RequestBodyTooLarge", message)
    } else {
        StorageError::new(400, "IncompleteBody", "The body is incomplete.")
    }
}

/// The whole body of a request.
pub(super) async fn read(body: Body, limit: usize) -> Result<Bytes, StorageError> {
    read_body(body, limit).await.map_err(body_error)
}

/// An error as the storage services answer it.
pub(crate) fn error_answer(error: &StorageError) -> Response {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{}</Code><Message>{}</Message></Error>",
        xml::escape(&error.code),
        xml::escape(&error.message)
    );
    let mut response = http_response::answer(error.status, "application/xml", body);
    http_response::set(&mut response, "x-ms-error-code", &error.code);
    response
}

/// Sets the headers that every storage answer has.
pub(crate) fn finish(response: &mut Response, version: Option<&str>, client_request: Option<&str>) {
    http_response::set(response, "x-ms-request-id", &Uuid::new_v4().to_string());
    http_response::set(response, "x-ms-version", version.unwrap_or("2024-11-04"));
    if let Some(id) = client_request {
        http_response::set(response, "x-ms-client-request-id", id);
    }
}

/// The date of a moment in seconds since 1970, as HTTP writes it.
pub(super) fn unix_date(seconds: i64) -> String {
    http_date(OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH))
}

pub(super) fn http_date(time: OffsetDateTime) -> String {
    let format = time::macros::format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    time.format(format).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::unix_date;

    #[test]
    fn dates_are_http_dates() {
        assert_eq!(unix_date(1_700_000_000), "Tue, 14 Nov 2023 22:13:20 GMT");
    }
}
