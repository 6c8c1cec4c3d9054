//! Which Kafka client keys a connector may override (`connector.client.config.override.policy`).

use super::errors::Problems;
use super::values::Values;
use super::{Properties, SINK_DEAD_LETTERS, WorkerConfig};

const POLICY: &str = "connector.client.config.override.policy";
const ALLOWLIST: &str = "connector.client.config.override.allowlist";
const PREFIXES: [&str; 3] = ["consumer.override.", "producer.override.", "admin.override."];
const PRINCIPAL_KEYS: [&str; 3] = ["security.protocol", "sasl.jaas.config", "sasl.mechanism"];

/// What a worker lets its connectors override.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OverridePolicy {
    /// Everything.
    All,
    /// Nothing.
    None,
    /// Who the client is.
    Principal,
    /// These keys, without the prefixes.
    Allowlist(Vec<String>),
}

impl OverridePolicy {
    /// By alias or class name.
    pub(super) fn read(values: &Values<'_>, problems: &mut Problems) -> Option<Self> {
        let name = values.text(POLICY)?;
        let simple = name.rsplit('.').next().unwrap_or(name);
        match simple.strip_suffix("ConnectorClientConfigOverridePolicy").unwrap_or(simple) {
            "All" => Some(Self::All),
            "None" => Some(Self::None),
            "Principal" => Some(Self::Principal),
            "Allowlist" => {
                let keys = values.list(ALLOWLIST).iter().filter(|key| !key.is_empty());
                Some(Self::Allowlist(keys.cloned().collect()))
            }
            _ => {
                let detail = "this policy is not supported; use All, None, Principal or Allowlist";
                problems.invalid(POLICY, name, detail);
                None
            }
        }
    }

    /// The name in messages, and whether `key` may be overridden.
    fn judge(&self, key: &str) -> (&'static str, bool) {
        match self {
            Self::All => ("All", true),
            Self::None => ("None", false),
            Self::Principal => ("Principal", PRINCIPAL_KEYS.contains(&key)),
            Self::Allowlist(keys) => ("Allowlist", keys.iter().any(|allowed| allowed == key)),
        }
    }
}

/// Notes every override that the worker's policy does not allow. The clients of the sink's own dead letters are clients of
/// the connector too: under a policy they may be told what others may, and where the worker's own brokers are.
pub(super) fn check(written: &Properties, worker: &WorkerConfig, problems: &mut Problems) {
    let of_worker: Vec<_> = worker.bootstrap_servers.split(',').map(str::trim).collect();
    let is_given = |inner: &str, text: &str| match inner {
        "topic.name" => true,
        "bootstrap.servers" => {
            text.split(',').map(str::trim).all(|own| own.is_empty() || of_worker.contains(&own))
        }
        _ => false,
    };
    for (key, text) in written {
        let inner = PREFIXES.iter().find_map(|prefix| key.strip_prefix(prefix));
        let of_letters = || key.strip_prefix(SINK_DEAD_LETTERS).filter(|inner| !is_given(inner, text));
        let Some(inner) = inner.or_else(of_letters) else { continue };
        let (name, allowed) = worker.override_policy.judge(inner);
        if !allowed {
            problems.add(key, format!(
                "The '{name}' policy does not allow '{inner}' to be overridden in the connector configuration."
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::OverridePolicy as Policy;

    #[test]
    fn each_policy_allows_its_keys() {
        let listed = Policy::Allowlist(vec!["client.rack".to_owned()]);
        for (policy, allowed) in [
            (Policy::All, [true, true, true]),
            (Policy::None, [false, false, false]),
            (Policy::Principal, [true, false, false]),
            (listed, [false, true, false]),
        ] {
            let keys = ["sasl.jaas.config", "client.rack", "max.poll.records"];
            assert_eq!(keys.map(|key| policy.judge(key).1), allowed, "{policy:?}");
        }
    }
}
