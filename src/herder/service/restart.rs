//! Restarts: which of a connector's parts are chosen, and what that means for what runs (`connect-runtime.md` §1.11).
//!
//! Our connector has no state of its own beside its tasks, so restarting only a healthy connector changes nothing;
//! a failed one, and one with all its tasks, is started again as a whole.

use super::state::Service;
use crate::herder::plan::Actual;
use crate::herder::view::ConnectorStatus;
use crate::id::ConnectorTaskId;
use crate::status::{State, TargetState};
use crate::storage::{RestartRequest, StatusId};
use std::sync::Arc;
use tokio::time::Instant;

/// What a request chooses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) connector: bool,
    pub(super) tasks: Vec<u32>,
}

/// Chooses by the states as they are.
pub(super) fn choose(request: &RestartRequest, status: &ConnectorStatus) -> Chosen {
    let fits = |state: State| !request.only_failed || state == State::Failed;
    let tasks = status.tasks.iter().filter(|task| request.include_tasks && fits(task.state.state));
    Chosen { connector: fits(status.connector.state), tasks: tasks.map(|task| task.id).collect() }
}

/// The states as the answer shows them: what was chosen is RESTARTING.
pub(super) fn shown(chosen: &Chosen, mut status: ConnectorStatus) -> ConnectorStatus {
    if chosen.connector {
        status.connector.state = State::Restarting;
        status.connector.trace = None;
    }
    for task in status.tasks.iter_mut().filter(|task| chosen.tasks.contains(&task.id)) {
        task.state.state = State::Restarting;
        task.state.trace = None;
    }
    status
}

impl Service {
    /// A restart record was read.
    pub(super) fn restart(&mut self, request: &RestartRequest) {
        let name = &request.name;
        let Some(status) = self.shown_status(name) else { return };
        let chosen = choose(request, &status);
        let failed = status.connector.state == State::Failed;
        let whole = chosen.connector
            && (failed || (request.include_tasks && chosen.tasks.len() == status.tasks.len()));
        tracing::info!(connector = %name, ?chosen, whole, "restart");
        if whole {
            self.restart_whole(name);
        } else {
            let assigned = self.cluster.own_assignment(name);
            let own: Vec<u32> =
                chosen.tasks.into_iter().filter(|task| assigned.tasks.contains(task)).collect();
            self.restart_some(name, &own);
        }
    }

    /// Starts what this worker has of a connector again, as if its config had been written again.
    pub(super) fn restart_whole(&mut self, name: &Arc<str>) {
        if self.topic.state().target_state(name) == TargetState::Stopped {
            return;
        }
        match self.actual(name) {
            Some(Actual::Running { revision, .. } | Actual::Refused { revision, .. }) => {
                *revision = NO_REVISION;
            }
            _ => return,
        }
        self.dirty.insert(name.clone());
        let assigned = self.cluster.own_assignment(name);
        if assigned.instance {
            self.set_state(StatusId::Connector(name.clone()), State::Restarting, None);
        }
        for task in assigned.tasks {
            self.set_task_restarting(name, task);
        }
    }

    /// Restarts these tasks, one after the other.
    pub(super) fn restart_some(&mut self, name: &Arc<str>, tasks: &[u32]) {
        let Some(managed) = self.managed.get_mut(name) else { return };
        if !matches!(managed.actual, Actual::Running { .. }) {
            return;
        }
        managed.restart_tasks.extend(tasks);
        self.dirty.insert(name.clone());
        for task in tasks {
            self.set_task_restarting(name, *task);
        }
    }

    /// Starts again what is due.
    pub(super) fn heal(&mut self) {
        let mut due = self.healing.take_due(Instant::now());
        let whole: Vec<Arc<str>> =
            due.iter().filter(|(_, task)| task.is_none()).map(|(name, _)| name.clone()).collect();
        due.retain(|(name, _)| !whole.contains(name));
        for name in whole {
            if matches!(self.actual(&name), Some(Actual::Running { .. })) {
                self.restart_whole(&name);
            }
        }
        for (name, task) in due {
            if let Some(task) = task {
                self.restart_some(&name, &[task]);
            }
        }
    }

    fn set_task_restarting(&mut self, name: &Arc<str>, task: u32) {
        let id = ConnectorTaskId { connector: name.clone(), task };
        self.set_state(StatusId::Task(id), State::Restarting, None);
    }
}

/// No record has this offset, so the plan takes what runs for outdated.
const NO_REVISION: i64 = -1;
