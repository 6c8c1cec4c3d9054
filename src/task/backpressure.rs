//! Back-pressure: a partition whose records cannot be processed for a while is paused in Kafka, because fetching more of
//! them would only fill memory.
//!
//! It owns what Kafka was asked for. Pure: time comes from outside, and the connector's loop pauses and resumes.

use std::time::Duration;
use tokio::time::Instant;

/// How long records may wait before Kafka is asked to stop sending.
pub(super) const BLOCKED_AFTER: Duration = Duration::from_secs(1);

/// Of one partition.
#[derive(Debug, Clone, Copy, Default)]
pub(super) enum Backpressure {
    #[default]
    Open,
    BlockedSince(Instant),
    /// Kafka was asked to stop sending.
    Reported,
}

impl Backpressure {
    /// When Kafka is to be asked to stop; none while records are processed, or when it was asked already.
    pub(super) fn due(&mut self, is_blocked: bool) -> Option<Instant> {
        match (is_blocked, *self) {
            (true, Self::Open) => {
                let now = Instant::now();
                *self = Self::BlockedSince(now);
                Some(now + BLOCKED_AFTER)
            }
            (true, Self::BlockedSince(since)) => Some(since + BLOCKED_AFTER),
            (false, Self::BlockedSince(_)) => {
                *self = Self::Open;
                None
            }
            (_, Self::Reported) | (false, Self::Open) => None,
        }
    }

    /// Kafka is asked to stop sending.
    pub(super) fn reported(&mut self) {
        *self = Self::Reported;
    }

    /// Records are processed again; true when Kafka is to be asked to send again.
    pub(super) fn release(&mut self) -> bool {
        matches!(std::mem::take(self), Self::Reported)
    }
}
