//! Managed ingestion: by the engine directly for topics with `streaming: true`, by queued ingestion for all others and when
//! the engine does not take a batch (`kusto-protocol.md` §5.4). The one retry layer.
//!
//! Everything below tries once; [`ManagedIngestClient`] decides what is tried again, and tells whoever handed the batch
//! over, who knows what else waits and says it. Transient errors are repeated without end (or for `errors.retry.max.time.ms`, when that was set). A batch keeps its id when it changes the
//! way. A permanent refusal is the batch's error on both ways: what the engine calls bad is not queued, where nobody
//! would learn of its end.

use super::auth::{Allowed, Auth};
use super::blob::Cut;
use super::endpoint::{Endpoint, INGESTOR};
use super::failure_queues::FailureQueues;
use super::http::{Http, HttpPools, Route, Timings};
use super::kusto::KustoClient;
use super::message::Sender;
use super::progress::BatchProgress;
use super::queued::Queued;
use super::reader::ClusterReader;
use super::resources::{ResourceManager, ResourcePolicy};
use super::status_poller::{EndListener, StatusPoller};
use super::streaming::{Streaming, StreamingFailure};
use super::{Error, IngestClient, IngestRequest, TakenBy, Target, WaitingTeller, target};
use crate::config::is_loopback;
use crate::kusto::config::{IngestionProtocol, KustoSinkConfig};
use crate::kusto::metrics;
use crate::kusto::signin::SignIn;
use crate::metrics::SinkCounts;
use crate::sink::Waiting;
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// How long one question of a check may take: less than a check, so that its error says which it was.
const QUESTION: Duration = Duration::from_secs(8);

/// What a 403 of the engine means.
const VIEWER: &str = "give the role Database Viewer: \
                      .add database <db> viewers ('aadapp=<aad.auth.appid>;<aad.auth.authority>')";

/// The ingest client of one connector; all its tasks share it and its resources.
#[derive(Debug)]
pub struct ManagedIngestClient {
    pub(super) queued: Queued,
    streaming: Streaming,
    pub(super) engine: Arc<KustoClient>,
    /// Our name in Kusto's words, where the settings tell it.
    pub(super) principal: Option<String>,
    retry_max_time: Option<Duration>,
    counts: SinkCounts,
}

/// What a client is made of; tests make their own.
#[derive(Debug)]
pub(super) struct Settings {
    pub ingestion_url: Url,
    pub query_url: Url,
    pub sign_in: Arc<dyn SignIn>,
    pub allowed: Allowed,
    pub protocol: IngestionProtocol,
    pub retry_max_time: Option<Duration>,
    pub timings: Timings,
    pub cut: Cut,
    pub connector: String,
    pub counts: SinkCounts,
}

impl ManagedIngestClient {
    /// The client for `connector`, over the worker's connections, which counts its tries in `counts`. Does no I/O; an error
    /// means that the TLS of this machine cannot be set up.
    pub fn new(
        config: &KustoSinkConfig,
        connector: &str,
        pools: &HttpPools,
        counts: SinkCounts,
    ) -> Result<Self, Error> {
        Self::timed(config, Timings::new(config.retry_backoff), connector, pools, counts)
    }

    /// The same for a person who asks and waits for the answer.
    pub(super) fn impatient(
        config: &KustoSinkConfig,
        connector: &str,
        pools: &HttpPools,
    ) -> Result<Self, Error> {
        let timings = Timings { call: QUESTION, ..Timings::new(config.retry_backoff) };
        Self::timed(config, timings, connector, pools, SinkCounts::default())
    }

    fn timed(
        config: &KustoSinkConfig,
        timings: Timings,
        connector: &str,
        pools: &HttpPools,
        counts: SinkCounts,
    ) -> Result<Self, Error> {
        let settings = Settings {
            ingestion_url: config.ingestion_url.clone(),
            query_url: config.query_url.clone(),
            sign_in: Arc::clone(&config.sign_in),
            allowed: Allowed { insecure: config.insecure_http, custody: config.custody.clone() },
            protocol: config.protocol,
            retry_max_time: config.retry_max_time,
            timings,
            cut: Cut::default(),
            connector: connector.to_owned(),
            counts,
        };
        let local = is_loopback(&settings.ingestion_url) || is_loopback(&settings.query_url);
        let route = match &config.proxy {
            Some(proxy) => Route::Proxy(proxy),
            None if local => Route::Direct,
            None => Route::Environment,
        };
        let uploads = pools.uploads();
        let mut http = Http::new(pools.get(route)?, settings.timings.clone(), uploads.clone());
        http.proxied = config.proxy.is_some();
        let direct = Http::new(pools.get(Route::Direct)?, settings.timings.clone(), uploads);
        Ok(Self::assemble(settings, http, direct))
    }

