//! What a running connector tells of itself and its tasks, as long as they go on.

use super::consumer::ConnectorTasks;
use crate::status::State;

impl ConnectorTasks {
    pub(super) fn state(&self) -> State {
        if self.spec.paused { State::Paused } else { State::Running }
    }

    /// Reports the states of the connector and of all tasks that have not failed.
    pub async fn tell_states(&self) {
        self.parts.tell_connector(&self.spec, self.state(), None).await;
        for task in self.spec.tasks.difference(&self.failed) {
            self.tell_task(*task).await;
        }
    }

    /// Reports that a task goes on; with what it passed over, if that is anything.
    pub(super) async fn tell_task(&self, task: u32) {
        let trace = self.passed_over.trace(task).map(|trace| self.spec.hidden.redact(&trace));
        self.parts.tell(&self.spec.name, Some(task), self.state(), trace).await;
    }

    /// Reports what was passed over since it was told last.
    pub(super) async fn tell_passed_over(&mut self) {
        for task in self.passed_over.take_changed() {
            if self.spec.tasks.contains(&task) && !self.failed.contains(&task) {
                self.tell_task(task).await;
            }
        }
    }
}
