//! The result of validating a connector's settings, for REST to show (`connect-runtime.md` §1.15).
//!
//! Values of PASSWORD keys are hidden; messages repeat a wrong value only where Connect does, and no secret can be wrong
//! in that way.

use std::collections::BTreeMap;

use crate::config::ClientSettings;
use crate::configdef::def::{Checked, ConfigKey};
use crate::configdef::shown;

/// The result of validating a connector's settings.
#[derive(Debug, Clone, Default)]
pub struct ConfigInfos {
    /// `connector.class` as sent.
    pub name: String,
    /// The groups of keys, in order.
    pub groups: Vec<String>,
    /// All keys with their values and errors, in order.
    pub configs: Vec<ConfigInfo>,
    /// What is not wrong, but probably not meant: whole sentences.
    pub warnings: Vec<String>,
    /// What the connector says of its Kafka clients, for who can judge it; none when it could not be read.
    pub clients: Option<ClientSettings>,
    /// Keys with variables that are none here, and the sentence about them.
    pub(super) unresolved: BTreeMap<String, String>,
}

/// One key's part of the result.
#[derive(Debug, Clone)]
pub struct ConfigInfo {
    /// What is known of the key; none for a wrong entry with an unknown key.
    pub definition: Option<ConfigKey>,
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
    /// Whether a form shows the key.
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

    /// Adds what is wrong with `key`, a key that no table has; `value` is shown unless the key is a secret's.
    pub fn add_error(&mut self, key: &str, value: Option<&str>, message: String) {
        let message = match self.unresolved.get(key) {
            Some(text) => {
                self.warnings.retain(|warning| warning != text);
                text.clone()
            }
            None => message,
        };
        if let Some(info) = self.configs.iter_mut().find(|info| info.value.name == key) {
            info.value.errors.push(message);
            return;
        }
        let value = ConfigValueInfo {
            name: key.to_owned(),
            value: value.map(|value| shown(key, value)),
            errors: vec![message],
            visible: true,
            ..ConfigValueInfo::default()
        };
        self.configs.insert(0, ConfigInfo { definition: None, value });
    }

    /// The message of the 400 answer to POST and PUT; none when nothing is wrong.
    pub fn bad_request_message(&self) -> Option<String> {
        let count = self.error_count();
        if count == 0 {
            return None;
        }
        let head = format!("Connector configuration is invalid and contains the following {count} error(s):");
        let tail = "You can also find the above list of errors at the endpoint \
                    `/connector-plugins/{connectorType}/config/validate`";
        let lines: Vec<_> = std::iter::once(head.as_str()).chain(self.messages()).chain([tail]).collect();
        Some(lines.join("\n"))
    }
}

impl From<Checked> for ConfigInfo {
    fn from(checked: Checked) -> Self {
        let value = ConfigValueInfo {
            name: checked.key.name.to_string(),
            // A type of text does not make a secret less of one (the Fabric class's connection string).
            value: checked.value.render().map(|value| shown(&checked.key.name, &value)),
            recommended_values: checked.key.recommended.clone(),
            errors: checked.errors,
            visible: checked.visible,
        };
        Self { definition: Some(checked.key), value }
    }
}
