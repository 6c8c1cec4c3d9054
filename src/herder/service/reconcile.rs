//! Carrying out the plan: what each connector is like here, and the operations that change it.
//!
//! A connector has at most one operation at a time, so its orders reach the worker one after the other; when one ends
//! the plan is asked again, so nothing is queued and nothing outdated is done.

use super::managed::Managed;
use super::state::Service;
use crate::brief;
use crate::herder::plan::{Actual, Step, Wanted, step};
use crate::herder::{classes, task_configs};
use crate::id::ConnectorTaskId;
use crate::plugins::ClassError;
use crate::status::State;
use crate::storage::StatusId;
use crate::worker::ConnectorSpec;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::time::Instant;

impl Service {
    /// Looks at every connector about which something has changed.
    pub(super) async fn reconcile(&mut self) {
        while let Some(name) = self.dirty.pop_first() {
            while let Some(step) = self.next_step(&name) {
                tracing::debug!(connector = %name, ?step, "next step");
                if !self.carry_out_step(&name, step).await {
                    break;
                }
            }
        }
    }

    /// The next step for a connector; none when all is well, or something has to end first.
    fn next_step(&mut self, name: &Arc<str>) -> Option<Step> {
        let wanted = self.wanted(name);
        let managed = self.managed.entry(name.clone()).or_insert_with(Managed::new);
        if managed.busy || managed.retry_at.is_some_and(|at| at > Instant::now()) {
            return None;
        }
        let next = step(wanted.as_ref(), &managed.actual);
        if next.is_some() {
            return next;
        }
        let tasks = std::mem::take(&mut managed.restart_tasks);
        if wanted.is_none() {
            self.managed.remove(name);
        } else if matches!(managed.actual, Actual::Running { .. }) && !tasks.is_empty() {
            self.restart_tasks_of(name, tasks);
        }
        None
    }

    fn wanted(&self, name: &Arc<str>) -> Option<Wanted> {
        let state = self.topic.state();
        let config = state.config(name)?;
        let applied = state.applied_config(name).is_some_and(|applied| applied == config);
        let current = task_configs::are_current(self.options.plugins, config, &state.tasks(name));
        Some(Wanted {
            revision: state.revision(name).unwrap_or_default(),
            target: state.target_state(name),
            known: classes::is_known(self.options.plugins, config),
            tasks_current: applied && current,
            leads: self.cluster.leads(),
            assigned: self.cluster.own_assignment(name),
        })
    }

    /// True when the plan may be asked for more at once.
    async fn carry_out_step(&mut self, name: &Arc<str>, step: Step) -> bool {
        match step {
            Step::WriteTasks => return self.write_tasks(name).await,
            Step::Start { paused } => self.start(name, paused),
            Step::SetPaused(paused) => {
                if let Some(Actual::Running { paused: is, .. }) = self.actual(name) {
                    *is = paused;
                }
                let (runner, connector) = (self.options.runner.clone(), name.clone());
                self.operate(name, async move { runner.set_paused(connector, paused).await });
            }
            Step::SetAssignment => self.set_assignment(name),
            Step::Stop => self.stop(name, Actual::Stopped, State::Stopped),
            Step::Remove => self.stop(name, Actual::Absent, State::Unassigned),
            Step::ReportStopped => {
                self.set_actual(name, Actual::Stopped);
                self.set_state(StatusId::Connector(name.clone()), State::Stopped, None);
            }
            Step::Refuse => self.refuse(name),
            Step::Forget => self.set_actual(name, Actual::Absent),
        }
        true
    }

