//! Puts a batch into a temporary container: one Put Blob, or staged blocks when it is large.
//!
//! One try; the retry layer is `managed`. The body is shared, never copied, and a second try starts again at its
//! first byte. An existing blob of the same name is overwritten: a retry writes the same bytes under the same name.

use super::error::{PUT_BLOB, chain};
use super::http::Http;
use super::{Error, SasUrl, storage};
use azure_storage_blob::models::BlockBlobClientUploadOptions;
use azure_storage_blob::{BlockBlobClient, BlockBlobClientOptions};
use bytes::Bytes;
use std::num::NonZero;

/// How a body is cut into requests.
#[derive(Debug, Clone, Copy)]
pub struct Cut {
    /// Bodies up to this size go in one request.
    pub single: usize,
    /// Size of a staged block otherwise.
    pub block: usize,
}

impl Default for Cut {
    /// 32 MiB keeps an ordinary batch at one round trip, and a broken connection does not cost minutes. Blocks of
    /// 8 MiB: with Azure's 50 000 of them more than a batch can be.
    fn default() -> Self {
        Self { single: 32 * 1024 * 1024, block: 8 * 1024 * 1024 }
    }
}

impl Cut {
    /// How many connections a body of so many bytes takes.
    pub fn connections(self, bytes: usize) -> usize {
        if bytes <= self.single { 1 } else { CONCURRENT_BLOCKS.get().min(bytes.div_ceil(self.block)) }
    }
}

/// Blocks of one blob on their way at once.
const CONCURRENT_BLOCKS: NonZero<usize> = NonZero::<usize>::MIN.saturating_add(3);

/// Writes `body` as the blob at `blob`.
pub async fn upload(http: &Http, cut: Cut, blob: &SasUrl, body: &Bytes) -> Result<(), Error> {
    let call = http.call(PUT_BLOB, blob.clone(), "kusto.ingestion.url");
    let options = BlockBlobClientOptions {
        client_options: http.azure_options(),
        version: storage::API_VERSION.to_owned(),
    };
    let client = BlockBlobClient::new(blob.expose().clone(), None, Some(options))
        .map_err(|e| Error::Setup(chain(&e)))?;
    let piece = if body.len() <= cut.single { cut.single } else { cut.block };
    let options = BlockBlobClientUploadOptions {
        blob_content_type: Some("application/octet-stream".to_owned()),
        partition_size: u64::try_from(piece).ok().and_then(NonZero::new),
        parallel: Some(CONCURRENT_BLOCKS),
        ..Default::default()
    };
    call.within(http.timings.upload(body.len()), async {
        client
            .upload(body.clone().into(), Some(options))
            .await
            .map(|_| ())
            .map_err(|e| storage::error(&call, &e))
    })
    .await
}
