//! `DropHeaders`: without the headers of some names.

use super::Transformation;
use super::settings::Settings;
use crate::data::{Error, Record};
use std::collections::HashSet;

/// `org.apache.kafka.connect.transforms.DropHeaders`.
#[derive(Debug)]
pub(super) struct DropHeaders {
    names: HashSet<String>,
}

impl DropHeaders {
    pub(super) fn new(settings: Settings<'_>) -> Self {
        Self { names: settings.list("headers").iter().cloned().collect() }
    }
}

impl Transformation for DropHeaders {
    fn apply(&self, mut record: Record) -> Result<Option<Record>, Error> {
        record.headers.retain(|header| !self.names.contains(&*header.key));
        Ok(Some(record))
    }
}
