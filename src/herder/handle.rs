//! The way to ask the herder. Cheap to clone; reads come from its last view, writes go through its queue.
//!
//! What costs time (checking a config) is done here before a request reaches the loop, and beside the async threads
//! (`checking`), so that neither the loop nor other requests wait for it.

use super::checking::{self, Checks};
use super::published::PublishedView;
use super::request::{Reply, Request, When, WrittenConnector, deadline};
use super::view::{ConnectorInfo, ConnectorStatus, Phase, TaskInfo, TaskState};
use super::{Error, classes, leading};
use crate::cluster_key::ClusterKeys;
use crate::config::{Mode, WorkerConfig};
use crate::configdef::ConnectorProperties;
use crate::id::ConnectorTaskId;
use crate::plugins::{ConfigInfos, Plugins};
use crate::status::TargetState;
use crate::storage::RestartRequest;
use crate::telemetry::Level;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout_at};

/// How long one turn of the loop may last. A write to Kafka has half a minute, and a turn may need two.
const LONGEST_TURN: Duration = Duration::from_secs(90);
/// How often a change of a config is made anew because another one came first.
const PATCH_TRIES: usize = 5;

/// What `GET /` shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerInfo {
    /// The Kafka cluster's id, when known.
    pub kafka_cluster_id: Option<String>,
}

/// What `GET /health` shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// All is well.
    Healthy,
    /// Not ready yet: what the worker is doing.
    Starting(String),
    /// Connectors run, but something is wrong with the cluster or its topics: what, and what helps.
    Troubled(String),
    /// It is going down, or its loop does not go on.
    Unhealthy,
}

/// When the herder's loop began its present turn; none while it waits for something to do.
pub(super) type Turn = Option<Instant>;

/// The herder, to be asked.
#[derive(Clone)]
pub struct Herder {
    pub(super) requests: mpsc::Sender<Request>,
    pub(super) published: PublishedView,
    pub(super) config: Arc<WorkerConfig>,
    pub(super) turn: watch::Receiver<Turn>,
    pub(super) checks: Checks,
    pub(super) plugins: Plugins,
    pub(super) keys: watch::Receiver<Arc<ClusterKeys>>,
    /// What the worker still has to do before it is healthy, when that is not the herder's own start.
    pub(super) startup: Option<watch::Receiver<Option<String>>>,
}

impl Herder {
    /// The same herder, whose health waits until `stage` says none: something is still to be done at the start.
    pub fn not_healthy_before(self, stage: watch::Receiver<Option<String>>) -> Self {
        Self { startup: Some(stage), ..self }
    }

    /// Waits until requests are taken, however long Kafka is away.
    pub async fn until_ready(&self) -> Result<(), Error> {
        self.published.until_ready().await
    }

    /// What the worker knows about itself; answered at once.
    pub fn server_info(&self) -> ServerInfo {
        ServerInfo { kafka_cluster_id: self.published.now().cluster_id.clone() }
    }

    /// The keys that workers prove themselves with to each other.
    pub fn keys(&self) -> watch::Receiver<Arc<ClusterKeys>> {
        self.keys.clone()
    }

    /// The classes that connectors may name.
    pub fn plugins(&self) -> Plugins {
        self.plugins
    }

    /// How the worker is; answered at once, whatever the loop is doing.
    pub fn health(&self) -> Health {
        let view = self.published.now();
        match &view.phase {
            Phase::Starting(stage, _) => return Health::Starting(stage.clone()),
            Phase::Stopping => return Health::Unhealthy,
            Phase::Running => {}
        }
        if let Some(stage) = self.startup.as_ref().and_then(|stage| stage.borrow().clone()) {
            return Health::Starting(stage);
        }
        let is_gone = self.turn.has_changed().is_err();
        let is_stuck = self.turn.borrow().is_some_and(|began| began.elapsed() > LONGEST_TURN);
        match &view.trouble {
            _ if is_gone || is_stuck => Health::Unhealthy,
            Some(trouble) => Health::Troubled(trouble.to_string()),
            None => Health::Healthy,
        }
    }

    /// The names of all connectors.
    pub async fn connectors(&self) -> Result<Vec<Arc<str>>, Error> {
        Ok(self.published.ready(deadline()).await?.configs.connectors().cloned().collect())
    }

