//! The storage services' protocol over the parts of [`Storage`]: paths, headers, XML, error codes.
//!
//! Never answers without a checked SAS. Keeps nothing.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::blobs::{Blob, BlobName, Content, Counted, NewBlob};
use super::queues::{DEFAULT_LIFE, Message, QueueName};
use super::tables::{EntityKey, entity_keys};
use super::{ACCOUNTS, RESOURCES, Storage, StorageError, resource_name, sas};
use crate::operation::Operation;
use crate::wire::{self, Asked};
use crate::xml;

/// The largest body of one Put Blob or Put Block that is taken.
const BODY_LIMIT: usize = 256 * 1024 * 1024;
/// A message in its envelope: the text limit and its XML, escaped at the worst.
const MESSAGE_BODY_LIMIT: usize = 1024 * 1024;

/// A storage path taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// The storage account.
    pub account: String,
    /// Container, queue, or table with its keys.
    pub resource: String,
    /// What follows: blob name, `messages`, or nothing.
    pub rest: String,
}

impl Target {
    /// The target of a request path, if its first segment is one of our accounts.
    pub(crate) fn of(path: &str) -> Option<Self> {
        let mut parts = path.trim_start_matches('/').splitn(3, '/');
        let first = parts.next()?;
        let account = ACCOUNTS.iter().find(|account| **account == first)?;
        let resource = wire::percent_decode(parts.next().unwrap_or_default());
        let rest = wire::percent_decode(parts.next().unwrap_or_default());
        Some(Self { account: (*account).to_owned(), resource, rest })
    }

    fn kind(&self) -> Option<(&'static str, String)> {
        let table = self.resource.split('(').next().unwrap_or_default();
        let account = ACCOUNTS.iter().position(|account| *account == self.account)?;
        RESOURCES.iter().find_map(|(kind, _, prefix)| {
            let name = resource_name(prefix, account);
            (name == table).then_some((*kind, name))
        })
    }

    /// The operation that a request on this target asks for.
    pub(crate) fn operation(&self, asked: &Asked) -> Operation {
        let kind = self.kind().map(|(kind, _)| kind).unwrap_or_default();
        // A queue that does not exist is told from a container by the path's form.
        let messages = self.rest == "messages" || self.rest.starts_with("messages/");
        match (asked.method.as_str(), asked.query("comp"), self.rest.as_str()) {
            _ if kind == "IngestionsStatusTable" => Operation::Table,
            ("GET" | "HEAD", Some("metadata"), "") => Operation::QueueMetadata,
            ("POST", _, "messages") => Operation::PutMessage,
            ("GET", _, "messages") if asked.query("peekonly") == Some("true") => Operation::PeekMessages,
            ("GET", _, "messages") if kind != "TempStorage" => Operation::GetMessages,
            ("DELETE", _, _) if messages && kind != "TempStorage" => Operation::DeleteMessage,
            (_, _, "") => Operation::Other,
            ("PUT", None, _) => Operation::PutBlob,
            ("PUT", Some("block"), _) => Operation::PutBlock,
            ("PUT", Some("blocklist"), _) => Operation::PutBlockList,
            ("GET", None, _) => Operation::GetBlob,
            ("HEAD", None, _) => Operation::HeadBlob,
            ("DELETE", None, _) => Operation::DeleteBlob,
            _ => Operation::Other,
        }
    }

    /// The blob it names.
    pub(crate) fn blob(&self) -> BlobName {
        BlobName { account: self.account.clone(), container: self.resource.clone(), name: self.rest.clone() }
    }

    fn queue(&self) -> QueueName {
        QueueName { account: self.account.clone(), queue: self.resource.clone() }
    }
}

impl Storage {
    /// Answers one storage request.
    pub(crate) async fn serve(&self, operation: Operation, target: Target, asked: Asked) -> Response {
        match self.try_serve(operation, &target, asked).await {
            Ok(response) => response,
            Err(error) => error_answer(&error),
        }
    }

