//! `InsertHeader`: one more header, the same for all records.

use super::Transformation;
use super::settings::Settings;
use crate::data::{Error, Header, Record, literal};

/// `org.apache.kafka.connect.transforms.InsertHeader`.
#[derive(Debug)]
pub(super) struct InsertHeader(Header);

impl InsertHeader {
    pub(super) fn new(settings: Settings<'_>) -> Self {
        let key = settings.text("header").unwrap_or_default().into();
        Self(Header { key, value: literal::parse(settings.text("value.literal").unwrap_or_default()) })
    }
}

impl Transformation for InsertHeader {
    fn apply(&self, mut record: Record) -> Result<Option<Record>, Error> {
        record.headers.push(self.0.clone());
        Ok(Some(record))
    }
}