    /// Info and status of all connectors, from one moment; a part that does not exist is none.
    pub async fn expanded(&self) -> Result<Expanded, Error> {
        let view = self.published.ready(deadline()).await?;
        let entry =
            |name: &Arc<str>| (name.clone(), (view.info(name).ok(), view.statuses.get(name).cloned()));
        Ok(view.configs.connectors().map(entry).collect())
    }

    /// One connector.
    pub async fn connector(&self, name: &str) -> Result<ConnectorInfo, Error> {
        self.published.ready(deadline()).await?.info(name)
    }

    /// One connector's tasks.
    pub async fn tasks(&self, name: &str) -> Result<Vec<TaskInfo>, Error> {
        self.published.ready(deadline()).await?.tasks(name)
    }

    /// The states of one connector and its tasks.
    pub async fn status(&self, name: &str) -> Result<Arc<ConnectorStatus>, Error> {
        self.published.ready(deadline()).await?.status(name)
    }

    /// The state of one task.
    pub async fn task_status(&self, name: &str, task: u32) -> Result<TaskState, Error> {
        let status = self.published.ready(deadline()).await?.status(name).ok();
        let found = status.and_then(|status| status.tasks.iter().find(|state| state.id == task).cloned());
        found.ok_or_else(|| Error::NotFound(format!("No status found for task {name}-{task}")))
    }

    /// The topics that a connector has read from since its list was last emptied; an unknown connector has none.
    pub async fn active_topics(&self, name: &str) -> Result<Vec<Arc<str>>, Error> {
        if !self.config.topic_tracking {
            return Err(Error::Forbidden("Topic tracking is disabled."));
        }
        Ok(self.published.ready(deadline()).await?.topics.get(name).cloned().unwrap_or_default())
    }

    /// Empties the list of topics that a connector has read from.
    pub async fn reset_topics(&self, name: &str) -> Result<(), Error> {
        if !self.config.topic_tracking {
            return Err(Error::Forbidden("Topic tracking is disabled."));
        }
        if !self.config.topic_tracking_reset {
            return Err(Error::Forbidden("Topic tracking reset is disabled."));
        }
        let name: Arc<str> = name.into();
        self.ask(deadline(), |reply| Request::ResetTopics { name, reply }).await
    }

    /// Creates a connector; it must not exist.
    pub async fn create(
        &self,
        name: &str,
        config: ConnectorProperties,
        initial_state: Option<TargetState>,
    ) -> Result<ConnectorInfo, Error> {
        Ok(self.put(name.trim(), config, When::New { initial_state }).await?.info)
    }

    /// Creates or replaces a connector's config; true when it was created.
    pub async fn put_config(
        &self,
        name: &str,
        config: ConnectorProperties,
    ) -> Result<(ConnectorInfo, bool), Error> {
        let put = self.put(name, config, When::Always).await?;
        Ok((put.info, put.created))
    }

    async fn put(
        &self,
        name: &str,
        config: ConnectorProperties,
        when: When,
    ) -> Result<WrittenConnector, Error> {
        if !self.published.ready(deadline()).await?.configs.contains(name) {
            checking::new_name(name)?;
        }
        let config = self.checks.validated(name, config, &self.config).await?;
        self.ask_put(name, |name, reply| Request::Put { name, config, when, reply }).await
    }

    /// A request that writes a config.
    async fn ask_put(
        &self,
        name: &str,
        request: impl FnOnce(Arc<str>, Reply<WrittenConnector>) -> Request,
    ) -> Result<WrittenConnector, Error> {
        leading::lead(&self.published).await?;
        let mut put = self.ask_about(name, request).await?;
        if self.config.mode == Mode::Standalone {
            put.info = self.connector(name).await?;
        }
        Ok(put)
    }

    /// A standalone worker answers when what was asked for is done, a distributed one when it is written
    /// (`connect-runtime.md` §8.4).
    async fn settled(&self, name: &str, deadline: Instant) -> Result<(), Error> {
        match self.config.mode {
            Mode::Distributed => Ok(()),
            Mode::Standalone => {
                self.ask(deadline, |reply| Request::Settle { name: name.into(), reply }).await
            }
        }
    }

    /// A request about one connector; the answer waits as [`Self::settled`] says.
    async fn ask_about<T>(
        &self,
        name: &str,
        request: impl FnOnce(Arc<str>, Reply<T>) -> Request,
    ) -> Result<T, Error> {
        let deadline = deadline();
        let answer = self.ask(deadline, |reply| request(name.into(), reply)).await?;
        self.settled(name, deadline).await?;
        Ok(answer)
    }

