//! Whether a JAAS entry names the login module that a mechanism needs.

use crate::config::jaas::LoginEntry;

/// An error unless the class of `entry` is one of `known`.
pub(super) fn expect_module(entry: &LoginEntry, known: &[&str]) -> Result<(), String> {
    let module = entry.simple_name();
    if known.contains(&module) {
        return Ok(());
    }
    Err(format!(
        "the login module {module} cannot be used with this sasl.mechanism; use {}",
        known.join(" or ")
    ))
}
