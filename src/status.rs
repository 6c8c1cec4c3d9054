//! The states a connector and its tasks can be in, by Connect's names.
//!
//! Plain values: who tells them is the worker, who keeps them the herder.

use std::fmt;
use std::sync::Arc;

/// What a connector or a task is doing (`connect-runtime.md` §1.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// No worker runs it now.
    Unassigned,
    /// It was started.
    Running,
    /// The target state PAUSED took effect.
    Paused,
    /// The target state STOPPED took effect (connectors only).
    Stopped,
    /// It ended with an error; the trace says which.
    Failed,
    /// A restart was requested and is in progress.
    Restarting,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Unassigned, Self::Running, Self::Paused, Self::Stopped, Self::Failed, Self::Restarting];

    /// The state of that name on the wire.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unassigned => "UNASSIGNED",
            Self::Running => "RUNNING",
            Self::Paused => "PAUSED",
            Self::Stopped => "STOPPED",
            Self::Failed => "FAILED",
            Self::Restarting => "RESTARTING",
        }
    }
}

/// No generation is greater: a record that says so is ignored, for the next one could not be counted.
pub const MAX_GENERATION: i64 = 1 << 53;

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the user wants a connector to do (`target-state-X` in the config topic).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TargetState {
    /// Run; also the state of a connector without a record.
    #[default]
    Started,
    /// Keep the group membership, read nothing.
    Paused,
    /// No tasks, no group members.
    Stopped,
}

impl TargetState {
    /// The name in the config topic's `state.v2`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Started => "STARTED",
            Self::Paused => "PAUSED",
            Self::Stopped => "STOPPED",
        }
    }

    /// The state that `initial_state` names when a connector is created, in any letter case (`connect-runtime.md` §1.7).
    pub fn from_initial(text: &str) -> Option<Self> {
        match text.to_ascii_uppercase().as_str() {
            "RUNNING" => Some(Self::Started),
            "PAUSED" => Some(Self::Paused),
            "STOPPED" => Some(Self::Stopped),
            _ => None,
        }
    }
}

/// What the worker tells the herder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkerEvent {
    /// A connector or a task has another state.
    Status(StatusEvent),
    /// A task has read from a topic; told again every few seconds as long as it does.
    TopicRead {
        /// The connector's name.
        connector: Arc<str>,
        /// The task's number.
        task: u32,
        /// The topic, as it is called in Kafka.
        topic: Arc<str>,
    },
}

/// A change of state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusEvent {
    /// The connector's name.
    pub connector: Arc<str>,
    /// The task's number, or none for the connector itself.
    pub task: Option<u32>,
    /// The state it is in now.
    pub state: State,
    /// With `Failed`: what happened, where, and what to do.
    pub trace: Option<String>,
}
