//! Put, get and delete blobs over HTTP.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;

use super::{Target, body_error, http_date, read};
use crate::storage::blobs::{Blob, Content, Counted, NewBlob};
use crate::storage::{Storage, StorageError};
use crate::wire::{self, Asked};
use crate::xml;

/// The largest body of one Put Blob or Put Block that is taken.
const BODY_LIMIT: usize = 256 * 1024 * 1024;

impl Storage {
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

    pub(super) async fn put_blob(&self, target: &Target, asked: Asked) -> Result<Response, StorageError> {
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

    pub(super) async fn put_block(&self, target: &Target, asked: Asked) -> Result<Response, StorageError> {
        let id = asked.query("blockid").filter(|id| !id.is_empty()).map(str::to_owned);
        let id = id.ok_or_else(|| {
            StorageError::new(400, "MissingRequiredQueryParameter", "The query parameter blockid is missing.")
        })?;
        let content = self.content(asked.body).await?;
        self.blobs.put_block(target.blob(), id, content);
        Ok(wire::empty(201))
    }

    pub(super) async fn put_block_list(
        &self,
        target: &Target,
        asked: Asked,
    ) -> Result<Response, StorageError> {
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

pub(super) fn head_blob(blob: &Blob) -> Response {
    let mut response = wire::empty(200);
    described(&mut response, blob);
    wire::set(&mut response, "content-length", &blob.content.length().to_string());
    response
}

pub(super) fn get_blob(blob: &Blob, asked: &Asked) -> Result<Response, StorageError> {
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
