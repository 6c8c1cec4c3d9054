//! What is wrong with a set of settings: all of it at once, each entry naming its key.
//!
//! Messages never hold the value of a secret key.

use std::fmt;

/// One thing wrong with one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The key to change.
    pub key: String,
    /// The whole sentence; it names the key by itself.
    pub message: String,
}

/// Everything wrong with a set of settings, never empty. Trying again without a change cannot help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    /// The list as an error, or nothing when it is empty.
    pub fn from_list(errors: Vec<ConfigError>) -> Option<Self> {
        (!errors.is_empty()).then_some(Self(errors))
    }

    /// The entries in the order they were found.
    pub fn entries(&self) -> &[ConfigError] {
        &self.0
    }

    /// Always false: the settings must change first.
    pub fn is_retriable(&self) -> bool {
        false
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            if error.message.contains(&error.key) {
                f.write_str(&error.message)?;
            } else {
                write!(f, "{}: {}", error.key, error.message)?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// The answer of a reader that is not built yet; goes with the first real one.
pub(super) fn under_construction() -> ConfigErrors {
    ConfigErrors(vec![ConfigError {
        key: "config".to_owned(),
        message: "config: the reader is not built yet".to_owned(),
    }])
}
