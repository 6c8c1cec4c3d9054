//! The table of connector classes: what is built in, by which names, with which keys.
//!
//! A class is one row. Reading and checking of settings, task configs, states, `/connector-plugins` and the reference
//! in `docs/` follow the row, so a further class needs nothing else here; `connector` makes the sink of it.

use super::check::trim;
use super::def::ConfigKey;
use super::errors::Problems;
use super::fabric;
use super::keys::KUSTO;
use super::plugins;
use super::redact::shown;
use super::values::Values;
use super::{ConnectorProperties, KustoSinkConfig, Topics, WorkerConfig};

/// Makes a class's typed settings from values that the table of keys has read, for this worker. What is wrong goes to the problems, and the result is then none.
type Build = fn(&Values<'_>, Option<&Topics>, &WorkerConfig, &mut Problems) -> Option<KustoSinkConfig>;

/// A connector class that is built in.
pub struct ConnectorClass {
    /// The full class name.
    pub class: &'static str,
    /// The class of its tasks, written into task configs so that a JVM worker can take over.
    pub task_class: &'static str,
    /// The release of the JVM connector whose configuration and behaviour ours answers to, because tools compare it.
    pub version: &'static str,
    /// Its own keys, in its order.
    pub(super) keys: fn() -> Vec<ConfigKey>,
    pub(super) build: Build,
}

/// Each class that is built in; all of them are sinks.
pub const CONNECTORS: &[ConnectorClass] = &[
    ConnectorClass {
        class: "com.microsoft.azure.kusto.kafka.connect.sink.KustoSinkConnector",
        task_class: "com.microsoft.azure.kusto.kafka.connect.sink.KustoSinkTask",
        version: "5.3.1",
        keys: || KUSTO.iter().map(ConfigKey::from).collect(),
        build: KustoSinkConfig::build,
    },
    ConnectorClass {
        class: "com.microsoft.fabric.connect.eventhouse.sink.FabricSinkConnector",
        task_class: "com.microsoft.fabric.connect.eventhouse.sink.EventHouseSinkTask",
        version: "1.3.1",
        keys: fabric::keys,
        build: fabric::build,
    },
];

impl ConnectorClass {
    /// The class with this full name or alias.
    pub fn find(name: &str) -> Option<&'static Self> {
        let name = trim(name);
        let exact = CONNECTORS.iter().find(|row| row.class == name);
        exact.or_else(|| {
            let mut known = CONNECTORS
                .iter()
                .filter(|row| plugins::aliases("Connector", row.class).any(|alias| alias == name));
            let found = known.next()?;
            known.next().is_none().then_some(found)
        })
    }

    /// The class that a connector's settings name; none when they name none, or one that is not built in.
    pub fn of(raw: &ConnectorProperties) -> Option<&'static Self> {
        Self::find(raw.get("connector.class")?.as_deref()?)
    }

    /// The same, with the words of Connect for a class that cannot be used.
    pub fn required(raw: &ConnectorProperties) -> Result<&'static Self, ClassError> {
        let Some(Some(class)) = raw.get("connector.class") else {
            return Err(ClassError::Missing(in_java(raw)));
        };
        Self::find(class).ok_or_else(|| ClassError::Unknown(class.clone()))
    }
}

impl std::fmt::Debug for ConnectorClass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ConnectorClass").field(&self.class).finish()
    }
}

/// Why a connector's class cannot be used; said before anything else is validated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClassError {
    /// There is no `connector.class`.
    #[error("Connector config {0} contains no connector type")]
    Missing(String),
    /// No connector has this name.
    #[error(
        "Failed to find any class that implements Connector and which name matches {0}, available connectors are: {list}",
        list = available()
    )]
    Unknown(String),
}

/// All classes as Java prints them.
fn available() -> String {
    let described = |row: &ConnectorClass| {
        let ConnectorClass { class, version, .. } = row;
        format!(
            "PluginDesc{{klass=class {class}, name='{class}', version='{version}', encodedVersion={version}, \
             type=sink, typeName='sink', location='classpath'}}"
        )
    };
    CONNECTORS.iter().map(described).collect::<Vec<_>>().join(", ")
}

/// A map as Java prints it, without its secrets (the JVM shows them).
fn in_java(raw: &ConnectorProperties) -> String {
    let entry = |(key, value): (&String, &Option<String>)| {
        let shown = value.as_deref().map_or_else(|| "null".to_owned(), |value| shown(key, value));
        format!("{key}={shown}")
    };
    format!("{{{}}}", raw.iter().map(entry).collect::<Vec<_>>().join(", "))
}
