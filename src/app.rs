//! The whole worker: the one place that knows all parts by their concrete types, and the order in which they start
//! and end.
//!
//! Start: REST listens first, so that `/health` can say what is going on, then the herder opens the stores, then the
//! connectors of the command line are created as if they had come by REST. End, in
//! this order (`connect-runtime.md` §4.5, Java's `DistributedHerder.halt`): REST refuses writes, tasks drain and commit,
//! waiting requests are answered, REST ends. Nothing is global, so tests run several workers in one process.

use crate::causes;
use crate::config::{ConnectorFile, Mode, WorkerConfig};
use crate::herder::{self, Ended, Herder, HerderOptions};
use crate::kusto::board::BOARD;
use crate::membership::Cluster;
use crate::metrics::{CONFLUENT, EXPORTER, Family, Metrics, OWN, Page, REPORTER, STRIMZI};
use crate::plugins::{BUILT_IN, Plugins};
use crate::rest::{self, MetricsPage, Rest, Workers};
use crate::storage::{self, KafkaStores, OpenStores, StandaloneStores};
use crate::telemetry::{Filter, Hiding, Level, Loggers, WeakLoggers};
use crate::worker::Worker;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Of each thread's stack: what Linux gives a program's first one. What is nested as deep as is read
/// ([`crate::data::json_text::MOST_DEPTH`]) fits in, also in a build without optimisation; only what is used takes memory.
pub const STACK_BYTES: usize = 8 << 20;

