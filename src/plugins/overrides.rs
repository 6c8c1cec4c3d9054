//! Which settings of its Kafka clients a connector may override: what the worker's policy says.

use crate::config::{SINK_DEAD_LETTERS, WorkerConfig};
use crate::configdef::{Problems, Properties};

const PREFIXES: [&str; 3] = ["consumer.override.", "producer.override.", "admin.override."];

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
