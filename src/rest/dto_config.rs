//! What answers about plugins and their keys look like (`connect-runtime.md` §1.14 and §1.15). Field order is Connect's.

use crate::configdef::def::ConfigKey;
use crate::plugins::{ConfigInfo, ConfigInfos, ConfigValueInfo, Plugin};
use serde::Serialize;
use utoipa::ToSchema;

/// A plugin.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Plugin)]
pub(super) struct PluginDto {
    class: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    version: &'static str,
}

/// All that is known of a key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConfigKey)]
pub(super) struct ConfigKeyDto {
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    required: bool,
    default_value: Option<String>,
    importance: &'static str,
    documentation: String,
    group: Option<String>,
    order_in_group: i32,
    width: &'static str,
    display_name: String,
    dependents: Vec<String>,
}

/// A value and what is wrong with it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConfigValue)]
pub(super) struct ConfigValueDto {
    name: String,
    value: Option<String>,
    recommended_values: Vec<String>,
    errors: Vec<String>,
    visible: bool,
}

/// A key and its value; a wrong entry whose key nobody knows has no definition.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConfigInfo)]
pub(super) struct ConfigInfoDto {
    definition: Option<ConfigKeyDto>,
    value: ConfigValueDto,
}

/// What came out of a validation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConfigInfos)]
pub(super) struct ConfigInfosDto {
    name: String,
    error_count: usize,
    groups: Vec<String>,
    configs: Vec<ConfigInfoDto>,
    /// What is not wrong, but probably not meant; ours, and left out when there is nothing to say.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    warnings: Vec<String>,
}

impl From<Plugin> for PluginDto {
    fn from(plugin: Plugin) -> Self {
        Self { class: plugin.class, kind: plugin.kind.as_str(), version: plugin.version }
    }
}

impl From<&ConfigKey> for ConfigKeyDto {
    fn from(key: &ConfigKey) -> Self {
        Self {
            name: key.name.to_string(),
            kind: key.kind.as_str(),
            required: key.is_required(),
            default_value: key.default_text().map(str::to_owned),
            importance: key.importance.as_str(),
            documentation: key.documentation.to_string(),
            group: key.group.as_ref().map(ToString::to_string),
            order_in_group: key.order,
            width: key.width.as_str(),
            display_name: key.display_name.to_string(),
            dependents: key.dependents.clone(),
        }
    }
}

impl From<&ConfigValueInfo> for ConfigValueDto {
    fn from(value: &ConfigValueInfo) -> Self {
        let ConfigValueInfo { name, value, recommended_values, errors, visible } = value.clone();
        Self { name, value, recommended_values, errors, visible }
    }
}

impl From<&ConfigInfo> for ConfigInfoDto {
    fn from(info: &ConfigInfo) -> Self {
        Self { definition: info.definition.as_ref().map(ConfigKeyDto::from), value: (&info.value).into() }
    }
}

impl From<&ConfigInfos> for ConfigInfosDto {
    fn from(infos: &ConfigInfos) -> Self {
        Self {
            name: infos.name.clone(),
            error_count: infos.error_count(),
            groups: infos.groups.clone(),
            configs: infos.configs.iter().map(ConfigInfoDto::from).collect(),
            warnings: infos.warnings.clone(),
        }
    }
}

/// What came out of a validation, in the shape of the answer over REST.
pub fn validation(infos: &ConfigInfos) -> serde_json::Value {
    // Texts, numbers and flags: there is nothing in it that could fail.
    serde_json::to_value(ConfigInfosDto::from(infos)).unwrap_or_default()
}
