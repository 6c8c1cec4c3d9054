//! One try of queued ingestion: blob, then message (`kusto-protocol.md` §3) or, by REST, a posting (§4).
//!
//! Always the same bytes under the same blob name and the same message id, so a repetition can be recognised. A blob that
//! arrived is not sent again when only its message failed. A refused signature is never the task's failure: fresh resources
//! are fetched. What is tried again, and when, is decided by `managed`.

use super::blob::{self, Cut};
use super::http::Http;
use super::kusto::KustoClient;
use super::message::{self, Sender};
use super::progress::BatchProgress;
use super::resources::{Resource, ResourceManager, Resources};
use super::status_poller::StatusPoller;
use super::{Error, IngestRequest, SasUrl, queue, rest};
use crate::kusto::metrics;
use crate::limits::Entered;
use crate::metrics::SinkCounts;
use std::sync::Arc;
use time::OffsetDateTime;
use tokio::time::Instant;

/// The way through blobs and queues.
#[derive(Debug)]
pub struct Queued {
    /// The connections.
    pub http: Http,
    /// How a large body is cut.
    pub cut: Cut,
    /// Containers, queues, identity token.
    pub resources: Arc<ResourceManager>,
    /// Who sends.
    pub sender: Arc<Sender>,
    /// The data management service.
    pub dm: Arc<KustoClient>,
    /// What becomes of batches that went by REST.
    pub status_poller: StatusPoller,
    /// What it counts.
    pub counts: SinkCounts,
}

impl Queued {
    /// The place for a try, also of one that goes to the engine. To wait for it is not to fail: the time for tries is not
    /// used up by it.
    pub async fn place(&self, delivery: &mut BatchProgress<'_>) -> Entered {
        let asked = Instant::now();
        let place = self.http.uploads.enter(self.cut.connections(delivery.request.body.len())).await;
        delivery.started += asked.elapsed();
        place
    }

    /// One try: as far as it gets, noted in `delivery`.
    pub async fn attempt(&self, delivery: &mut BatchProgress<'_>) -> Result<(), Error> {
        let resources = self.resources_for(delivery).await?;
        let container = self.upload(delivery, &resources).await?;
        let request = delivery.request;
        let blob = container.url.child(&request.blob_name);
        if resources.rest {
            return self.post(request, &blob).await;
        }
        let text =
            message::encode(request, &blob, &resources.identity, &self.sender, OffsetDateTime::now_utc())?;
        let queue = self.resources.choose(&resources.queues, delivery.bad_queue.as_ref());
        let queue = queue.ok_or_else(none_left)?;
        let began = Instant::now();
        let result = queue::post(&self.http, &queue.url, text).await;
        if result.is_ok() {
            metrics::observe(&self.counts, &metrics::QUEUE_MESSAGE, began.elapsed());
        }
        self.resources.report(&queue.account, result.is_ok());
        if let Err(error) = &result {
            delivery.bad_queue = Some(queue.url.clone());
            delivery.note(error, &resources);
        }
        result
    }

    /// Hands the blob over by REST, and follows it from there.
    async fn post(&self, request: &IngestRequest, blob: &SasUrl) -> Result<(), Error> {
        let began = Instant::now();
        let operation = rest::post(&self.dm, request, blob, OffsetDateTime::now_utc()).await?;
        metrics::observe(&self.counts, &metrics::QUEUE_MESSAGE, began.elapsed());
        if let Some(operation) = operation {
            self.status_poller.follow(request, operation);
        }
        Ok(())
    }

    /// The resources to use: fresh ones after storage refused the last.
    async fn resources_for(&self, delivery: &mut BatchProgress<'_>) -> Result<Arc<Resources>, Error> {
        let Some(generation) = delivery.refused.take() else { return self.resources.get().await };
        match self.resources.newer_than(generation).await {
            // The cluster does not answer: perhaps another container or queue still works.
            Err(error) if error.is_retriable() => {
                delivery.refused = Some(generation);
                self.resources.current().ok_or(error)
            }
            result => result,
        }
    }

    /// The container that holds the blob, with today's signature; uploads it if none does.
    async fn upload<'a>(
        &self,
        delivery: &mut BatchProgress<'_>,
        resources: &'a Resources,
    ) -> Result<&'a Resource, Error> {
        let holder = delivery.holder.as_ref();
        let known = |resource: &&Resource| holder.is_some_and(|holder| holder.same_place(&resource.url));
        if let Some(container) = resources.containers.iter().find(known) {
            return Ok(container);
        }
        let container = self.resources.choose(&resources.containers, delivery.bad_container.as_ref());
        let container = container.ok_or_else(none_left)?;
        let request = delivery.request;
        let blob = container.url.child(&request.blob_name);
        if !resources.rest {
            // A message that no queue takes is found before the upload.
            message::encode(request, &blob, &resources.identity, &self.sender, OffsetDateTime::now_utc())?;
        }
        let began = Instant::now();
        let result = blob::upload(&self.http, self.cut, &blob, &request.body).await;
        self.resources.report(&container.account, result.is_ok());
        match result {
            Ok(()) => {
                tracing::debug!(%blob, bytes = request.body.len(), raw_bytes = request.raw_size, "blob uploaded");
                metrics::observe(&self.counts, &metrics::UPLOAD, began.elapsed());
                delivery.holder = Some(container.url.clone());
                Ok(container)
            }
            Err(error) => {
                delivery.bad_container = Some(container.url.clone());
                delivery.note(&error, resources);
                Err(error)
            }
        }
    }
}

/// Cannot happen with resources that passed the parser; a fetch will bring others.
fn none_left() -> Error {
    Error::Setup("no ingestion resources".to_owned())
}
