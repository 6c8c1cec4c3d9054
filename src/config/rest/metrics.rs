//! The settings of metrics: which names they have, and listeners that serve nothing else.

use super::listener::{self, Listener, Scheme};
use super::tls::{self, ServerTls};
#[cfg(feature = "otlp")]
use crate::config::otlp::{self, OtlpConfig};
use crate::configdef::{Problems, Properties, Values};
use crate::metrics::Sampling;
use crate::product::PREFIX;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The families of names that there are; ours is the last.
pub const METRIC_NAMES: [&str; 6] = ["strimzi", "confluent", "exporter", "reporter", "kusto-board", PREFIX];

/// The settings of metrics.
#[derive(Debug, Clone)]
pub struct MetricsConfig {
    /// The families whose names are served, ours among them; each is one of [`METRIC_NAMES`].
    pub names: Vec<String>,
    /// There are series for each partition.
    pub partitions: bool,
    /// How often consumers tell of their connections; zero is never.
    pub clients: Duration,
    /// Of what moments rates, averages and greatest values are.
    pub sampling: Sampling,
    /// Where nothing but metrics is served.
    pub listeners: Vec<Listener>,
    /// For those with https; there when one has it.
    pub tls: Option<Arc<ServerTls>>,
    /// To which collector they are sent; none unless the environment names one.
    #[cfg(feature = "otlp")]
    pub otlp: Option<OtlpConfig>,
}

impl MetricsConfig {
    /// Reads the settings; none when one of them is wrong.
    #[cfg_attr(
        not(feature = "otlp"),
        expect(unused_variables, reason = "only OTLP is set by the environment")
    )]
    pub(in crate::config) fn read(
        values: &Values<'_>,
        all: &Properties,
        env: &BTreeMap<String, String>,
        problems: &mut Problems,
    ) -> Option<Self> {
        #[cfg(feature = "otlp")]
        let otlp = otlp::read(env, problems);
        let names = names(values, problems);
        let key = "metrics.listeners";
        let is_empty = values.list(key).iter().all(String::is_empty);
        let listeners = if is_empty { Vec::new() } else { listener::read(key, values, problems)? };
        let tls = if listeners.iter().any(|listener| listener.scheme == Scheme::Https) {
            Some(Arc::new(tls::read(all, "metrics.listeners.https.", problems)?))
        } else {
            None
        };
        let sampling = Sampling {
            length: Duration::from_millis(values.unsigned("metrics.sample.window.ms")?),
            samples: u32::try_from(values.unsigned("metrics.num.samples")?).unwrap_or(u32::MAX),
        };
        let clients = Duration::from_millis(values.unsigned("metrics.clients.interval.ms")?);
        Some(Self {
            clients,
            names: names?,
            partitions: values.flag("metrics.partitions")?,
            sampling,
            listeners,
            tls,
            #[cfg(feature = "otlp")]
            otlp,
        })
    }
}

/// The families, ours always among them.
fn names(values: &Values<'_>, problems: &mut Problems) -> Option<Vec<String>> {
    let key = "metrics.names";
    let before = problems.0.len();
    let mut names: Vec<String> = Vec::new();
    for name in values.list(key).iter().map(|name| name.trim().to_ascii_lowercase()) {
        if name.is_empty() || names.contains(&name) {
            continue;
        }
        if METRIC_NAMES.contains(&name.as_str()) {
            names.push(name);
        } else {
            problems.invalid(key, &name, &format!("must be some of {}", METRIC_NAMES.join(", ")));
        }
    }
    if !names.iter().any(|name| name == PREFIX) {
        names.push(PREFIX.to_owned());
    }
    (problems.0.len() == before).then_some(names)
}
