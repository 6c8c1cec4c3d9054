//! The keys of a converter that settings name.

use super::Plugins;
use crate::configdef::def::{Checked, ConfigKey};
use crate::configdef::{ConnectorProperties, Problems, Properties, Values, Written, check_key};
use crate::registry::RegistryConfig;
use std::borrow::Cow;

/// Reads the keys of the converter `class` below `<side>.converter.`; what its table cannot say goes to `problems`.
pub(super) fn check(
    plugins: &Plugins,
    (side, class): (&str, &str),
    raw: &ConnectorProperties,
    problems: &mut Problems,
) -> Vec<Checked> {
    let Some(row) = plugins.converter_row(class) else { return Vec::new() };
    let prefix = format!("{side}.converter.");
    let check = |mut key: ConfigKey| {
        let full = format!("{prefix}{}", key.name);
        let written = if key.name == "converter.type" { Written::Text(side) } else { raw.get(&full).into() };
        key.name = Cow::Owned(full);
        check_key(key, written, plugins)
    };
    let checked: Vec<_> = row.config_keys().map(check).collect();
    if let Some(registry) = row.registry.filter(|_| side != "header") {
        let written =
            raw.iter().filter_map(|(key, value)| Some((key.clone(), value.clone()?))).collect::<Properties>();
        // What is read here is read again when the converter is made.
        let _read = RegistryConfig::read(registry, &Values::at(&prefix, &checked, &written), problems);
    }
    checked
}
