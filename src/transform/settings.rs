//! The settings of one transformation or predicate, as the table of keys has read them.

use crate::config::{ConfigError, transforms::Class};
use crate::data::java_regex::JavaRegex;

/// Settings without errors, looked up by the names that the class gives them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings<'a>(pub(super) &'a Class);

impl<'a> Settings<'a> {
    /// A text that is set or has a default.
    pub(super) fn text(self, key: &str) -> Option<&'a str> {
        self.0.text(key)
    }

    pub(super) fn list(self, key: &str) -> &'a [String] {
        self.0.list(key)
    }

    pub(super) fn int(self, key: &str) -> Option<i32> {
        self.0.number(key).and_then(|number| i32::try_from(number).ok())
    }

    /// Whether a null field that has a default reads as the default.
    pub(super) fn replace_null(self) -> bool {
        self.0.flag("replace.null.with.default").unwrap_or(true)
    }

    pub(super) fn regex(self, key: &str) -> Result<JavaRegex, ConfigError> {
        let pattern = self.text(key).unwrap_or_default();
        JavaRegex::new(pattern)
            .map_err(|detail| self.invalid(key, pattern, &format!("Invalid regex: {detail}")))
    }

    /// An error on one of the keys, in these words.
    pub(super) fn error(self, key: &str, message: String) -> ConfigError {
        ConfigError { key: self.0.full_key(key), message }
    }

    /// An error on one of the keys, in Connect's words for a wrong value.
    pub(super) fn invalid(self, key: &str, value: &str, detail: &str) -> ConfigError {
        let key = self.0.full_key(key);
        let message = format!("Invalid value {value} for configuration {key}: {detail}");
        ConfigError { key, message }
    }
}
