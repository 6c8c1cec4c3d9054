//! Conditions under which a transformation is used.

use super::Predicate;
use super::row::{PredicateRow, key};
use super::settings::StepSettings;
use crate::configdef::ConfigError;
use crate::configdef::def::Check::{FilledJavaRegex, NonEmpty};
use crate::configdef::def::Importance::Medium as Mid;
use crate::configdef::def::KeyType::String as Text;
use crate::configdef::def::RowDefault::Required;
use crate::data::java_regex::JavaRegex;
use crate::data::{Error, Record};
use std::sync::Arc;

/// The class, its keys, and how it is made.
#[rustfmt::skip] // a table: one row is one key
pub static HAS_HEADER_KEY: PredicateRow = PredicateRow {
    class: "org.apache.kafka.connect.transforms.predicates.HasHeaderKey",
    keys: &[
        key("name", (Text, Required), NonEmpty, Mid, "The header that a record must have at least once."),
    ],
    make: |settings| Ok(Arc::new(HasHeaderKey::new(settings))),
};

/// The class, its keys, and how it is made.
#[rustfmt::skip] // a table: one row is one key
pub static RECORD_IS_TOMBSTONE: PredicateRow = PredicateRow {
    class: "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone",
    keys: &[],
    make: |_| Ok(Arc::new(RecordIsTombstone)),
};

/// The class, its keys, and how it is made.
#[rustfmt::skip] // a table: one row is one key
pub static TOPIC_NAME_MATCHES: PredicateRow = PredicateRow {
    class: "org.apache.kafka.connect.transforms.predicates.TopicNameMatches",
    keys: &[
        key("pattern", (Text, Required), FilledJavaRegex, Mid, "The expression that must match the whole topic."),
    ],
    make: |settings| Ok(Arc::new(TopicNameMatches::new(settings)?)),
};

/// `org.apache.kafka.connect.transforms.predicates.HasHeaderKey`.
#[derive(Debug)]
pub(super) struct HasHeaderKey(String);

impl HasHeaderKey {
    pub(super) fn new(settings: StepSettings<'_>) -> Self {
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
    pub(super) fn new(settings: StepSettings<'_>) -> Result<Self, ConfigError> {
        Ok(Self(settings.regex("pattern")?))
    }
}

impl Predicate for TopicNameMatches {
    fn test(&self, record: &Record) -> Result<bool, Error> {
        self.0.matches(&record.topic)
    }
}
