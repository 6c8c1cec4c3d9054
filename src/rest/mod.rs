//! REST: Connect's API over HTTP, on the addresses of `listeners`.
//!
//! One file per resource; a new path is a line in [`router`] and a handler in its file. Handlers translate between
//! HTTP and the herder and decide nothing; what an error looks like is decided in `error` alone. Paths, bodies, codes
//! and texts are those of Kafka Connect (`connect-runtime.md` §1, and the answers recorded from a real worker), but
//! that a body which cannot be read is a 400 with a reason, where the JVM answers 500.

mod basic_auth;
mod body;
mod config;
mod connectors;
mod cors;
mod dto;
mod dto_config;
mod error;
mod headers;
mod lifecycle;
mod offsets;
mod path;
mod plugins;
mod protocol;
mod query;
mod root;
mod tasks;
mod tls;

#[cfg(test)]
mod tests;

use crate::config::RestConfig;
use crate::herder::Herder;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post, put};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

pub use tls::{Error as TlsError, TlsListener, client};

/// A config of this size would not fit into a Kafka record by far (`message.max.bytes` is 1 MB by default).
const MAX_BODY: usize = 2 * 1024 * 1024;

/// What handlers work with.
#[derive(Clone)]
pub struct Rest {
    /// Whom to ask.
    pub herder: Herder,
    /// `host:port` of this worker, for `Location` when a client names no host.
    pub advertised: Arc<str>,
}

/// All paths.
pub fn router(rest: Rest) -> Router {
    let mut router = Router::new();
    for (path, methods) in routes() {
        // A trailing slash means the same; kcctl and Strimzi write it.
        if path != "/" {
            router = router.route(&format!("{path}/"), methods.clone());
        }
        router = router.route(path, methods);
    }
    router
        .method_not_allowed_fallback(protocol::method_not_allowed)
        .route_layer(axum::middleware::from_fn(protocol::json_is_accepted))
        .fallback(protocol::not_found)
        .layer(axum::middleware::from_fn(protocol::access_log))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(rest)
}

fn routes() -> Vec<(&'static str, MethodRouter<Rest>)> {
    vec![
        ("/", get(root::root)),
        ("/health", get(root::health)),
        ("/connectors", get(connectors::list).post(connectors::create)),
        ("/connectors/{name}", get(connectors::read).delete(connectors::delete)),
        ("/connectors/{name}/config", get(config::read).put(config::write).patch(config::patch)),
        ("/connectors/{name}/status", get(connectors::status)),
        ("/connectors/{name}/offsets", get(offsets::read).patch(offsets::alter).delete(offsets::reset)),
        ("/connectors/{name}/pause", put(lifecycle::pause)),
        ("/connectors/{name}/resume", put(lifecycle::resume)),
        ("/connectors/{name}/stop", put(lifecycle::stop)),
        ("/connectors/{name}/restart", post(lifecycle::restart)),
        ("/connectors/{name}/tasks", get(tasks::list)),
        ("/connectors/{name}/tasks/{task}/status", get(tasks::status)),
        ("/connectors/{name}/tasks/{task}/restart", post(tasks::restart)),
        ("/connector-plugins", get(plugins::list)),
        ("/connector-plugins/{name}/config", get(plugins::keys)),
        ("/connector-plugins/{name}/config/validate", put(plugins::validate)),
    ]
}

/// `router` behind what the settings put before it: basic auth, the worker's own headers, answers for other origins.
pub fn secured(router: Router, config: &RestConfig) -> Router {
    let mut router = router;
    if let Some(users) = &config.users {
        router = router.layer(from_fn_with_state(users.clone(), basic_auth::check));
    }
    if !config.response_headers.is_empty() {
        let rules: Arc<[_]> = config.response_headers.as_slice().into();
        router = router.layer(from_fn_with_state(rules, headers::set));
    }
    if let Some(cors) = &config.cors {
        router = router.layer(from_fn_with_state(Arc::new(cors.clone()), cors::allow));
    }
    router
}

/// Serves until `stop` is cancelled; requests under way are answered first.
pub async fn serve<L>(listener: L, router: Router, stop: CancellationToken)
where
    L: axum::serve::Listener,
    L::Addr: std::fmt::Debug,
{
    let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await;
    if let Err(error) = served {
        tracing::error!(%error, "the REST server ended");
    }
}
