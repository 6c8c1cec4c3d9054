//! The storage services' protocol over the parts of [`Storage`]: paths, headers, XML, error codes.
//!
//! Never answers without a checked SAS. Keeps nothing. One file per service.

mod blobs;
mod queues;
mod tables;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use time::OffsetDateTime;
use uuid::Uuid;

pub(crate) use self::queues::message_text;
use super::blobs::BlobName;
use super::queues::QueueName;
use super::{ACCOUNTS, RESOURCES, Storage, StorageError, resource_name, sas};
use crate::operation::Operation;
use crate::wire::{self, Asked};
use crate::xml;

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
        // Some clients write the slashes behind the account as `%2F`; the service takes them as they are meant.
        let path = wire::percent_decode(path.trim_start_matches('/'));
        let mut parts = path.splitn(3, '/');
        let first = parts.next()?;
        let account = ACCOUNTS.iter().find(|account| **account == first)?;
        let mut next = || parts.next().unwrap_or_default().to_owned();
        Some(Self { account: (*account).to_owned(), resource: next(), rest: next() })
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
        let result = match admit(operation, &target, &asked) {
            Ok(kind) => self.try_serve(operation, &target, asked, kind).await,
            Err(error) => {
                wire::drain(asked.body).await;
                Err(error)
            }
        };
        result.unwrap_or_else(|error| error_answer(&error))
    }

    async fn try_serve(
        &self,
        operation: Operation,
        target: &Target,
        asked: Asked,
        kind: &str,
    ) -> Result<Response, StorageError> {
        match operation {
            Operation::PutBlob => self.put_blob(target, asked).await,
            Operation::PutBlock => self.put_block(target, asked).await,
            Operation::PutBlockList => self.put_block_list(target, asked).await,
            Operation::GetBlob => blobs::get_blob(&self.blobs.get(&target.blob())?, &asked),
            Operation::HeadBlob => Ok(blobs::head_blob(&self.blobs.get(&target.blob())?)),
            Operation::DeleteBlob => self.blobs.delete(&target.blob()).map(|()| wire::empty(202)),
            Operation::PutMessage => self.put_message(target, asked, kind).await,
            Operation::GetMessages => self.get_messages(target, &asked),
            Operation::PeekMessages => self.peek_messages(target, &asked),
            Operation::DeleteMessage => self.delete_message(target, &asked),
            Operation::QueueMetadata => self.queue_metadata(target),
            Operation::Table => self.table(target, asked).await,
            _ => {
                let message = "The resource doesn't support the specified HTTP verb or query.";
                Err(StorageError::new(405, "UnsupportedHttpVerb", message))
            }
        }
    }
}

/// The type of the resource that a request may use: it exists, and the SAS opens it.
fn admit(operation: Operation, target: &Target, asked: &Asked) -> Result<&'static str, StorageError> {
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
    Ok(kind)
}

fn no_resource(queue: bool) -> StorageError {
    if queue {
        StorageError::new(404, "QueueNotFound", "The specified queue does not exist.")
    } else {
        StorageError::new(404, "ContainerNotFound", "The specified container does not exist.")
    }
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
    use super::{Target, unix_date};

    #[test]
    fn paths_name_account_resource_and_rest() {
        let target = Target::of("/acct2/ingestdata-1/a%20b/c.csv.gz").unwrap();
        assert_eq!((target.resource.as_str(), target.rest.as_str()), ("ingestdata-1", "a b/c.csv.gz"));
        assert_eq!(target.kind().unwrap().0, "TempStorage");
        assert_eq!(Target::of("/acct1/ingestdata-1/x").unwrap().kind(), None);
        assert_eq!(Target::of("/acct3/ingestdata-0/x"), None);
        assert_eq!(Target::of("/acct2%2Fingestdata-1%2fa%20b%2Fc.csv.gz").as_ref(), Some(&target));
        assert_eq!(Target::of("/acct2/ingestdata-1%2Fa%20b/c.csv.gz").as_ref(), Some(&target));
        let table = Target::of("/acct1/ingestionsstatus(PartitionKey='a',RowKey='b')").unwrap();
        assert_eq!(table.kind().unwrap().0, "IngestionsStatusTable");
    }

    #[test]
    fn dates_are_http_dates() {
        assert_eq!(unix_date(1_700_000_000), "Tue, 14 Nov 2023 22:13:20 GMT");
    }
}