    /// Puts the parts together. `direct` is for the machine's metadata service.
    pub(super) fn assemble(settings: Settings, http: Http, direct: Http) -> Self {
        let sender = Arc::new(Sender::new(&settings.connector, settings.sign_in.strategy()));
        let dm = Endpoint { url: settings.ingestion_url, setting: "kusto.ingestion.url", role: INGESTOR };
        let engine = Endpoint { url: settings.query_url, setting: "kusto.query.url", role: VIEWER };
        let principal = settings.sign_in.principal();
        let insecure = settings.allowed.insecure;
        let counts = settings.counts;
        metrics::begin(&counts);
        let auth = Auth::new(settings.sign_in, http.clone(), direct, dm.clone(), settings.allowed);
        let auth = Arc::new(auth.counting(counts.clone()));
        let dm = Arc::new(KustoClient::new(http.clone(), Arc::clone(&auth), Arc::clone(&sender), dm));
        let engine = Arc::new(KustoClient::new(http.clone(), auth, Arc::clone(&sender), engine));
        let policy = ResourcePolicy { protocol: settings.protocol, insecure };
        let timings = Arc::clone(&http.timings);
        let resources = Arc::new(ResourceManager::new(Arc::clone(&dm), timings, policy, counts.clone()));
        let status_poller = StatusPoller::new(Arc::clone(&dm), Arc::clone(&http.timings));
        let streaming = Streaming::new(Arc::clone(&engine), Arc::clone(&http.timings));
        let own = counts.clone();
        let queued = Queued { http, cut: settings.cut, resources, sender, dm, status_poller, counts: own };
        Self { queued, streaming, engine, principal, retry_max_time: settings.retry_max_time, counts }
    }

    /// Asks the cluster by this client's connections and credentials.
    pub fn reader(&self) -> ClusterReader {
        let failures = FailureQueues::new(self.queued.http.clone(), Arc::clone(&self.queued.resources));
        ClusterReader::new(Arc::clone(&self.engine), self.principal.clone(), failures)
    }

    /// Lets `listener` hear of the ends of batches that go by REST.
    pub fn tell_ends(&self, listener: Arc<dyn EndListener>) {
        self.queued.status_poller.tell(listener);
    }

    fn count_failure(&self, error: &Error, is_retried: bool) {
        let (operation, status) = error.operation_and_status();
        let retried = if is_retried { "true" } else { "false" };
        self.counts.add(&metrics::FAILURES, &[operation, &status, retried], 1);
    }

    /// One try, by the way the batch goes now.
    async fn attempt(&self, delivery: &mut BatchProgress<'_>) -> Result<Step, Error> {
        if !delivery.streams || !self.streaming.is_open(delivery.request) {
            delivery.streams = false;
            return self.queued.attempt(delivery).await.map(|()| Step::Done(TakenBy::Queue));
        }
        let began = Instant::now();
        match self.streaming.attempt(delivery.request, delivery.tries).await {
            Ok(()) => {
                metrics::observe(&self.counts, &metrics::STREAMING, began.elapsed());
                Ok(Step::Done(TakenBy::Engine))
            }
            Err(StreamingFailure::Again(error)) => Err(error),
            Err(StreamingFailure::Queue(error)) => {
                let IngestRequest { blob_name, database, table, .. } = delivery.request;
                tracing::debug!(%error, "{blob_name} goes to {database}.{table} by queued ingestion");
                self.count_failure(&error, true);
                delivery.streams = false;
                Ok(Step::Other)
            }
        }
    }
}

/// What one try brought.
enum Step {
    /// The batch was acknowledged.
    Done(TakenBy),
    /// It goes on by queued ingestion, at once.
    Other,
}

#[async_trait]
impl IngestClient for ManagedIngestClient {
    async fn ingest_telling(&self, request: &IngestRequest, waits: &WaitingTeller) -> Result<TakenBy, Error> {
        let mut delivery = BatchProgress::new(request, &self.queued.http.timings);
        loop {
            delivery.tries += 1;
            let place = self.queued.place(&mut delivery).await;
            let outcome = self.attempt(&mut delivery).await;
            drop(place);
            let error = match outcome {
                Ok(Step::Done(by)) => {
                    delivery.succeeded();
                    return Ok(by);
                }
                Ok(Step::Other) => continue,
                Err(error) if error.is_retriable() => error,
                Err(error) => {
                    self.count_failure(&error, false);
                    return Err(error);
                }
            };
            let pause = delivery.pause(&error);
            let elapsed = delivery.started.elapsed();
            let is_last = self.retry_max_time.is_some_and(|limit| elapsed + pause > limit);
            self.count_failure(&error, !is_last);
            if is_last {
                let (tries, seconds) = (delivery.tries, elapsed.as_secs());
                return Err(Error::Exhausted { tries, seconds, last: Box::new(error) });
            }
            delivery.note_failure(&error, pause);
            waits.send_modify(|waiting| {
                let failures = waiting.as_ref().map_or(0, |waiting| waiting.failures) + 1;
                let brief = error.brief().about(format!("table {}.{}", request.database, request.table));
                *waiting = Some(Waiting { failures, cause: error.to_string(), brief });
            });
            tokio::time::sleep(pause).await;
        }
    }

    async fn check_targets(&self, targets: &[Target], thorough: bool) -> Result<(), Error> {
        let principal = self.principal.as_deref();
        target::TargetChecker { engine: &self.engine, principal, thorough }.all(targets).await
    }
}
