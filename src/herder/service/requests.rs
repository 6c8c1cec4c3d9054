//! Requests: each is checked against the config topic as it was read, written to it, and answered when it was read
//! back and published, so that whoever asked can read what they wrote.

use super::managed::Managed;
use super::restart::{choose, shown};
use super::state::Service;
use crate::config::Mode;
use crate::configdef::ConnectorProperties;
use crate::herder::Error;
use crate::herder::request::{Reply, Request, When, WrittenConnector};
use crate::herder::view::{ConnectorStatus, Phase, info};
use crate::id::ConnectorTaskId;
use crate::status::{State, TargetState};
use crate::storage::RestartRequest;
use std::sync::Arc;

impl Service {
    pub(super) async fn carry_out(&mut self, request: Request) {
        match request {
            Request::Put { name, config, when, reply } => {
                let result = self.put(&name, config, when).await;
                self.answer(reply, result);
            }
            Request::LoggerLevel { logger, level, reply } => {
                let result = self.write_logger_level(&logger, level).await;
                self.answer(reply, result);
            }
            Request::Delete { name, reply } => {
                let result = self.delete(&name).await;
                self.answer(reply, result);
            }
            Request::Target { name, state, reply } => {
                let result = self.target(&name, state).await;
                self.answer(reply, result);
            }
            Request::Restart { request, reply } => {
                let result = self.request_restart(request).await;
                self.answer(reply, result);
            }
            Request::RestartConnector { name, reply } => {
                let result = self.restart_connector(&name);
                self.answer(reply, result);
            }
            Request::RestartTask { id, reply } => {
                let result = self.restart_task(&id);
                self.answer(reply, result);
            }
            Request::Settle { name, reply } => self.settling.push((name, reply)),
            Request::Refresh { reply } => {
                let changes = self.topic.refresh().await;
                let result = self.written(changes);
                self.answer(reply, result);
            }
            Request::ResetTopics { name, reply } => {
                self.statuses.reset_topics(&name);
                self.answer(reply, Ok(()));
            }
        }
    }

    /// Answers who waited for connectors that are at rest now.
    pub(super) fn answer_settled(&mut self) {
        for (name, reply) in std::mem::take(&mut self.settling) {
            let moving = |managed: &Managed| managed.busy || managed.retry_at.is_some();
            if self.managed.get(&name).is_some_and(moving) {
                self.settling.push((name, reply));
            } else if reply.send(Ok(())).is_err() {
                tracing::debug!(connector = %name, "nobody waits for its rest any more");
            }
        }
    }

    fn answer<T>(&mut self, reply: Reply<T>, result: Result<T, Error>) {
        self.publish(Phase::Running);
        if reply.send(result).is_err() {
            tracing::debug!("nobody waits for the answer any more");
        }
    }

    async fn put(
        &mut self,
        name: &Arc<str>,
        config: ConnectorProperties,
        when: When,
    ) -> Result<WrittenConnector, Error> {
        let exists = self.topic.state().contains(name);
        let initial_state = match when {
            When::New { .. } if exists => return Err(Error::AlreadyExists(name.clone())),
            When::Unchanged(revision) if self.topic.state().revision(name) != Some(revision) => {
                return Err(Error::Changed);
            }
            When::New { initial_state } => initial_state,
            When::Always | When::Unchanged(_) => None,
        };
        let changes = self.topic.put_connector(name, config, initial_state).await;
        self.written(changes)?;
        tracing::info!(connector = %name, created = !exists, "connector config written");
        Ok(WrittenConnector { info: info(self.options.plugins, self.topic.state(), name)?, created: !exists })
    }

    async fn delete(&mut self, name: &Arc<str>) -> Result<(), Error> {
        if !self.topic.state().contains(name) {
            return Err(Error::connector_not_found(name));
        }
        let changes = self.topic.delete_connector(name).await;
        self.written(changes)?;
        tracing::info!(connector = %name, "connector deleted");
        Ok(())
    }

    async fn target(&mut self, name: &Arc<str>, state: TargetState) -> Result<(), Error> {
        if !self.topic.state().contains(name) {
            return Err(Error::NotFound(format!("Unknown connector {name}")));
        }
        if state == TargetState::Stopped {
            let changes = self.topic.put_tasks(name, Vec::new()).await;
            self.written(changes)?;
        }
        let changes = self.topic.put_target_state(name, state).await;
        self.written(changes)?;
        tracing::info!(connector = %name, state = state.as_str(), "target state written");
        Ok(())
    }

    async fn request_restart(&mut self, request: RestartRequest) -> Result<ConnectorStatus, Error> {
        self.known(&request.name)?;
        let missing = || Error::NotFound(format!("Status for connector {} not found", request.name));
        let status = self.shown_status(&request.name).ok_or_else(missing)?;
        let answer = shown(&choose(&request, &status), status);
        let changes = self.topic.put_restart(request).await;
        self.written(changes)?;
        Ok(answer)
    }

    fn restart_connector(&mut self, name: &Arc<str>) -> Result<(), Error> {
        self.known_to_restart(name)?;
        let failed = self.shown_status(name).is_some_and(|status| status.connector.state == State::Failed);
        let known = self
            .topic
            .state()
            .config(name)
            .is_some_and(|config| crate::herder::classes::is_known(self.options.plugins, config));
        if !known {
            return Err(Error::StartFailed(format!("Failed to start connector: {name}")));
        }
        if failed {
            self.restart_whole(name);
        }
        Ok(())
    }

    fn restart_task(&mut self, id: &ConnectorTaskId) -> Result<(), Error> {
        self.known_to_restart(&id.connector)?;
        if id.task >= self.topic.state().task_count(&id.connector) {
            return Err(Error::NotFound(match self.options.config.mode {
                Mode::Distributed => format!("Unknown task: {id}"),
                Mode::Standalone => format!("Task {id} not found"),
            }));
        }
        self.restart_some(&id.connector, &[id.task]);
        Ok(())
    }

    /// The two modes of Connect have words of their own for this (`connect-runtime.md` §8.4).
    fn known_to_restart(&self, name: &str) -> Result<(), Error> {
        match self.options.config.mode {
            Mode::Standalone if !self.topic.state().contains(name) => Err(Error::connector_not_found(name)),
            _ => self.known(name),
        }
    }

    fn known(&self, name: &str) -> Result<(), Error> {
        let unknown = || Error::NotFound(format!("Unknown connector: {name}"));
        self.topic.state().contains(name).then_some(()).ok_or_else(unknown)
    }
}
