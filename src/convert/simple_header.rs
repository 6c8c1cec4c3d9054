//! `SimpleHeaderConverter`: the text of a header as the literal it looks like (`connect-runtime.md` §6.3).

use super::converter::Converter;
use crate::data::{self, Error, SchemaAndValue, literal};

/// Guesses the type of a text.
#[derive(Debug)]
pub struct SimpleHeaderConverter;

impl Converter for SimpleHeaderConverter {
    fn class(&self) -> &'static str {
        "org.apache.kafka.connect.storage.SimpleHeaderConverter"
    }

    fn never_fails(&self) -> bool {
        true
    }

    fn to_data(&self, bytes: Option<&[u8]>) -> Result<SchemaAndValue, Error> {
        let Some(bytes) = bytes else { return Ok(SchemaAndValue::NULL) };
        Ok(literal::parse(&data::utf8(bytes)))
    }
}
