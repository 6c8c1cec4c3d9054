//! The settings of a JSON Schema converter that a sink sees.

use crate::configdef::Values;

/// The converter's own settings that a sink sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::convert) struct Options {
    /// `generalized.sum.type.support`.
    pub(super) generalized: bool,
}

impl Options {
    /// Reads them; defaults are the table's.
    pub(in crate::convert) fn new(values: &Values<'_>) -> Self {
        Self { generalized: values.flag("generalized.sum.type.support").unwrap_or_default() }
    }
}
