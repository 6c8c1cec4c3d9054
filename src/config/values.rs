//! Values that the table of keys has read, looked up by name.

use super::Properties;
use super::check::{Checked, Value};
use super::validate::with_prefix;
use crate::secret::Secret;
use std::collections::BTreeMap;

/// Read values and the texts that they come from. A value with errors is not there.
#[derive(Clone, Copy)]
pub(super) struct Values<'a> {
    checked: &'a [Checked],
    written: &'a Properties,
    over: Option<&'a BTreeMap<&'static str, Value>>,
}

impl<'a> Values<'a> {
    /// `written` is all that stands in the settings, keys of no table too.
    pub(super) fn new(checked: &'a [Checked], written: &'a Properties) -> Self {
        Self { checked, written, over: None }
    }

    /// The same, with these values before those that were read.
    pub(super) fn over<'b>(&self, over: &'b BTreeMap<&'static str, Value>) -> Values<'b>
    where
        'a: 'b,
    {
        Values { checked: self.checked, written: self.written, over: Some(over) }
    }

    fn get(&self, key: &str) -> Option<&'a Value> {
        if let Some(value) = self.over.and_then(|over| over.get(key)) {
            return Some(value);
        }
        self.checked.iter().find(|c| c.key.name == key && c.errors.is_empty()).map(|c| &c.value)
    }

    /// A STRING or CLASS.
    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        match self.get(key) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A STRING that is not empty.
    pub(super) fn filled(&self, key: &str) -> Option<&'a str> {
        self.text(key).filter(|text| !text.is_empty())
    }

    /// An INT, SHORT or LONG.
    pub(super) fn number(&self, key: &str) -> Option<i64> {
        match self.get(key) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }

    /// A number that is not negative.
    pub(super) fn unsigned(&self, key: &str) -> Option<u64> {
        self.number(key).and_then(|number| u64::try_from(number).ok())
    }

    /// A BOOLEAN.
    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        match self.get(key) {
            Some(Value::Flag(flag)) => Some(*flag),
            _ => None,
        }
    }

    /// A LIST.
    pub(super) fn list(&self, key: &str) -> &'a [String] {
        match self.get(key) {
            Some(Value::List(items)) => items,
            _ => &[],
        }
    }

    /// A PASSWORD that is not blank.
    pub(super) fn secret(&self, key: &str) -> Option<Secret> {
        match self.get(key) {
            Some(Value::Password(secret)) if !secret.is_blank() => Some(secret.clone()),
            _ => None,
        }
    }

    /// True when the key stands in the settings, be it with its default's value.
    pub(super) fn is_written(&self, key: &str) -> bool {
        self.written.contains_key(key)
    }

    /// What stands below `prefix` in the settings, without it.
    pub(super) fn below(&self, prefix: &str) -> Properties {
        with_prefix(self.written, prefix)
    }
}
