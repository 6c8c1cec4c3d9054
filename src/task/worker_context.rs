//! What all connectors of a worker share, and how they report to the herder.

use super::budget::ByteBudget;
use super::orders::ConnectorSpec;
use crate::config::WorkerConfig;
use crate::id::{ConnectorTaskId, TaskAssignment};
use crate::limits::ConnectorRoom;
use crate::metrics::Metrics;
use crate::plugins::Plugins;
use crate::sink::SinkContext;
use crate::status::{State, StatusEvent, WorkerEvent};
use crate::telemetry::Redaction;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Of one worker. Clones are the same.
#[derive(Clone)]
pub struct WorkerContext {
    /// The classes that settings may name.
    pub plugins: Plugins,
    /// The worker's settings.
    pub config: Arc<WorkerConfig>,
    /// Its memory for batches.
    pub budget: ByteBudget,
    /// The room for its Kafka clients.
    pub room: ConnectorRoom,
    /// What sinks share.
    pub sinks: SinkContext,
    /// What it counts.
    pub metrics: Metrics,
    /// What its log lines must not hold.
    pub redaction: Redaction,
    /// Where states go, and the topics that are read.
    pub events: mpsc::Sender<WorkerEvent>,
}

impl WorkerContext {
    /// Reports a state of `connector` or of one of its tasks.
    pub async fn report(&self, connector: &Arc<str>, task: Option<u32>, state: State, trace: Option<String>) {
        let event = StatusEvent { connector: Arc::clone(connector), task, state, trace };
        if self.events.send(WorkerEvent::Status(event)).await.is_err() {
            tracing::debug!(%connector, %state, "a state after the herder ended");
        }
    }

    /// Reports the state of the connector itself, if this worker is the one to do so.
    pub async fn report_connector(&self, spec: &ConnectorSpec, state: State, trace: Option<String>) {
        if spec.assignment.instance {
            self.report(&spec.name, None, state, trace).await;
        }
    }

    /// Takes over the assignment: reports the connector's state when this worker starts or stops being the one to do so.
    pub async fn change_assignment(&self, spec: &mut ConnectorSpec, assignment: TaskAssignment) {
        let was_instance = spec.assignment.instance;
        spec.assignment = assignment;
        if spec.assignment.instance != was_instance {
            let state = if was_instance { State::Unassigned } else { spec.state() };
            self.report(&spec.name, None, state, None).await;
        }
    }

    /// Reports that a task reads `topic`, unless the herder has no time for it: it is reported again.
    pub(super) fn report_read(&self, task: &ConnectorTaskId, topic: &Arc<str>) {
        let (connector, topic) = (Arc::clone(&task.connector), Arc::clone(topic));
        let event = WorkerEvent::TopicRead { connector, task: task.task, topic };
        if self.events.try_send(event).is_err() {
            tracing::debug!(%task, "the herder did not hear that a topic is read");
        }
    }
}
