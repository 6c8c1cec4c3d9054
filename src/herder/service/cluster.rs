//! The cluster and this worker's part in it: a new view, and what it asks of this worker.

use super::state::Service;
use crate::membership::State;
use crate::storage;
use std::collections::BTreeSet;
use std::sync::Arc;

impl Service {
    /// There is another view.
    pub(super) async fn cluster_changed(&mut self) -> Result<(), storage::Error> {
        let State::In { view, trouble } = self.membership.state() else { return Ok(()) };
        self.cluster_trouble = trouble;
        if view == self.view {
            return Ok(());
        }
        let led = self.leads();
        let gone: BTreeSet<Arc<str>> = self.view.members.difference(&view.members).cloned().collect();
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
        let before = self.assignment.clone();
        self.assign_anew();
        self.look_for_the_dead_of(&gone, &before);
        // Back from an absence: what still runs here and is ours in this view is no longer what others said meanwhile.
        let names: Vec<Arc<str>> = self.topic.state().connectors().cloned().collect();
        for name in names {
            self.reassert(&name, |_| true);
        }
        Ok(())
    }
}
