//! Runs one connector of the worker: takes its orders one by one, keeps it running in between.
//!
//! There is one way to recover, whatever failed: what ran is stopped, and it starts again from the committed offsets.

use std::ops::ControlFlow;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::configdef::ConfigErrors;
use crate::plugins::SinkConnectorConfig;
use crate::status::State;
use crate::task::{
    ConnectorEnd, ConnectorSpec, ConnectorTasks, Error, Order, OrderAnswer, OrderOutcome, WorkerContext,
    answer,
};
use crate::telemetry::Hiding;

/// Runs a connector until it is at rest: nothing runs, and there is no order. The way to give it orders comes back, for there
/// may be one by then.
pub(super) async fn run(mut orders: mpsc::Receiver<Order>, worker: WorkerContext) -> mpsc::Receiver<Order> {
    let mut next = orders.try_recv().ok();
    while let Some(order) = next.take() {
        match order {
            Order::Start(spec, ack) => {
                next = keep_running(*spec, ack, &mut orders, &worker).await;
                if next.is_some() {
                    continue;
                }
            }
            // Nothing runs, so there is nothing to stop, to pause, to restart or to assign, and no state to report.
            Order::Stop(_, ack)
            | Order::SetPaused(_, ack)
            | Order::RestartTask(_, ack)
            | Order::SetAssignment(_, ack) => answer(ack, OrderOutcome::Done),
        }
        next = orders.try_recv().ok();
    }
    orders
}

/// Runs one connector until another `Start` comes, which is returned, or a `Stop`, which is carried out; none also when
/// nobody gives orders any more.
async fn keep_running(
    mut spec: ConnectorSpec,
    ack: OrderAnswer,
    orders: &mut mpsc::Receiver<Order>,
    worker: &WorkerContext,
) -> Option<Order> {
    let mut ack = Some(ack);
    loop {
        let (order, outcome) = match run_once(&mut spec, &mut ack, orders, worker).await {
            ControlFlow::Continue(()) => continue,
            ControlFlow::Break(end) => end,
        };
        match order {
            Some(Order::SetAssignment(assignment, assigned)) => {
                for task in spec.assignment.tasks.difference(&assignment.tasks) {
                    worker.report(&spec.name, Some(*task), State::Unassigned, None).await;
                }
                worker.change_assignment(&mut spec, assignment).await;
                answer(assigned, outcome);
            }
            order => return finish(order, outcome, &spec, worker).await,
        }
    }
}

/// What ended a run: the order (none: nobody gives any more), and how what ran has ended.
type RunEnd = (Option<Order>, OrderOutcome);

/// Runs a connector with one consumer: prepared, run, failed. `Continue`: it is to start again. `ack` answers the order that
/// began it: whoever gave it finds the states in place when it is answered.
async fn run_once(
    spec: &mut ConnectorSpec,
    ack: &mut Option<OrderAnswer>,
    orders: &mut mpsc::Receiver<Order>,
    worker: &WorkerContext,
) -> ControlFlow<RunEnd> {
    let mut hiding = None;
    let prepared = prepare(spec, &mut hiding, orders, worker).await;
    match &prepared {
        Prepared::Interrupted(_) => {}
        Prepared::WithoutTasks | Prepared::Tasks(_) => {
            worker.metrics.started(spec.assignment.tasks.len(), true);
        }
        Prepared::Failed(_) => worker.metrics.started(spec.assignment.tasks.len(), false),
    }
    let failure = match prepared {
        Prepared::Interrupted(order) => {
            answer_first(ack);
            return ControlFlow::Break((order, OrderOutcome::Done));
        }
        Prepared::WithoutTasks => {
            worker.report_connector(spec, spec.state(), None).await;
            answer_first(ack);
            return wait(spec, ack, orders, worker).await;
        }
        Prepared::Failed(error) => error,
        Prepared::Tasks(tasks) => {
            tasks.report_states().await;
            answer_first(ack);
            let (end, ran) = tasks.run(orders).await;
            *spec = ran;
            match end {
                ConnectorEnd::Order(order, outcome) => return ControlFlow::Break((Some(order), outcome)),
                ConnectorEnd::Closed => return ControlFlow::Break((None, OrderOutcome::Done)),
                ConnectorEnd::Again => return ControlFlow::Continue(()),
                ConnectorEnd::Failed(error) => error,
            }
        }
    };
    report_failed(spec, &failure, worker).await;
    answer_first(ack);
    wait(spec, ack, orders, worker).await
}

enum Prepared {
    /// An order came that makes it pointless, or nobody gives orders any more.
    Interrupted(Option<Order>),
    /// The configuration is right, and other workers run all the tasks.
    WithoutTasks,
    /// It cannot run.
    Failed(Error),
    /// It is ready, and has joined its group.
    Tasks(Box<ConnectorTasks>),
}

