//! Queued ingestion: blob, then message (`kusto-protocol.md` §3), and the one retry layer.
//!
//! Everything below tries once; [`QueuedIngestClient::ingest`] decides what is tried again. Transient errors are
//! repeated without end (or for `errors.retry.max.time.ms`, when that was set): always the same bytes under the same
//! blob name and the same message id, so a repetition can be recognised. A blob that arrived is not sent again when
//! only its message failed. A refused signature is never the task's failure: fresh resources are fetched.

use super::auth::Auth;
use super::blob::{self, Cut};
use super::error::Class;
use super::http::{Http, HttpPools, Timings};
use super::kusto::{Endpoint, KustoClient};
use super::message::{self, Sender};
use super::resources::{Resource, ResourceManager, Resources};
use super::{Error, IngestClient, IngestRequest, SasUrl, queue, target};
use crate::config::{Authentication, DataFormat, KustoSinkConfig, is_loopback};
use crate::retry::Backoff;
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::time::Instant;
use url::Url;

/// What a 403 of the data management service means.
const INGESTOR: &str = "the principal needs the role Database Ingestor or Table Ingestor: \
                        .add database <db> ingestors ('aadapp=<aad.auth.appid>;<aad.auth.authority>')";
/// What a 403 of the engine means.
const VIEWER: &str = "the principal needs the role Database Viewer to look at tables";

/// The ingest client of one connector; all its tasks share it and its resources.
#[derive(Debug)]
pub struct QueuedIngestClient {
    http: Http,
    cut: Cut,
    engine: KustoClient,
    pub(super) resources: ResourceManager,
    sender: Arc<Sender>,
    retry_max_time: Option<Duration>,
}

/// What a client is made of; tests make their own.
#[derive(Debug)]
pub(super) struct Settings {
    pub ingestion_url: Url,
    pub query_url: Url,
    pub auth: Authentication,
    pub insecure_http: bool,
    pub retry_max_time: Option<Duration>,
    pub timings: Timings,
    pub cut: Cut,
    pub connector: String,
}

impl QueuedIngestClient {
    /// The client for `connector`, over the worker's connections. Does no I/O; an error means that the TLS of this machine
    /// cannot be set up.
    pub fn new(config: &KustoSinkConfig, connector: &str, pools: &HttpPools) -> Result<Self, Error> {
        let settings = Settings {
            ingestion_url: config.ingestion_url.clone(),
            query_url: config.query_url.clone(),
            auth: config.auth.clone(),
            insecure_http: config.insecure_http,
            retry_max_time: config.retry_max_time,
            timings: Timings::new(config.retry_backoff),
            cut: Cut::default(),
            connector: connector.to_owned(),
        };
        let local = is_loopback(&settings.ingestion_url) || is_loopback(&settings.query_url);
        let http = Http::new(pools.get(local)?, settings.timings.clone());
        let direct = Http::new(pools.get(true)?, settings.timings.clone());
        Ok(Self::assemble(settings, http, direct))
    }

    /// Puts the parts together. `direct` is for the machine's metadata service.
    pub(super) fn assemble(settings: Settings, http: Http, direct: Http) -> Self {
        let sender = Arc::new(Sender::new(&settings.connector, Auth::strategy(&settings.auth)));
        let dm = Endpoint { url: settings.ingestion_url, setting: "kusto.ingestion.url", role: INGESTOR };
        let engine = Endpoint { url: settings.query_url, setting: "kusto.query.url", role: VIEWER };
        let auth = Auth::new(settings.auth, http.clone(), direct, dm.clone(), settings.insecure_http);
        let auth = Arc::new(auth);
        let dm = KustoClient::new(http.clone(), Arc::clone(&auth), Arc::clone(&sender), dm);
        let engine = KustoClient::new(http.clone(), auth, Arc::clone(&sender), engine);
        let resources = ResourceManager::new(dm, Arc::clone(&http.timings), settings.insecure_http);
        Self { http, cut: settings.cut, engine, resources, sender, retry_max_time: settings.retry_max_time }
    }

    /// One try: as far as it gets, noted in `delivery`.
    async fn attempt(&self, delivery: &mut Delivery<'_>) -> Result<(), Error> {
        let resources = self.resources_for(delivery).await?;
        let container = self.upload(delivery, &resources).await?;
        let request = delivery.request;
        let blob = container.url.child(&request.blob_name);
        let text =
            message::encode(request, &blob, &resources.identity, &self.sender, OffsetDateTime::now_utc())?;
        let queue = self.resources.choose(&resources.queues, delivery.bad_queue.as_ref());
        let queue = queue.ok_or_else(none_left)?;
        let result = queue::post(&self.http, &queue.url, text).await;
        self.resources.report(&queue.account, result.is_ok());
        if let Err(error) = &result {
            delivery.bad_queue = Some(queue.url.clone());
            delivery.note(error, &resources);
        }
        result
    }

