//! The settings of a Protobuf converter that a sink sees.

use crate::configdef::Values;

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
    /// Reads them; defaults are the table's.
    pub(in crate::convert) fn new(values: &Values<'_>, indexes: bool) -> Self {
        let flag = |key| values.flag(key).unwrap_or_default();
        Self {
            enhanced: flag("enhanced.protobuf.schema.support"),
            int_enums: flag("int.for.enums"),
            optional_for_nullables: flag("optional.for.nullables"),
            optional_for_proto2: flag("optional.for.proto2"),
            wrapper_for_nullables: flag("wrapper.for.nullables"),
            wrapper_for_raw: flag("wrapper.for.raw.primitives"),
            struct_for_nulls: flag("generate.struct.for.nulls"),
            index_for_unions: flag("generate.index.for.unions"),
            flatten_unions: flag("flatten.unions"),
            indexes,
        }
    }
}
