//! One running emulator: opens its parts, starts its ports and its loop, and stops them in order.
//!
//! Owns every task. Several may run in one process; they share nothing.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use adx_engine::Engine;

use crate::app::App;
use crate::auth::Auth;
use crate::azurite::Azurite;
use crate::backend::Backend;
use crate::connection;
use crate::data_management::{self, Outcome};
use crate::faults::Faults;
use crate::http_client;
use crate::options::{Data, Options, StorageBackend};
use crate::router::router;
use crate::stats::Stats;
use crate::storage::Storage;
use crate::tls;
use crate::tracking::Operations;

/// The emulator cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A port cannot be opened; the text says which and why.
    #[error("{0}")]
    Listen(io::Error),
    /// The TLS certificate.
    #[error(transparent)]
    Tls(#[from] tls::Error),
    /// The engine's store.
    #[error(transparent)]
    Engine(#[from] adx_engine::Error),
    /// The folder of blobs and messages.
    #[error("the data folder {folder} cannot be used: {source}; set --data to a writable folder")]
    Data {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Azurite does not answer as it should.
    #[error("the storage given with --storage cannot be used: {0}")]
    Storage(String),
    /// The HTTP client cannot be made.
    #[error("the HTTP client cannot be made: {0}")]
    Client(#[from] reqwest::Error),
}

/// A running emulator. Dropping it stops it without waiting; [`Emulator::stop`] waits.
#[derive(Debug)]
pub struct Emulator {
    app: Arc<App>,
    http: SocketAddr,
    https: Option<SocketAddr>,
    ca_file: Option<PathBuf>,
    stop: CancellationToken,
    tasks: TaskTracker,
    // Held for its end: the folder goes with the emulator.
    _certificates: Option<TempDir>,
}

impl Emulator {
    /// Starts an emulator; when it returns the ports answer.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let listener = connection::bind(options.listen, "--listen").await.map_err(Error::Listen)?;
        let http = listener.local_addr().map_err(Error::Listen)?;
        let mut secure = None;
        let mut certificates = None;
        if let Some(address) = options.tls_listen {
            let folder = match &options.cert_dir {
                Some(folder) => folder.clone(),
                None => certificates.insert(TempDir::new().map_err(Error::Listen)?).path().to_owned(),
            };
            let (acceptor, ca_file) = tls::acceptor(&folder, &options.tls_names)?;
            let listener = connection::bind(address, "--tls-listen").await.map_err(Error::Listen)?;
            let address = listener.local_addr().map_err(Error::Listen)?;
            secure = Some((listener, acceptor, address, ca_file));
        }
        let https = secure.as_ref().map(|(_, _, address, _)| *address);
        let ca_file = secure.as_ref().map(|(.., file)| file.clone());
        let app = Arc::new(open(options, https.map(|address| address.port())).await?);
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let router = router(Arc::clone(&app));
        let serve =
            |listener, tls| connection::serve(listener, tls, router.clone(), tasks.clone(), stop.clone());
        tasks.spawn(serve(listener, None));
        if let Some((listener, acceptor, ..)) = secure {
            tasks.spawn(serve(listener, Some(acceptor)));
        }
        tasks.spawn(data_management::run(Arc::clone(&app), stop.clone()));
        tasks.close();
        Ok(Self { app, http, https, ca_file, stop, tasks, _certificates: certificates })
    }

    /// `http://HOST:PORT` of the plain port; `localhost` when it listens on loopback or everywhere.
    pub fn http_url(&self) -> String {
        format!("http://{}", reachable(self.http))
    }

    /// `https://HOST:PORT` of the TLS port, if it has one.
    pub fn https_url(&self) -> Option<String> {
        self.https.map(|address| format!("https://{}", reachable(address)))
    }

    /// The certificate to trust for the TLS port, if it has one.
    pub fn ca_file(&self) -> Option<&Path> {
        self.ca_file.as_deref()
    }

    /// The fault rules.
    pub fn faults(&self) -> Faults {
        self.app.faults.clone()
    }

    /// The counters.
    pub fn stats(&self) -> Stats {
        self.app.stats.clone()
    }

    /// Puts `count` reports about sources of another client, which failed, into each failure queue. Gives the ids of the
    /// sources (`IngestionSourceId`).
    pub async fn post_foreign_failures(&self, count: usize) -> Result<Vec<String>, Error> {
        self.post_foreign(Outcome::Failed, count).await
    }

    /// The same into each success queue.
    pub async fn post_foreign_successes(&self, count: usize) -> Result<Vec<String>, Error> {
        self.post_foreign(Outcome::Succeeded, count).await
    }

    async fn post_foreign(&self, outcome: Outcome, count: usize) -> Result<Vec<String>, Error> {
        let posted = data_management::post_foreign(&self.app, outcome, count).await;
        posted.map_err(|error| Error::Storage(error.to_string()))
    }

    /// The messages in all failure queues, decoded; those that a reader has taken and not deleted are among them.
    /// Nothing with the storage of an Azurite.
    pub fn failure_reports(&self) -> Vec<Value> {
        data_management::all_reports(&self.app, Outcome::Failed)
    }

    /// The same of the success queues.
    pub fn success_reports(&self) -> Vec<Value> {
        data_management::all_reports(&self.app, Outcome::Succeeded)
    }

    /// The engine, for looking at data without HTTP. Its calls block.
    pub fn engine(&self) -> Engine {
        self.app.engine.clone()
    }

    /// Stops: no new connections, requests and sources under way end, at most a few seconds.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn reachable(address: SocketAddr) -> String {
    let ip = address.ip();
    if ip.is_unspecified() || ip.is_loopback() {
        format!("localhost:{}", address.port())
    } else {
        address.to_string()
    }
}

async fn open(options: Options, tls_port: Option<u16>) -> Result<App, Error> {
    let folder = match &options.data {
        Data::InMemory => None,
        Data::Dir(folder) => Some(folder.as_path()),
    };
    let stats = Stats::default();
    let client = http_client::client()?;
    let engine = Engine::open(folder)?;
    let backend = match &options.storage {
        StorageBackend::Own => {
            let storage = Storage::open(folder, options.discard, stats.clone());
            let failed = |source| Error::Data { folder: folder.unwrap_or(Path::new("")).to_owned(), source };
            Backend::Own(Box::new(storage.map_err(failed)?))
        }
        StorageBackend::Azurite(endpoints) => {
            let azurite = Azurite::open(endpoints.as_ref().clone(), client.clone()).await;
            Backend::Azurite(Box::new(azurite.map_err(|error| Error::Storage(error.to_string()))?))
        }
    };
    let auth = Auth::new(options.auth.clone(), stats.clone());
    let faults = Faults::new(stats.clone());
    let operations = Operations::default();
    Ok(App { options, tls_port, engine, backend, auth, faults, client, stats, operations })
}
