//! What this worker's connectors report: states, and topics that they read.

use super::state::Service;
use crate::id::ConnectorTaskId;
use crate::status::{State, StatusEvent, WorkerEvent};
use crate::storage::StatusId;
use std::sync::Arc;
use tokio::time::Instant;

impl Service {
    pub(super) fn take_events(&mut self, events: &mut Vec<WorkerEvent>) {
        for event in events.drain(..) {
            match event {
                WorkerEvent::Status(event) => self.take_event(event),
                WorkerEvent::TopicRead { connector, task, topic } => {
                    self.topic_read(ConnectorTaskId { connector, task }, topic);
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
        if event.state == State::Unassigned {
            self.reported.remove(&id);
        } else {
            self.reported.insert(id.clone(), (event.state, event.trace.clone()));
        }
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
}
