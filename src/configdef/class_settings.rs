//! The settings of one class that a connector or a worker names: a transformation, a predicate, a converter.

use super::def::Checked;
use super::{Properties, Redacted, Values};
use std::fmt;

/// The settings of a class, read and checked by its table.
#[derive(Clone, Default)]
pub struct ClassSettings {
    prefix: String,
    checked: Vec<Checked>,
    written: Properties,
}

impl ClassSettings {
    /// What was read of the keys that start with `prefix`, and what stands behind it in `written`.
    pub fn new(prefix: String, checked: Vec<Checked>, written: &Properties) -> Self {
        let own = written.iter().filter(|(key, _)| key.starts_with(&prefix));
        let written = own.map(|(key, value)| (key.clone(), value.clone())).collect();
        Self { prefix, checked, written }
    }

    /// The values, by the names that the class gives them.
    pub fn values(&self) -> Values<'_> {
        Values::at(&self.prefix, &self.checked, &self.written)
    }
}

impl fmt::Debug for ClassSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClassSettings").field(&Redacted(&self.written)).finish()
    }
}
