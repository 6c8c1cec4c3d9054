//! Blobs and queues as the services behind the ingestion endpoint use them, in either storage.
//!
//! Each call goes to the emulator's own storage or to an Azurite.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value};
use url::Url;

use crate::azurite::Azurite;
use crate::http_client::unreachable;
use crate::http_request::pairs;
use crate::queue_messages::{MessageHandle, ReceivedMessage, StatusEntity};
use crate::storage::blobs::Content;
use crate::storage::http::StoragePath;
use crate::storage::queues::DEFAULT_LIFE;
use crate::storage::tables::EntityKey;
use crate::storage::{ResourceKind, Storage, StorageError, sas};

/// A message read is the loop's for this long; longer than any batch waits (30 minutes) and its retries.
const HIDDEN: time::Duration = time::Duration::hours(2);
/// Messages taken from a queue at once: the service's limit.
const AT_ONCE: usize = 32;

/// The storage that holds blobs and queues.
#[derive(Debug)]
pub(crate) enum Backend {
    /// The emulator.
    Own(Box<Storage>),
    /// An Azurite.
    Azurite(Box<Azurite>),
}

/// Why a blob cannot be had, as an ingestion error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {details}")]
pub(crate) struct DownloadError {
    /// Kusto's ingestion error code.
    pub code: &'static str,
    pub details: String,
    /// False when a later try may succeed.
    pub permanent: bool,
}

impl DownloadError {
    /// The ingestion error of a storage answer.
    pub(crate) fn of_status(status: u16, details: String) -> Self {
        let (code, permanent) = match status {
            403 | 401 => ("Download_Forbidden", true),
            404 => ("Download_SourceNotFound", true),
            409 | 412 => ("Download_AccessConditionNotSatisfied", true),
            408 | 429 | 500..600 => ("Download_UnknownError", false),
            _ => ("Download_BadRequest", true),
        };
        Self { code, details, permanent }
    }
}

impl From<StorageError> for DownloadError {
    fn from(error: StorageError) -> Self {
        Self::of_status(error.status, error.to_string())
    }
}

impl Backend {
    /// The rows of `.get ingestion resources` for a client that reaches us at `base`.
    pub(crate) fn resources(&self, base: &str, lifetime: Option<Duration>) -> Vec<(ResourceKind, String)> {
        match self {
            Self::Own(_) => Storage::resources(base, lifetime),
            Self::Azurite(azurite) => azurite.resources(lifetime),
        }
    }

    /// Reads what is in the secured queues now, up to the service's limit per queue.
    pub(crate) async fn receive(&self) -> Result<Vec<ReceivedMessage>, StorageError> {
        match self {
            Self::Own(storage) => {
                let mut all = Vec::new();
                for queue in ResourceKind::SecuredQueue.queues() {
                    let found = storage.queues.get(&queue, AT_ONCE, HIDDEN)?;
                    all.extend(found.into_iter().map(|message| ReceivedMessage {
                        handle: MessageHandle::Own {
                            queue: queue.clone(),
                            id: message.id,
                            receipt: message.receipt,
                        },
                        text: message.text,
                    }));
                }
                Ok(all)
            }
            Self::Azurite(azurite) => azurite.receive(AT_ONCE, HIDDEN).await,
        }
    }

    /// Waits until a message may have come since the last wait, `limit` at most.
    pub(crate) async fn wait_for_messages(&self, limit: Duration) {
        match self {
            Self::Own(storage) => {
                // Elapsed and posted mean the same here: look again.
                drop(tokio::time::timeout(limit, storage.queues.posted()).await);
            }
            Self::Azurite(_) => tokio::time::sleep(limit.min(Azurite::POLL)).await,
        }
    }

    /// Deletes a message whose source has ended.
    pub(crate) async fn delete_message(&self, handle: &MessageHandle) -> Result<(), StorageError> {
        match (self, handle) {
            (Self::Own(storage), MessageHandle::Own { queue, id, receipt }) => {
                storage.queues.delete(queue, *id, *receipt)
            }
            (Self::Azurite(azurite), MessageHandle::Azurite { queue, id, receipt }) => {
                azurite.delete_message(queue, id, receipt).await
            }
            _ => Err(StorageError::new(404, "MessageNotFound", "The message is of another storage.")),
        }
    }

