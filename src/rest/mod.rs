//! REST: Connect's API over HTTP, on the addresses of `listeners`.
//!
//! One file per resource; a new path is a line in `paths` and a handler in its file, which also says what stands
//! about it in the `OpenAPI` document. Handlers translate between
//! HTTP and the herder and decide nothing; what an error looks like is decided in `error` alone. Paths, bodies, codes
//! and texts are those of Kafka Connect (`connect-runtime.md` §1, and the answers recorded from a real worker), but
//! that a body which cannot be read is a 400 with a reason, where the JVM answers 500.

mod base;
mod basic_auth;
mod bodies;
mod body;
mod cluster;
mod common;
mod config;
mod connection;
mod connections;
mod connectors;
mod cors;
mod cross_site;
mod dto;
mod dto_config;
mod dto_fates;
mod dto_health;
mod encoding;
mod error;
mod failed_logins;
mod fates;
mod forward;
mod headers;
mod health;
mod internal;
mod lifecycle;
mod loggers;
mod metrics;
mod moment;
mod offsets;
mod openapi;
mod others;
mod path;
mod plugins;
mod protocol;
mod query;
mod root;
mod server;
mod settings_schema;
mod shared;
mod signed;
mod tasks;
mod tls;
mod topics;
mod ui;

#[cfg(test)]
mod limits_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod ui_tests;

use crate::config::RestConfig;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::{Extension, Router};
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use dto_config::validation;
pub use server::{Error as ServerError, Server};
use shared::MAX_BODY;
pub use shared::{MetricsPage, Rest};
pub use signed::Workers;
pub use tls::client;

/// Which paths a listener serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paths {
    /// All of them.
    All,
    /// All but those of administration.
    WithoutAdmin,
    /// Those of administration only.
    Admin,
}

/// The paths that a listener serves; `with_page` says whether `/ui` is among them, beside those of REST.
pub fn router(rest: Rest, serves: Paths, with_page: bool) -> Router {
    let (routes, document) = match serves {
        Paths::All => paths().merge(admin_paths()),
        Paths::WithoutAdmin => paths(),
        Paths::Admin => admin_paths(),
    }
    .split_for_parts();
    let page = if with_page && serves != Paths::Admin { ui::routes() } else { Router::new() };
    let routes = routes
        .method_not_allowed_fallback(protocol::method_not_allowed)
        .route_layer(from_fn_with_state(rest.clone(), forward::forward))
        .route_layer(from_fn(bodies::read))
        .route_layer(from_fn(protocol::json_is_accepted))
        .merge(page.method_not_allowed_fallback(protocol::method_not_allowed))
        .fallback(protocol::not_found)
        .layer(Extension(Arc::new(document)))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(rest);
    // What changes a path, or looks at what the routes made of a method, has to stand around all of them.
    Router::new()
        .fallback_service(routes)
        .layer(from_fn(protocol::without_trailing_slash))
        .layer(from_fn(protocol::options))
        .layer(from_fn(protocol::access_log))
}

/// Each path with its methods; the document is made of the same handlers.
fn paths() -> OpenApiRouter<Rest> {
    OpenApiRouter::with_openapi(openapi::document())
        .routes(routes!(root::root))
        .routes(routes!(root::health))
        .routes(routes!(cluster::read))
        .routes(routes!(openapi::read))
        .routes(routes!(connectors::list, connectors::create))
        .routes(routes!(connectors::read, connectors::delete))
        .routes(routes!(config::read, config::write, config::patch))
        .routes(routes!(connectors::status))
        .routes(routes!(health::read))
        .routes(routes!(fates::read))
        .routes(routes!(offsets::read, offsets::alter, offsets::reset))
        .routes(routes!(topics::read))
        .routes(routes!(topics::reset))
        .routes(routes!(lifecycle::pause))
        .routes(routes!(lifecycle::resume))
        .routes(routes!(lifecycle::stop))
        .routes(routes!(lifecycle::restart))
        .routes(routes!(tasks::list, internal::put_tasks))
        .routes(routes!(internal::fence))
        .routes(routes!(tasks::status))
        .routes(routes!(tasks::restart))
        .routes(routes!(plugins::list))
        .routes(routes!(plugins::keys))
        .routes(routes!(plugins::validate))
}

/// The paths of administration, which `admin.listeners` may serve instead.
fn admin_paths() -> OpenApiRouter<Rest> {
    OpenApiRouter::with_openapi(openapi::document())
        .routes(routes!(metrics::read))
        .routes(routes!(loggers::list))
        .routes(routes!(loggers::read, loggers::write))
}

/// `router` behind what the settings put before it: basic auth, the worker's own headers, answers for other origins.
pub fn secured(router: Router, config: &RestConfig) -> Router {
    let mut router = router;
    if let Some(users) = &config.users {
        let guard = Arc::new(basic_auth::Guard::new(users.clone()));
        router = router.layer(from_fn_with_state(guard, basic_auth::check));
    }
    let cors = config.cors.clone().map(Arc::new);
    router = router.layer(from_fn_with_state(cors.clone(), cross_site::refuse));
    router = router.layer(from_fn(protocol::unambiguous));
    if !config.response_headers.is_empty() {
        let rules: Arc<[_]> = config.response_headers.as_slice().into();
        router = router.layer(from_fn_with_state(rules, headers::set));
    }
    if let Some(cors) = cors {
        router = router.layer(from_fn_with_state(cors, cors::allow));
    }
    router
}
