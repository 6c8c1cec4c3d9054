//! What the connections of REST have in common: how much they may take, and when they end.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Large request bodies are counted in blocks of this size; the first block of each is free.
pub(super) const BODY_BLOCK: usize = 64 * 1024;

/// What connections may take.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    /// Connections at a time.
    pub(super) places: usize,
    /// Further ones, which are only asked about health.
    pub(super) kept: usize,
    /// The time for the head of a request, and between two requests. Jetty's.
    pub(super) head: Duration,
    /// The time for the body of a request.
    pub(super) body: Duration,
    /// How long a client may take nothing of an answer.
    pub(super) answer: Duration,
    /// Blocks of large bodies at a time, all connections together.
    pub(super) body_blocks: usize,
}

impl Limits {
    /// For this process: a quarter of the descriptors that it may have, so that connectors can have the others.
    pub(super) fn of_process() -> Self {
        let descriptors = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let quarter = usize::try_from(descriptors.unwrap_or(u64::MAX) / 4).unwrap_or(usize::MAX);
        Self {
            places: quarter.clamp(16, 512),
            kept: 8,
            head: Duration::from_secs(30),
            body: Duration::from_secs(30),
            answer: Duration::from_secs(30),
            body_blocks: 16 * 1024 * 1024 / BODY_BLOCK,
        }
    }
}

/// What all connections share.
pub(super) struct Common {
    pub(super) limits: Limits,
    /// Blocks that large bodies may still take.
    pub(super) blocks: Arc<Semaphore>,
    /// Cancelled when the worker ends.
    pub(super) stop: CancellationToken,
}