/// How long requests that are being answered may take when the worker ends.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// Why a worker cannot start, or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// REST cannot be served.
    #[error(transparent)]
    Rest(#[from] rest::ServerError),
    /// The HTTP client for requests to other workers cannot be made.
    #[error("cannot make an HTTP client: {}", causes::chain(.0))]
    Client(#[from] reqwest::Error),
    /// The storage topics cannot be used.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// A connector of the command line cannot be created.
    #[error("cannot create the connector {name} of '{path}': {source}")]
    Connector {
        /// Its name.
        name: String,
        /// Its file.
        path: String,
        /// Why.
        source: herder::Error,
    },
    /// The herder's loop ended without having been asked to.
    #[error("the herder ended unexpectedly; see the log")]
    HerderLost,
}

/// A worker that is not running yet.
pub struct App {
    plugins: Plugins,
    config: Arc<WorkerConfig>,
    files: Vec<ConnectorFile>,
    log_filter: Filter,
}

/// A worker that runs.
pub struct RunningApp {
    addresses: Vec<SocketAddr>,
    admin_addresses: Vec<SocketAddr>,
    metrics_addresses: Vec<SocketAddr>,
    stop_herder: CancellationToken,
    stop_rest: CancellationToken,
    creation: Option<Creation>,
    herder_ended: oneshot::Receiver<Ended>,
    loggers: WeakLoggers,
    tasks: JoinSet<()>,
    /// The worker's own secrets stay out of log lines to the end.
    _hiding: Hiding,
}

/// The connectors of the command line, until they are created.
struct Creation {
    herder: Herder,
    files: Vec<ConnectorFile>,
    stage: watch::Sender<Option<String>>,
}

impl Creation {
    async fn run(self) -> Result<(), Error> {
        let Self { herder, files, stage } = self;
        if herder.until_ready().await.is_err() {
            return Err(Error::HerderLost);
        }
        for file in files {
            let ConnectorFile { path, name, config, initial_state } = file;
            stage.send_replace(Some(format!("creating the connector {name} of '{path}'")));
            match herder.create(&name, config, initial_state).await {
                Ok(_) => tracing::info!(connector = name, path, "created"),
                // It was accepted; that its target does not answer yet must not end the others.
                Err(error @ herder::Error::TimedOut(_)) => {
                    tracing::warn!(connector = name, path, %error, "still starting");
                }
                Err(source) => return Err(Error::Connector { name, path, source }),
            }
        }
        stage.send_replace(None);
        Ok(())
    }
}

impl App {
    /// A worker with these settings, and the classes that every worker has.
    pub fn build(config: WorkerConfig) -> Self {
        let log_filter = Filter::detached(Level::of_setting(config.log_level.as_deref()));
        Self { plugins: BUILT_IN, config: Arc::new(config), files: Vec::new(), log_filter }
    }

    /// The same with these classes.
    pub fn with_plugins(self, plugins: Plugins) -> Self {
        Self { plugins, ..self }
    }

    /// The same with the process's log lines to govern.
    pub fn with_log_filter(self, log_filter: Filter) -> Self {
        Self { log_filter, ..self }
    }

    /// The same with connectors to be created at the start ([`RunningApp::create_connectors`]).
    pub fn with_connectors(self, files: Vec<ConnectorFile>) -> Self {
        Self { files, ..self }
    }

    /// Starts everything. Kafka need not be there yet: the worker waits for it, and says so.
    pub async fn start(self) -> Result<RunningApp, Error> {
        let (plugins, config) = (self.plugins, self.config);
        let server = rest::Server::bind(&config.rest, &config.metrics).await?;
        let (addresses, admin_addresses) = (server.addresses(), server.admin_addresses());
        let (metrics_addresses, settings) = (server.metrics_addresses(), config.clone());
        let worker_id: Arc<str> = config.worker_id(&addresses).into();
        let mut tasks = JoinSet::new();
        let metrics = Metrics::new(config.metrics.sampling);
        let page = MetricsPage { metrics: metrics.clone(), page: Arc::new(page(&config)) };
        let (forwarder, redaction) = (forwarder(&config)?, self.log_filter.redaction());
        let hiding = redaction.hide(config.hidden.clone());
        let (runner, events) =
            Worker::start((plugins, config.clone()), (metrics.clone(), redaction), &mut tasks);
        let (loggers, govern) = Loggers::new(self.log_filter);
        tasks.spawn(govern);
        let cluster = cluster(&config, &addresses, &metrics);
        let url = cluster.url().clone();
        let options = HerderOptions {
            plugins,
            loggers: loggers.clone(),
            metrics: metrics.clone(),
            config: config.clone(),
            worker_id: worker_id.clone(),
            cluster,
            stores: stores(config, metrics),
            runner: Arc::new(runner),
            events,
        };
        let (stop_herder, stop_rest) = (CancellationToken::new(), CancellationToken::new());
        let (herder, run) = options.build(stop_herder.clone());
        let waits = (!self.files.is_empty()).then(|| "waiting for the herder".to_owned());
        let (stage, starting) = watch::channel(waits);
        let herder = herder.not_healthy_before(starting);
        let creation = Some(Creation { herder: herder.clone(), files: self.files, stage });
        let (ended, herder_ended) = oneshot::channel();
        tasks.spawn(async move {
            if ended.send(run.await).is_err() {
                tracing::debug!("nobody waits for the herder's end");
            }
        });
        #[cfg(feature = "otlp")]
        export(&settings, &herder, &page.metrics, (&stop_rest, &mut tasks))?;
        let workers = Arc::new(Workers::new(url, herder.keys()));
        let (advertised, weak_loggers) = (worker_id.clone(), loggers.downgrade());
        let rest = Rest { herder, advertised, loggers, metrics: page, forwarder, workers };
        server.serve(&rest, (&settings.rest, &settings.metrics), &mut tasks, &stop_rest)?;
        tracing::info!(%worker_id, ?addresses, ?admin_addresses, ?metrics_addresses, "REST is listening");
        Ok(RunningApp {
            addresses,
            admin_addresses,
            metrics_addresses,
            stop_herder,
            stop_rest,
            creation,
            herder_ended,
            loggers: weak_loggers,
            tasks,
            _hiding: hiding,
        })
    }
}

impl RunningApp {
    /// Where REST listens (the first of `listeners`).
    pub fn rest_addr(&self) -> SocketAddr {
        self.addresses.first().copied().unwrap_or_else(|| SocketAddr::from(([0, 0, 0, 0], 0)))
    }

    /// Where all of `listeners` are, in their order.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Where separate `admin.listeners` are, in their order.
    pub fn admin_addresses(&self) -> &[SocketAddr] {
        &self.admin_addresses
    }

    /// Where `metrics.listeners` are, in their order.
    pub fn metrics_addresses(&self) -> &[SocketAddr] {
        &self.metrics_addresses
    }

    /// The levels of its loggers, while it runs.
    pub fn loggers(&self) -> &WeakLoggers {
        &self.loggers
    }

    /// Creates the connectors of the command line, one after the other; the first that is refused ends it. `/health`
    /// is not healthy before. Nothing is left to do the second time.
    pub fn create_connectors(&mut self) -> impl Future<Output = Result<(), Error>> + use<> {
        let creation = self.creation.take();
        async move {
            match creation {
                Some(creation) => creation.run().await,
                None => Ok(()),
            }
        }
    }

    /// Waits until the worker cannot go on.
    pub async fn failed(&mut self) -> Error {
        match (&mut self.herder_ended).await {
            Ok(Ended::Failed(error)) => Error::Storage(error),
            Ok(Ended::Stopped { .. }) | Err(_) => Error::HerderLost,
        }
    }

    /// Ends in good order; true when every task was drained and committed in time.
    pub async fn shutdown(mut self) -> bool {
        self.stop_herder.cancel();
        let drained = matches!((&mut self.herder_ended).await, Ok(Ended::Stopped { drained: true }));
        self.end_rest().await;
        drained
    }

    /// Ends after [`Self::failed`].
    pub async fn abandon(mut self) {
        self.end_rest().await;
    }

    async fn end_rest(&mut self) {
        self.stop_rest.cancel();
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(LAST_ANSWERS, ended).await.is_err() {
            tracing::warn!("some REST connections were cut");
        }
    }
}

/// The families of names that `metrics.names` may ask for.
pub static METRIC_FAMILIES: [&Family; 6] = [&STRIMZI, &CONFLUENT, &EXPORTER, &REPORTER, &BOARD, &OWN];

/// Pages of the families that the settings ask for.
fn page(config: &WorkerConfig) -> Page {
    let asked = |name: &String| METRIC_FAMILIES.into_iter().find(|family| family.name == name);
    let families: Vec<_> = config.metrics.names.iter().filter_map(asked).collect();
    Page::new(&families, config.metrics.partitions)
}

/// Sends the worker's numbers to a collector until `stop`, if the environment names one.
#[cfg(feature = "otlp")]
fn export(
    config: &WorkerConfig,
    herder: &Herder,
    metrics: &Metrics,
    (stop, tasks): (&CancellationToken, &mut JoinSet<()>),
) -> Result<(), Error> {
    let Some(otlp) = config.metrics.otlp.clone() else { return Ok(()) };
    let (herder, metrics) = (herder.clone(), metrics.clone());
    let read = move || {
        let mut snapshot = metrics.read();
        let (cluster, known) = herder.known();
        snapshot.know(cluster, known);
        snapshot
    };
    tasks.spawn(crate::otlp::Exporter::new(otlp, Arc::new(read))?.run(stop.clone()));
    Ok(())
}

fn stores(config: Arc<WorkerConfig>, metrics: Metrics) -> Arc<dyn OpenStores> {
    match config.mode {
        Mode::Distributed => Arc::new(KafkaStores::new(config, metrics)),
        Mode::Standalone => Arc::new(StandaloneStores::new(config)),
    }
}

fn cluster(config: &Arc<WorkerConfig>, bound: &[SocketAddr], metrics: &Metrics) -> Cluster {
    let url = config.advertised_url(bound).into();
    match config.mode {
        Mode::Distributed => Cluster::Group { config: config.clone(), url, metrics: metrics.clone() },
        Mode::Standalone => Cluster::Alone { url },
    }
}

/// The client for requests to other workers. It follows no redirects, as Connect's does not, and uses no proxy.
fn forwarder(config: &WorkerConfig) -> Result<reqwest::Client, Error> {
    let client = rest::client(config.rest.tls.as_deref()).map_err(rest::ServerError::from)?;
    Ok(client.redirect(reqwest::redirect::Policy::none()).no_proxy().build()?)
}
