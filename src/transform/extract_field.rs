//! `ExtractField`: one field instead of the whole.

use super::Transformation;
use super::field_path::FieldPath;
use super::operand::{no_map, no_struct};
use super::row::{REPLACE_NULL, TransformationRow, key};
use super::settings::{Side, StepSettings};
use crate::configdef::ConfigError;
use crate::configdef::def::Check::{Any, OneOfAnyCase};
use crate::configdef::def::Importance::{High, Medium as Mid};
use crate::configdef::def::KeyType::String as Text;
use crate::configdef::def::RowDefault::{Is, Required};
use crate::data::{Error, Record, SchemaAndValue, Value};

/// The classes, their keys, and how they are made.
#[rustfmt::skip] // a table: one row is one key
pub static ROW: TransformationRow = TransformationRow {
    classes: &[
        "org.apache.kafka.connect.transforms.ExtractField$Key",
        "org.apache.kafka.connect.transforms.ExtractField$Value",
    ],
    keys: &[
        key("field", (Text, Required), Any, Mid, "The field that takes the place of the whole."),
        REPLACE_NULL,
        key("field.syntax.version", (Text, Is("V1")), OneOfAnyCase(&["V1", "V2"]), High, "V1: field is the name of a top-level field. V2: dots lead into nested fields, and a name with dots stands in backticks."),
    ],
    make: |settings, side| Ok(Box::new(ExtractField::new(settings, side)?)),
};

const PURPOSE: &str = "field extraction";

/// `org.apache.kafka.connect.transforms.ExtractField`.
#[derive(Debug)]
pub(super) struct ExtractField {
    side: Side,
    name: String,
    path: FieldPath,
    replace_null: bool,
}

impl ExtractField {
    pub(super) fn new(settings: StepSettings<'_>, side: Side) -> Result<Self, ConfigError> {
        let name = settings.text("field").unwrap_or_default();
        let is_nested =
            settings.text("field.syntax.version").is_some_and(|text| text.eq_ignore_ascii_case("V2"));
        let path = if is_nested {
            FieldPath::nested(name).map_err(|message| settings.error("field", message))?
        } else {
            FieldPath::single(name)
        };
        Ok(Self { side, name: name.to_owned(), path, replace_null: settings.replace_null() })
    }
}

impl Transformation for ExtractField {
    fn apply(&self, mut record: Record) -> Result<Option<Record>, Error> {
        let operand = self.side.take(&mut record);
        let extracted = match (&operand.schema, &operand.value) {
            (None, Value::Null) => SchemaAndValue::NULL,
            (None, Value::Map(entries)) => SchemaAndValue::schemaless(self.path.in_map(entries)?),
            (None, other) => return Err(no_map(other, PURPOSE)),
            (Some(schema), value) => {
                if !matches!(value, Value::Null | Value::Struct(_)) {
                    return Err(no_struct(value, PURPOSE));
                }
                let field = self.path.schema(schema)?.ok_or_else(|| {
                    let message = format!("Unknown field: {}", self.name);
                    Error::of_class("java.lang.IllegalArgumentException", message)
                })?;
                let value = match value {
                    Value::Struct(of) => self.path.in_struct(of, self.replace_null)?,
                    _ => Value::Null,
                };
                SchemaAndValue { schema: Some(field.schema.clone()), value }
            }
        };
        *self.side.of_mut(&mut record) = extracted;
        Ok(Some(record))
    }
}

#[cfg(test)]
#[path = "extract_field_tests.rs"]
mod tests;
