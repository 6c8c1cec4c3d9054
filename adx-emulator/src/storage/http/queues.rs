//! Put, get, peek and delete messages over HTTP.

use axum::body::Body;
use axum::response::Response;
use time::Duration;
use uuid::Uuid;

use super::{Target, read, unix_date};
use crate::storage::queues::{DEFAULT_LIFE, Message};
use crate::storage::{Storage, StorageError};
use crate::wire::{self, Asked};
use crate::xml;

/// A message in its envelope: the text limit and its XML, escaped at the worst.
const BODY_LIMIT: usize = 1024 * 1024;

/// The text in the body of a message, if there is one, and the body to be read once more.
pub(crate) async fn message_text(body: Body) -> Result<(Body, Option<String>), StorageError> {
    let bytes = read(body, BODY_LIMIT).await?;
    let text = std::str::from_utf8(&bytes).ok().and_then(|document| xml::element(document, "MessageText"));
    Ok((Body::from(bytes), text))
}

impl Storage {
    pub(super) async fn put_message(
        &self,
        target: &Target,
        asked: Asked,
        kind: &str,
    ) -> Result<Response, StorageError> {
        let life = match number(&asked, "messagettl")? {
            None => Some(DEFAULT_LIFE),
            Some(-1) => None,
            Some(seconds) => Some(Duration::seconds(seconds)),
        };
        let hidden = Duration::seconds(number(&asked, "visibilitytimeout")?.unwrap_or(0));
        let body = read(asked.body, BODY_LIMIT).await?;
        let document = std::str::from_utf8(&body).map_err(|_| bad_xml())?;
        let text = xml::element(document, "MessageText").ok_or_else(bad_xml)?;
        let message = self.queues.put(&target.queue(), text, life, hidden)?;
        if kind == "SecuredReadyForAggregationQueue" {
            self.stats.posted();
        }
        Ok(message_list(&[message], true, false, 201))
    }

    pub(super) fn get_messages(&self, target: &Target, asked: &Asked) -> Result<Response, StorageError> {
        let hidden = Duration::seconds(number(asked, "visibilitytimeout")?.unwrap_or(30));
        let found = self.queues.get(&target.queue(), count(asked)?, hidden)?;
        Ok(message_list(&found, true, true, 200))
    }

    pub(super) fn delete_message(&self, target: &Target, asked: &Asked) -> Result<Response, StorageError> {
        let id = target.rest.strip_prefix("messages/").and_then(|id| id.parse::<Uuid>().ok());
        let receipt = asked.query("popreceipt").and_then(|receipt| receipt.parse::<Uuid>().ok());
        let (Some(id), Some(receipt)) = (id, receipt) else {
            let message = "The message id or the popreceipt is none that was handed out here.";
            return Err(StorageError::new(400, "InvalidQueryParameterValue", message));
        };
        self.queues.delete(&target.queue(), id, receipt)?;
        Ok(wire::empty(204))
    }

    pub(super) fn queue_metadata(&self, target: &Target) -> Result<Response, StorageError> {
        let length = self.queues.length(&target.queue())?;
        let mut response = wire::empty(200);
        wire::set(&mut response, "x-ms-approximate-messages-count", &length.to_string());
        Ok(response)
    }

    pub(super) fn peek_messages(&self, target: &Target, asked: &Asked) -> Result<Response, StorageError> {
        let found = self.queues.peek(&target.queue(), count(asked)?)?;
        Ok(message_list(&found, false, true, 200))
    }
}

fn bad_xml() -> StorageError {
    StorageError::new(
        400,
        "InvalidXmlDocument",
        "XML specified is not syntactically valid or has no MessageText.",
    )
}

fn number(asked: &Asked, name: &str) -> Result<Option<i64>, StorageError> {
    let Some(text) = asked.query(name) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| {
        StorageError::new(400, "InvalidQueryParameterValue", &format!("The value of {name} is no number."))
    })
}

fn count(asked: &Asked) -> Result<usize, StorageError> {
    match number(asked, "numofmessages")?.unwrap_or(1) {
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
    wire::answer(status, "application/xml", body)
}
