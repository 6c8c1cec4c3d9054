//! Which Kafka client keys a connector may override (`connector.client.config.override.policy`).

use super::errors::Problems;
use super::{Properties, WorkerConfig};

const PREFIXES: [&str; 3] = ["consumer.override.", "producer.override.", "admin.override."];
const PRINCIPAL_KEYS: [&str; 3] = ["security.protocol", "sasl.jaas.config", "sasl.mechanism"];

/// What a worker lets its connectors override.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OverridePolicy {
    /// Everything.
    All,
    /// Nothing.
    None,
    /// Who the client is.
    Principal,
}

impl OverridePolicy {
    /// By alias or class name.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        let simple = name.rsplit('.').next().unwrap_or(name);
        match simple.strip_suffix("ConnectorClientConfigOverridePolicy").unwrap_or(simple) {
            "All" => Some(Self::All),
            "None" => Some(Self::None),
            "Principal" => Some(Self::Principal),
            _ => None,
        }
    }
}

/// Notes every override that the worker's policy does not allow.
pub(super) fn check(written: &Properties, worker: &WorkerConfig, problems: &mut Problems) {
    let (name, allowed): (_, &[&str]) = match worker.override_policy {
        OverridePolicy::All => return,
        OverridePolicy::None => ("None", &[]),
        OverridePolicy::Principal => ("Principal", &PRINCIPAL_KEYS),
    };
    for key in written.keys() {
        let overridden = PREFIXES.iter().find_map(|prefix| key.strip_prefix(prefix));
        if let Some(inner) = overridden.filter(|inner| !allowed.contains(inner)) {
            problems.add(key, format!(
                "The '{name}' policy does not allow '{inner}' to be overridden in the connector configuration."
            ));
        }
    }
}
