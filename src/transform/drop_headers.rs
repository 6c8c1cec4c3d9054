//! `DropHeaders`: without the headers of some names.

use super::Transformation;
use super::row::{TransformationRow, key};
use super::settings::StepSettings;
use crate::configdef::def::Check::DistinctFilled;
use crate::configdef::def::Importance::High;
use crate::configdef::def::KeyType::List;
use crate::configdef::def::RowDefault::Required;
use crate::data::{Error, Record};
use std::collections::HashSet;

/// The class, its keys, and how it is made.
#[rustfmt::skip] // a table: one row is one key
pub static ROW: TransformationRow = TransformationRow {
    classes: &["org.apache.kafka.connect.transforms.DropHeaders"],
    keys: &[
        key("headers", (List, Required), DistinctFilled, High, "The names of the headers that are removed."),
    ],
    make: |settings, _| Ok(Box::new(DropHeaders::new(settings))),
};

/// `org.apache.kafka.connect.transforms.DropHeaders`.
#[derive(Debug)]
pub(super) struct DropHeaders {
    names: HashSet<String>,
}

impl DropHeaders {
    pub(super) fn new(settings: StepSettings<'_>) -> Self {
        Self { names: settings.list("headers").iter().cloned().collect() }
    }
}

impl Transformation for DropHeaders {
    fn apply(&self, mut record: Record) -> Result<Option<Record>, Error> {
        record.headers.retain(|header| !self.names.contains(&*header.key));
        Ok(Some(record))
    }
}
