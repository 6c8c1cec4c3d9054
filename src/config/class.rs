//! The class that a connector's settings name: looked up before anything else is validated.

use super::check::trim;
use super::keys::{KUSTO_SINK_CLASS, VERSION};
use super::{ConnectorProperties, is_secret};

/// Why a connector's class cannot be used; said before anything else is validated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClassError {
    /// There is no `connector.class`.
    #[error("Connector config {0} contains no connector type")]
    Missing(String),
    /// No connector has this name.
    #[error(
        "Failed to find any class that implements Connector and which name matches {0}, available connectors are: \
         PluginDesc{{klass=class {KUSTO_SINK_CLASS}, name='{KUSTO_SINK_CLASS}', version='{VERSION}', \
         encodedVersion={VERSION}, type=sink, typeName='sink', location='classpath'}}"
    )]
    Unknown(String),
}

/// Looks for the class that `raw` names, by its full name or an alias.
pub fn check_class(raw: &ConnectorProperties) -> Result<(), ClassError> {
    let Some(Some(class)) = raw.get("connector.class") else {
        return Err(ClassError::Missing(in_java(raw)));
    };
    if [KUSTO_SINK_CLASS, "KustoSinkConnector", "KustoSink"].contains(&trim(class)) {
        return Ok(());
    }
    Err(ClassError::Unknown(class.clone()))
}

/// A map as Java prints it, without its secrets (the JVM shows them).
fn in_java(raw: &ConnectorProperties) -> String {
    let entry = |(key, value): (&String, &Option<String>)| {
        let shown = if is_secret(key) { "[hidden]" } else { value.as_deref().unwrap_or("null") };
        format!("{key}={shown}")
    };
    format!("{{{}}}", raw.iter().map(entry).collect::<Vec<_>>().join(", "))
}
