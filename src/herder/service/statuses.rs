//! States: they are written, what other workers write is shown, what nobody has any more is forgotten.

use super::state::Service;
use crate::herder::classes;
use crate::herder::view::{ConnectorStatus, TaskState, kind};
use crate::id::ConnectorTaskId;
use crate::status::State;
use crate::storage::{Status, StatusId};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long the last states may take on their way to Kafka when the worker ends.
const LAST_STATES: Duration = Duration::from_secs(5);

impl Service {
    /// A connector's states as readers see them; none before its first one.
    pub(super) fn shown_status(&self, name: &Arc<str>) -> Option<ConnectorStatus> {
        let config = self.topic.state().config(name)?;
        let connector = self.status.connector(name)?.into();
        let tasks =
            self.status.tasks(name).into_iter().map(|(id, status)| TaskState { id, state: status.into() });
        Some(ConnectorStatus {
            name: name.clone(),
            connector,
            tasks: tasks.collect(),
            kind: kind(self.options.plugins, config),
        })
    }

    /// A deleted connector has no states, and what its drain still reports is of no interest.
    pub(super) fn forget(&mut self, name: &Arc<str>) {
        if let Some(managed) = self.managed.get_mut(name) {
            managed.deleted = true;
        }
        self.healing.forget(name);
        self.deleted.add(name.clone(), Instant::now());
        self.reported.retain(|id, _| id.connector() != name);
        if self.leads() {
            self.forget_status(&StatusId::Connector(name.clone()));
        }
    }

    pub(super) fn forget_tasks_beyond(&mut self, name: &Arc<str>) {
        if !self.leads() {
            return;
        }
        let count = self.topic.state().task_count(name);
        let gone: Vec<u32> =
            self.status.tasks(name).iter().map(|(task, _)| *task).filter(|task| *task >= count).collect();
        for task in gone {
            self.forget_status(&StatusId::Task(ConnectorTaskId { connector: name.clone(), task }));
        }
    }

    /// Forgets states and topics of connectors and tasks that are in no config: left over from a worker that died, or
    /// from another cluster's time.
    pub(super) fn forget_leftovers(&mut self) {
        let configs = self.topic.state();
        let gone = |id: &StatusId| match id {
            StatusId::Connector(name) => !configs.contains(name),
            StatusId::Task(id) => id.task >= configs.task_count(&id.connector),
        };
        let mut leftovers: Vec<StatusId> = self.status.ids().into_iter().filter(gone).collect();
        let nameless = self.status.names().into_iter().filter(|name| !configs.contains(name));
        leftovers.extend(nameless.map(StatusId::Connector));
        for id in leftovers {
            self.forget_status(&id);
        }
    }

    /// Other workers have written states of these connectors.
    pub(super) fn take_status_changes(&mut self, names: Vec<Arc<str>>) {
        // A wave of states is mostly about the tasks of a few connectors, and each look goes over all tasks of one.
        let names: BTreeSet<Arc<str>> = names.into_iter().collect();
        for name in &names {
            self.reassert(name, |state| state == State::Unassigned);
            if self.deleted.contains(name, Instant::now()) && self.leads() {
                // A late word of a worker that has not read yet that the connector is gone.
                self.forget_status(&StatusId::Connector(name.clone()));
            }
        }
        self.touched.extend(names);
        self.topics = None;
    }

    /// A worker that ran a part of our share while this one was away (frozen, cut off) says at last that it lets it go:
    /// what runs here counts.
    pub(super) fn reassert(&mut self, name: &Arc<str>, yields: impl Fn(State) -> bool) {
        let share = self.share(name);
        let task = |task| StatusId::Task(ConnectorTaskId { connector: name.clone(), task });
        let instance = share.instance.then(|| StatusId::Connector(name.clone()));
        let parts: Vec<StatusId> = instance.into_iter().chain(share.tasks.into_iter().map(task)).collect();
        for id in parts {
            let let_go = self
                .status
                .state(&id)
                .is_some_and(|status| yields(status.state) && status.worker_id != self.options.worker_id);
            if let_go && let Some((state, trace)) = self.reported.get(&id).cloned() {
                self.set_state(id, state, trace);
            }
        }
    }

    pub(super) fn set_state(&mut self, id: StatusId, state: State, trace: Option<String>) {
        let name = id.connector().clone();
        // Nothing runs in these states, so there is no version to tell.
        let versioned = !matches!(state, State::Restarting | State::Unassigned);
        let config = self.topic.state().config(&name).filter(|_| versioned);
        let status = Status {
            state,
            trace,
            worker_id: self.options.worker_id.clone(),
            generation: self.view.generation,
            version: config.and_then(|config| classes::version(self.options.plugins, config)),
        };
        self.status.put(id, status);
        self.touched.insert(name);
    }

    fn forget_status(&mut self, id: &StatusId) {
        self.status.forget(id);
        self.topics = None;
        self.touched.insert(id.connector().clone());
    }

    /// Lets the last states reach Kafka, so that others see that nobody runs here.
    pub(super) async fn flush_statuses(&mut self) {
        match tokio::time::timeout(LAST_STATES, self.status.flush()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last states may not be in the status topic"),
            Err(_) => tracing::warn!("the last states are not in the status topic: Kafka took too long"),
        }
    }
}
