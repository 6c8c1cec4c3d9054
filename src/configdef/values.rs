//! Values that a table of keys has read, looked up by name.

use super::def::Checked;
use super::value::ConfigValue;
use super::{Properties, with_prefix};
use crate::secret::Secret;
use std::collections::BTreeMap;

/// Read values and the texts that they come from. A value with errors is not there.
#[derive(Debug, Clone, Copy)]
pub struct Values<'a> {
    checked: &'a [Checked],
    written: &'a Properties,
    /// Stands before the names that are asked for.
    prefix: &'a str,
    over: Option<&'a BTreeMap<&'static str, ConfigValue>>,
}

impl<'a> Values<'a> {
    /// `written` is all that stands in the settings, keys of no table too.
    pub fn new(checked: &'a [Checked], written: &'a Properties) -> Self {
        Self::at("", checked, written)
    }

    /// The same of a class whose keys stand behind `prefix`, and are asked for without it.
    pub fn at(prefix: &'a str, checked: &'a [Checked], written: &'a Properties) -> Self {
        Self { checked, written, prefix, over: None }
    }

    /// The same, with these values before those that were read.
    pub fn over<'b>(&self, over: &'b BTreeMap<&'static str, ConfigValue>) -> Values<'b>
    where
        'a: 'b,
    {
        Values { over: Some(over), ..*self }
    }

    /// The same of the class whose keys stand behind `prefix`.
    pub fn within<'b>(&self, prefix: &'b str) -> Values<'b>
    where
        'a: 'b,
    {
        Values { prefix, ..*self }
    }

    fn get(&self, key: &str) -> Option<&'a ConfigValue> {
        if let Some(value) = self.over.and_then(|over| over.get(key)) {
            return Some(value);
        }
        let is_it = |checked: &&Checked| checked.key.name.strip_prefix(self.prefix) == Some(key);
        self.checked
            .iter()
            .find(is_it)
            .filter(|checked| checked.errors.is_empty())
            .map(|checked| &checked.value)
    }

    /// A STRING or CLASS.
    pub fn text(&self, key: &str) -> Option<&'a str> {
        match self.get(key) {
            Some(ConfigValue::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A STRING that is not empty.
    pub fn filled(&self, key: &str) -> Option<&'a str> {
        self.text(key).filter(|text| !text.is_empty())
    }

    /// An INT, SHORT or LONG.
    pub fn number(&self, key: &str) -> Option<i64> {
        match self.get(key) {
            Some(ConfigValue::Number(number)) => Some(*number),
            _ => None,
        }
    }

    /// A number that is not negative.
    pub fn unsigned(&self, key: &str) -> Option<u64> {
        self.number(key).and_then(|number| u64::try_from(number).ok())
    }

    /// A BOOLEAN.
    pub fn flag(&self, key: &str) -> Option<bool> {
        match self.get(key) {
            Some(ConfigValue::Flag(flag)) => Some(*flag),
            _ => None,
        }
    }

    /// A LIST; empty when it is not set.
    pub fn list(&self, key: &str) -> &'a [String] {
        match self.get(key) {
            Some(ConfigValue::List(items)) => items,
            _ => &[],
        }
    }

    /// A PASSWORD that is not blank.
    pub fn secret(&self, key: &str) -> Option<Secret> {
        match self.get(key) {
            Some(ConfigValue::Password(secret)) if !secret.is_blank() => Some(secret.clone()),
            _ => None,
        }
    }

    /// True when the key stands in the settings, be it with its default's value.
    pub fn is_written(&self, key: &str) -> bool {
        self.written.contains_key(&self.full_key(key))
    }

    /// What stands below `prefix` in the settings, without it.
    pub fn below(&self, prefix: &str) -> Properties {
        with_prefix(self.written, &self.full_key(prefix))
    }

    /// A key as it stands in the settings.
    pub fn full_key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }
}
