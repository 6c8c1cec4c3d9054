//! What the membership's loop starts with, and what it can be asked.

use super::state::Leadership;
use crate::cluster_key::ClusterKeys;
use crate::config::WorkerConfig;
use crate::metrics::Metrics;
use std::sync::Arc;
use tokio::sync::{oneshot, watch};

#[derive(Debug)]
pub(super) enum Request {
    Confirm(oneshot::Sender<Leadership>),
    Leave(oneshot::Sender<()>),
}

/// What a worker joins with.
pub(super) struct Joining {
    pub(super) config: Arc<WorkerConfig>,
    pub(super) url: Arc<str>,
    pub(super) keys: watch::Receiver<Arc<ClusterKeys>>,
    pub(super) metrics: Metrics,
}
