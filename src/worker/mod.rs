//! The worker: runs connectors and their tasks, and reports every change of state upwards.
//!
//! Commands come down through [`WorkerHandle`], [`WorkerEvent`]s go up a bounded channel. It owns the set of running
//! connectors, each with a runner of its own that takes its orders one after the other. It decides nothing: what should
//! run is the herder's business, where a connector's configuration is kept is the storage's.

mod connector_runner;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use crate::config::WorkerConfig;
use crate::id::TaskAssignment;
use crate::limits::{ConnectorRoom, heap};
use crate::metrics::{MemoryReading, Metrics};
use crate::plugins::Plugins;
use crate::sink::SinkContext;
use crate::status::{State, WorkerEvent};
pub use crate::task::ConnectorSpec;
use crate::task::{ByteBudget, Order, OrderAnswer, OrderOutcome, WorkerContext};
use crate::telemetry::Redaction;

/// Orders that wait while a connector is busy with an earlier one.
const ORDER_PLACES: usize = 16;
/// Commands that wait for the worker, which only passes them on.
const COMMAND_PLACES: usize = 64;
/// States on their way to the herder; when it is slow, connectors wait.
const STATUS_PLACES: usize = 1024;

/// How often freed memory goes back to the system while connectors run.
const TRIM_EVERY: Duration = Duration::from_mins(1);
/// How soon after a connector is gone; a wave of them is one.
const TRIM_SOON: Duration = Duration::from_secs(1);

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
        self.order(name, |answer| Order::Start(Box::new(spec), answer)).await;
    }

    /// Stops a connector: its tasks drain, commit and leave the consumer group. `end` is reported as the connector's
    /// state afterwards, `Unassigned` as that of its tasks.
    pub async fn stop(&self, name: Arc<str>, end: State) {
        self.order(name, |answer| Order::Stop(end, answer)).await;
    }

    /// Pauses or resumes a connector; what was read before a pause is handed over.
    pub async fn set_paused(&self, name: Arc<str>, paused: bool) {
        self.order(name, |answer| Order::SetPaused(paused, answer)).await;
    }

    /// Restarts one task from the offsets that were handed over.
    pub async fn restart_task(&self, name: Arc<str>, task: u32) {
        self.order(name, |answer| Order::RestartTask(task, answer)).await;
    }

    /// Changes what this worker runs of a connector without disturbing the tasks that stay.
    pub async fn set_assignment(&self, name: Arc<str>, assignment: TaskAssignment) {
        self.order(name, |answer| Order::SetAssignment(assignment, answer)).await;
    }

    /// Stops everything; true when all was drained and committed in time.
    pub async fn shutdown(&self) -> bool {
        let (done, answer) = oneshot::channel();
        if self.commands.send(Command::Shutdown(done)).await.is_err() {
            return true;
        }
        answer.await.unwrap_or(false)
    }

    async fn order(&self, name: Arc<str>, order: impl FnOnce(OrderAnswer) -> Order) {
        let (to, answer) = oneshot::channel();
        if self.commands.send(Command::Order(name, order(to))).await.is_ok() && answer.await.is_err() {
            tracing::debug!("the worker ended before it carried out an order");
        }
    }
}

/// The worker's own loop.
pub struct Worker {
    context: WorkerContext,
    commands: mpsc::Receiver<Command>,
    /// Those that run something, or have an order.
    runners: HashMap<Arc<str>, mpsc::Sender<Order>>,
    tasks: JoinSet<(Arc<str>, mpsc::Receiver<Order>)>,
    trims: JoinSet<()>,
    /// None while nothing runs.
    trim_at: Option<Instant>,
}

impl Worker {
    /// Starts the worker on `owner`, counting in `metrics`; it ends when its last handle is gone or after a shutdown. The
    /// secrets of what runs are kept out of log lines by `redaction`.
    pub fn start(
        (plugins, config): (Plugins, Arc<WorkerConfig>),
        (metrics, redaction): (Metrics, Redaction),
        owner: &mut JoinSet<()>,
    ) -> (WorkerHandle, mpsc::Receiver<WorkerEvent>) {
        let (sender, commands) = mpsc::channel(COMMAND_PLACES);
        let (sender_of_events, events) = mpsc::channel(STATUS_PLACES);
        let budget = ByteBudget::new(config.buffer_bytes);
        let (sinks, room) = (SinkContext::new(metrics.clone()), ConnectorRoom::default());
        let memory = budget.clone();
        metrics.set_memory(move || {
            let ((within, beyond), limit) = (memory.held(), memory.total());
            MemoryReading { reserved: (within + beyond) as u64, limit: limit as u64 }
        });
        let context = WorkerContext {
            plugins,
            config,
            budget,
            room,
            sinks,
            metrics,
            redaction,
            events: sender_of_events,
        };
        let worker = Self {
            context,
            commands,
            runners: HashMap::new(),
            tasks: JoinSet::new(),
            trims: JoinSet::new(),
            trim_at: None,
        };
        owner.spawn(worker.run());
        (WorkerHandle { commands: sender }, events)
    }

