//! The worker: runs connectors and their tasks, and reports every change of state upwards.
//!
//! Commands come down through [`WorkerHandle`], [`StatusEvent`](crate::status::StatusEvent)s go up a bounded channel. It decides nothing: what
//! should run is the herder's business, where a connector's configuration is kept is the storage's.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::config::ConnectorProperties;
use crate::status::State;

/// Commands that wait while the worker is busy with an earlier one.
const COMMAND_PLACES: usize = 64;

/// A connector as it should run on this worker.
#[derive(Debug, Clone)]
pub struct ConnectorSpec {
    /// The connector's name.
    pub name: Arc<str>,
    /// Its raw configuration.
    pub config: ConnectorProperties,
    /// How many tasks it has; they are numbered from 0.
    pub task_count: u32,
    /// Start without reading (target state PAUSED).
    pub paused: bool,
}

enum Command {
    Start(ConnectorSpec, oneshot::Sender<()>),
    Stop(Arc<str>, State, oneshot::Sender<()>),
    SetPaused(Arc<str>, bool, oneshot::Sender<()>),
    RestartTask(Arc<str>, u32, oneshot::Sender<()>),
    Shutdown(oneshot::Sender<bool>),
}

/// The way to give the worker orders. Each method returns when the order was carried out; orders for different
/// connectors do not wait for each other.
#[derive(Clone)]
pub struct WorkerHandle {
    commands: mpsc::Sender<Command>,
}

impl WorkerHandle {
    /// Starts a connector with its tasks; one that runs under the same name is drained and stopped first. Failures
    /// come as [`StatusEvent`](crate::status::StatusEvent)s.
    pub async fn start(&self, spec: ConnectorSpec) {
        self.order(|done| Command::Start(spec, done)).await;
    }

    /// Stops a connector: its tasks drain, commit and leave the consumer group. `end` is reported as the connector's
    /// state afterwards, `Unassigned` as that of its tasks.
    pub async fn stop(&self, name: Arc<str>, end: State) {
        self.order(|done| Command::Stop(name, end, done)).await;
    }

    /// Pauses (after a drain) or resumes a connector.
    pub async fn set_paused(&self, name: Arc<str>, paused: bool) {
        self.order(|done| Command::SetPaused(name, paused, done)).await;
    }

    /// Restarts one task from its committed offsets.
    pub async fn restart_task(&self, name: Arc<str>, task: u32) {
        self.order(|done| Command::RestartTask(name, task, done)).await;
    }

    /// Stops everything; true when all was drained and committed in time.
    pub async fn shutdown(&self) -> bool {
        self.order(Command::Shutdown).await.unwrap_or(false)
    }

    async fn order<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (done, answer) = oneshot::channel();
        self.commands.send(command(done)).await.ok()?;
        answer.await.ok()
    }
}
