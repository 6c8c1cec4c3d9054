//! Reading of a converter's own settings, which the tables of keys have checked.

use std::collections::BTreeMap;

/// A switch; none when it is not written, or is no switch.
pub(super) fn flag(settings: &BTreeMap<String, String>, key: &str) -> Option<bool> {
    match settings.get(key)?.trim().to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}
