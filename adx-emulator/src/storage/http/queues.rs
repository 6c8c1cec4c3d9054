//! Put, get, peek, update and delete messages over HTTP.

use axum::body::Body;
use axum::response::Response;
use time::Duration;
use uuid::Uuid;

use super::answers::{read, unix_date};
use super::path::StoragePath;
use crate::http_request::HttpRequest;
use crate::http_response;
use crate::storage::error::StorageError;
use crate::storage::names::ResourceKind;
use crate::storage::queues::{DEFAULT_LIFE, Message};
use crate::storage::services::Storage;
use crate::xml;

/// A message in its envelope: the text limit and its XML, escaped at the worst.
const BODY_LIMIT: usize = 1024 * 1024;

/// The text in the body of a message, if there is one, and the body to be read once more.
pub(crate) async fn message_text(body: Body) -> Result<(Body, Option<String>), StorageError> {
    let bytes = read(body, BODY_LIMIT).await?;
    let text = std::str::from_utf8(&bytes).ok().and_then(|document| xml::element(document, "MessageText"));
    Ok((Body::from(bytes), text))
}

pub(super) async fn put_message(
    storage: &Storage,
    path: &StoragePath,
    request: HttpRequest,
    kind: ResourceKind,
) -> Result<Response, StorageError> {
    let life = match number(&request, "messagettl")? {
        None => Some(DEFAULT_LIFE),
        Some(-1) => None,
        Some(seconds) => Some(Duration::seconds(seconds)),
    };
    let hidden = Duration::seconds(number(&request, "visibilitytimeout")?.unwrap_or(0));
    let body = read(request.body, BODY_LIMIT).await?;
    let document = std::str::from_utf8(&body).map_err(|_| bad_xml())?;
    let text = xml::element(document, "MessageText").ok_or_else(bad_xml)?;
    let message = storage.queues.put(&path.queue(), text, life, hidden)?;
    if kind == ResourceKind::SecuredQueue {
        storage.stats.posted();
    }
    Ok(message_list(&[message], true, false, 201))
}

pub(super) fn get_messages(
    storage: &Storage,
    path: &StoragePath,
    request: &HttpRequest,
) -> Result<Response, StorageError> {
    let hidden = Duration::seconds(number(request, "visibilitytimeout")?.unwrap_or(30));
    let found = storage.queues.get(&path.queue(), count(request)?, hidden)?;
    Ok(message_list(&found, true, true, 200))
}

pub(super) fn delete_message(
    storage: &Storage,
    path: &StoragePath,
    request: &HttpRequest,
) -> Result<Response, StorageError> {
    let (id, receipt) = claim(path, request)?;
    storage.queues.delete(&path.queue(), id, receipt)?;
    Ok(http_response::empty(204))
}

pub(super) async fn update_message(
    storage: &Storage,
    path: &StoragePath,
    request: HttpRequest,
) -> Result<Response, StorageError> {
    let claim = claim(path, &request)?;
    let hidden = number(&request, "visibilitytimeout")?.ok_or_else(|| {
        let message = "A required query parameter was not specified for this request: visibilitytimeout.";
        StorageError::new(400, "MissingRequiredQueryParameter", message)
    })?;
    let body = read(request.body, BODY_LIMIT).await?;
    let document = std::str::from_utf8(&body).map_err(|_| bad_xml())?;
    let text = if document.is_empty() {
        None
    } else {
        Some(xml::element(document, "MessageText").ok_or_else(bad_xml)?)
    };
    let updated = storage.queues.update(&path.queue(), claim, text, Duration::seconds(hidden))?;
    let mut response = http_response::empty(204);
    http_response::set(&mut response, "x-ms-popreceipt", &updated.receipt.to_string());
    http_response::set(&mut response, "x-ms-time-next-visible", &unix_date(updated.visible / 1000));
    Ok(response)
}

/// The id in the path and the receipt in the query, as they were handed out.
fn claim(path: &StoragePath, request: &HttpRequest) -> Result<(Uuid, Uuid), StorageError> {
    let id = path.rest.strip_prefix("messages/").and_then(|id| id.parse::<Uuid>().ok());
    let receipt = request.query("popreceipt").and_then(|receipt| receipt.parse::<Uuid>().ok());
    id.zip(receipt).ok_or_else(|| {
        let message = "The message id or the popreceipt was not handed out here.";
        StorageError::new(400, "InvalidQueryParameterValue", message)
    })
}

pub(super) fn queue_metadata(storage: &Storage, path: &StoragePath) -> Result<Response, StorageError> {
    let length = storage.queues.length(&path.queue())?;
    let mut response = http_response::empty(200);
    http_response::set(&mut response, "x-ms-approximate-messages-count", &length.to_string());
    Ok(response)
}

pub(super) fn peek_messages(
    storage: &Storage,
    path: &StoragePath,
    request: &HttpRequest,
) -> Result<Response, StorageError> {
    let found = storage.queues.peek(&path.queue(), count(request)?)?;
    Ok(message_list(&found, false, true, 200))
}

fn bad_xml() -> StorageError {
    StorageError::new(
        400,
        "InvalidXmlDocument",
        "XML specified is not syntactically valid or has no MessageText.",
    )
}

fn number(request: &HttpRequest, name: &str) -> Result<Option<i64>, StorageError> {
    let Some(text) = request.query(name) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| {
        StorageError::new(400, "InvalidQueryParameterValue", &format!("The value of {name} is not a number."))
    })
}

fn count(request: &HttpRequest) -> Result<usize, StorageError> {
    match number(request, "numofmessages")?.unwrap_or(1) {
        count @ 1..=32 => Ok(usize::try_from(count).unwrap_or(1)),
        _ => Err(StorageError::new(400, "OutOfRangeQueryParameterValue", "numofmessages must be 1 to 32.")),
    }
}

fn message_list(messages: &[Message], receipts: bool, texts: bool, status: u16) -> Response {
    let mut body = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?><QueueMessagesList>");
    for message in messages {
        body.push_str("<QueueMessage>");
        let mut add = |name: &str, text: &str| {
            body.extend(["<", name, ">", &xml::escape(text), "</", name, ">"]);
        };
        add("MessageId", &message.id.to_string());
        add("InsertionTime", &unix_date(message.inserted));
        add("ExpirationTime", &unix_date(message.expires));
        if receipts {
            add("PopReceipt", &message.receipt.to_string());
            add("TimeNextVisible", &unix_date((message.visible / 1000).max(message.inserted)));
        }
        if texts {
            add("DequeueCount", &message.reads.to_string());
            add("MessageText", &message.text);
        }
        body.push_str("</QueueMessage>");
    }
    body.push_str("</QueueMessagesList>");
    http_response::answer(status, "application/xml", body)
}
