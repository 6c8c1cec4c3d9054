//! What answers look like. Field order is Connect's; absent fields are left out as it does.

use super::dto_health::HealthSummaryDto;
use super::settings_schema::ConfigSchema;
use crate::configdef::ConnectorProperties;
use crate::herder::{ConnectorInfo, ConnectorState, ConnectorStatus, TaskInfo, TaskState};
use crate::id::ConnectorTaskId;
use crate::telemetry::LoggerLevel;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

/// An error.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Error)]
pub(super) struct ErrorDto {
    /// The HTTP status.
    pub(super) error_code: u16,
    /// What is wrong.
    pub(super) message: String,
}

/// What the worker is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ServerInfo)]
pub(super) struct ServerInfoDto {
    /// The version of Connect that it answers to.
    pub(super) version: &'static str,
    /// The commit it was built from.
    pub(super) commit: &'static str,
    /// The Kafka cluster's id, when known.
    pub(super) kafka_cluster_id: Option<String>,
}

/// How the worker is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Health)]
pub(super) struct HealthDto {
    /// `healthy`, `starting` or `unhealthy`.
    pub(super) status: &'static str,
    /// The same in words.
    pub(super) message: String,
}

/// The answer to `GET /connectors`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Connectors)]
#[serde(untagged)]
pub(super) enum ConnectorsDto {
    /// Without `expand`: the names.
    #[schema(value_type = Vec<String>)]
    Names(Vec<Shared<str>>),
    /// With `expand`: what was asked for of each connector.
    Expanded(BTreeMap<String, ExpandedDto>),
}

/// What was asked for of a connector.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExpandedConnector)]
pub(super) struct ExpandedDto {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = StatusDto, required = false)]
    pub(super) status: Option<StatusDto>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = ConnectorInfoDto, required = false)]
    pub(super) info: Option<ConnectorInfoDto>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = HealthSummaryDto, required = false)]
    pub(super) health: Option<HealthSummaryDto>,
}

/// A logger's level.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LoggerLevel)]
pub(super) struct LoggerLevelDto {
    level: &'static str,
    /// Milliseconds since 1970; null when it was not changed since the start.
    last_modified: Option<u64>,
}

impl From<LoggerLevel> for LoggerLevelDto {
    fn from(level: LoggerLevel) -> Self {
        Self { level: level.level.as_str(), last_modified: level.last_modified }
    }
}

/// A shared value, written as what it shares.
#[derive(Debug)]
pub(super) struct Shared<T: ?Sized>(pub(super) Arc<T>);

impl<T: Serialize + ?Sized> Serialize for Shared<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// `{"connector": "X", "task": 0}`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TaskId)]
pub(super) struct TaskIdDto {
    #[schema(value_type = String)]
    connector: Shared<str>,
    task: u32,
}

/// A connector.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConnectorInfo)]
pub(super) struct ConnectorInfoDto {
    #[schema(value_type = String)]
    name: Shared<str>,
    #[schema(value_type = ConfigSchema)]
    config: Shared<ConnectorProperties>,
    tasks: Vec<TaskIdDto>,
    #[serde(rename = "type")]
    kind: &'static str,
}

/// A task and its config.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TaskInfo)]
pub(super) struct TaskInfoDto {
    id: TaskIdDto,
    #[schema(value_type = ConfigSchema)]
    config: Shared<ConnectorProperties>,
}

/// A state. No field may be anything but text: a Terraform provider reads them so.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = State)]
pub(super) struct StateDto {
    state: &'static str,
    #[schema(value_type = String)]
    worker_id: Shared<str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    version: Option<Shared<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    trace: Option<String>,
}

/// The state of a task.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TaskState)]
pub(super) struct TaskStateDto {
    id: u32,
    #[serde(flatten)]
    state: StateDto,
}

/// The states of a connector and its tasks.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Status)]
pub(super) struct StatusDto {
    #[schema(value_type = String)]
    name: Shared<str>,
    connector: StateDto,
    tasks: Vec<TaskStateDto>,
    #[serde(rename = "type")]
    kind: &'static str,
}

impl From<ConnectorTaskId> for TaskIdDto {
    fn from(id: ConnectorTaskId) -> Self {
        Self { connector: Shared(id.connector), task: id.task }
    }
}

impl From<ConnectorInfo> for ConnectorInfoDto {
    fn from(info: ConnectorInfo) -> Self {
        let tasks = info.tasks.into_iter().map(TaskIdDto::from).collect();
        Self { name: Shared(info.name), config: Shared(info.config), tasks, kind: info.kind }
    }
}

impl From<TaskInfo> for TaskInfoDto {
    fn from(info: TaskInfo) -> Self {
        Self { id: info.id.into(), config: Shared(info.config) }
    }
}

impl From<&ConnectorState> for StateDto {
    fn from(state: &ConnectorState) -> Self {
        Self {
            state: state.state.as_str(),
            worker_id: Shared(state.worker_id.clone()),
            version: state.version.clone().map(Shared),
            trace: state.trace.clone(),
        }
    }
}

impl From<&TaskState> for TaskStateDto {
    fn from(task: &TaskState) -> Self {
        Self { id: task.id, state: (&task.state).into() }
    }
}

impl From<&ConnectorStatus> for StatusDto {
    fn from(status: &ConnectorStatus) -> Self {
        let tasks = status.tasks.iter().map(TaskStateDto::from).collect();
        Self {
            name: Shared(status.name.clone()),
            connector: (&status.connector).into(),
            tasks,
            kind: status.kind,
        }
    }
}
