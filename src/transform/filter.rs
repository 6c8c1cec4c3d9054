//! `Filter`: drops every record that it gets; with a predicate, those that it chooses.

use super::Transformation;
use crate::data::{Error, Record};

/// `org.apache.kafka.connect.transforms.Filter`.
#[derive(Debug)]
pub(super) struct Filter;

impl Transformation for Filter {
    fn apply(&self, _: Record) -> Result<Option<Record>, Error> {
        Ok(None)
    }
}
