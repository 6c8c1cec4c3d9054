//! Converters for unit tests, by their rows.

use super::{Converter, ConverterRow, Made, RegisteredConverter};
use crate::configdef::{ClassSettings, Properties};
use crate::plugins::BUILT_IN;
use std::sync::Arc;

/// What `<side>.converter` of this class reads of these settings; the address of a registry is put in.
pub(crate) fn settings(row: &ConverterRow, side: &str, settings: &[(&str, &str)]) -> ClassSettings {
    let mut all: Properties =
        settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    for key in row.config_keys().filter(|key| key.name.ends_with("registry.url")) {
        all.entry(key.name.to_string()).or_insert_with(|| "http://127.0.0.1:1".to_owned());
    }
    BUILT_IN.converter(side, row.class, &all).unwrap().settings
}

/// A converter of values that needs no registry.
pub(crate) fn plain(row: &ConverterRow, of: &[(&str, &str)]) -> Arc<dyn Converter> {
    match (row.make)(&settings(row, "value", of).values()).unwrap() {
        Made::Plain(converter) => converter,
        Made::Registered(converter) => panic!("{converter:?}"),
    }
}

/// A converter that needs one.
pub(crate) fn registered(row: &ConverterRow, side: &str, of: &[(&str, &str)]) -> RegisteredConverter {
    match (row.make)(&settings(row, side, of).values()).unwrap() {
        Made::Registered(converter) => converter,
        Made::Plain(converter) => panic!("{}", converter.class()),
    }
}
