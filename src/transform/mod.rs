//! Transformations of single records and the predicates that choose records for them (`connect-runtime.md` §7): Kafka's
//! own, with its names, settings, results and messages.
//!
//! Everything here is pure: a record comes in, a record, none or an error comes out. Retries, tolerance and reports of
//! failures are the task's part. Each class is a file with a `ROW` of its names, its keys and how it is made; the catalogue
//! (`plugins`) lists the rows.

pub mod cast;
mod chain;
pub mod drop_headers;
pub mod extract_field;
mod field_path;
pub mod filter;
pub mod flatten;
mod foreign;
pub mod header_from;
pub mod hoist_field;
pub mod insert_field;
pub mod insert_header;
mod java_text;
pub mod mask_field;
mod operand;
mod plan;
pub mod predicates;
pub mod regex_router;
pub mod replace_field;
mod row;
pub mod set_schema_metadata;
mod settings;
mod specs;
#[cfg(test)]
mod testing;
pub mod timestamp_converter;
pub mod timestamp_router;
pub mod value_to_key;

pub use chain::{StepFailure, TransformationChain};
pub use foreign::hint;
pub use plan::{Plan, PredicateConfig, TransformationConfig};
pub use row::{PredicateRow, STEP_KEYS, TransformationRow, key};
pub use settings::{Side, StepSettings};

use crate::data::{Error, Record};
use std::fmt::Debug;

/// Changes records.
pub trait Transformation: Debug + Send + Sync {
    /// The record as it goes on; none when it is dropped.
    fn apply(&self, record: Record) -> Result<Option<Record>, Error>;
}

/// Chooses records.
pub trait Predicate: Debug + Send + Sync {
    /// True for a record that it chooses.
    fn test(&self, record: &Record) -> Result<bool, Error>;
}
