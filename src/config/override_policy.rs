//! Which Kafka client keys a connector may override (`connector.client.config.override.policy`).

use crate::configdef::{Problems, Values};

const POLICY: &str = "connector.client.config.override.policy";
const ALLOWLIST: &str = "connector.client.config.override.allowlist";
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
    pub fn judge(&self, key: &str) -> (&'static str, bool) {
        match self {
            Self::All => ("All", true),
            Self::None => ("None", false),
            Self::Principal => ("Principal", PRINCIPAL_KEYS.contains(&key)),
            Self::Allowlist(keys) => ("Allowlist", keys.iter().any(|allowed| allowed == key)),
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
