//! Settings as they are written: maps of texts.

use std::collections::BTreeMap;

/// The version of Connect that this worker answers to: clients compare it as numbers and turn features on by it, and
/// Connect's own classes have it. Our own version is what `kusto-connect --version` prints.
pub const CONNECT_VERSION: &str = "4.3.0";

/// A connector's raw settings as they stand in the config topic; a null value is kept as such, it is an error of its own.
pub type ConnectorProperties = BTreeMap<String, Option<String>>;

/// A flat map of settings.
pub type Properties = BTreeMap<String, String>;

/// The keys that start with `prefix`, without it.
pub fn with_prefix(from: &Properties, prefix: &str) -> Properties {
    let entry =
        |(key, value): (&String, &String)| Some((key.strip_prefix(prefix)?.to_owned(), value.clone()));
    from.iter().filter_map(entry).filter(|(key, _)| !key.is_empty()).collect()
}
