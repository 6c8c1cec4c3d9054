//! Put, get and delete blobs over HTTP.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;

use super::answers::{body_error, http_date, read};
use super::path::StoragePath;
use crate::http_request::{HttpRequest, for_each_part};
use crate::http_response;
use crate::storage::blobs::{Blob, Content, Counted, NewBlob};
use crate::storage::error::StorageError;
use crate::storage::services::Storage;
use crate::xml;

/// The largest body of one Put Blob or Put Block that is taken.
const BODY_LIMIT: usize = 256 * 1024 * 1024;

async fn content(storage: &Storage, body: Body) -> Result<Content, StorageError> {
    if !storage.discard {
        return Ok(Content::Kept(read(body, BODY_LIMIT).await?));
    }
    let mut counted = Counted::default();
    let take = |part: &[u8]| {
        counted.add(part);
        counted.length <= BODY_LIMIT as u64
    };
    for_each_part(body, take).await.map_err(body_error)?;
    Ok(Content::Counted(counted))
}

pub(super) async fn put_blob(
    storage: &Storage,
    path: &StoragePath,
    request: HttpRequest,
) -> Result<Response, StorageError> {
    match request.header("x-ms-blob-type") {
        Some("BlockBlob") => {}
        Some(_) => {
            let message = "There are only block blobs: x-ms-blob-type must be BlockBlob.";
            return Err(StorageError::new(400, "InvalidHeaderValue", message));
        }
        None => {
            let message =
                "An HTTP header that's mandatory for this request is not specified: x-ms-blob-type.";
            return Err(StorageError::new(400, "MissingRequiredHeader", message));
        }
    }
    let mut new = new_blob(&request);
    new.content = content(storage, request.body).await?;
    committed(storage, path, storage.blobs.put(path.blob(), new))
}

pub(super) async fn put_block(
    storage: &Storage,
    path: &StoragePath,
    request: HttpRequest,
) -> Result<Response, StorageError> {
    let id = request.query("blockid").filter(|id| !id.is_empty()).map(str::to_owned);
    let id = id.ok_or_else(|| {
        StorageError::new(400, "MissingRequiredQueryParameter", "The query parameter blockid is missing.")
    })?;
    let content = content(storage, request.body).await?;
    storage.blobs.put_block(path.blob(), id, content);
    Ok(http_response::empty(201))
}

pub(super) async fn put_block_list(
    storage: &Storage,
    path: &StoragePath,
    request: HttpRequest,
) -> Result<Response, StorageError> {
    let new = new_blob(&request);
    let body = read(request.body, BODY_LIMIT).await?;
    let text = String::from_utf8_lossy(&body);
    let ids = xml::elements(&text, &["Latest", "Uncommitted", "Committed"]);
    let ids: Vec<_> = ids.into_iter().map(|(_, id)| id).collect();
    committed(storage, path, storage.blobs.put_block_list(path.blob(), &ids, new))
}

fn committed(
    storage: &Storage,
    path: &StoragePath,
    put: Result<Blob, StorageError>,
) -> Result<Response, StorageError> {
    let blob = put?;
    storage.stats.blob(blob.content.length());
    tracing::debug!(account = path.account, blob = path.rest, bytes = blob.content.length(), "blob stored");
    let mut response = http_response::empty(201);
    describe(&mut response, &blob);
    http_response::set(&mut response, "x-ms-request-server-encrypted", "true");
    Ok(response)
}

fn new_blob(request: &HttpRequest) -> NewBlob {
    let content_type = request.header("x-ms-blob-content-type").or_else(|| request.header("content-type"));
    NewBlob {
        content: Content::Kept(Bytes::new()),
        content_type: content_type.unwrap_or("application/octet-stream").to_owned(),
        only_new: request.header("if-none-match") == Some("*"),
    }
}

fn describe(response: &mut Response, blob: &Blob) {
    http_response::set(response, "etag", &blob.etag);
    http_response::set(response, "last-modified", &http_date(blob.modified));
}

fn described(response: &mut Response, blob: &Blob) {
    describe(response, blob);
    http_response::set(response, "x-ms-blob-type", "BlockBlob");
    http_response::set(response, "accept-ranges", "bytes");
    http_response::set(response, "content-type", &blob.content_type);
}

pub(super) fn head_blob(blob: &Blob) -> Response {
    let mut response = http_response::empty(200);
    described(&mut response, blob);
    http_response::set(&mut response, "content-length", &blob.content.length().to_string());
    response
}

pub(super) fn get_blob(blob: &Blob, request: &HttpRequest) -> Result<Response, StorageError> {
    let Content::Kept(bytes) = &blob.content else {
        let message = "The emulator runs with --discard and keeps no blobs.";
        return Err(StorageError::new(409, "BlobArchived", message));
    };
    let range = request.header("x-ms-range").or_else(|| request.header("range"));
    let (status, part) = match range {
        None => (200, 0..bytes.len()),
        Some(range) => (
            206,
            byte_range(range, bytes.len()).ok_or_else(|| {
                StorageError::new(416, "InvalidRange", "The range specified is invalid for the current size.")
            })?,
        ),
    };
    let mut response = http_response::answer(status, "application/octet-stream", bytes.slice(part.clone()));
    described(&mut response, blob);
    if status == 206 {
        let text = format!("bytes {}-{}/{}", part.start, part.end - 1, bytes.len());
        http_response::set(&mut response, "content-range", &text);
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

#[cfg(test)]
mod tests {
    use super::byte_range;

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
}
