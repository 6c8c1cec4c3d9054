//! Why a request cannot be carried out, in Connect's words. Which HTTP status that is, is `rest`'s business.

use crate::storage;
use std::sync::Arc;

/// A request that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The request itself is wrong.
    #[error("{0}")]
    BadRequest(String),
    /// What it is about does not exist.
    #[error("{0}")]
    NotFound(String),
    /// The worker's settings forbid it.
    #[error("{0}")]
    Forbidden(&'static str),
    /// What it would make exists.
    #[error("Connector {0} already exists")]
    AlreadyExists(Arc<str>),
    /// It was not carried out in time.
    #[error("{0}")]
    TimedOut(String),
    /// The config topic could not be written.
    #[error("{0}")]
    Storage(String),
    /// A connector's offsets could not be read or changed.
    #[error("{0}")]
    Offsets(String),
    /// What was asked to start cannot.
    #[error("{0}")]
    StartFailed(String),
    /// Another worker has to do it; its advertised URL.
    #[error("the worker at {0} has to do this")]
    Elsewhere(Arc<str>),
    /// Nobody leads the cluster for the moment.
    #[error(
        "Cannot complete request momentarily due to no known leader URL, likely because a rebalance was underway."
    )]
    NoLeader,
    /// This worker led a moment ago, and cannot say yet whether it still does.
    #[error(
        "Cannot complete request momentarily due to stale configuration (typically caused by a concurrent config change)"
    )]
    Stale,
    /// Somebody else has changed the connector's config meanwhile.
    #[error(
        "Cannot complete request momentarily due to stale configuration (typically caused by a concurrent config change)"
    )]
    Changed,
    /// The worker is going down.
    #[error("Worker is shutting down")]
    ShuttingDown,
}

impl Error {
    /// No such connector, for reads and DELETE.
    pub(super) fn connector_not_found(name: &str) -> Self {
        Self::NotFound(format!("Connector {name} not found"))
    }
}

impl From<&storage::Error> for Error {
    fn from(error: &storage::Error) -> Self {
        Self::Storage(error.to_string())
    }
}