/// Reads the configuration, checks the target, joins the group; gives way to an order that ends the connector. From then on
/// `hiding` keeps its secrets out of log lines.
async fn prepare(
    spec: &mut ConnectorSpec,
    hiding: &mut Option<Hiding>,
    orders: &mut mpsc::Receiver<Order>,
    worker: &WorkerContext,
) -> Prepared {
    let config = match parsed(spec, worker).await {
        // A config stored under another name than it says must not get into that connector's group.
        Ok(config) => SinkConnectorConfig { name: Arc::clone(&spec.name), ..config },
        Err(errors) => return Prepared::Failed(Error::Config(errors)),
    };
    spec.hidden = config.hidden.clone();
    *hiding = Some(worker.redaction.hide(config.hidden.clone()));
    if spec.assignment.tasks.is_empty() {
        return Prepared::WithoutTasks;
    }
    let sink = match config.sink.task(&config.name, &worker.sinks) {
        Ok(sink) => sink,
        Err(error) => return Prepared::Failed(Error::Start(Box::new(error))),
    };
    loop {
        let attempt = ConnectorTasks::prepare(spec.clone(), &config, Arc::clone(&sink), worker.clone());
        tokio::select! {
            prepared = attempt => return match prepared {
                Ok(tasks) => Prepared::Tasks(Box::new(tasks)),
                Err(error) => Prepared::Failed(error),
            },
            order = orders.recv() => match order {
                Some(Order::SetPaused(paused, ack)) => {
                    spec.paused = paused;
                    answer(ack, OrderOutcome::Done);
                }
                Some(Order::RestartTask(_, ack)) => answer(ack, OrderOutcome::Done),
                ending => return Prepared::Interrupted(ending),
            },
        }
    }
}

/// Reads the configuration beside the async threads: its expressions may be long, and it may name files.
async fn parsed(spec: &ConnectorSpec, worker: &WorkerContext) -> Result<SinkConnectorConfig, ConfigErrors> {
    let (raw, plugins, worker) = (spec.config.clone(), worker.plugins, Arc::clone(&worker.config));
    match tokio::task::spawn_blocking(move || plugins.parse(&raw, &worker)).await {
        Ok(parsed) => parsed,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // The runtime is going down.
        Err(_) => std::future::pending().await,
    }
}

/// Ends a connector: a `Stop` is reported and answered, a `Start` is for the caller.
async fn finish(
    order: Option<Order>,
    outcome: OrderOutcome,
    spec: &ConnectorSpec,
    worker: &WorkerContext,
) -> Option<Order> {
    match order? {
        Order::Stop(end, ack) => {
            for task in &spec.assignment.tasks {
                worker.report(&spec.name, Some(*task), State::Unassigned, None).await;
            }
            worker.report_connector(spec, end, None).await;
            answer(ack, outcome);
            None
        }
        order => Some(order),
    }
}

async fn report_failed(spec: &ConnectorSpec, error: &Error, worker: &WorkerContext) {
    let hide = |text: &str| spec.hidden.redact(text).into_owned();
    let (brief, shown) = (error.brief().map(hide), hide(&error.to_string()));
    tracing::error!(connector = %spec.name, error = shown, "connector cannot run: {brief}");
    let trace = Some(error.trace(&spec.hidden));
    // A configuration that cannot be read fails the connector itself, all else its tasks.
    let (state, connector_trace) = match error {
        Error::Config(_) => (State::Failed, trace.clone()),
        _ => (spec.state(), None),
    };
    worker.report_connector(spec, state, connector_trace).await;
    for task in &spec.assignment.tasks {
        worker.report(&spec.name, Some(*task), State::Failed, trace.clone()).await;
    }
}

/// Waits for an order while nothing runs (all tasks failed, or are run by others): a restart of any task continues (and
/// is answered when it is done), every other order that changes what runs breaks.
async fn wait(
    spec: &mut ConnectorSpec,
    ack: &mut Option<OrderAnswer>,
    orders: &mut mpsc::Receiver<Order>,
    worker: &WorkerContext,
) -> ControlFlow<RunEnd> {
    loop {
        match orders.recv().await {
            Some(Order::SetPaused(paused, answered)) => {
                spec.paused = paused;
                if spec.assignment.tasks.is_empty() {
                    worker.report_connector(spec, spec.state(), None).await;
                }
                answer(answered, OrderOutcome::Done);
            }
            Some(Order::RestartTask(_, restart)) => {
                *ack = Some(restart);
                return ControlFlow::Continue(());
            }
            ending => return ControlFlow::Break((ending, OrderOutcome::Done)),
        }
    }
}

fn answer_first(ack: &mut Option<OrderAnswer>) {
    if let Some(ack) = ack.take() {
        answer(ack, OrderOutcome::Done);
    }
}
