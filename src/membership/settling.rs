//! How long the group takes to settle, and what the membership's client tells of its connections, for metrics.
//!
//! The loop of the membership owns it, and says when the group begins to settle and when its worker knows who the cluster is.

use crate::metrics::{ClientCounts, ClientReading, ClientRole, Metrics};
use tokio::time::Instant;

/// The membership's numbers.
pub(super) struct Settling {
    metrics: Metrics,
    client: ClientCounts,
    since: Option<Instant>,
}

impl Settling {
    /// A worker begins to join.
    pub(super) fn begin(metrics: &Metrics) -> Self {
        let client = metrics.client(ClientRole::Worker, "");
        Self { metrics: metrics.clone(), client, since: Some(Instant::now()) }
    }

    /// The group is being settled anew.
    pub(super) fn again(&mut self) {
        self.since.get_or_insert_with(Instant::now);
    }

    /// The worker knows who the cluster is.
    pub(super) fn is_over(&mut self) {
        if let Some(since) = self.since.take() {
            self.metrics.rebalance_took(since.elapsed());
        }
    }

    /// The client told this.
    pub(super) fn client_told(&self, reading: ClientReading) {
        self.client.take(reading);
    }
}

#[cfg(test)]
mod tests {
    use super::Settling;
    use crate::metrics::Metrics;
    use std::time::Duration;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn a_rebalance_lasts_from_the_first_sign_to_the_known_cluster() {
        let metrics = Metrics::default();
        let mut settling = Settling::begin(&metrics);
        assert!(metrics.read().worker.rebalance.0.is_nan());
        advance(Duration::from_millis(30)).await;
        settling.is_over();
        settling.is_over();
        settling.again();
        advance(Duration::from_millis(5)).await;
        settling.again();
        advance(Duration::from_millis(5)).await;
        settling.is_over();
        let (most, average) = metrics.read().worker.rebalance;
        assert!((most - 30.0).abs() < 1e-9 && (average - 20.0).abs() < 1e-9, "{most} {average}");
    }
}