    async fn run(mut self) {
        loop {
            let command = tokio::select! {
                biased;
                Some(rested) = self.tasks.join_next() => {
                    self.rested(rested);
                    continue;
                }
                Some(_) = self.trims.join_next() => continue,
                () = until(self.trim_at), if self.trims.is_empty() => {
                    self.trims.spawn_blocking(heap::give_back);
                    self.trim_at = (!self.runners.is_empty()).then(|| Instant::now() + TRIM_EVERY);
                    continue;
                }
                command = self.commands.recv() => command,
            };
            match command {
                Some(Command::Order(name, order)) => self.pass_on(name, order).await,
                Some(Command::Shutdown(done)) => {
                    let drained = self.stop_all().await;
                    if done.send(drained).is_err() {
                        tracing::debug!("nobody waited for the shutdown");
                    }
                    return;
                }
                None => break,
            }
        }
        self.stop_all().await;
    }

    /// A connector has nothing to do: its runner goes, unless an order has come since. Only we send orders, so none comes meanwhile.
    fn rested(&mut self, rested: Result<(Arc<str>, mpsc::Receiver<Order>), JoinError>) {
        match rested {
            Ok((name, orders)) if orders.is_empty() => {
                self.runners.remove(&name);
                self.trim_at = Some(Instant::now() + TRIM_SOON);
            }
            Ok((name, orders)) => self.run_connector(name, orders),
            Err(error) => {
                tracing::error!(%error, "a connector's runner ended by itself");
                self.runners.retain(|_, runner| !runner.is_closed());
            }
        }
    }

    fn run_connector(&mut self, name: Arc<str>, orders: mpsc::Receiver<Order>) {
        let context = self.context.clone();
        self.tasks.spawn(async move { (name, connector_runner::run(orders, context).await) });
    }

    async fn pass_on(&mut self, name: Arc<str>, order: Order) {
        if let Some(runner) = self.runners.get(&name) {
            if runner.send(order).await.is_err() {
                tracing::error!("a connector's runner ended by itself; its order is lost");
            }
            return;
        }
        let (sender, orders) = mpsc::channel(ORDER_PLACES);
        // There is room: it is the first.
        drop(sender.try_send(order));
        self.runners.insert(Arc::clone(&name), sender);
        self.trim_at.get_or_insert_with(|| Instant::now() + TRIM_EVERY);
        self.run_connector(name, orders);
    }

    /// Stops all connectors at once, each within the graceful timeout.
    async fn stop_all(&mut self) -> bool {
        let mut answers = Vec::new();
        for runner in self.runners.values() {
            let (to, answer) = oneshot::channel();
            if runner.send(Order::Stop(State::Unassigned, to)).await.is_ok() {
                answers.push(answer);
            }
        }
        let mut drained = true;
        for answer in answers {
            drained &= answer.await == Ok(OrderOutcome::Done);
        }
        self.runners.clear();
        while self.tasks.join_next().await.is_some() {}
        drained
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::{ConnectorSpec, TaskAssignment, Worker};
    use crate::config::{Hidden, fixtures};
    use crate::configdef::ConnectorProperties;
    use crate::metrics::Metrics;
    use crate::plugins::BUILT_IN;
    use crate::status::{State, WorkerEvent};
    use crate::telemetry::Redaction;
    use std::collections::BTreeSet;
    use std::sync::Arc;
    use tokio::task::JoinSet;

    fn spec(name: &Arc<str>) -> ConnectorSpec {
        ConnectorSpec {
            name: Arc::clone(name),
            // It fails at once, for it says nothing.
            config: ConnectorProperties::default(),
            assignment: TaskAssignment { instance: true, tasks: BTreeSet::from([0]) },
            paused: false,
            hidden: Hidden::default(),
        }
    }

    #[tokio::test]
    async fn nothing_is_left_of_a_connector_that_was_stopped() {
        let config = Arc::new(fixtures::worker(&[]));
        let mut owner = JoinSet::new();
        let (worker, mut events) =
            Worker::start((BUILT_IN, config), (Metrics::default(), Redaction::default()), &mut owner);
        let mut names = Vec::new();
        for number in 0..50 {
            let name: Arc<str> = format!("connector-{number}").into();
            names.push(Arc::downgrade(&name));
            worker.start(spec(&name)).await;
            worker.stop(Arc::clone(&name), State::Unassigned).await;
            // Also when the next order is on its way while the runner comes to rest.
            worker.start(spec(&name)).await;
            worker.stop(Arc::clone(&name), State::Unassigned).await;
            let mut states = Vec::new();
            while let Ok(WorkerEvent::Status(event)) = events.try_recv() {
                states.push((event.task, event.state));
            }
            let life = [
                (None, State::Failed),
                (Some(0), State::Failed),
                (Some(0), State::Unassigned),
                (None, State::Unassigned),
            ];
            assert_eq!(states, [life, life].concat());
        }
        // The last runner is gone when the worker has done something else.
        worker.stop("other".into(), State::Unassigned).await;
        assert_eq!(names.iter().filter(|name| name.strong_count() > 0).count(), 0);
        assert!(worker.shutdown().await);
    }
}
