//! `TimestampRouter`: a topic with the record's date in its name.

use super::settings::Settings;
use super::{Transformation, java_text};
use crate::config::ConfigError;
use crate::data::java_time::DateFormat;
use crate::data::{Error, Record};

/// `org.apache.kafka.connect.transforms.TimestampRouter`.
#[derive(Debug)]
pub(super) struct TimestampRouter {
    topic_format: String,
    format: DateFormat,
}

impl TimestampRouter {
    pub(super) fn new(settings: Settings<'_>) -> Result<Self, ConfigError> {
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
