//! `RegexRouter`: another topic for topics that an expression matches.

use super::Transformation;
use super::settings::Settings;
use crate::config::ConfigError;
use crate::data::java_regex::JavaRegex;
use crate::data::{Error, Record};

/// `org.apache.kafka.connect.transforms.RegexRouter`.
#[derive(Debug)]
pub(super) struct RegexRouter {
    regex: JavaRegex,
    replacement: String,
}

impl RegexRouter {
    pub(super) fn new(settings: Settings<'_>) -> Result<Self, ConfigError> {
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
