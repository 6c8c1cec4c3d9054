//! Reading of a whole table of keys.

use super::check::check_key;
use super::def::{Checked, ConfigKey};
use super::{Classes, ConnectorProperties};

/// Reads and checks the keys of a table.
pub fn check_table(
    keys: impl IntoIterator<Item = ConfigKey>,
    raw: &ConnectorProperties,
    classes: &dyn Classes,
) -> Vec<Checked> {
    let check = |key: ConfigKey| {
        let written = raw.get(key.name.as_ref()).into();
        check_key(key, written, classes)
    };
    keys.into_iter().map(check).collect()
}
