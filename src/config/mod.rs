//! Settings: the worker's (a properties file and the environment) and a connector's (a map of texts from REST).
//!
//! Everything that a user can write is read, checked and typed here, once; the floors above get values that are
//! already right. This module does no network I/O, keeps no state and never prints a secret.

mod allowed_paths;
mod authentication;
mod brokers;
mod check;
mod class;
mod client_keys;
mod client_login;
mod clouds;
mod connection_string;
mod connector;
mod connector_file;
pub mod custody;
pub mod def;
mod endpoint;
mod env;
mod errors;
mod fabric;
pub mod files;
#[cfg(test)]
pub(crate) mod fixtures;
mod format;
mod infos;
pub mod jaas;
mod keys;
mod kusto;
mod mapping;
mod nearest;
mod override_policy;
mod plugin_list;
pub mod plugins;
pub mod properties;
mod providers;
mod proxy;
mod redact;
mod reference;
mod registry;
mod rest;
mod rules;
mod secrets;
mod sizes;
#[cfg(test)]
mod tests;
pub mod tls;
pub mod transforms;
mod unused;
mod validate;
mod values;
mod worker;
mod worker_keys;
mod worker_warnings;

pub use authentication::{Authentication, CertificateFile};
pub use brokers::addresses as broker_addresses;
pub use class::{CONNECTORS, ClassError, ConnectorClass};
pub use client_keys::{ClientKind, JavaType, java_key, java_keys};
pub use clouds::{is_audience, is_login, is_loopback, is_trusted};
pub use connector::{
    ConverterConfig, DeadLetterConfig, ErrorHandling, ErrorLog, SinkConnectorConfig, Topics,
};
pub use connector_file::{ConnectorFile, ConnectorFileError};
pub use custody::Custody;
pub use env::{environment_defaults, short_variables};
pub use errors::{ConfigError, ConfigErrors};
pub use format::{DataFormat, MappingKind};
pub use infos::{ClientSettings, ConfigInfo, ConfigInfos, ConfigValueInfo};
pub use kusto::{
    BehaviorOnError, HeaderChoice, IngestionProtocol, KustoSinkConfig, SINK_DEAD_LETTERS, SinkDeadLetters,
    TargetCheck,
};
pub use mapping::{Column, ColumnSource, Layout, TopicMapping, TopicMappings};
pub use nearest::{did_you_mean, nearest};
pub use override_policy::OverridePolicy;
pub use plugin_list::{Plugin, PluginKind, plugin_keys, plugins};
pub use providers::{ConfigProviders, Hidden};
pub use redact::is_secret;
pub use reference::{sink_reference, worker_reference};
pub use registry::{Credentials, OAuth, Protocol, RegistryConfig};
pub use rest::{
    AdminListeners, ClientAuth, Cors, HeaderAction, HeaderRule, Listener, RestConfig, Scheme, ServerTls,
    Users,
};
pub use validate::validate_connector;
pub use worker::{Mode, StorageTopic, WorkerConfig};

use std::collections::BTreeMap;

/// The version of Connect that this worker answers to: clients compare it as numbers and turn features on by it, and
/// Connect's own classes have it. Our own version is what `kusto-connect --version` prints.
pub const CONNECT_VERSION: &str = "4.3.0";

/// A connector's raw settings as they stand in the config topic; a null value is kept as such, it is an error of its own.
pub type ConnectorProperties = BTreeMap<String, Option<String>>;

/// A flat map of settings.
pub type Properties = BTreeMap<String, String>;
