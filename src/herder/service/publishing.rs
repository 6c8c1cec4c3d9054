//! The view that readers get, made anew after each turn of the loop.

use super::state::Service;
use crate::herder::view::{Phase, Place, View};
use std::sync::Arc;

impl Service {
    pub(super) fn publish(&mut self, phase: Phase) {
        for name in std::mem::take(&mut self.touched) {
            match self.shown_status(&name) {
                Some(status) => drop(self.statuses.insert(name, Arc::new(status))),
                None => drop(self.statuses.remove(&name)),
            }
        }
        let topics = self.shown_topics();
        self.publishers.view.send_modify(|view| {
            *view = Arc::new(View {
                plugins: view.plugins,
                phase,
                configs: self.topic.state().clone(),
                statuses: self.statuses.clone(),
                topics,
                cluster_id: view.cluster_id.clone(),
                trouble: self.trouble(),
                cluster: Some(Place {
                    url: self.membership.url().clone(),
                    view: self.view.clone(),
                    assignment: self.assignment.clone(),
                    leadership: self.membership.leadership(),
                }),
            });
        });
    }
}
