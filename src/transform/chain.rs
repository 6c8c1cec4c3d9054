//! The transformations of a connector, in the order of its settings.

use super::plan::{Plan, PredicateConfig, TransformationConfig};
use super::settings::{Side, StepSettings};
use super::{Predicate, Transformation};
use crate::causes;
use crate::configdef::ConfigError;
use crate::data::{Error, Record};
use std::sync::Arc;

/// Each makes values one level deeper than they were read.
const MOST_HOISTS: usize = 100;

/// A transformation that could not be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", causes::chain(error))]
pub struct StepFailure {
    /// The full Java name of the transformation, also when its predicate failed.
    pub class: Arc<str>,
    /// What went wrong.
    #[source]
    pub error: Error,
}

/// Steps in order; none at all is a chain that changes nothing.
#[derive(Debug, Default)]
pub struct TransformationChain {
    steps: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    class: Arc<str>,
    transformation: Box<dyn Transformation>,
    condition: Option<Condition>,
}

#[derive(Debug)]
struct Condition {
    predicate: Arc<dyn Predicate>,
    negate: bool,
}

impl TransformationChain {
    /// The chain that a connector's settings describe (`connect-runtime.md` §7).
    ///
    /// # Errors
    /// All that Connect finds when it configures the classes, each with the key to change.
    pub fn new(plan: &Plan) -> Result<Self, Vec<ConfigError>> {
        let mut errors = plan.missing_predicates();
        if !errors.is_empty() {
            return Err(errors);
        }
        let mut predicates: Vec<(&str, Arc<dyn Predicate>)> = Vec::new();
        for PredicateConfig { alias, row, settings } in &plan.predicates {
            match (row.make)(StepSettings(settings.values())) {
                Ok(predicate) => predicates.push((alias, predicate)),
                Err(error) => errors.push(error),
            }
        }
        let mut steps = Vec::new();
        for TransformationConfig { class, row, settings } in &plan.transformations {
            let values = settings.values();
            let side = if class.ends_with("$Key") { Side::Key } else { Side::Value };
            match (row.make)(StepSettings(values), side) {
                Ok(transformation) => {
                    let chosen = values.text("predicate").and_then(|alias| {
                        predicates.iter().find(|(known, _)| *known == alias).map(|(_, predicate)| predicate)
                    });
                    let condition = chosen.map(|predicate| Condition {
                        predicate: predicate.clone(),
                        negate: values.flag("negate").unwrap_or(false),
                    });
                    steps.push(Step { class: (*class).into(), transformation, condition });
                }
                Err(error) => errors.push(error),
            }
        }
        let hoists = steps.iter().filter(|step| step.class.contains(".HoistField$")).count();
        if hoists > MOST_HOISTS {
            let message =
                format!("{hoists} HoistField transformations make values too deep; {MOST_HOISTS} may be");
            errors.push(ConfigError { key: "transforms".to_owned(), message });
        }
        if errors.is_empty() { Ok(Self { steps }) } else { Err(errors) }
    }

    /// True when there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The record as it comes out; none when a step dropped it, which ends the chain.
    ///
    /// # Errors
    /// The first step that failed. The same record will fail again.
    pub fn apply(&self, mut record: Record) -> Result<Option<Record>, StepFailure> {
        for step in &self.steps {
            let failed = |error| StepFailure { class: step.class.clone(), error };
            if let Some(Condition { predicate, negate }) = &step.condition
                && predicate.test(&record).map_err(failed)? == *negate
            {
                continue;
            }
            match step.transformation.apply(record).map_err(failed)? {
                Some(changed) => record = changed,
                None => return Ok(None),
            }
        }
        Ok(Some(record))
    }
}

#[cfg(test)]
#[path = "chain_tests.rs"]
mod tests;
