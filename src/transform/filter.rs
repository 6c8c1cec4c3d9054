//! `Filter`: drops every record that it gets; with a predicate, those that it chooses.

use super::Transformation;
use super::row::TransformationRow;
use crate::data::{Error, Record};

/// The class, its keys, and how it is made.
#[rustfmt::skip] // a table: one row is one key
pub static ROW: TransformationRow = TransformationRow {
    classes: &["org.apache.kafka.connect.transforms.Filter"],
    keys: &[],
    make: |_, _| Ok(Box::new(Filter)),
};

/// `org.apache.kafka.connect.transforms.Filter`.
#[derive(Debug)]
pub(super) struct Filter;

impl Transformation for Filter {
    fn apply(&self, _: Record) -> Result<Option<Record>, Error> {
        Ok(None)
    }
}
