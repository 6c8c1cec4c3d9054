//! What was read in the config topic, and what it changes: who runs what, which connectors the plan looks at.

use super::state::Service;
use crate::herder::Error;
use crate::storage::{self, Change, StatusId};
use std::sync::Arc;
use tokio::time::Instant;

impl Service {
    pub(super) fn take_changes(&mut self, changes: Vec<Change>) {
        if changes.iter().any(is_about_work) {
            self.assign();
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
                    self.statuses.touch(name.clone());
                    self.dirty.insert(name);
                }
                Change::Tasks(name) => {
                    if self.cluster.leads() {
                        self.statuses.forget_tasks_beyond(&name, self.topic.state().task_count(&name));
                    }
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

    /// A deleted connector has no states, and what its drain still reports is of no interest.
    fn forget(&mut self, name: &Arc<str>) {
        if let Some(managed) = self.managed.get_mut(name) {
            managed.deleted = true;
        }
        self.healing.forget(name);
        self.deleted.add(name.clone(), Instant::now());
        self.statuses.forget_reports(name);
        if self.cluster.leads() {
            self.statuses.forget(&StatusId::Connector(name.clone()));
        }
    }
}

/// True for changes that change what there is to run.
fn is_about_work(change: &Change) -> bool {
    matches!(change, Change::Connector(_) | Change::Tasks(_))
}
