//! What somebody wants looked at before a connector runs.

use super::Topics;
use std::sync::Arc;

/// The question to a sink: what does it need of its service?
#[derive(Debug, Clone, Copy)]
pub struct Examination<'a> {
    /// The connector's name.
    pub connector: &'a Arc<str>,
    /// What it reads.
    pub topics: &'a Topics,
    /// Where one row is to be written, in the sink's own words (`database.table`); none when nothing is to be written.
    pub row_into: Option<&'a str>,
}
