//! What a transformation and a predicate give to the catalogue: names, keys, and how one is made.
//!
//! Types, defaults, checks and importance of the keys are those of Kafka 4.3; the documentation is ours.

use super::settings::{Side, StepSettings};
use super::{Predicate, Transformation};
use crate::configdef::ConfigError;
use crate::configdef::def::Check::Any;
use crate::configdef::def::Importance::Medium as Mid;
use crate::configdef::def::KeyType::{Boolean, String as Text};
use crate::configdef::def::RowDefault::{Is, Null};
use crate::configdef::def::{Check, Importance, KeyType, Row, RowDefault, Width};
use std::sync::Arc;

/// A transformation, or its two variants for keys and values.
#[derive(Debug)]
pub struct TransformationRow {
    /// Full class names, in order.
    pub classes: &'static [&'static str],
    /// Its own keys, in the order in which Kafka defines them.
    pub keys: &'static [Row],
    /// Makes it from values without errors; what is wrong beyond the table of keys is said in Connect's words.
    pub make: fn(StepSettings<'_>, Side) -> Result<Box<dyn Transformation>, ConfigError>,
}

/// A predicate.
#[derive(Debug)]
pub struct PredicateRow {
    /// The full class name.
    pub class: &'static str,
    /// Its own keys, in the order in which Kafka defines them.
    pub keys: &'static [Row],
    /// Makes it, as [`TransformationRow::make`] does.
    pub make: fn(StepSettings<'_>) -> Result<Arc<dyn Predicate>, ConfigError>,
}

/// A key: its name, type and default, check, importance and documentation.
pub const fn key(
    name: &'static str,
    (kind, default): (KeyType, RowDefault),
    check: Check,
    importance: Importance,
    documentation: &'static str,
) -> Row {
    Row(name, kind, default, check, importance, ("", -1), Width::None, name, documentation)
}

/// The key that many transformations have.
pub(super) const REPLACE_NULL: Row = key(
    "replace.null.with.default",
    (Boolean, Is("true")),
    Any,
    Mid,
    "Whether a null field that has a default is read as the default.",
);

/// The keys that each transformation has besides its own.
#[rustfmt::skip] // a table: one row is one key
pub const STEP_KEYS: &[Row] = &[
    key("negate", (Boolean, Is("false")), Any, Mid, "Whether the predicate is turned around: the transformation is used where it does not hold."),
    key("predicate", (Text, Null), Any, Mid, "The alias of the predicate that chooses the records; all records without one."),
];
