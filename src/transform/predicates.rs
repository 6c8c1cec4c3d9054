//! Conditions under which a transformation is used.

use super::Predicate;
use super::settings::Settings;
use crate::config::ConfigError;
use crate::data::java_regex::JavaRegex;
use crate::data::{Error, Record};

/// `org.apache.kafka.connect.transforms.predicates.HasHeaderKey`.
#[derive(Debug)]
pub(super) struct HasHeaderKey(String);

impl HasHeaderKey {
    pub(super) fn new(settings: Settings<'_>) -> Self {
        Self(settings.text("name").unwrap_or_default().to_owned())
    }
}

impl Predicate for HasHeaderKey {
    fn test(&self, record: &Record) -> Result<bool, Error> {
        Ok(record.headers.iter().any(|header| *header.key == *self.0))
    }
}

/// `org.apache.kafka.connect.transforms.predicates.RecordIsTombstone`.
#[derive(Debug)]
pub(super) struct RecordIsTombstone;

impl Predicate for RecordIsTombstone {
    fn test(&self, record: &Record) -> Result<bool, Error> {
        Ok(record.is_tombstone())
    }
}

/// `org.apache.kafka.connect.transforms.predicates.TopicNameMatches`.
#[derive(Debug)]
pub(super) struct TopicNameMatches(JavaRegex);

impl TopicNameMatches {
    pub(super) fn new(settings: Settings<'_>) -> Result<Self, ConfigError> {
        Ok(Self(settings.regex("pattern")?))
    }
}

impl Predicate for TopicNameMatches {
    fn test(&self, record: &Record) -> Result<bool, Error> {
        self.0.matches(&record.topic)
    }
}
