//! `SimpleHeaderConverter`: the text of a header as the literal it looks like (`connect-runtime.md` §6.3).

use super::converter::Converter;
use super::row::{ConverterRow, Made, Reads};
use crate::data::{self, Error, SchemaAndValue, literal};
use std::sync::Arc;

/// The class, and how it is made. It has no keys.
pub static ROW: ConverterRow = ConverterRow {
    class: "org.apache.kafka.connect.storage.SimpleHeaderConverter",
    has_alias: true,
    reads: Reads::Headers,
    keys: &[],
    registry: None,
    make: |_| Ok(Made::Plain(Arc::new(SimpleHeaderConverter))),
};

/// Guesses the type of a text.
#[derive(Debug)]
struct SimpleHeaderConverter;

impl Converter for SimpleHeaderConverter {
    fn class(&self) -> &'static str {
        ROW.class
    }

    fn never_fails(&self) -> bool {
        true
    }

    fn to_data(&self, bytes: Option<&[u8]>) -> Result<SchemaAndValue, Error> {
        let Some(bytes) = bytes else { return Ok(SchemaAndValue::NULL) };
        Ok(literal::parse(&data::utf8(bytes)))
    }
}
