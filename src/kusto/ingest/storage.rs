//! What blobs and queues have in common: the API version and the meaning of Azure Storage's errors.

use super::Error;
use super::advice;
use super::error::{Class, Refusal, chain};
use super::http::Call;
use super::url::redacted;
use azure_core::error::ErrorKind;
use azure_core::http::headers::{HeaderName, Headers};
use std::time::Duration;

/// `x-ms-version` of our requests. All we use is in it, and storage emulators that lag behind Azure know it, while
/// the crates' own default is newer than they are.
pub const API_VERSION: &str = "2025-05-05";

/// The longest pause we take from a service.
const LONGEST_RETRY_AFTER: Duration = Duration::from_mins(1);

const RETRY_AFTER: HeaderName = HeaderName::from_static("retry-after");

/// Turns an error of the storage crates into ours.
pub fn error(call: &Call, error: &azure_core::Error) -> Error {
    let ErrorKind::HttpResponse { status, error_code, raw_response } = error.kind() else {
        return call.unreachable(chain(error));
    };
    let status = u16::from(*status);
    let body = raw_response.as_ref().map(|raw| String::from_utf8_lossy(raw.body()).into_owned());
    let body = body.unwrap_or_default();
    // Without the header, the crate puts the status in place of the code.
    let code = element(&body, "Code")
        .or_else(|| error_code.clone())
        // A code is a word; anything else is somebody's text.
        .filter(|code| {
            code.len() <= 100
                && code.parse::<u16>().is_err()
                && code.chars().all(|c| c.is_ascii_alphanumeric())
        });
    let text = element(&body, "Message").unwrap_or_else(|| body.clone());
    let class = classify(status, code.as_deref().unwrap_or_default());
    Error::Refused(Box::new(Refusal {
        operation: call.operation,
        url: call.url.clone(),
        status,
        advice: Some(advice::of_storage(call.operation, status, class)),
        code,
        text: redacted(&text),
        class,
        retry_after: raw_response.as_ref().and_then(|raw| retry_after(raw.headers())),
    }))
}

/// `kusto-protocol.md` §9.3.
fn classify(status: u16, code: &str) -> Class {
    match (status, code) {
        (401 | 403, _) => Class::Signature,
        (404, _)
        | (409, "ContainerBeingDeleted" | "QueueBeingDeleted" | "ContainerDisabled" | "QueueDisabled") => {
            Class::Gone
        }
        (408 | 409 | 412 | 429 | 500..=599, _) => Class::Transient,
        _ => Class::Permanent,
    }
}

/// The text of the first `<name>` element of a storage error. The bodies are flat and small.
fn element(body: &str, name: &str) -> Option<String> {
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text.trim().to_owned())
}

fn retry_after(headers: &Headers) -> Option<Duration> {
    let seconds: u64 = headers.get_optional_str(&RETRY_AFTER)?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER))
}

/// The pause asked for by a `Retry-After` in seconds, bounded.
pub fn retry_after_of(headers: &reqwest::header::HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(reqwest::header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::{Class, classify, element};

    #[test]
    fn classes_follow_the_table() {
        for (status, code, class) in [
            (403, "AuthenticationFailed", Class::Signature),
            (403, "AuthorizationPermissionMismatch", Class::Signature),
            (404, "ContainerNotFound", Class::Gone),
            (404, "QueueNotFound", Class::Gone),
            (409, "ContainerBeingDeleted", Class::Gone),
            (400, "InvalidHeaderValue", Class::Permanent),
            (413, "RequestBodyTooLarge", Class::Permanent),
            (400, "OutOfRangeInput", Class::Permanent),
            (408, "", Class::Transient),
            (429, "", Class::Transient),
            (500, "OperationTimedOut", Class::Transient),
            (503, "ServerBusy", Class::Transient),
        ] {
            assert_eq!(classify(status, code), class, "{status} {code}");
        }
    }

    #[test]
    fn reads_the_flat_xml() {
        let body = "\u{feff}<?xml version=\"1.0\"?><Error><Code>ServerBusy</Code><Message>The server is busy.\nRequestId:1</Message></Error>";
        assert_eq!(element(body, "Code").as_deref(), Some("ServerBusy"));
        assert_eq!(element(body, "Message").as_deref(), Some("The server is busy.\nRequestId:1"));
        assert_eq!(element("no xml", "Code"), None);
        assert_eq!(element("<Code>x", "Code"), None);
    }
}
