//! The catalogue: the rows of all classes that settings may name.

use crate::configdef::PluginKind;
use crate::convert::ConverterRow;
use crate::sink::SinkClass;
use crate::transform::{PredicateRow, TransformationRow};

/// The classes of a worker. [`super::BUILT_IN`] is the one that workers have; a test adds rows to it.
#[derive(Debug, Clone, Copy)]
pub struct Plugins {
    /// Connectors, all of them sinks.
    pub sinks: &'static [&'static SinkClass],
    /// What changes records.
    pub transformations: &'static [&'static TransformationRow],
    /// What chooses records for a transformation.
    pub predicates: &'static [&'static PredicateRow],
    /// What reads keys, values and headers, in the order of their names.
    pub converters: &'static [&'static ConverterRow],
}

impl Plugins {
    /// The names of a kind, and whether each has aliases.
    pub(super) fn known(&self, kind: PluginKind) -> Vec<(&'static str, bool)> {
        let converters = || self.converters.iter();
        let named = |row: &&ConverterRow| (row.class, row.has_alias);
        match kind {
            PluginKind::Sink => self.sinks.iter().map(|row| (row.class, true)).collect(),
            PluginKind::Transformation => {
                let classes = self.transformations.iter().flat_map(|row| row.classes);
                classes.map(|class| (*class, true)).collect()
            }
            PluginKind::Predicate => self.predicates.iter().map(|row| (row.class, true)).collect(),
            PluginKind::Converter => converters().filter(|row| row.reads.values()).map(named).collect(),
            PluginKind::HeaderConverter => {
                converters().filter(|row| row.reads.headers()).map(named).collect()
            }
        }
    }

    /// The row of a transformation, by its full name.
    pub(super) fn transformation(&self, class: &str) -> Option<&'static TransformationRow> {
        self.transformations.iter().find(|row| row.classes.contains(&class)).copied()
    }

    /// The row of a predicate, by its full name.
    pub(super) fn predicate(&self, class: &str) -> Option<&'static PredicateRow> {
        self.predicates.iter().find(|row| row.class == class).copied()
    }

    /// The row of a converter, by its full name.
    pub(super) fn converter_row(&self, class: &str) -> Option<&'static ConverterRow> {
        self.converters.iter().find(|row| row.class == class).copied()
    }
}
