//! What a converter gives to the catalogue: its name, its keys, and how one is made.

use super::converter::{Converter, Error};
use super::registered::RegisteredConverter;
use crate::configdef::Values;
use crate::configdef::def::{Check, ConfigKey, Importance, KeyType, Row, RowDefault, Width};
use crate::registry;
use std::sync::Arc;

/// What a converter may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// Keys and values.
    Values,
    /// Headers.
    Headers,
    /// Keys, values and headers.
    All,
}

impl Reads {
    /// True when it reads keys and values.
    pub fn values(self) -> bool {
        self != Self::Headers
    }

    /// True when it reads headers.
    pub fn headers(self) -> bool {
        self != Self::Values
    }
}

/// A converter that was made.
pub enum Made {
    /// It needs nothing but the bytes.
    Plain(Arc<dyn Converter>),
    /// It needs schemas of a registry.
    Registered(RegisteredConverter),
}

/// A converter class.
#[derive(Debug)]
pub struct ConverterRow {
    /// The full class name.
    pub class: &'static str,
    /// False for a class whose simple name means another one.
    pub has_alias: bool,
    /// What it may be used for.
    pub reads: Reads,
    /// Its own keys, table by table, in its order.
    pub keys: &'static [&'static [Row]],
    /// The registry that it needs; its keys are among `keys`.
    pub registry: Option<registry::RegistryKind>,
    /// Makes it from values without errors.
    pub make: fn(&Values<'_>) -> Result<Made, Error>,
}

/// What each converter is told by the worker, but for the one that says nothing of its use.
const TYPE: Row = Row(
    "converter.type",
    KeyType::String,
    RowDefault::Required,
    Check::OneOf(&["key", "value", "header"]),
    Importance::Low,
    ("", -1),
    Width::None,
    "converter.type",
    "What the converter is used for; set by the worker.",
);

impl ConverterRow {
    /// All of its keys, without prefix.
    pub fn config_keys(&self) -> impl Iterator<Item = ConfigKey> {
        let kind = (self.reads != Reads::Headers).then_some(&TYPE);
        kind.into_iter().chain(self.keys.iter().copied().flatten()).map(ConfigKey::from)
    }
}
