//! The transformations of a connector, in the order of its settings.

use super::cast::Cast;
use super::drop_headers::DropHeaders;
use super::extract_field::ExtractField;
use super::filter::Filter;
use super::flatten::Flatten;
use super::header_from::HeaderFrom;
use super::hoist_field::HoistField;
use super::insert_field::InsertField;
use super::insert_header::InsertHeader;
use super::mask_field::MaskField;
use super::operand::Side;
use super::predicates::{HasHeaderKey, RecordIsTombstone, TopicNameMatches};
use super::regex_router::RegexRouter;
use super::replace_field::ReplaceField;
use super::set_schema_metadata::SetSchemaMetadata;
use super::settings::Settings;
use super::timestamp_converter::TimestampConverter;
use super::timestamp_router::TimestampRouter;
use super::value_to_key::ValueToKey;
use super::{Predicate, Transformation};
use crate::causes;
use crate::config::{ConfigError, transforms};
use crate::data::{Error, Record};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Each makes values one level deeper than they were read.
const MOST_HOISTS: usize = 100;

/// A transformation that could not be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", causes::chain(error))]
pub struct Failure {
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
    /// The chain that a connector's settings describe (`connect-runtime.md` §7): `transforms`, `predicates` and the keys
    /// below their aliases; all other keys are not looked at.
    ///
    /// # Errors
    /// All that is wrong, each with the key to change: what the tables of keys say, and what Connect finds when it
    /// configures a class.
    pub fn new(properties: &BTreeMap<String, String>) -> Result<Self, Vec<ConfigError>> {
        let plan = transforms::read(properties)?;
        let mut errors = Vec::new();
        let mut predicates: Vec<(&str, Arc<dyn Predicate>)> = Vec::new();
        for class in &plan.predicates {
            match predicate(class) {
                Ok(predicate) => predicates.push((&class.alias, predicate)),
                Err(error) => errors.push(error),
            }
        }
        let mut steps = Vec::new();
        for class in &plan.transformations {
            match transformation(class) {
                Ok(transformation) => {
                    let chosen = class.text("predicate").and_then(|alias| {
                        predicates.iter().find(|(known, _)| *known == alias).map(|(_, predicate)| predicate)
                    });
                    let condition = chosen.map(|predicate| Condition {
                        predicate: predicate.clone(),
                        negate: class.flag("negate").unwrap_or(false),
                    });
                    steps.push(Step { class: class.class.as_str().into(), transformation, condition });
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
    pub fn apply(&self, mut record: Record) -> Result<Option<Record>, Failure> {
        for step in &self.steps {
            let failed = |error| Failure { class: step.class.clone(), error };
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

fn transformation(class: &transforms::Class) -> Result<Box<dyn Transformation>, ConfigError> {
    let settings = Settings(class);
    let simple = class.class.rsplit('.').next().unwrap_or_default();
    let (name, variant) = simple.split_once('$').unwrap_or((simple, ""));
    let side = if variant == "Key" { Side::Key } else { Side::Value };
    Ok(match name {
        "Cast" => Box::new(Cast::new(settings, side)?),
        "DropHeaders" => Box::new(DropHeaders::new(settings)),
        "ExtractField" => Box::new(ExtractField::new(settings, side)?),
        "Filter" => Box::new(Filter),
        "Flatten" => Box::new(Flatten::new(settings, side)),
        "HeaderFrom" => Box::new(HeaderFrom::new(settings, side)?),
        "HoistField" => Box::new(HoistField::new(settings, side)),
        "InsertField" => Box::new(InsertField::new(settings, side)?),
        "InsertHeader" => Box::new(InsertHeader::new(settings)),
        "MaskField" => Box::new(MaskField::new(settings, side)),
        "RegexRouter" => Box::new(RegexRouter::new(settings)?),
        "ReplaceField" => Box::new(ReplaceField::new(settings, side)?),
        "SetSchemaMetadata" => Box::new(SetSchemaMetadata::new(settings, side)?),
        "TimestampConverter" => Box::new(TimestampConverter::new(settings, side, now_ms())?),
        "TimestampRouter" => Box::new(TimestampRouter::new(settings)?),
        "ValueToKey" => Box::new(ValueToKey::new(settings)),
        _ => return Err(unknown(class)),
    })
}

fn predicate(class: &transforms::Class) -> Result<Arc<dyn Predicate>, ConfigError> {
    let settings = Settings(class);
    Ok(match class.class.rsplit('.').next() {
        Some("HasHeaderKey") => Arc::new(HasHeaderKey::new(settings)),
        Some("RecordIsTombstone") => Arc::new(RecordIsTombstone),
        Some("TopicNameMatches") => Arc::new(TopicNameMatches::new(settings)?),
        _ => return Err(unknown(class)),
    })
}

/// Only if a class is in the tables and not here, which a test rules out.
fn unknown(class: &transforms::Class) -> ConfigError {
    let detail = format!("Class {} could not be found.", class.class);
    Settings(class).invalid("type", &class.class, &detail)
}

/// Milliseconds since the epoch; the epoch itself if the clock stands before it.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[path = "chain_tests.rs"]
mod tests;
