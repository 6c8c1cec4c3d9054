//! What a running connector can be told, and how its loop ends.

use super::error::Error;
use crate::config::Hidden;
use crate::configdef::ConnectorProperties;
use crate::id::TaskAssignment;
use crate::status::State;
use std::sync::Arc;
use tokio::sync::oneshot;

/// A connector as it should run on this worker.
#[derive(Debug, Clone)]
pub struct ConnectorSpec {
    /// The connector's name.
    pub name: Arc<str>,
    /// Its raw configuration.
    pub config: ConnectorProperties,
    /// What runs here; without any task it stays out of the consumer group.
    pub assignment: TaskAssignment,
    /// Start without reading (target state PAUSED).
    pub paused: bool,
    /// The secrets of the configuration and what it got from config providers, once it was read; they must be in no message.
    pub hidden: Hidden,
}

impl ConnectorSpec {
    /// The state of whatever has not failed.
    pub fn state(&self) -> State {
        if self.paused { State::Paused } else { State::Running }
    }
}

/// How an order was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderOutcome {
    /// What had to end was handed over and committed, if there was anything.
    Done,
    /// What had to end was cut off at its deadline, or not committed; some records will be read again.
    CutOff,
}

impl OrderOutcome {
    /// Of a drain.
    pub(super) fn of_drain(in_time: bool) -> Self {
        if in_time { Self::Done } else { Self::CutOff }
    }
}

/// Answers an order when it was carried out.
pub type OrderAnswer = oneshot::Sender<OrderOutcome>;

/// Answers an order; whoever gave it may not wait any more.
pub fn answer(to: OrderAnswer, outcome: OrderOutcome) {
    if to.send(outcome).is_err() {
        tracing::debug!("who gave an order did not wait for its end");
    }
}

/// What a running connector can be told. Orders are carried out one after the other.
pub enum Order {
    /// Run this from now on, instead of what ran.
    Start(Box<ConnectorSpec>, OrderAnswer),
    /// Drain, commit, leave the group, and report this state for the connector.
    Stop(State, OrderAnswer),
    /// Stop or go on reading.
    SetPaused(bool, OrderAnswer),
    /// Start this task again from what was handed over.
    RestartTask(u32, OrderAnswer),
    /// Run these tasks from now on; those that stay are not disturbed.
    SetAssignment(TaskAssignment, OrderAnswer),
}

impl Order {
    /// True when what runs has to end for it: another connector, none, or one without tasks here.
    pub(super) fn ends(&self) -> bool {
        match self {
            Self::Start(..) | Self::Stop(..) => true,
            Self::SetAssignment(assignment, _) => assignment.tasks.is_empty(),
            Self::SetPaused(..) | Self::RestartTask(..) => false,
        }
    }
}

/// Why a connector's loop ended.
pub enum ConnectorEnd {
    /// An order came for which it has to end; what ran was drained in time, or not.
    Order(Order, OrderOutcome),
    /// Nobody gives orders any more.
    Closed,
    /// The consumer is of no more use; all tasks failed.
    Failed(Error),
    /// A new consumer is needed, which starts from the committed offsets.
    Again,
}