    async fn write_tasks(&mut self, name: &Arc<str>) -> bool {
        self.going_on();
        let Some(config) = self.topic.state().config(name) else { return false };
        let tasks = task_configs::make(self.options.plugins, name, config);
        let written = self.topic.put_tasks(name, tasks).await;
        // What was read back counts, also when the rest failed.
        self.dirty.insert(name.clone());
        match written {
            Ok(changes) => {
                if let Some(managed) = self.managed.get_mut(name) {
                    managed.backoff.reset();
                    managed.retry_at = None;
                }
                self.take_changes(changes);
                true
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(connector = %name, %error, cause, "will be tried again");
                if let Some(managed) = self.managed.get_mut(name) {
                    managed.retry_at = Some(Instant::now() + managed.backoff.next_pause());
                }
                false
            }
        }
    }

    fn start(&mut self, name: &Arc<str>, paused: bool) {
        let state = self.topic.state();
        let (Some(config), Some(revision)) = (state.config(name), state.revision(name)) else { return };
        let assigned = self.cluster.own_assignment(name);
        let spec = ConnectorSpec {
            name: name.clone(),
            config: (**config).clone(),
            assignment: assigned.clone(),
            paused,
            hidden: crate::config::Hidden::default(),
        };
        if let Some(managed) = self.managed.get_mut(name) {
            managed.deleted = false;
            managed.restart_tasks.clear();
        }
        self.set_actual(name, Actual::Running { revision, assigned, paused });
        let runner = self.options.runner.clone();
        self.operate(name, async move { runner.start(spec).await });
    }

    fn set_assignment(&mut self, name: &Arc<str>) {
        let wanted = self.cluster.own_assignment(name);
        if let Some(Actual::Running { assigned, .. }) = self.actual(name) {
            assigned.clone_from(&wanted);
        }
        let (runner, connector) = (self.options.runner.clone(), name.clone());
        self.operate(name, async move { runner.set_assignment(connector, wanted).await });
    }

    fn stop(&mut self, name: &Arc<str>, then: Actual, end: State) {
        self.set_actual(name, then);
        let (runner, connector) = (self.options.runner.clone(), name.clone());
        self.operate(name, async move { runner.stop(connector, end).await });
    }

    /// Shows a connector whose class we do not have, as a JVM worker without that plugin would; its records stay.
    fn refuse(&mut self, name: &Arc<str>) {
        let state = self.topic.state();
        let Some(config) = state.config(name) else { return };
        let error = self.options.plugins.required_sink(config).err();
        let brief = error.as_ref().map(ClassError::brief).unwrap_or_default();
        let trace = error.map(|error| brief::trace(&brief, &error.to_string()));
        let (revision, assigned) =
            (state.revision(name).unwrap_or_default(), self.cluster.own_assignment(name));
        tracing::error!(connector = %name, trace, "this connector cannot run here, others can: {brief}");
        self.set_actual(name, Actual::Refused { revision, assigned: assigned.clone() });
        if assigned.instance {
            self.set_state(StatusId::Connector(name.clone()), State::Failed, trace.clone());
        }
        for task in assigned.tasks {
            let id = ConnectorTaskId { connector: name.clone(), task };
            self.set_state(StatusId::Task(id), State::Failed, trace.clone());
        }
    }

    fn restart_tasks_of(&mut self, name: &Arc<str>, tasks: BTreeSet<u32>) {
        let (runner, connector) = (self.options.runner.clone(), name.clone());
        self.operate(name, async move {
            for task in tasks {
                runner.restart_task(connector.clone(), task).await;
            }
        });
    }

    /// Runs an order to the worker beside the loop.
    fn operate(&mut self, name: &Arc<str>, operation: impl Future<Output = ()> + Send + 'static) {
        if let Some(managed) = self.managed.get_mut(name) {
            managed.busy = true;
        }
        self.operations.start(name, operation);
    }

    /// An order to the worker has been carried out.
    pub(super) fn operation_ended(&mut self, name: Arc<str>) {
        // Reports sent before the end belong to the time before it.
        self.take_waiting_events();
        if let Some(managed) = self.managed.get_mut(&name) {
            managed.busy = false;
        }
        self.dirty.insert(name);
    }
}
