//! The storage services' protocol over the parts of [`Storage`]: paths, headers, XML, error codes.
//!
//! Never answers without a checked SAS. Keeps nothing. One file per service.

mod answers;
mod blobs;
mod path;
mod queues;
mod tables;

use axum::response::Response;
use time::OffsetDateTime;

pub(crate) use self::answers::{error_answer, finish};
pub(crate) use self::path::StoragePath;
pub(crate) use self::queues::message_text;
use super::error::StorageError;
use super::names::ResourceKind;
use super::sas;
use super::services::Storage;
use crate::http_request::{self, HttpRequest};
use crate::http_response;
use crate::operation::Operation;

/// Answers one storage request.
pub(crate) async fn serve(
    storage: &Storage,
    operation: Operation,
    path: StoragePath,
    request: HttpRequest,
) -> Response {
    let result = match admit(operation, &path, &request) {
        Ok(kind) => answer(storage, operation, (&path, kind), request).await,
        Err(error) => {
            http_request::drain(request.body).await;
            Err(error)
        }
    };
    result.unwrap_or_else(|error| error_answer(&error))
}

async fn answer(
    storage: &Storage,
    operation: Operation,
    (path, kind): (&StoragePath, ResourceKind),
    request: HttpRequest,
) -> Result<Response, StorageError> {
    match operation {
        Operation::PutBlob => blobs::put_blob(storage, path, request).await,
        Operation::PutBlock => blobs::put_block(storage, path, request).await,
        Operation::PutBlockList => blobs::put_block_list(storage, path, request).await,
        Operation::GetBlob => blobs::get_blob(&storage.blobs.get(&path.blob())?, &request),
        Operation::HeadBlob => Ok(blobs::head_blob(&storage.blobs.get(&path.blob())?)),
        Operation::DeleteBlob => storage.blobs.delete(&path.blob()).map(|()| http_response::empty(202)),
        Operation::PutMessage => queues::put_message(storage, path, request, kind).await,
        Operation::GetMessages => queues::get_messages(storage, path, &request),
        Operation::PeekMessages => queues::peek_messages(storage, path, &request),
        Operation::DeleteMessage => queues::delete_message(storage, path, &request),
        Operation::UpdateMessage => queues::update_message(storage, path, request).await,
        Operation::QueueMetadata => queues::queue_metadata(storage, path),
        Operation::Table => tables::table(storage, path, request).await,
        _ => {
            let message = "The resource doesn't support the specified HTTP verb or query.";
            Err(StorageError::new(405, "UnsupportedHttpVerb", message))
        }
    }
}

/// The kind of the resource that a request may use: it exists, and the SAS opens it.
fn admit(
    operation: Operation,
    path: &StoragePath,
    request: &HttpRequest,
) -> Result<ResourceKind, StorageError> {
    let queue = matches!(
        operation,
        Operation::PutMessage
            | Operation::GetMessages
            | Operation::PeekMessages
            | Operation::DeleteMessage
            | Operation::UpdateMessage
            | Operation::QueueMetadata
    );
    let (kind, name) = path.known().ok_or_else(|| no_resource(queue))?;
    if queue != kind.is_queue() {
        return Err(no_resource(queue));
    }
    sas::check(&path.account, &name, &request.query, OffsetDateTime::now_utc())?;
    Ok(kind)
}

fn no_resource(queue: bool) -> StorageError {
    if queue {
        StorageError::new(404, "QueueNotFound", "The specified queue does not exist.")
    } else {
        StorageError::new(404, "ContainerNotFound", "The specified container does not exist.")
    }
}