    async fn try_serve(
        &self,
        operation: Operation,
        target: &Target,
        asked: Asked,
    ) -> Result<Response, StorageError> {
        let queue = matches!(
            operation,
            Operation::PutMessage
                | Operation::GetMessages
                | Operation::PeekMessages
                | Operation::DeleteMessage
                | Operation::QueueMetadata
        );
        let (kind, name) = target.kind().ok_or_else(|| no_resource(queue))?;
        if queue != kind.ends_with("Queue") {
            return Err(no_resource(queue));
        }
        sas::check(&target.account, &name, &asked.query, OffsetDateTime::now_utc())?;
        match operation {
            Operation::PutBlob => self.put_blob(target, asked).await,
            Operation::PutBlock => self.put_block(target, asked).await,
            Operation::PutBlockList => self.put_block_list(target, asked).await,
            Operation::GetBlob => get_blob(&self.blobs.get(&target.blob())?, &asked),
            Operation::HeadBlob => Ok(head_blob(&self.blobs.get(&target.blob())?)),
            Operation::DeleteBlob => self.blobs.delete(&target.blob()).map(|()| wire::empty(202)),
            Operation::PutMessage => self.put_message(target, asked, kind).await,
            Operation::GetMessages => self.get_messages(target, &asked),
            Operation::PeekMessages => {
                let found = self.queues.peek(&target.queue(), count(&asked)?)?;
                Ok(message_list(&found, false, true, 200))
            }
            Operation::DeleteMessage => self.delete_message(target, &asked),
            Operation::QueueMetadata => self.queue_metadata(target),
            Operation::Table => self.table(target, asked).await,
            _ => {
                let message = "The resource doesn't support the specified HTTP verb or query.";
                Err(StorageError::new(405, "UnsupportedHttpVerb", message))
            }
        }
    }

    async fn content(&self, body: Body) -> Result<Content, StorageError> {
        if !self.discard {
            return Ok(Content::Kept(read(body, BODY_LIMIT).await?));
        }
        let mut counted = Counted::default();
        let take = |part: &[u8]| {
            counted.add(part);
            counted.length <= BODY_LIMIT as u64
        };
        wire::each_part(body, take).await.map_err(body_error)?;
        Ok(Content::Counted(counted))
    }

    async fn put_blob(&self, target: &Target, asked: Asked) -> Result<Response, StorageError> {
        match asked.header("x-ms-blob-type") {
            Some("BlockBlob") => {}
            Some(_) => {
                let message = "Only block blobs are there: x-ms-blob-type must be BlockBlob.";
                return Err(StorageError::new(400, "InvalidHeaderValue", message));
            }
            None => {
                let message =
                    "An HTTP header that's mandatory for this request is not specified: x-ms-blob-type.";
                return Err(StorageError::new(400, "MissingRequiredHeader", message));
            }
        }
        let mut new = new_blob(&asked);
        new.content = self.content(asked.body).await?;
        self.committed(target, |storage| storage.blobs.put(target.blob(), new))
    }

    async fn put_block(&self, target: &Target, asked: Asked) -> Result<Response, StorageError> {
        let id = asked.query("blockid").filter(|id| !id.is_empty()).map(str::to_owned);
        let id = id.ok_or_else(|| {
            StorageError::new(400, "MissingRequiredQueryParameter", "The query parameter blockid is missing.")
        })?;
        let content = self.content(asked.body).await?;
        self.blobs.put_block(target.blob(), id, content);
        Ok(wire::empty(201))
    }

    async fn put_block_list(&self, target: &Target, asked: Asked) -> Result<Response, StorageError> {
        let new = new_blob(&asked);
        let body = read(asked.body, BODY_LIMIT).await?;
        let text = String::from_utf8_lossy(&body);
        let ids = xml::elements(&text, &["Latest", "Uncommitted", "Committed"]);
        let ids: Vec<_> = ids.into_iter().map(|(_, id)| id).collect();
        self.committed(target, |storage| storage.blobs.put_block_list(target.blob(), &ids, new))
    }

    fn committed(
        &self,
        target: &Target,
        put: impl FnOnce(&Self) -> Result<Blob, StorageError>,
    ) -> Result<Response, StorageError> {
        let blob = put(self)?;
        self.stats.blob(blob.content.length());
        tracing::debug!(
            account = target.account,
            blob = target.rest,
            bytes = blob.content.length(),
            "blob stored"
        );
        let mut response = wire::empty(201);
        describe(&mut response, &blob);
        wire::set(&mut response, "x-ms-request-server-encrypted", "true");
        Ok(response)
    }

    async fn put_message(&self, target: &Target, asked: Asked, kind: &str) -> Result<Response, StorageError> {
        let life = match number(&asked, "messagettl")? {
            None => Some(DEFAULT_LIFE),
            Some(-1) => None,
            Some(seconds) => Some(Duration::seconds(seconds)),
        };
        let hidden = Duration::seconds(number(&asked, "visibilitytimeout")?.unwrap_or(0));
        let body = read(asked.body, MESSAGE_BODY_LIMIT).await?;
        let document = std::str::from_utf8(&body).map_err(|_| bad_xml())?;
        let text = xml::element(document, "MessageText").ok_or_else(bad_xml)?;
        let message = self.queues.put(&target.queue(), text, life, hidden)?;
        if kind == "SecuredReadyForAggregationQueue" {
            self.stats.posted();
        }
        Ok(message_list(&[message], true, false, 201))
    }

