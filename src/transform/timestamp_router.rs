//! `TimestampRouter`: a topic with the record's date in its name.

use super::row::{TransformationRow, key};
use super::settings::StepSettings;
use super::{Transformation, java_text};
use crate::configdef::ConfigError;
use crate::configdef::def::Check::Any;
use crate::configdef::def::Importance::High;
use crate::configdef::def::KeyType::String as Text;
use crate::configdef::def::RowDefault::Is;
use crate::data::java_time::DateFormat;
use crate::data::{Error, Record};

/// The class, its keys, and how it is made.
#[rustfmt::skip] // a table: one row is one key
pub static ROW: TransformationRow = TransformationRow {
    classes: &["org.apache.kafka.connect.transforms.TimestampRouter"],
    keys: &[
        key("topic.format", (Text, Is("${topic}-${timestamp}")), Any, High, "The new topic; ${topic} and ${timestamp} stand for the record's."),
        key("timestamp.format", (Text, Is("yyyyMMdd")), Any, High, "The pattern of the timestamp (Java's SimpleDateFormat, in UTC)."),
    ],
    make: |settings, _| Ok(Box::new(TimestampRouter::new(settings)?)),
};

/// `org.apache.kafka.connect.transforms.TimestampRouter`.
#[derive(Debug)]
pub(super) struct TimestampRouter {
    topic_format: String,
    format: DateFormat,
}

impl TimestampRouter {
    pub(super) fn new(settings: StepSettings<'_>) -> Result<Self, ConfigError> {
        let pattern = settings.text("timestamp.format").unwrap_or_default();
        let format = DateFormat::new(pattern, 0)
            .map_err(|error| settings.invalid("timestamp.format", pattern, &error.to_string()))?;
        Ok(Self { topic_format: settings.text("topic.format").unwrap_or_default().to_owned(), format })
    }
}

impl Transformation for TimestampRouter {
    fn apply(&self, mut record: Record) -> Result<Option<Record>, Error> {
        let Some(timestamp) = record.timestamp else {
            return Err(Error::new(format!(
                "Timestamp missing on record: {}",
                java_text::of_record(&record)
            )));
        };
        let topic = self.topic_format.replace("${topic}", &record.topic);
        record.topic = topic.replace("${timestamp}", &self.format.format(timestamp)).into();
        Ok(Some(record))
    }
}
