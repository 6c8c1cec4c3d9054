//! What is wrong with a set of settings: all of it at once, each entry naming its key.
//!
//! Messages never hold the value of a secret key.

use crate::brief::Brief;
use std::fmt;

/// One thing wrong with one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The key to change.
    pub key: String,
    /// The whole sentence; it names the key by itself.
    pub message: String,
}

impl ConfigError {
    /// The first of `errors` in one line, with how many there are and the key to correct.
    pub fn brief(errors: &[Self]) -> Brief {
        let Some(first) = errors.first() else { return Brief::default() };
        let brief = Brief::new(first.to_string()).mended_by(format!("correct {}", first.key));
        match errors.len() {
            1 => brief,
            count => brief.led_by(format!("{count} settings are wrong, the first")),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.message.contains(&self.key) {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.key, self.message)
        }
    }
}

/// Everything wrong with a set of settings, never empty. Trying again without a change cannot help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    /// These, of which there is at least one.
    pub fn new(errors: Vec<ConfigError>) -> Self {
        Self(errors)
    }

    /// The entries in the order they were found.
    pub fn entries(&self) -> &[ConfigError] {
        &self.0
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// Collects errors while settings are read.
#[derive(Debug, Default)]
pub struct Problems(pub Vec<ConfigError>);

impl Problems {
    /// Notes that `key` is wrong.
    pub fn add(&mut self, key: impl Into<String>, message: impl Into<String>) {
        self.0.push(ConfigError { key: key.into(), message: message.into() });
    }

    /// Notes a wrong value in Connect's words.
    pub fn invalid(&mut self, key: &str, value: &str, detail: &str) {
        self.add(key, format!("Invalid value {value} for configuration {key}: {detail}"));
    }
}
