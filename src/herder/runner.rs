//! What the herder needs of a worker. One real implementation; the other drives the herder's tests.

use crate::id::TaskAssignment;
use crate::status::State;
use crate::worker::{ConnectorSpec, WorkerHandle};
use async_trait::async_trait;
use std::sync::Arc;

/// Runs connectors on this machine. Each call returns when the order was carried out; what happens meanwhile comes as
/// status events.
#[async_trait]
pub trait Runner: Send + Sync + 'static {
    /// Starts a connector, in place of one of that name.
    async fn start(&self, spec: ConnectorSpec);
    /// Drains and stops a connector, which then has the state `end`.
    async fn stop(&self, name: Arc<str>, end: State);
    /// Pauses or resumes a connector.
    async fn set_paused(&self, name: Arc<str>, paused: bool);
    /// Restarts one task.
    async fn restart_task(&self, name: Arc<str>, task: u32);
    /// Changes what this worker runs of a connector.
    async fn set_assignment(&self, name: Arc<str>, assignment: TaskAssignment);
    /// Stops everything; true when all was drained in time.
    async fn shutdown(&self) -> bool;
}

#[async_trait]
impl Runner for WorkerHandle {
    async fn start(&self, spec: ConnectorSpec) {
        Self::start(self, spec).await;
    }

    async fn stop(&self, name: Arc<str>, end: State) {
        Self::stop(self, name, end).await;
    }

    async fn set_paused(&self, name: Arc<str>, paused: bool) {
        Self::set_paused(self, name, paused).await;
    }

    async fn restart_task(&self, name: Arc<str>, task: u32) {
        Self::restart_task(self, name, task).await;
    }

    async fn set_assignment(&self, name: Arc<str>, assignment: TaskAssignment) {
        Self::set_assignment(self, name, assignment).await;
    }

    async fn shutdown(&self) -> bool {
        Self::shutdown(self).await
    }
}
