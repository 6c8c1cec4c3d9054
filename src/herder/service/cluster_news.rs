//! The cluster has another view: what that asks of this worker.

use super::state::Service;
use crate::storage;
use std::sync::Arc;

impl Service {
    /// The membership has another state.
    pub(super) async fn cluster_changed(&mut self) -> Result<(), storage::Error> {
        let Some(view) = self.cluster.take_view() else { return Ok(()) };
        self.options.metrics.rebalanced();
        if view.leads_anew {
            tracing::info!(generation = self.cluster.generation(), "this worker leads the cluster now");
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
            self.statuses.forget_leftovers(self.topic.state());
        }
        let before = self.cluster.assignment().clone();
        self.assign();
        self.look_for_the_dead_of(&view.gone, &before);
        // Back from an absence: what still runs here and is ours in this view is no longer what others said meanwhile.
        let names: Vec<Arc<str>> = self.topic.state().connectors().cloned().collect();
        for name in names {
            self.reassert(&name, |_| true);
        }
        Ok(())
    }
}
