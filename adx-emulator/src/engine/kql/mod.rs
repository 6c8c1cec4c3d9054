//! Queries.

use super::answer::{Answer, Table};
use super::error::KustoError;
use super::store::Store;

/// Runs a query.
pub fn query(_store: &Store, _database: &str, text: &str, _check_only: bool) -> Result<Answer, KustoError> {
    Err(KustoError::unsupported(text))
}

/// Runs the operators of `pipeline` over a command's result.
pub fn query_over(
    _store: &Store,
    _database: &str,
    _table: &Table,
    pipeline: &str,
) -> Result<Answer, KustoError> {
    Err(KustoError::unsupported(pipeline))
}
