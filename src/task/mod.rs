//! Running a connector's tasks: one consumer for the connector on this worker, its partitions dealt to its tasks, one
//! pipeline per partition.
//!
//! Rooms and what they own: `consumer` the group membership, the set of pipelines and the tasks' states; `partition` one
//! partition's batch and its uploads; `offsets` what may be committed; `commit` what was; `budget` the memory of all.
//! Orders come down a channel, states go up one. Late work is fenced by dropping it: an aborted pipeline's uploads end
//! with it, and its offsets are not committed.

mod budget;
mod commit;
mod consumer;
mod deal;
mod drain;
mod error;
mod group;
mod offsets;
mod partition;

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::config::{ConnectorProperties, WorkerConfig};
use crate::status::{State, StatusEvent};
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
    /// How many tasks it has; they are numbered from 0.
    pub task_count: u32,
    /// Start without reading (target state PAUSED).
    pub paused: bool,
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
}

/// What all connectors of a worker share.
#[derive(Clone)]
pub struct Parts {
    /// The worker's settings.
    pub worker: Arc<WorkerConfig>,
    /// Its memory for batches.
    pub budget: ByteBudget,
    /// Where states go.
    pub status: mpsc::Sender<StatusEvent>,
}

impl Parts {
    /// Reports a state of `connector` or of one of its tasks.
    pub async fn tell(&self, connector: &Arc<str>, task: Option<u32>, state: State, trace: Option<String>) {
        let event = StatusEvent { connector: Arc::clone(connector), task, state, trace };
        if self.status.send(event).await.is_err() {
            tracing::debug!(%connector, %state, "a state after the herder ended");
        }
    }
}

/// Why the loop ended.
pub enum End {
    /// A `Start` or `Stop` came; everything was drained in time, or not.
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
