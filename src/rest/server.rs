//! The sockets of REST: bound first, so that addresses are known and wrong ones stop the start; served when the herder
//! can be asked.
//!
//! Owns the sockets until they are served; the tasks that serve belong to the caller. All listeners, those for
//! administration too, share one bound on connections.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::middleware::from_fn_with_state;
use axum::{Extension, Router};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::common::Limits;
use super::connection::Door;
use super::connections::{self, Connections};
use super::{Paths, Rest, metrics, router, secured, signed, tls};
use crate::config::{AdminListeners, Listener, MetricsConfig, RestConfig, Scheme, ServerTls};

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

/// The sockets of all listeners.
pub struct Server {
    listeners: Vec<(Listener, TcpListener)>,
    admin: Vec<(Listener, TcpListener)>,
    metrics: Vec<(Listener, TcpListener)>,
    limits: Limits,
}

/// A group of listeners: their sockets, what they serve, and TLS for those with https.
type Group<'a> = (Vec<(Listener, TcpListener)>, Router, Option<&'a ServerTls>);

impl Server {
    /// Binds `listeners`, separate `admin.listeners`, and `metrics.listeners`.
    pub async fn bind(config: &RestConfig, metrics: &MetricsConfig) -> Result<Self, Error> {
        let listeners = bind("listeners", &config.listeners).await?;
        let admin = match &config.admin {
            AdminListeners::Separate(admin) => bind("admin.listeners", admin).await?,
            AdminListeners::WithOthers | AdminListeners::Off => Vec::new(),
        };
        let metrics = bind("metrics.listeners", &metrics.listeners).await?;
        Ok(Self { listeners, admin, metrics, limits: Limits::of_process() })
    }

    /// The same with other limits for connections.
    #[cfg(test)]
    pub(super) fn within(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The addresses of `listeners`, in their order.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        addresses(&self.listeners)
    }

    /// The addresses of `admin.listeners`, in their order.
    pub fn admin_addresses(&self) -> Vec<SocketAddr> {
        addresses(&self.admin)
    }

    /// The addresses of `metrics.listeners`, in their order.
    pub fn metrics_addresses(&self) -> Vec<SocketAddr> {
        addresses(&self.metrics)
    }

    /// Serves on all of them, in tasks of `owner`, until `stop`.
    pub fn serve(
        self,
        rest: &Rest,
        (config, settings): (&RestConfig, &MetricsConfig),
        owner: &mut JoinSet<()>,
        stop: &CancellationToken,
    ) -> Result<(), Error> {
        let paths = match config.admin {
            AdminListeners::WithOthers => Paths::All,
            AdminListeners::Off | AdminListeners::Separate(_) => Paths::WithoutAdmin,
        };
        let guarded = |paths| {
            let router = secured(router(rest.clone(), paths, config.page), config);
            // First of all: whose request it is, is known by its headers.
            router.layer(from_fn_with_state(rest.workers.clone(), signed::verify))
        };
        let groups: [Group<'_>; 3] = [
            (self.listeners, guarded(paths), config.tls.as_deref()),
            (self.admin, guarded(Paths::Admin), config.admin_tls.as_deref()),
            (self.metrics, metrics::router(rest.clone()), settings.tls.as_deref()),
        ];
        let (told, arrivals) = mpsc::channel(1);
        for (sockets, router, tls) in groups {
            for (listener, socket) in sockets {
                // The settings give keys to every listener with https.
                let tls = tls.filter(|_| listener.scheme == Scheme::Https);
                let tls = tls.map(tls::acceptor).transpose().map_err(tls::Error::from)?;
                // Handlers write URLs with the scheme by which they were asked.
                let router = router.clone().layer(Extension(listener.scheme));
                let door = Arc::new(Door { router, tls });
                owner.spawn(connections::accept(socket, door, told.clone(), stop.clone()));
            }
        }
        owner.spawn(Connections::new(self.limits, stop.clone()).run(arrivals));
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
