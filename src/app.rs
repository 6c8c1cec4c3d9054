//! The whole worker: the one place that knows all parts by their concrete types, and the order in which they start
//! and end.
//!
//! Start: REST listens first, so that `/health` can say what is going on, then the herder opens the stores. End, in
//! this order (`connect-runtime.md`, Java's `DistributedHerder.halt`): REST refuses writes, tasks drain and commit,
//! waiting requests are answered, REST ends. Nothing is global, so tests run several workers in one process.

use crate::config::WorkerConfig;
use crate::herder::{Ended, Options};
use crate::rest::{self, Rest};
use crate::storage::{self, KafkaStores};
use crate::worker::Worker;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long requests that are being answered may take when the worker ends.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// Why a worker cannot start, or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An address of `listeners` cannot be had.
    #[error(
        "cannot listen on {address}: {source}; set another port in `listeners` (CONNECT_LISTENERS), or stop what uses it"
    )]
    Listen {
        /// Host and port.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// The storage topics cannot be used.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// The herder's loop ended without having been asked to.
    #[error("the herder ended unexpectedly; see the log")]
    HerderLost,
}

/// A worker that is not running yet.
pub struct App {
    config: Arc<WorkerConfig>,
}

/// A worker that runs.
pub struct RunningApp {
    addresses: Vec<SocketAddr>,
    stop_herder: CancellationToken,
    stop_rest: CancellationToken,
    herder_ended: oneshot::Receiver<Ended>,
    tasks: JoinSet<()>,
}

impl App {
    /// A worker with these settings.
    pub fn build(config: WorkerConfig) -> Self {
        Self { config: Arc::new(config) }
    }

    /// Starts everything. Kafka need not be there yet: the worker waits for it, and says so.
    pub async fn start(self) -> Result<RunningApp, Error> {
        let config = self.config;
        let listeners = listen(&config).await?;
        let addresses: Vec<SocketAddr> =
            listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect();
        let worker_id: Arc<str> = config.worker_id(addresses.first().map_or(0, SocketAddr::port)).into();
        let mut tasks = JoinSet::new();
        let (runner, events) = Worker::start(config.clone(), &mut tasks);
        let options = Options {
            config: config.clone(),
            worker_id: worker_id.clone(),
            stores: Arc::new(KafkaStores::new(config)),
            runner: Arc::new(runner),
            events,
        };
        let (stop_herder, stop_rest) = (CancellationToken::new(), CancellationToken::new());
        let (herder, run) = options.build(stop_herder.clone());
        let (ended, herder_ended) = oneshot::channel();
        tasks.spawn(async move {
            if ended.send(run.await).is_err() {
                tracing::debug!("nobody waits for the herder's end");
            }
        });
        let router = rest::router(Rest { herder, advertised: worker_id.clone() });
        for listener in listeners {
            tasks.spawn(rest::serve(listener, router.clone(), stop_rest.clone()));
        }
        tracing::info!(%worker_id, ?addresses, "REST is listening");
        Ok(RunningApp { addresses, stop_herder, stop_rest, herder_ended, tasks })
    }
}

impl RunningApp {
    /// Where REST listens (the first of `listeners`).
    pub fn rest_addr(&self) -> SocketAddr {
        self.addresses.first().copied().unwrap_or_else(|| SocketAddr::from(([0, 0, 0, 0], 0)))
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

async fn listen(config: &WorkerConfig) -> Result<Vec<TcpListener>, Error> {
    let mut listeners = Vec::with_capacity(config.listeners.len());
    for listener in &config.listeners {
        let (host, port) = listener.bind_address();
        let bound = TcpListener::bind((host, port)).await;
        listeners.push(bound.map_err(|source| Error::Listen { address: format!("{host}:{port}"), source })?);
    }
    Ok(listeners)
}
