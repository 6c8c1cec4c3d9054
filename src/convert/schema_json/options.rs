//! The settings of a JSON Schema converter that a sink sees.

use super::super::settings;
use std::collections::BTreeMap;

/// The converter's own settings that a sink sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::convert) struct Options {
    /// `generalized.sum.type.support`.
    pub(super) generalized: bool,
}

impl Options {
    /// Reads them; the tables of keys have checked them.
    pub(in crate::convert) fn new(settings: &BTreeMap<String, String>) -> Self {
        Self { generalized: settings::flag(settings, "generalized.sum.type.support").unwrap_or(false) }
    }
}
