//! The worker: runs connectors and their tasks, and reports every change of state upwards.
//!
//! Commands come down through [`WorkerHandle`], [`WorkerEvent`]s go up a bounded channel. It owns the set of running
//! connectors, each with a slot of its own that takes its orders one after the other. It decides nothing: what should
//! run is the herder's business, where a connector's configuration is kept is the storage's.

mod slot;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::config::WorkerConfig;
use crate::status::{State, WorkerEvent};
pub use crate::task::ConnectorSpec;
use crate::task::{Ack, ByteBudget, Order, Parts};
use crate::telemetry::Metrics;

/// Orders that wait while a connector is busy with an earlier one.
const ORDER_PLACES: usize = 16;
/// Commands that wait for the worker, which only passes them on.
const COMMAND_PLACES: usize = 64;
/// States on their way to the herder; when it is slow, connectors wait.
const STATUS_PLACES: usize = 1024;

enum Command {
    Order(Arc<str>, Order),
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
    /// come as [`WorkerEvent`]s.
    pub async fn start(&self, spec: ConnectorSpec) {
        let name = Arc::clone(&spec.name);
        self.order(name, |ack| Order::Start(Box::new(spec), ack)).await;
    }

    /// Stops a connector: its tasks drain, commit and leave the consumer group. `end` is reported as the connector's
    /// state afterwards, `Unassigned` as that of its tasks.
    pub async fn stop(&self, name: Arc<str>, end: State) {
        self.order(name, |ack| Order::Stop(end, ack)).await;
    }

    /// Pauses or resumes a connector; what was read before a pause is handed over.
    pub async fn set_paused(&self, name: Arc<str>, paused: bool) {
        self.order(name, |ack| Order::SetPaused(paused, ack)).await;
    }

    /// Restarts one task from the offsets that were handed over.
    pub async fn restart_task(&self, name: Arc<str>, task: u32) {
        self.order(name, |ack| Order::RestartTask(task, ack)).await;
    }

    /// Changes what this worker runs of a connector (`instance`: it writes the connector's own state) without
    /// disturbing the tasks that stay.
    pub async fn set_share(&self, name: Arc<str>, instance: bool, tasks: BTreeSet<u32>) {
        self.order(name, |ack| Order::SetShare(instance, tasks, ack)).await;
    }

    /// Stops everything; true when all was drained and committed in time.
    pub async fn shutdown(&self) -> bool {
        let (done, answer) = oneshot::channel();
        if self.commands.send(Command::Shutdown(done)).await.is_err() {
            return true;
        }
        answer.await.unwrap_or(false)
    }

    async fn order(&self, name: Arc<str>, order: impl FnOnce(Ack) -> Order) {
        let (ack, answer) = oneshot::channel();
        if self.commands.send(Command::Order(name, order(ack))).await.is_ok() && answer.await.is_err() {
            tracing::debug!("the worker ended before it carried out an order");
        }
    }
}

/// The worker's own loop.
pub struct Worker {
    parts: Parts,
    commands: mpsc::Receiver<Command>,
    slots: HashMap<Arc<str>, mpsc::Sender<Order>>,
    tasks: JoinSet<()>,
}

impl Worker {
    /// Starts the worker on `owner`, counting in `metrics`; it ends when its last handle is gone or after a shutdown.
    pub fn start(
        config: Arc<WorkerConfig>,
        metrics: Metrics,
        owner: &mut JoinSet<()>,
    ) -> (WorkerHandle, mpsc::Receiver<WorkerEvent>) {
        let (sender, commands) = mpsc::channel(COMMAND_PLACES);
        let (sender_of_events, events) = mpsc::channel(STATUS_PLACES);
        let budget = ByteBudget::new(config.buffer_bytes);
        let parts = Parts { worker: config, budget, http: Arc::default(), metrics, events: sender_of_events };
        let worker = Self { parts, commands, slots: HashMap::new(), tasks: JoinSet::new() };
        owner.spawn(worker.run());
        (WorkerHandle { commands: sender }, events)
    }

    async fn run(mut self) {
        while let Some(command) = self.commands.recv().await {
            match command {
                Command::Order(name, order) => self.pass_on(name, order).await,
                Command::Shutdown(done) => {
                    let drained = self.stop_all().await;
                    if done.send(drained).is_err() {
                        tracing::debug!("nobody waited for the shutdown");
                    }
                    return;
                }
            }
        }
        self.stop_all().await;
    }

    async fn pass_on(&mut self, name: Arc<str>, order: Order) {
        let slot = self.slots.entry(Arc::clone(&name)).or_insert_with(|| {
            let (sender, orders) = mpsc::channel(ORDER_PLACES);
            self.tasks.spawn(slot::run(orders, self.parts.clone()));
            sender
        });
        if slot.send(order).await.is_err() {
            tracing::error!("a connector's slot ended by itself; its order is lost");
        }
    }

    /// Stops all connectors at once, each within the graceful timeout.
    async fn stop_all(&mut self) -> bool {
        let mut answers = Vec::new();
        for slot in self.slots.values() {
            let (ack, answer) = oneshot::channel();
            if slot.send(Order::Stop(State::Unassigned, ack)).await.is_ok() {
                answers.push(answer);
            }
        }
        let mut drained = true;
        for answer in answers {
            drained &= answer.await.unwrap_or(false);
        }
        self.slots.clear();
        while self.tasks.join_next().await.is_some() {}
        drained
    }
}
