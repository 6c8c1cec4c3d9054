//! The settings of a Protobuf converter that a sink sees.

use super::super::settings;
use std::collections::BTreeMap;

/// The converter's own settings that a sink sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own, read in one place")]
pub(in crate::convert) struct Options {
    /// `enhanced.protobuf.schema.support`.
    pub(super) enhanced: bool,
    /// `int.for.enums`.
    pub(super) int_enums: bool,
    /// `optional.for.nullables`.
    pub(super) optional_for_nullables: bool,
    /// `optional.for.proto2`.
    pub(super) optional_for_proto2: bool,
    /// `wrapper.for.nullables`.
    pub(super) wrapper_for_nullables: bool,
    /// `wrapper.for.raw.primitives`.
    pub(super) wrapper_for_raw: bool,
    /// `generate.struct.for.nulls`.
    pub(in crate::convert) struct_for_nulls: bool,
    /// `generate.index.for.unions`.
    pub(super) index_for_unions: bool,
    /// `flatten.unions`.
    pub(super) flatten_unions: bool,
    /// Confluent's list of indexes stands before a message; Apicurio's name otherwise.
    pub(super) indexes: bool,
}

impl Options {
    /// Reads them; the tables of keys have checked them.
    pub(in crate::convert) fn new(settings: &BTreeMap<String, String>, indexes: bool) -> Self {
        let flag = |key, default| settings::flag(settings, key).unwrap_or(default);
        Self {
            enhanced: flag("enhanced.protobuf.schema.support", false),
            int_enums: flag("int.for.enums", false),
            optional_for_nullables: flag("optional.for.nullables", false),
            optional_for_proto2: flag("optional.for.proto2", true),
            wrapper_for_nullables: flag("wrapper.for.nullables", false),
            wrapper_for_raw: flag("wrapper.for.raw.primitives", true),
            struct_for_nulls: flag("generate.struct.for.nulls", false),
            index_for_unions: flag("generate.index.for.unions", true),
            flatten_unions: flag("flatten.unions", false),
            indexes,
        }
    }
}
