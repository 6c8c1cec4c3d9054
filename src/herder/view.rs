//! What readers see: a snapshot of configs and states, made by the herder after each change.
//!
//! A snapshot never changes; parts that did not change are shared with the one before.

use super::Error;
use crate::configdef::ConnectorProperties;
use crate::id::ConnectorTaskId;
use crate::membership::{Assignment, ClusterView, LeadershipCheck};
use crate::plugins::Plugins;
use crate::status::State;
use crate::storage::{ClusterConfigState, Status};
use std::collections::BTreeMap;
use std::sync::Arc;
use time::OffsetDateTime;

/// How far the worker is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Phase {
    /// Not ready: what it is doing, and since when.
    Starting(String, OffsetDateTime),
    /// Ready.
    Running,
    /// Going down; reads are still answered.
    Stopping,
}

/// A snapshot.
#[derive(Debug, Clone)]
pub(super) struct View {
    pub(super) plugins: Plugins,
    pub(super) phase: Phase,
    pub(super) configs: ClusterConfigState,
    pub(super) statuses: BTreeMap<Arc<str>, Arc<ConnectorStatus>>,
    pub(super) topics: Arc<ActiveTopics>,
    pub(super) cluster_id: Option<String>,
    /// What is wrong with the cluster or its topics, for `/health`.
    pub(super) trouble: Option<Arc<str>>,
    /// The worker's place among others; none before it has one.
    pub(super) cluster: Option<Place>,
}

/// A worker's place in its cluster.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Its advertised URL.
    pub(super) url: Arc<str>,
    /// Who is there.
    pub(super) view: Arc<ClusterView>,
    /// Who runs what.
    pub(super) assignment: Arc<Assignment>,
    /// The way to ask whether this worker leads.
    pub(super) leadership: LeadershipCheck,
}

/// The topics that each connector has read from, in order.
pub(super) type ActiveTopics = BTreeMap<Arc<str>, Vec<Arc<str>>>;

/// A connector as `GET /connectors/X` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectorInfo {
    /// Its name.
    pub name: Arc<str>,
    /// Its config as it was written, its name among it.
    pub config: Arc<ConnectorProperties>,
    /// Its tasks.
    pub tasks: Vec<ConnectorTaskId>,
    /// `sink`, or `unknown` when we do not have its class.
    pub kind: &'static str,
}

/// A task as `GET /connectors/X/tasks` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskInfo {
    /// Which task.
    pub id: ConnectorTaskId,
    /// Its config.
    pub config: Arc<ConnectorProperties>,
}

/// The state of a connector or a task as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectorState {
    /// The state.
    pub state: State,
    /// Which worker says so.
    pub worker_id: Arc<str>,
    /// The connector's version, when known.
    pub version: Option<Arc<str>>,
    /// With FAILED: what happened.
    pub trace: Option<String>,
}

/// The state of one task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskState {
    /// The task's number.
    pub id: u32,
    /// Its state.
    pub state: ConnectorState,
}

/// The states of a connector and its tasks, as `GET /connectors/X/status` shows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectorStatus {
    /// The connector's name.
    pub name: Arc<str>,
    /// Its own state.
    pub connector: ConnectorState,
    /// Its tasks, in order.
    pub tasks: Vec<TaskState>,
    /// `sink` or `unknown`.
    pub kind: &'static str,
}

impl From<&Status> for ConnectorState {
    fn from(status: &Status) -> Self {
        Self {
            state: status.state,
            worker_id: status.worker_id.clone(),
            version: status.version.clone(),
            trace: status.trace.clone().filter(|trace| !trace.is_empty()),
        }
    }
}

/// What a connector is, by its class.
pub(super) fn kind(plugins: Plugins, config: &ConnectorProperties) -> &'static str {
    if super::classes::is_known(plugins, config) { "sink" } else { "unknown" }
}

impl View {
    pub(super) fn info(&self, name: &str) -> Result<ConnectorInfo, Error> {
        info(self.plugins, &self.configs, name)
    }

    pub(super) fn tasks(&self, name: &str) -> Result<Vec<TaskInfo>, Error> {
        let info = self.info(name)?;
        let configs = self.configs.tasks(name);
        Ok(info
            .tasks
            .into_iter()
            .zip(configs)
            .map(|(id, config)| TaskInfo { id, config: config.clone() })
            .collect())
    }

    pub(super) fn status(&self, name: &str) -> Result<Arc<ConnectorStatus>, Error> {
        let not_found = || Error::NotFound(format!("No status found for connector {name}"));
        self.statuses.get(name).cloned().ok_or_else(not_found)
    }
}

/// A connector as the config topic knows it.
pub(super) fn info(
    plugins: Plugins,
    configs: &ClusterConfigState,
    name: &str,
) -> Result<ConnectorInfo, Error> {
    let config = configs.config(name).ok_or_else(|| Error::connector_not_found(name))?;
    let name: Arc<str> = name.into();
    let tasks = (0..configs.task_count(&name)).map(|task| ConnectorTaskId { connector: name.clone(), task });
    Ok(ConnectorInfo { tasks: tasks.collect(), kind: kind(plugins, config), config: config.clone(), name })
}
