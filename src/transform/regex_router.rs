//! `RegexRouter`: another topic for topics that an expression matches.

use super::Transformation;
use super::row::{TransformationRow, key};
use super::settings::StepSettings;
use crate::configdef::ConfigError;
use crate::configdef::def::Check::{self, Any};
use crate::configdef::def::Importance::High;
use crate::configdef::def::KeyType::String as Text;
use crate::configdef::def::RowDefault::Required;
use crate::data::java_regex::JavaRegex;
use crate::data::{Error, Record};

/// The class, its keys, and how it is made.
#[rustfmt::skip] // a table: one row is one key
pub static ROW: TransformationRow = TransformationRow {
    classes: &["org.apache.kafka.connect.transforms.RegexRouter"],
    keys: &[
        key("regex", (Text, Required), Check::JavaRegex, High, "The expression that must match the whole topic."),
        key("replacement", (Text, Required), Any, High, "The new topic; $1 and ${name} stand for groups of the expression."),
    ],
    make: |settings, _| Ok(Box::new(RegexRouter::new(settings)?)),
};

/// `org.apache.kafka.connect.transforms.RegexRouter`.
#[derive(Debug)]
pub(super) struct RegexRouter {
    regex: JavaRegex,
    replacement: String,
}

impl RegexRouter {
    pub(super) fn new(settings: StepSettings<'_>) -> Result<Self, ConfigError> {
        let replacement = settings.text("replacement").unwrap_or_default().to_owned();
        Ok(Self { regex: settings.regex("regex")?, replacement })
    }
}

impl Transformation for RegexRouter {
    fn apply(&self, mut record: Record) -> Result<Option<Record>, Error> {
        if self.regex.matches(&record.topic)? {
            record.topic = self.regex.replace_first(&record.topic, &self.replacement)?.into();
        }
        Ok(Some(record))
    }
}
