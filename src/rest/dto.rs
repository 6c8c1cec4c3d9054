//! What answers look like. Field order is Connect's; absent fields are left out as it does.

use crate::config::ConnectorProperties;
use crate::herder::{ConnectorInfo, ConnectorState, ConnectorStatus, TaskInfo, TaskState};
use crate::id::ConnectorTaskId;
use serde::{Serialize, Serializer};
use std::sync::Arc;

/// A shared value, written as what it shares.
#[derive(Debug)]
pub(super) struct Shared<T: ?Sized>(pub(super) Arc<T>);

impl<T: Serialize + ?Sized> Serialize for Shared<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// `{"connector": "X", "task": 0}`.
#[derive(Debug, Serialize)]
pub(super) struct TaskIdDto {
    connector: Shared<str>,
    task: u32,
}

/// A connector.
#[derive(Debug, Serialize)]
pub(super) struct ConnectorInfoDto {
    name: Shared<str>,
    config: Shared<ConnectorProperties>,
    tasks: Vec<TaskIdDto>,
    #[serde(rename = "type")]
    kind: &'static str,
}

/// A task and its config.
#[derive(Debug, Serialize)]
pub(super) struct TaskInfoDto {
    id: TaskIdDto,
    config: Shared<ConnectorProperties>,
}

/// A state. No field may be anything but text: a Terraform provider reads them so.
#[derive(Debug, Serialize)]
pub(super) struct StateDto {
    state: &'static str,
    worker_id: Shared<str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<Shared<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<String>,
}

/// The state of a task.
#[derive(Debug, Serialize)]
pub(super) struct TaskStateDto {
    id: u32,
    #[serde(flatten)]
    state: StateDto,
}

/// The states of a connector and its tasks.
#[derive(Debug, Serialize)]
pub(super) struct StatusDto {
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
