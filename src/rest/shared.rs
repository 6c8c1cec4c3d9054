//! What all handlers work with, and what holds for all requests.

use super::signed::Workers;
use crate::herder::Herder;
use crate::metrics::{Metrics, Page};
use crate::telemetry::Loggers;
use std::sync::Arc;

/// A config of this size would not fit into a Kafka record by far (`message.max.bytes` is 1 MB by default).
pub(super) const MAX_BODY: usize = 2 * 1024 * 1024;

/// The worker's numbers, and how they are shown.
#[derive(Clone)]
pub struct MetricsPage {
    /// What is counted.
    pub metrics: Metrics,
    /// The names under which that is shown.
    pub page: Arc<Page>,
}

/// What handlers work with.
#[derive(Clone)]
pub struct Rest {
    /// Whom to ask.
    pub herder: Herder,
    /// `host:port` of this worker, for `Location` when a client names no host.
    pub advertised: Arc<str>,
    /// The levels of loggers.
    pub loggers: Loggers,
    /// What the worker counts.
    pub metrics: MetricsPage,
    /// The client for requests that another worker has to carry out.
    pub forwarder: reqwest::Client,
    /// How workers know each other's requests.
    pub workers: Arc<Workers>,
}
