//! Which sink class a connector's settings mean.

use super::Plugins;
use crate::brief::Brief;
use crate::configdef::{Classes, ConnectorProperties, PluginKind, shown, trim};
use crate::sink::SinkClass;

impl Plugins {
    /// The sink class with this full name or alias.
    pub fn sink(&self, name: &str) -> Option<&'static SinkClass> {
        let class = self.resolve(PluginKind::Sink, trim(name))?;
        self.sinks.iter().find(|row| row.class == class).copied()
    }

    /// The class that a connector's settings name; none when they name none, or one that is not there.
    pub fn sink_of(&self, raw: &ConnectorProperties) -> Option<&'static SinkClass> {
        self.sink(raw.get("connector.class")?.as_deref()?)
    }

    /// The same, with the words of Connect for a class that cannot be used.
    pub fn required_sink(&self, raw: &ConnectorProperties) -> Result<&'static SinkClass, ClassError> {
        let Some(Some(class)) = raw.get("connector.class") else {
            return Err(ClassError::Missing(in_java(raw)));
        };
        let unknown = || ClassError::Unknown { class: class.clone(), available: self.available() };
        self.sink(class).ok_or_else(unknown)
    }

    /// All sink classes as Java prints them.
    fn available(&self) -> String {
        let described = |row: &&SinkClass| {
            let SinkClass { class, version, .. } = row;
            format!(
                "PluginDesc{{klass=class {class}, name='{class}', version='{version}', encodedVersion={version}, \
                 type=sink, typeName='sink', location='classpath'}}"
            )
        };
        self.sinks.iter().map(described).collect::<Vec<_>>().join(", ")
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
        "Failed to find any class that implements Connector and which name matches {class}, available connectors are: \
         {available}"
    )]
    Unknown {
        /// The name.
        class: String,
        /// Those that there are.
        available: String,
    },
}

impl ClassError {
    /// It in one line.
    pub fn brief(&self) -> Brief {
        match self {
            Self::Missing(_) => Brief::new("the config contains no connector type"),
            Self::Unknown { class, .. } => {
                Brief::new(format!("no sink of this worker has the class {class}"))
            }
        }
        .mended_by("correct connector.class (GET /connector-plugins lists what there is)")
    }
}

/// A map as Java prints it, without its secrets (the JVM shows them).
fn in_java(raw: &ConnectorProperties) -> String {
    let entry = |(key, value): (&String, &Option<String>)| {
        let shown = value.as_deref().map_or_else(|| "null".to_owned(), |value| shown(key, value));
        format!("{key}={shown}")
    };
    format!("{{{}}}", raw.iter().map(entry).collect::<Vec<_>>().join(", "))
}
