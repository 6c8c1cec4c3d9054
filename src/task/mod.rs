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
mod error;
mod offsets;
mod partition;

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::config::ConnectorProperties;
use crate::status::State;
pub use budget::{ByteBudget, Reservation};
pub use consumer::{ConnectorTasks, Parts};
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
