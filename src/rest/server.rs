//! The sockets of REST: bound first, so that addresses are known and wrong ones stop the start; served when the herder
//! can be asked.
//!
//! Owns the sockets until they are served; each server's task belongs to the caller.

use std::net::SocketAddr;

use axum::{Extension, Router};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::tls::{self, TlsListener};
use super::{Paths, Rest, router, secured};
use crate::config::{AdminListeners, Listener, RestConfig, Scheme, ServerTls};

/// Why REST cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An address cannot be had.
    #[error(
        "cannot listen on {address}: {source}; set another port in `{key}` (CONNECT_{}), or stop what uses it",
        key.to_uppercase().replace('.', "_")
    )]
    Listen {
        /// The setting.
        key: &'static str,
        /// Host and port.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// The keys or certificates cannot be used.
    #[error(transparent)]
    Tls(#[from] tls::Error),
}

impl Error {
    /// Always false: settings, or the machine, must change first.
    pub fn is_retriable(&self) -> bool {
        false
    }
}

/// The sockets of all listeners.
pub struct Server {
    listeners: Vec<(Listener, TcpListener)>,
    admin: Vec<(Listener, TcpListener)>,
}

impl Server {
    /// Binds `listeners` and separate `admin.listeners`.
    pub async fn bind(config: &RestConfig) -> Result<Self, Error> {
        let listeners = bind("listeners", &config.listeners).await?;
        let admin = match &config.admin {
            AdminListeners::Separate(admin) => bind("admin.listeners", admin).await?,
            AdminListeners::WithOthers | AdminListeners::Off => Vec::new(),
        };
        Ok(Self { listeners, admin })
    }

    /// The addresses of `listeners`, in their order.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        addresses(&self.listeners)
    }

    /// The addresses of `admin.listeners`, in their order.
    pub fn admin_addresses(&self) -> Vec<SocketAddr> {
        addresses(&self.admin)
    }

    /// Serves on all of them, in tasks of `owner`, until `stop`.
    pub fn serve(
        self,
        rest: &Rest,
        config: &RestConfig,
        owner: &mut JoinSet<()>,
        stop: &CancellationToken,
    ) -> Result<(), Error> {
        let paths = match config.admin {
            AdminListeners::WithOthers => Paths::All,
            AdminListeners::Off | AdminListeners::Separate(_) => Paths::WithoutAdmin,
        };
        let groups = [
            (self.listeners, paths, config.tls.as_deref()),
            (self.admin, Paths::Admin, config.admin_tls.as_deref()),
        ];
        for (sockets, paths, tls) in groups {
            let router = secured(router(rest.clone(), paths), config);
            for (listener, socket) in sockets {
                // Handlers write URLs with the scheme by which they were asked.
                let router = router.clone().layer(Extension(listener.scheme));
                let served = Served { router, stop: stop.clone() };
                served.on(listener.scheme, socket, tls, owner)?;
            }
        }
        Ok(())
    }
}

async fn bind(key: &'static str, listeners: &[Listener]) -> Result<Vec<(Listener, TcpListener)>, Error> {
    let mut sockets = Vec::with_capacity(listeners.len());
    for listener in listeners {
        let (host, port) = listener.bind_address();
        let bound = TcpListener::bind((host, port)).await;
        let bound =
            bound.map_err(|source| Error::Listen { key, address: format!("{host}:{port}"), source })?;
        sockets.push((listener.clone(), bound));
    }
    Ok(sockets)
}

fn addresses(sockets: &[(Listener, TcpListener)]) -> Vec<SocketAddr> {
    sockets.iter().filter_map(|(_, socket)| socket.local_addr().ok()).collect()
}

/// What a listener serves, and until when.
struct Served {
    router: Router,
    stop: CancellationToken,
}

impl Served {
    fn on(
        self,
        scheme: Scheme,
        socket: TcpListener,
        tls: Option<&ServerTls>,
        owner: &mut JoinSet<()>,
    ) -> Result<(), Error> {
        match (scheme, tls) {
            (Scheme::Https, Some(tls)) => {
                let listener = TlsListener::new(socket, tls)?;
                owner.spawn(serve(listener, self.router, self.stop));
            }
            // The settings give keys to every listener with https.
            _ => drop(owner.spawn(serve(socket, self.router, self.stop))),
        }
        Ok(())
    }
}

/// Serves until `stop` is cancelled; requests under way are answered first.
pub(super) async fn serve<L>(listener: L, router: Router, stop: CancellationToken)
where
    L: axum::serve::Listener,
    L::Addr: std::fmt::Debug,
{
    let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await;
    if let Err(error) = served {
        tracing::error!(%error, "the REST server ended");
    }
}
