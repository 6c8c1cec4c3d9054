//! `InsertHeader`: one more header, the same for all records.

use super::Transformation;
use super::row::{TransformationRow, key};
use super::settings::StepSettings;
use crate::configdef::def::Check::NonNull;
use crate::configdef::def::Importance::High;
use crate::configdef::def::KeyType::String as Text;
use crate::configdef::def::RowDefault::Required;
use crate::data::{Error, Header, Record, literal};

/// The class, its keys, and how it is made.
#[rustfmt::skip] // a table: one row is one key
pub static ROW: TransformationRow = TransformationRow {
    classes: &["org.apache.kafka.connect.transforms.InsertHeader"],
    keys: &[
        key("header", (Text, Required), NonNull, High, "The name of the header."),
        key("value.literal", (Text, Required), NonNull, High, "Its value; what looks like a number, a date, an array or the like becomes one."),
    ],
    make: |settings, _| Ok(Box::new(InsertHeader::new(settings))),
};

/// `org.apache.kafka.connect.transforms.InsertHeader`.
#[derive(Debug)]
pub(super) struct InsertHeader(Header);

impl InsertHeader {
    pub(super) fn new(settings: StepSettings<'_>) -> Self {
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