    fn get_messages(&self, target: &Target, asked: &Asked) -> Result<Response, StorageError> {
        let hidden = Duration::seconds(number(asked, "visibilitytimeout")?.unwrap_or(30));
        let found = self.queues.get(&target.queue(), count(asked)?, hidden)?;
        Ok(message_list(&found, true, true, 200))
    }

    fn delete_message(&self, target: &Target, asked: &Asked) -> Result<Response, StorageError> {
        let id = target.rest.strip_prefix("messages/").and_then(|id| id.parse::<Uuid>().ok());
        let receipt = asked.query("popreceipt").and_then(|receipt| receipt.parse::<Uuid>().ok());
        let (Some(id), Some(receipt)) = (id, receipt) else {
            let message = "The message id or the popreceipt is none that was handed out here.";
            return Err(StorageError::new(400, "InvalidQueryParameterValue", message));
        };
        self.queues.delete(&target.queue(), id, receipt)?;
        Ok(wire::empty(204))
    }

    fn queue_metadata(&self, target: &Target) -> Result<Response, StorageError> {
        let length = self.queues.length(&target.queue())?;
        let mut response = wire::empty(200);
        wire::set(&mut response, "x-ms-approximate-messages-count", &length.to_string());
        Ok(response)
    }

    async fn table(&self, target: &Target, asked: Asked) -> Result<Response, StorageError> {
        let method = asked.header("x-http-method").unwrap_or(asked.method.as_str()).to_ascii_uppercase();
        let prefer = asked.header("prefer").map(str::to_owned);
        let body = read(asked.body, MESSAGE_BODY_LIMIT).await?;
        let entity: Map<String, Value> = if body.is_empty() {
            Map::new()
        } else {
            serde_json::from_slice(&body)
                .map_err(|_| StorageError::new(400, "InvalidInput", "The entity is no JSON object."))?
        };
        let text = |name: &str| entity.get(name).and_then(Value::as_str).map(str::to_owned);
        let keys = entity_keys(&target.resource).or_else(|| Some((text("PartitionKey")?, text("RowKey")?)));
        let (partition, row) = keys.ok_or_else(|| {
            StorageError::new(400, "PropertiesNeedValue", "PartitionKey and RowKey must be given.")
        })?;
        let key = EntityKey { account: target.account.clone(), partition, row };
        match method.as_str() {
            "POST" => {
                self.tables.insert(key, entity.clone())?;
                let quiet = prefer.as_deref() == Some("return-no-content");
                return Ok(if quiet { wire::empty(204) } else { wire::json(201, &Value::Object(entity)) });
            }
            "MERGE" | "PATCH" => self.tables.merge(key, entity),
            "PUT" => self.tables.replace(key, entity),
            "GET" => return Ok(wire::json(200, &Value::Object(self.tables.get(&key)?))),
            "DELETE" => self.tables.delete(&key)?,
            _ => {
                return Err(StorageError::new(
                    405,
                    "UnsupportedHttpVerb",
                    "The table does not know this verb.",
                ));
            }
        }
        Ok(wire::empty(204))
    }
}

fn no_resource(queue: bool) -> StorageError {
    if queue {
        StorageError::new(404, "QueueNotFound", "The specified queue does not exist.")
    } else {
        StorageError::new(404, "ContainerNotFound", "The specified container does not exist.")
    }
}

fn bad_xml() -> StorageError {
    StorageError::new(
        400,
        "InvalidXmlDocument",
        "XML specified is not syntactically valid or has no MessageText.",
    )
}

fn body_error(status: axum::http::StatusCode) -> StorageError {
    if status == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
        let message = "The request body is too large and exceeds the maximum permissible limit.";
        StorageError::new(413, "RequestBodyTooLarge", message)
    } else {
        StorageError::new(400, "IncompleteBody", "The body broke off.")
    }
}

