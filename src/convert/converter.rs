//! What a converter is, and why one cannot be made.

use crate::data::{self, Converted, SchemaAndValue};

/// A converter that cannot be made: one of its settings is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {reason}")]
pub struct Error {
    /// The setting.
    pub key: String,
    /// What is wrong.
    pub reason: String,
}

/// Turns the bytes of a key or a value into a value; none is Kafka's null.
pub trait Converter: Send + Sync {
    /// The full name of its Java class, which a dead letter tells.
    fn class(&self) -> &'static str;

    /// True when every record converts.
    fn never_fails(&self) -> bool {
        false
    }

    /// Converts for whoever looks inside: transformations.
    fn to_data(&self, bytes: Option<&[u8]>) -> Result<SchemaAndValue, data::Error>;

    /// Converts for a sink that writes it down; the same as [`Self::to_data`], by a shorter way where there is one.
    fn convert<'a>(&self, bytes: Option<&'a [u8]>) -> Result<Converted<'a>, data::Error> {
        self.to_data(bytes).map(Converted::from)
    }
}