    /// Changes some keys of a connector's config; a value of none removes its key. What it becomes is checked as a whole,
    /// and written only if nobody has written it meanwhile.
    pub async fn patch_config(&self, name: &str, patch: ConnectorProperties) -> Result<ConnectorInfo, Error> {
        leading::lead(&self.published).await?;
        for _ in 0..PATCH_TRIES {
            let view = self.published.ready(deadline()).await?;
            let (current, revision) = (view.configs.config(name), view.configs.revision(name));
            let (Some(current), Some(revision)) = (current, revision) else {
                return Err(Error::connector_not_found(name));
            };
            let config = checking::merged(current, patch.clone());
            let config = self.checks.validated(name, config, &self.config).await?;
            let when = When::Unchanged(revision);
            match self.ask_put(name, |name, reply| Request::Put { name, config, when, reply }).await {
                Err(Error::Changed) => {}
                put => return Ok(put?.info),
            }
        }
        Err(Error::Changed)
    }

    /// Checks a config as `create` would, without writing it; what is wrong is in the result, but for its class.
    pub async fn validate(&self, config: ConnectorProperties) -> Result<ConfigInfos, Error> {
        classes::check(self.plugins, &config)?;
        self.checks.checked(config, &self.config).await
    }

    /// Sets the level of a logger on all workers.
    pub async fn set_logger_level(&self, logger: &str, level: Level) -> Result<(), Error> {
        self.ask(deadline(), |reply| Request::LoggerLevel { logger: logger.to_owned(), level, reply }).await
    }

    /// Deletes a connector. Its consumer group stays.
    pub async fn delete(&self, name: &str) -> Result<(), Error> {
        leading::lead(&self.published).await?;
        self.ask_about(name, |name, reply| Request::Delete { name, reply }).await
    }

    /// Sets what the user wants a connector to do. Stopping also takes its tasks away, which only the leader may.
    pub async fn set_target_state(&self, name: &str, state: TargetState) -> Result<(), Error> {
        if state == TargetState::Stopped {
            leading::lead(&self.published).await?;
        }
        self.ask_about(name, |name, reply| Request::Target { name, state, reply }).await
    }

    /// Restarts what the request chooses; the answer shows the chosen ones as RESTARTING.
    pub async fn restart(&self, request: RestartRequest) -> Result<ConnectorStatus, Error> {
        leading::lead(&self.published).await?;
        let name = request.name.clone();
        self.ask_about(&name, |_, reply| Request::Restart { request, reply }).await
    }

    /// Restarts the connector itself, not its tasks.
    pub async fn restart_connector(&self, name: &str) -> Result<(), Error> {
        leading::own(&self.published, name).await?;
        self.ask_about(name, |name, reply| Request::RestartConnector { name, reply }).await
    }

    /// Restarts one task.
    pub async fn restart_task(&self, name: &str, task: u32) -> Result<(), Error> {
        leading::own_task(&self.published, &ConnectorTaskId { connector: name.into(), task }).await?;
        let id = |connector| ConnectorTaskId { connector, task };
        self.ask_about(name, |name, reply| Request::RestartTask { id: id(name), reply }).await
    }

    /// Waits until what another worker has written is known here too.
    pub async fn refresh(&self) -> Result<(), Error> {
        self.ask(deadline(), |reply| Request::Refresh { reply }).await
    }

    async fn ask<T>(&self, deadline: Instant, request: impl FnOnce(Reply<T>) -> Request) -> Result<T, Error> {
        if self.published.ready(deadline).await?.phase == Phase::Stopping {
            return Err(Error::ShuttingDown);
        }
        let (reply, answer) = oneshot::channel();
        let asked = async {
            self.requests.send(request(reply)).await.map_err(|_| Error::ShuttingDown)?;
            answer.await.unwrap_or(Err(Error::ShuttingDown))
        };
        timeout_at(deadline, asked).await.unwrap_or_else(|_| Err(self.published.timed_out()))
    }
}

/// All connectors with their info and status.
pub type Expanded = BTreeMap<Arc<str>, (Option<ConnectorInfo>, Option<Arc<ConnectorStatus>>)>;

/// The moment a stage began, for messages.
pub(super) fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
