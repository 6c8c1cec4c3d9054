//! The worker's settings (a properties file and the environment), and what rooms above need to know of them.
//!
//! Read, checked and typed here, once; the floors above get values that are already right. What classes settings may name is
//! asked of the catalogue. No network I/O, no state, and no secret is ever printed.

mod allowed_paths;
mod brokers;
mod client_keys;
mod client_login;
mod client_settings;
mod clouds;
mod connector_file;
pub mod custody;
mod env;
pub mod files;
#[cfg(test)]
pub(crate) mod fixtures;
mod framework_keys;
pub mod jaas;
mod mode;
#[cfg(feature = "otlp")]
mod otlp;
mod override_policy;
pub mod properties;
mod providers;
mod reference;
mod rest;
pub mod secrets;
#[cfg(test)]
mod tests;
pub mod tls;
pub mod unused;
mod worker;
mod worker_keys;
mod worker_warnings;

pub use brokers::addresses as broker_addresses;
pub use client_keys::{ClientKind, JavaType, java_key, java_keys};
pub use client_settings::{ClientSettings, SINK_DEAD_LETTERS};
pub use clouds::{is_audience, is_login, is_loopback, is_trusted};
pub use connector_file::{ConnectorFile, ConnectorFileError};
pub use custody::Custody;
pub use env::{environment_defaults, short_variables};
pub use framework_keys::FRAMEWORK;
pub use mode::Mode;
#[cfg(feature = "otlp")]
pub use otlp::OtlpConfig;
pub use override_policy::OverridePolicy;
pub use providers::{ConfigProviders, Hidden, Resolution};
pub use reference::worker_reference;
pub use rest::{
    AdminListeners, ClientAuth, Cors, HeaderAction, HeaderRule, Listener, METRIC_NAMES, MetricsConfig,
    RestConfig, Scheme, ServerTls, Users,
};
pub use worker::{DefaultConverter, StorageTopic, WorkerConfig};
