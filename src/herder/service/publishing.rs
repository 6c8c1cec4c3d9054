//! The view that readers get, made anew after each turn of the loop.

use super::state::Service;
use crate::herder::view::{Phase, View};
use std::sync::Arc;

impl Service {
    /// Shows what is now so.
    pub(super) fn publish(&mut self, phase: Phase) {
        let (statuses, topics) = self.statuses.show(self.topic.state());
        self.publishers.view.send_modify(|view| {
            *view = Arc::new(View {
                plugins: view.plugins,
                phase,
                configs: self.topic.state().clone(),
                statuses,
                topics,
                cluster_id: view.cluster_id.clone(),
                trouble: self.trouble(),
                cluster: Some(self.cluster.place()),
            });
        });
    }
}
