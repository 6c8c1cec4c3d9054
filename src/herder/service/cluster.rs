//! The cluster and this worker's part in it: a new view, a new assignment, and who leads.

use super::Service;
use crate::membership::{State, assign_view};
use crate::storage::{self, Change};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Service {
    /// True when this worker writes what only one may.
    pub(super) fn leads(&self) -> bool {
        self.view.leader == *self.membership.url()
    }

    /// There is another view.
    pub(super) async fn cluster_changed(&mut self) -> Result<(), storage::Error> {
        let State::In(view) = self.membership.state() else { return Ok(()) };
        if view == self.view {
            return Ok(());
        }
        let led = self.leads();
        self.view = view;
        if self.leads() && !led {
            tracing::info!(generation = self.view.generation, "this worker leads the cluster now");
            // What the last leader wrote counts before anything of ours does.
            match self.topic.refresh().await {
                Ok(changes) => self.take_changes(changes),
                Err(error) if error.is_retriable() => {
                    tracing::warn!(%error, "the config topic could not be read to its end");
                }
                Err(error) => return Err(error),
            }
            // Tasks that the last leader did not come to write, states that it did not come to forget.
            self.dirty.extend(self.topic.state().connectors().cloned());
            self.forget_leftovers();
        }
        self.assign_anew();
        // Back from an absence: what still runs here and is ours in this view is no longer what others said meanwhile.
        let names: Vec<Arc<str>> = self.topic.state().connectors().cloned().collect();
        for name in names {
            self.insist(&name, |_| true);
        }
        Ok(())
    }

    /// Computes who runs what, and marks the connectors of which this worker's share is another one now.
    pub(super) fn assign_anew(&mut self) {
        let state = self.topic.state();
        let connectors: BTreeMap<Arc<str>, u32> =
            state.connectors().map(|name| (name.clone(), state.task_count(name))).collect();
        let assignment = assign_view(&self.view, &connectors);
        let url = self.membership.url();
        let is_changed = |name: &&Arc<str>| assignment.share(url, name) != self.assignment.share(url, name);
        self.dirty.extend(connectors.keys().filter(is_changed).cloned());
        self.assignment = Arc::new(assignment);
    }
}

/// True for changes that change what there is to run.
pub(super) fn is_about_work(change: &Change) -> bool {
    matches!(change, Change::Connector(_) | Change::Tasks(_))
}
