//! Transformations of single records and the predicates that choose records for them (`connect-runtime.md` §7): Kafka's
//! own, with its names, settings, results and messages.
//!
//! Everything here is pure: a record comes in, a record, none or an error comes out. Retries, tolerance and reports of
//! failures are the task's part; the tables of settings are `config`'s.

mod cast;
mod chain;
mod drop_headers;
mod extract_field;
mod field_path;
mod filter;
mod flatten;
mod header_from;
mod hoist_field;
mod insert_field;
mod insert_header;
mod java_text;
mod mask_field;
mod operand;
mod predicates;
mod regex_router;
mod replace_field;
mod set_schema_metadata;
mod settings;
#[cfg(test)]
mod testing;
mod timestamp_converter;
mod timestamp_router;
mod value_to_key;

pub use chain::{Failure, TransformationChain};

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
