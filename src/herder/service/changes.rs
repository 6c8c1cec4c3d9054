//! What was read in the config topic, and what it changes: who runs what, which connectors the plan looks at.

use super::state::Service;
use crate::herder::Error;
use crate::membership::assign_view;
use crate::storage::{self, Change};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Service {
    pub(super) fn take_changes(&mut self, changes: Vec<Change>) {
        if changes.iter().any(is_about_work) {
            self.assign_anew();
        }
        for change in changes {
            match change {
                Change::Connector(name) => {
                    if self.topic.state().contains(&name) {
                        self.deleted.remove(&name);
                    } else {
                        self.forget(&name);
                    }
                    // Its state may have been read before it.
                    self.touched.insert(name.clone());
                    self.dirty.insert(name);
                }
                Change::Tasks(name) => {
                    self.forget_tasks_beyond(&name);
                    self.dirty.insert(name);
                }
                Change::TargetState(name) => drop(self.dirty.insert(name)),
                Change::Restart(request) => self.restart(&request),
                Change::LoggerLevel { logger, level } => self.logger_levels.push((logger, level)),
                Change::Keys => {
                    tracing::info!("the cluster has another key");
                    self.publishers.keys.send_replace(Arc::new(self.topic.state().keys().clone()));
                }
            }
        }
    }

    /// Takes what a write changed; an error is logged with its cause, which the answer does not show.
    pub(super) fn written(&mut self, changes: Result<Vec<Change>, storage::Error>) -> Result<(), Error> {
        match changes {
            Ok(changes) => {
                self.take_changes(changes);
                Ok(())
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(%error, cause, "a request failed");
                // Part of it may have been written and read back.
                self.dirty.extend(self.topic.state().connectors().cloned());
                Err(Error::from(&error))
            }
        }
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
fn is_about_work(change: &Change) -> bool {
    matches!(change, Change::Connector(_) | Change::Tasks(_))
}
