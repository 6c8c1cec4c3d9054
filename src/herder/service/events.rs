//! What is reported: by this worker's connectors (states, and topics that they read), and by other workers in the status
//! topic.

use super::state::Service;
use crate::id::ConnectorTaskId;
use crate::status::{State, StatusEvent, WorkerEvent};
use crate::storage::StatusId;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::time::Instant;

impl Service {
    pub(super) fn take_events(&mut self, events: &mut Vec<WorkerEvent>) {
        for event in events.drain(..) {
            match event {
                WorkerEvent::Status(event) => self.take_event(event),
                // What is read while a deleted connector drains is of no interest.
                WorkerEvent::TopicRead { connector, task, topic } => {
                    if self.topic.state().contains(&connector) {
                        self.statuses.topic_read(ConnectorTaskId { connector, task }, topic);
                    }
                }
            }
        }
    }

    fn take_event(&mut self, event: StatusEvent) {
        let name = event.connector;
        let state = self.topic.state();
        let leftover = self.managed.get(&name).is_none_or(|managed| managed.deleted);
        let beyond = event.task.is_some_and(|task| task >= state.task_count(&name));
        if leftover || beyond || !state.contains(&name) {
            return;
        }
        self.note_for_healing(&name, event.task, event.state);
        let id = match event.task {
            None => StatusId::Connector(name),
            Some(task) => StatusId::Task(ConnectorTaskId { connector: name, task }),
        };
        self.statuses.note(&id, event.state, event.trace.as_ref());
        self.set_state(id, event.state, event.trace);
    }

    /// Takes what has been reported until now.
    pub(super) fn take_waiting_events(&mut self) {
        let mut events = Vec::new();
        while let Ok(event) = self.options.events.try_recv() {
            events.push(event);
        }
        self.take_events(&mut events);
    }

    /// Notes a state that this worker's connectors reported.
    fn note_for_healing(&mut self, connector: &Arc<str>, task: Option<u32>, state: State) {
        if let Some(pause) = self.healing.note((connector.clone(), task), state, Instant::now()) {
            tracing::warn!(
                %connector,
                task,
                pause_ms = pause.as_millis(),
                "failed; it is started again after a pause (task.restart.backoff.ms)"
            );
        }
    }

    /// Other workers have written states of these connectors.
    pub(super) fn take_status_changes(&mut self, names: &BTreeSet<Arc<str>>) {
        for name in names {
            self.reassert(name, |state| state == State::Unassigned);
            if self.deleted.contains(name, Instant::now()) && self.cluster.leads() {
                // A late word of a worker that has not read yet that the connector is gone.
                self.statuses.forget(&StatusId::Connector(name.clone()));
            }
        }
    }

    /// A worker that ran a part of our assignment while this one was away (frozen, cut off) says at last that it lets it go:
    /// what runs here counts.
    pub(super) fn reassert(&mut self, name: &Arc<str>, yields: impl Fn(State) -> bool) {
        let assigned = self.cluster.own_assignment(name);
        let task = |task| StatusId::Task(ConnectorTaskId { connector: name.clone(), task });
        let instance = assigned.instance.then(|| StatusId::Connector(name.clone()));
        let parts: Vec<StatusId> = instance.into_iter().chain(assigned.tasks.into_iter().map(task)).collect();
        for id in parts {
            if let Some((state, trace)) = self.statuses.contradicted(&id, &yields) {
                self.set_state(id, state, trace);
            }
        }
    }
}
