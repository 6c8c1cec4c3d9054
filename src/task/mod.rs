//! Running a connector's tasks: one consumer for the connector on this worker, its partitions dealt to its tasks, one
//! pipeline per partition.
//!
//! Rooms and what they own: `consumer` the group membership, the set of pipelines and the tasks' states; `partition` one
//! partition's batch and its uploads; `writers` its open batches; `offsets` what may be committed;
//! `commit` what was; `stages` the way of a record; `schemas` the registries of converters; `bad_records` what happens to
//! one that gets no further, `kept` and `passed_over` beside it; `trouble` what waits for a service (told by `waits`) and what
//! was told of it; `budget` the memory of all.
//! Orders come down a channel, states go up one. Late work is fenced by dropping it: an aborted pipeline's uploads end
//! with it, and its offsets are not committed.

mod bad_records;
mod budget;
mod commit;
mod consumer;
mod deal;
mod drain;
mod error;
mod group;
mod intake;
mod kept;
#[cfg(test)]
mod list_sink;
mod offsets;
mod partition;
mod passed_over;
mod report;
mod reports;
mod schemas;
mod series;
mod share;
mod stages;
mod states;
mod topics;
mod trouble;
mod waits;
mod writers;

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::config::{Hidden, WorkerConfig};
use crate::configdef::ConnectorProperties;
use crate::id::ConnectorTaskId;
use crate::limits::Room;
use crate::plugins::Plugins;
use crate::sink::SinkContext;
use crate::status::{State, StatusEvent, WorkerEvent};
use crate::telemetry::{Metrics, Redaction};
pub use budget::{ByteBudget, Reservation};
pub use consumer::ConnectorTasks;
pub use error::Error;

/// A connector as it should run on this worker.
#[derive(Debug, Clone)]
pub struct ConnectorSpec {
    /// The connector's name.
    pub name: Arc<str>,
    /// Its raw configuration.
    pub config: ConnectorProperties,
    /// This worker writes the state of the connector itself.
    pub instance: bool,
    /// The tasks that this worker runs; without any it stays out of the consumer group.
    pub tasks: BTreeSet<u32>,
    /// Start without reading (target state PAUSED).
    pub paused: bool,
    /// The secrets of the configuration and what it got from config providers, once it was read; they must be in no message.
    pub hidden: Hidden,
}

/// Answers an order; with `Stop` it says whether everything was drained and committed.
pub type Ack = oneshot::Sender<bool>;

/// What a running connector can be told. Orders are carried out one after the other.
pub enum Order {
    /// Run this from now on, instead of what ran.
    Start(Box<ConnectorSpec>, Ack),
    /// Drain, commit, leave the group, and report this state for the connector.
    Stop(State, Ack),
    /// Stop or go on reading.
    SetPaused(bool, Ack),
    /// Start this task again from what was handed over.
    RestartTask(u32, Ack),
    /// Write the connector's state (or not) and run these tasks from now on; those that stay are not disturbed.
    SetShare(bool, BTreeSet<u32>, Ack),
}

impl Order {
    /// True when what runs has to end for it: another connector, none, or one without tasks here.
    fn ends(&self) -> bool {
        match self {
            Self::Start(..) | Self::Stop(..) => true,
            Self::SetShare(_, tasks, _) => tasks.is_empty(),
            Self::SetPaused(..) | Self::RestartTask(..) => false,
        }
    }
}

/// What all connectors of a worker share.
#[derive(Clone)]
pub struct Parts {
    /// The classes that settings may name.
    pub plugins: Plugins,
    /// The worker's settings.
    pub worker: Arc<WorkerConfig>,
    /// Its memory for batches.
    pub budget: ByteBudget,
    /// The room for its Kafka clients.
    pub room: Room,
    /// What sinks share.
    pub sinks: SinkContext,
    /// What it counts.
    pub metrics: Metrics,
    /// What its log lines must not hold.
    pub redaction: Redaction,
    /// Where states go, and the topics that are read.
    pub events: mpsc::Sender<WorkerEvent>,
}

impl Parts {
    /// Reports a state of `connector` or of one of its tasks.
    pub async fn tell(&self, connector: &Arc<str>, task: Option<u32>, state: State, trace: Option<String>) {
        let event = StatusEvent { connector: Arc::clone(connector), task, state, trace };
        if self.events.send(WorkerEvent::Status(event)).await.is_err() {
            tracing::debug!(%connector, %state, "a state after the herder ended");
        }
    }

    /// Reports the state of the connector itself, if this worker is the one to do so.
    pub async fn tell_connector(&self, spec: &ConnectorSpec, state: State, trace: Option<String>) {
        if spec.instance {
            self.tell(&spec.name, None, state, trace).await;
        }
    }

    /// Takes over the connector's state, or gives it away.
    pub async fn change_instance(&self, spec: &mut ConnectorSpec, instance: bool) {
        if instance == spec.instance {
            return;
        }
        spec.instance = instance;
        let running = if spec.paused { State::Paused } else { State::Running };
        let state = if instance { running } else { State::Unassigned };
        self.tell(&spec.name, None, state, None).await;
    }

    /// Reports that a task reads `topic`, unless the herder has no time for it: it is told again.
    fn tell_read(&self, task: &ConnectorTaskId, topic: &Arc<str>) {
        let (connector, topic) = (Arc::clone(&task.connector), Arc::clone(topic));
        let event = WorkerEvent::TopicRead { connector, task: task.task, topic };
        if self.events.try_send(event).is_err() {
            tracing::debug!(%task, "the herder did not hear that a topic is read");
        }
    }
}

/// Why the loop ended.
pub enum End {
    /// An order came for which it has to end; everything was drained in time, or not.
    Order(Order, bool),
    /// Nobody gives orders any more.
    Closed,
    /// The consumer is of no more use; all tasks failed.
    Failed(Error),
    /// A new consumer, from the committed offsets.
    Again,
}

/// Ends at `deadline`; never without one.
async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
