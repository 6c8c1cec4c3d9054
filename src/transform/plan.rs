//! The transformations and predicates that a connector's settings name, read and not made yet.

use super::row::{PredicateRow, TransformationRow};
use super::settings::StepSettings;
use crate::configdef::{ClassSettings, ConfigError};

/// What a connector's settings say of transformations and predicates.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// In the order in which they are applied.
    pub transformations: Vec<TransformationConfig>,
    /// In the order of the settings.
    pub predicates: Vec<PredicateConfig>,
}

impl Plan {
    /// What is wrong by the rule that Connect checks only when a task starts: a transformation's predicate must be there.
    pub fn missing_predicates(&self) -> Vec<ConfigError> {
        let missing = |of: &TransformationConfig| {
            let settings = StepSettings(of.settings.values());
            let predicate = settings.text("predicate")?;
            let is_there = self.predicates.iter().any(|known| known.alias == predicate);
            let detail = format!(
                "Unknown configuration 'predicates.{predicate}.type'; predicates does not have this alias"
            );
            (!is_there).then(|| settings.invalid("predicate", predicate, &detail))
        };
        self.transformations.iter().filter_map(missing).collect()
    }
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
