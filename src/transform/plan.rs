//! The transformations and predicates that a connector's settings name, read and not made yet.

use super::row::{PredicateRow, TransformationRow};
use crate::configdef::ClassSettings;

/// What a connector's settings say of transformations and predicates.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// In the order in which they are applied.
    pub transformations: Vec<TransformationConfig>,
    /// In the order of the settings.
    pub predicates: Vec<PredicateConfig>,
}

/// A transformation of a connector, its settings without errors.
#[derive(Debug, Clone)]
pub struct TransformationConfig {
    /// Its full Java name.
    pub class: &'static str,
    /// Its row.
    pub row: &'static TransformationRow,
    /// What the settings say below its alias.
    pub settings: ClassSettings,
}

/// A predicate of a connector, its settings without errors.
#[derive(Debug, Clone)]
pub struct PredicateConfig {
    /// Its alias, by which transformations name it.
    pub alias: String,
    /// Its row.
    pub row: &'static PredicateRow,
    /// What the settings say below its alias.
    pub settings: ClassSettings,
}