    /// The resources to use: fresh ones after storage refused the last.
    async fn resources_for(&self, delivery: &mut Delivery<'_>) -> Result<Arc<Resources>, Error> {
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
        delivery: &mut Delivery<'_>,
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
        // A message that no queue takes is found before the upload.
        message::encode(request, &blob, &resources.identity, &self.sender, OffsetDateTime::now_utc())?;
        let result = blob::upload(&self.http, self.cut, &blob, &request.body).await;
        self.resources.report(&container.account, result.is_ok());
        match result {
            Ok(()) => {
                tracing::debug!(%blob, bytes = request.body.len(), raw_bytes = request.raw_size, "blob uploaded");
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

/// How far one batch has come.
struct Delivery<'a> {
    request: &'a IngestRequest,
    started: Instant,
    backoff: Backoff,
    /// The container that has the blob.
    holder: Option<SasUrl>,
    bad_container: Option<SasUrl>,
    bad_queue: Option<SasUrl>,
    /// The generation of resources that storage refused.
    refused: Option<u64>,
    /// The one refresh without a pause was used.
    refreshed: bool,
    tries: u32,
    next_warning: Instant,
    silence: Duration,
}

impl<'a> Delivery<'a> {
    fn new(request: &'a IngestRequest, timings: &Timings) -> Self {
        let now = Instant::now();
        let seed = request.id.as_u64_pair().1;
        Self {
            request,
            started: now,
            backoff: Backoff::new(timings.first_pause, timings.longest_pause, seed),
            holder: None,
            bad_container: None,
            bad_queue: None,
            refused: None,
            refreshed: false,
            tries: 0,
            next_warning: now,
            silence: timings.warn_again,
        }
    }

    /// How long to wait after `error`.
    fn pause(&mut self, error: &Error) -> Duration {
        let storage = matches!(error.class(), Some(Class::Signature | Class::Gone));
        if storage && !self.refreshed {
            // Fresh resources most likely mend this: no reason to wait for them.
            self.refreshed = true;
            return Duration::ZERO;
        }
        self.backoff.next_pause().max(error.retry_after().unwrap_or_default())
    }

    fn note(&mut self, error: &Error, resources: &Resources) {
        if matches!(error.class(), Some(Class::Signature | Class::Gone)) {
            self.refused = Some(resources.generation);
        }
    }

    /// A line for the first failure, then ever fewer.
    fn warn(&mut self, error: &Error, pause: Duration) {
        let now = Instant::now();
        let IngestRequest { blob_name, database, table, .. } = self.request;
        let (tries, next_ms) = (self.tries, pause.as_millis());
        if now < self.next_warning {
            tracing::debug!(%error, tries, "ingestion of {blob_name} failed again, next try in {next_ms} ms");
            return;
        }
        self.next_warning = now + self.silence;
        self.silence = (self.silence * 2).min(Duration::from_mins(5));
        tracing::warn!(
            %error,
            tries,
            "ingestion of {blob_name} into {database}.{table} failed, next try in {next_ms} ms"
        );
    }

    fn succeeded(&self) {
        let IngestRequest { blob_name, database, table, id, .. } = self.request;
        let milliseconds = self.started.elapsed().as_millis();
        if self.tries > 1 {
            let tries = self.tries;
            tracing::info!(
                %id,
                "ingestion of {blob_name} into {database}.{table} succeeded after {tries} tries in {milliseconds} ms"
            );
        } else {
            tracing::debug!(%id, "{blob_name} handed over to {database}.{table} in {milliseconds} ms");
        }
    }
}

#[async_trait]
impl IngestClient for QueuedIngestClient {
    async fn ingest(&self, request: &IngestRequest) -> Result<(), Error> {
        let mut delivery = Delivery::new(request, &self.http.timings);
        loop {
            delivery.tries += 1;
            let error = match self.attempt(&mut delivery).await {
                Ok(()) => {
                    delivery.succeeded();
                    return Ok(());
                }
                Err(error) if error.is_retriable() => error,
                Err(error) => return Err(error),
            };
            let pause = delivery.pause(&error);
            let elapsed = delivery.started.elapsed();
            if self.retry_max_time.is_some_and(|limit| elapsed + pause > limit) {
                let (tries, seconds) = (delivery.tries, elapsed.as_secs());
                return Err(Error::Exhausted { tries, seconds, last: Box::new(error) });
            }
            delivery.warn(&error, pause);
            tokio::time::sleep(pause).await;
        }
    }

    async fn check_target(
        &self,
        database: &str,
        table: &str,
        format: DataFormat,
        mapping: Option<&str>,
    ) -> Result<(), Error> {
        target::check(&self.engine, database, table, format, mapping).await
    }
}
