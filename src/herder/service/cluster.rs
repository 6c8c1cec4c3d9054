//! The cluster and this worker's part in it: a new view, a new assignment, and who leads.

use super::Service;
use crate::membership::{State, assign_view};
use crate::storage::{self, Change};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

impl Service {
    /// True when this worker writes what only one may.
    pub(super) fn leads(&self) -> bool {
        self.view.leader == *self.membership.url()
    }

    /// What is wrong with the cluster, for `/health`.
    pub(super) fn trouble(&self) -> Option<Arc<str>> {
        match (self.storage.trouble(), &self.cluster_trouble) {
            (Some(storage), Some(cluster)) => Some(format!("{storage} {cluster}").into()),
            (one, other) => one.or(other.as_ref()).cloned(),
        }
    }

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
