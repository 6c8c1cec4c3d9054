//! What a running connector tells of itself and its tasks, as long as they go on.

use super::consumer::ConnectorTasks;
use super::trouble::{Line, News, Sum};
use crate::status::State;
use tokio::time::Instant;

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

    /// Reports that a task goes on; with what it passed over and what it waits for, if that is anything.
    pub(super) async fn tell_task(&self, task: u32) {
        let trouble = self.troubles.trace(task, &self.owner, Instant::now());
        let parts: Vec<String> = self.passed_over.trace(task).into_iter().chain(trouble).collect();
        let trace = (!parts.is_empty()).then(|| self.spec.hidden.redact(&parts.join("\n")).into_owned());
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

    /// Reports what began to wait, and what goes on.
    pub(super) async fn tell_trouble(&mut self) {
        let News { tasks, line } = self.troubles.look(&self.owner, &self.spec.tasks, Instant::now());
        let connector = &self.spec.name;
        match line {
            Some(Line::Waits(sums)) => {
                let what = sums.iter().map(Sum::to_string).collect::<Vec<_>>().join("; ");
                let what = self.spec.hidden.redact(&what);
                tracing::warn!(%connector, what = &*what, "waits and is tried again; nothing is lost");
            }
            Some(Line::GoesOn(after)) => {
                tracing::info!(%connector, seconds = after.as_secs(), "goes on: what waited is done");
            }
            None => {}
        }
        for task in tasks {
            if self.spec.tasks.contains(&task) && !self.failed.contains(&task) {
                self.tell_task(task).await;
            }
        }
    }
}
