//! The settings of one transformation or predicate, as the table of keys has read them.

use crate::configdef::{ConfigError, Values};
use crate::data::java_regex::JavaRegex;

/// Which part of a record a class is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The key.
    Key,
    /// The value.
    Value,
}

/// Settings without errors, looked up by the names that the class gives them.
#[derive(Debug, Clone, Copy)]
pub struct StepSettings<'a>(pub Values<'a>);

impl<'a> StepSettings<'a> {
    /// A text that is set or has a default.
    pub fn text(self, key: &str) -> Option<&'a str> {
        self.0.text(key)
    }

    /// A list; empty when it is not set.
    pub fn list(self, key: &str) -> &'a [String] {
        self.0.list(key)
    }

    /// A number of 32 bits.
    pub fn int(self, key: &str) -> Option<i32> {
        self.0.number(key).and_then(|number| i32::try_from(number).ok())
    }

    /// Whether a null field that has a default reads as the default.
    pub fn replace_null(self) -> bool {
        self.0.flag("replace.null.with.default").unwrap_or(true)
    }

    /// A regular expression.
    pub fn regex(self, key: &str) -> Result<JavaRegex, ConfigError> {
        let pattern = self.text(key).unwrap_or_default();
        JavaRegex::new(pattern)
            .map_err(|detail| self.invalid(key, pattern, &format!("Invalid regex: {detail}")))
    }

    /// An error on one of the keys, in these words.
    pub fn error(self, key: &str, message: String) -> ConfigError {
        ConfigError { key: self.0.full_key(key), message }
    }

    /// An error on one of the keys, in Connect's words for a wrong value.
    pub fn invalid(self, key: &str, value: &str, detail: &str) -> ConfigError {
        let key = self.0.full_key(key);
        let message = format!("Invalid value {value} for configuration {key}: {detail}");
        ConfigError { key, message }
    }
}