async fn read(body: Body, limit: usize) -> Result<Bytes, StorageError> {
    wire::whole(body, limit).await.map_err(body_error)
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

fn new_blob(asked: &Asked) -> NewBlob {
    let content_type = asked.header("x-ms-blob-content-type").or_else(|| asked.header("content-type"));
    NewBlob {
        content: Content::Kept(Bytes::new()),
        content_type: content_type.unwrap_or("application/octet-stream").to_owned(),
        only_new: asked.header("if-none-match") == Some("*"),
    }
}

fn describe(response: &mut Response, blob: &Blob) {
    wire::set(response, "etag", &blob.etag);
    wire::set(response, "last-modified", &http_date(blob.modified));
}

fn described(response: &mut Response, blob: &Blob) {
    describe(response, blob);
    wire::set(response, "x-ms-blob-type", "BlockBlob");
    wire::set(response, "accept-ranges", "bytes");
    wire::set(response, "content-type", &blob.content_type);
}

fn head_blob(blob: &Blob) -> Response {
    let mut response = wire::empty(200);
    described(&mut response, blob);
    wire::set(&mut response, "content-length", &blob.content.length().to_string());
    response
}

fn get_blob(blob: &Blob, asked: &Asked) -> Result<Response, StorageError> {
    let Content::Kept(bytes) = &blob.content else {
        let message = "The emulator runs with --discard and keeps no blobs.";
        return Err(StorageError::new(409, "BlobArchived", message));
    };
    let range = asked.header("x-ms-range").or_else(|| asked.header("range"));
    let (status, part) = match range {
        None => (200, 0..bytes.len()),
        Some(range) => (
            206,
            byte_range(range, bytes.len()).ok_or_else(|| {
                StorageError::new(416, "InvalidRange", "The range specified is invalid for the current size.")
            })?,
        ),
    };
    let mut response = wire::answer(status, "application/octet-stream", bytes.slice(part.clone()));
    described(&mut response, blob);
    if status == 206 {
        let text = format!("bytes {}-{}/{}", part.start, part.end - 1, bytes.len());
        wire::set(&mut response, "content-range", &text);
    }
    Ok(response)
}

/// The bytes that `bytes=a-b`, `bytes=a-` or `bytes=-n` asks of `length`, if there are any.
fn byte_range(text: &str, length: usize) -> Option<std::ops::Range<usize>> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let range = if first.is_empty() {
        length.saturating_sub(last.parse().ok()?)..length
    } else {
        let end =
            if last.is_empty() { length } else { last.parse::<usize>().ok()?.checked_add(1)?.min(length) };
        first.parse().ok()?..end
    };
    (range.start < range.end).then_some(range)
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

/// An error as the storage services answer it.
pub(crate) fn error_answer(error: &StorageError) -> Response {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{}</Code><Message>{}</Message></Error>",
        xml::escape(&error.code),
        xml::escape(&error.message)
    );
    let mut response = wire::answer(error.status, "application/xml", body);
    wire::set(&mut response, "x-ms-error-code", &error.code);
    response
}

/// Sets the headers that every storage answer has.
pub(crate) fn finish(response: &mut Response, version: Option<&str>, client_request: Option<&str>) {
    wire::set(response, "x-ms-request-id", &Uuid::new_v4().to_string());
    wire::set(response, "x-ms-version", version.unwrap_or("2024-11-04"));
    if let Some(id) = client_request {
        wire::set(response, "x-ms-client-request-id", id);
    }
}

fn unix_date(seconds: i64) -> String {
    http_date(OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH))
}

fn http_date(time: OffsetDateTime) -> String {
    let format = time::macros::format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    time.format(format).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Target, byte_range, unix_date};

    #[test]
    fn paths_name_account_resource_and_rest() {
        let target = Target::of("/acct2/ingestdata-1/a%20b/c.csv.gz").unwrap();
        assert_eq!((target.resource.as_str(), target.rest.as_str()), ("ingestdata-1", "a b/c.csv.gz"));
        assert_eq!(target.kind().unwrap().0, "TempStorage");
        assert_eq!(Target::of("/acct1/ingestdata-1/x").unwrap().kind(), None);
        assert_eq!(Target::of("/acct3/ingestdata-0/x"), None);
        let table = Target::of("/acct1/ingestionsstatus(PartitionKey='a',RowKey='b')").unwrap();
        assert_eq!(table.kind().unwrap().0, "IngestionsStatusTable");
    }

    #[test]
    fn ranges_are_cut_to_the_blob() {
        assert_eq!(byte_range("bytes=2-4", 10), Some(2..5));
        assert_eq!(byte_range("bytes=2-", 10), Some(2..10));
        assert_eq!(byte_range("bytes=-3", 10), Some(7..10));
        assert_eq!(byte_range("bytes=0-99", 10), Some(0..10));
        assert_eq!(byte_range("bytes=10-", 10), None);
        assert_eq!(byte_range("lines=1-2", 10), None);
        assert_eq!(byte_range("bytes=0-18446744073709551615", 10), None);
    }

    #[test]
    fn dates_are_http_dates() {
        assert_eq!(unix_date(1_700_000_000), "Tue, 14 Nov 2023 22:13:20 GMT");
    }
}
