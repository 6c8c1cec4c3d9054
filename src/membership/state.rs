//! What a worker knows of its cluster.

use super::view::ClusterView;
use std::sync::Arc;

/// What a worker knows of its cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberState {
    /// Not in it yet: why, in words for `/health`.
    Joining(String),
    /// In it.
    In {
        /// Who is there.
        view: Arc<ClusterView>,
        /// What is wrong with the group for the moment, in words for `/health`.
        trouble: Option<Arc<str>>,
    },
}

/// Does this worker lead?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leadership {
    /// Yes, and Kafka says so now.
    Confirmed,
    /// Another worker does, or nobody for the moment.
    Lost,
}
