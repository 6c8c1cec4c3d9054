//! Stands in for the config floor's types until they are there.

/// How records are written inside a blob (`kusto-protocol.md` §6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataFormat {
    /// Comma-separated.
    Csv,
    /// Objects back to back.
    MultiJson,
}