    /// Puts a message (base64 already) into a queue of this kind; `number` chooses among them, and may be any.
    pub(crate) async fn post(
        &self,
        kind: ResourceKind,
        number: usize,
        text: String,
    ) -> Result<(), StorageError> {
        match self {
            Self::Own(storage) => {
                let queues = kind.queues();
                let Some(queue) = queues.get(number % queues.len().max(1)) else { return Ok(()) };
                storage.queues.put(queue, text, Some(DEFAULT_LIFE), time::Duration::ZERO).map(drop)
            }
            Self::Azurite(azurite) => azurite.put_message(kind, number, &text).await,
        }
    }

    /// The texts of all messages in the queues of this kind, hidden ones too; own storage only.
    pub(crate) fn texts(&self, kind: ResourceKind) -> Vec<String> {
        let Self::Own(storage) = self else { return Vec::new() };
        kind.queues().iter().flat_map(|queue| storage.queues.texts(queue)).collect()
    }

    /// The blob at `url`, which carries its own authorisation.
    pub(crate) async fn download(
        &self,
        url: &Url,
        client: &reqwest::Client,
    ) -> Result<Content, DownloadError> {
        if let Self::Own(storage) = self
            && let Some(path) = StoragePath::of(url.path())
        {
            let query = pairs(url.query().unwrap_or_default());
            let now = time::OffsetDateTime::now_utc();
            sas::check(&path.account, &path.resource, &query, now)?;
            return Ok(storage.blobs.get(&path.blob())?.content);
        }
        fetch(url, client).await.map(Content::Kept)
    }

    /// Changes the client's entity in its status table.
    pub(crate) async fn update_status(
        &self,
        status: &StatusEntity,
        entity: Map<String, Value>,
        client: &reqwest::Client,
    ) -> Result<(), DownloadError> {
        let bad = |_| DownloadError::of_status(400, "TableConnectionString is not a URL".to_owned());
        let url = Url::parse(&status.table).map_err(bad)?;
        if let Self::Own(storage) = self {
            if let Some(path) = StoragePath::of(url.path()) {
                let (partition, row) = (status.partition.clone(), status.row.clone());
                storage.tables.merge(EntityKey { account: path.account, partition, row }, entity);
                return Ok(());
            }
            // The Node SDK names the host and the SAS only; the service knows its table by the SAS.
            if url.path() == "/"
                && storage.tables.merge_existing(&status.partition, &status.row, entity.clone())
            {
                return Ok(());
            }
        }
        merge_entity(url, status, entity, client).await
    }

    /// Deletes the blob at `url`.
    pub(crate) async fn delete_blob(&self, url: &Url, client: &reqwest::Client) -> Result<(), DownloadError> {
        if let Self::Own(storage) = self
            && let Some(path) = StoragePath::of(url.path())
        {
            return storage.blobs.delete(&path.blob()).map_err(DownloadError::from);
        }
        let answer = client.delete(url.clone()).send().await.map_err(|error| unreachable_source(&error))?;
        let status = answer.status().as_u16();
        if answer.status().is_success() {
            Ok(())
        } else {
            Err(DownloadError::of_status(status, format!("the storage answered {status} to Delete Blob")))
        }
    }
}

/// Merge Entity on a table service that we reach by HTTP.
async fn merge_entity(
    mut url: Url,
    status: &StatusEntity,
    entity: Map<String, Value>,
    client: &reqwest::Client,
) -> Result<(), DownloadError> {
    let quoted = |text: &str| text.replace('\'', "''");
    let keys = format!("(PartitionKey='{}',RowKey='{}')", quoted(&status.partition), quoted(&status.row));
    url.set_path(&format!("{}{keys}", url.path()));
    let request =
        client.post(url).header("x-http-method", "MERGE").header("content-type", "application/json");
    let request = request.header("accept", "application/json").body(Value::Object(entity).to_string());
    let answer = request.send().await.map_err(|error| unreachable_source(&error))?;
    let code = answer.status();
    if code.is_success() {
        Ok(())
    } else {
        Err(DownloadError::of_status(code.as_u16(), format!("the storage answered {code} to Merge Entity")))
    }
}

async fn fetch(url: &Url, client: &reqwest::Client) -> Result<Bytes, DownloadError> {
    let answer = client.get(url.clone()).send().await.map_err(|error| unreachable_source(&error))?;
    let status = answer.status().as_u16();
    if !answer.status().is_success() {
        return Err(DownloadError::of_status(status, format!("the storage answered {status} to Get Blob")));
    }
    answer.bytes().await.map_err(|error| unreachable_source(&error))
}

fn unreachable_source(error: &reqwest::Error) -> DownloadError {
    let details = unreachable("the storage", error);
    DownloadError { code: "Download_UnknownError", details, permanent: false }
}
