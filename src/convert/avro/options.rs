//! The settings of an Avro converter that a sink sees.

use crate::configdef::Values;

/// The converter's own settings that a sink sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own, read in one place")]
pub(in crate::convert) struct Options {
    /// `enhanced.avro.schema.support`.
    pub(super) enhanced: bool,
    /// `flatten.singleton.unions`.
    pub(super) flatten_singletons: bool,
    /// `generalized.sum.type.support`.
    pub(super) generalized: bool,
    /// `discard.type.doc.default`.
    pub(super) discard_type_doc: bool,
    /// `ignore.default.for.nullables`.
    pub(super) ignore_default: bool,
    /// A value that is nothing but bytes has no length before it: Confluent's way, not Apicurio's.
    pub(super) bare_bytes: bool,
}

impl Options {
    /// Reads them; defaults are the table's.
    pub(in crate::convert) fn new(values: &Values<'_>, bare_bytes: bool) -> Self {
        let flag = |key| values.flag(key).unwrap_or_default();
        Self {
            enhanced: flag("enhanced.avro.schema.support"),
            flatten_singletons: flag("flatten.singleton.unions"),
            generalized: flag("generalized.sum.type.support"),
            discard_type_doc: flag("discard.type.doc.default"),
            ignore_default: flag("ignore.default.for.nullables"),
            bare_bytes,
        }
    }
}
