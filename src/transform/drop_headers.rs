//! `DropHeaders`: without the headers of some names.

use super::Transformation;
use super::settings::Settings;
use crate::data::{Error, Record};

/// `org.apache.kafka.connect.transforms.DropHeaders`.
#[derive(Debug)]
pub(super) struct DropHeaders {
    names: Vec<String>,
}

impl DropHeaders {
    pub(super) fn new(settings: Settings<'_>) -> Self {
        Self { names: settings.list("headers").to_vec() }
    }
}

impl Transformation for DropHeaders {
    fn apply(&self, mut record: Record) -> Result<Option<Record>, Error> {
        record.headers.retain(|header| !self.names.iter().any(|name| **name == *header.key));
        Ok(Some(record))
    }
}
