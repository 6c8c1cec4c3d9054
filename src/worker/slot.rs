//! One connector's place on the worker: takes its orders one by one, keeps it running in between.
//!
//! There is one way to recover, whatever failed: what ran is stopped, and it starts again from the committed offsets.

use std::ops::ControlFlow;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::configdef::ConfigErrors;
use crate::plugins::SinkConnectorConfig;
use crate::status::State;
use crate::task::{Ack, ConnectorSpec, ConnectorTasks, End, Error, Order, Parts};
use crate::telemetry::Hiding;

/// Runs a slot until it is at rest: nothing runs, and there is no order. The way to give it orders comes back, for there
/// may be one by then.
pub(super) async fn run(mut orders: mpsc::Receiver<Order>, parts: Parts) -> mpsc::Receiver<Order> {
    let mut next = orders.try_recv().ok();
    while let Some(order) = next.take() {
        match order {
            Order::Start(spec, ack) => {
                next = keep_running(*spec, ack, &mut orders, &parts).await;
                if next.is_some() {
                    continue;
                }
            }
            // Nothing runs, so there is nothing to stop, to pause, to restart or to share, and no state to tell.
            Order::Stop(_, ack)
            | Order::SetPaused(_, ack)
            | Order::RestartTask(_, ack)
            | Order::SetShare(_, _, ack) => answer(ack, true),
        }
        next = orders.try_recv().ok();
    }
    orders
}

/// Runs one connector until another `Start` comes, which is returned, or a `Stop`, which is carried out; none also when
/// nobody gives orders any more.
async fn keep_running(
    mut spec: ConnectorSpec,
    ack: Ack,
    orders: &mut mpsc::Receiver<Order>,
    parts: &Parts,
) -> Option<Order> {
    let mut ack = Some(ack);
    loop {
        let (order, drained) = match life(&mut spec, &mut ack, orders, parts).await {
            ControlFlow::Continue(()) => continue,
            ControlFlow::Break(end) => end,
        };
        match order {
            Some(Order::SetShare(instance, tasks, share_ack)) => {
                let gone: Vec<u32> = spec.tasks.difference(&tasks).copied().collect();
                spec.tasks = tasks;
                for task in gone {
                    parts.tell(&spec.name, Some(task), State::Unassigned, None).await;
                }
                parts.change_instance(&mut spec, instance).await;
                answer(share_ack, drained);
            }
            order => return finish(order, drained, &spec, parts).await,
        }
    }
}

/// What ended a life: the order (none: nobody gives any more), and whether all was drained.
type LifeEnd = (Option<Order>, bool);

/// One life of a connector: prepared, run, failed. `Continue`: it is to start again. `ack` is the order that began it:
/// whoever gave it finds the states in place when it is answered.
async fn life(
    spec: &mut ConnectorSpec,
    ack: &mut Option<Ack>,
    orders: &mut mpsc::Receiver<Order>,
    parts: &Parts,
) -> ControlFlow<LifeEnd> {
    let mut hiding = None;
    let failure = match prepare(spec, &mut hiding, orders, parts).await {
        Prepared::Interrupted(order) => {
            answer_first(ack);
            return ControlFlow::Break((order, true));
        }
        Prepared::WithoutTasks => {
            let state = if spec.paused { State::Paused } else { State::Running };
            parts.tell_connector(spec, state, None).await;
            answer_first(ack);
            return wait(spec, ack, orders, parts).await;
        }
        Prepared::Failed(error) => error,
        Prepared::Tasks(tasks) => {
            tasks.tell_states().await;
            answer_first(ack);
            let (end, ran) = tasks.run(orders).await;
            *spec = ran;
            match end {
                End::Order(order, drained) => return ControlFlow::Break((Some(order), drained)),
                End::Closed => return ControlFlow::Break((None, true)),
                End::Again => return ControlFlow::Continue(()),
                End::Failed(error) => error,
            }
        }
    };
    tell_failed(spec, &failure, parts).await;
    answer_first(ack);
    wait(spec, ack, orders, parts).await
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
    parts: &Parts,
) -> Prepared {
    let config = match parsed(spec, parts).await {
        // A config stored under another name than it says must not get into that connector's group.
        Ok(config) => SinkConnectorConfig { name: Arc::clone(&spec.name), ..config },
        Err(errors) => return Prepared::Failed(Error::Config(errors)),
    };
    spec.hidden = config.hidden.clone();
    *hiding = Some(parts.redaction.hide(config.hidden.clone()));
    if spec.tasks.is_empty() {
        return Prepared::WithoutTasks;
    }
    let sink = match config.sink.task(&config.name, &parts.sinks) {
        Ok(sink) => sink,
        Err(error) => return Prepared::Failed(Error::Start(Box::new(error))),
    };
    loop {
        let attempt = ConnectorTasks::prepare(spec.clone(), &config, Arc::clone(&sink), parts.clone());
        tokio::select! {
            prepared = attempt => return match prepared {
                Ok(tasks) => Prepared::Tasks(Box::new(tasks)),
                Err(error) => Prepared::Failed(error),
            },
            order = orders.recv() => match order {
                Some(Order::SetPaused(paused, ack)) => {
                    spec.paused = paused;
                    answer(ack, true);
                }
                Some(Order::RestartTask(_, ack)) => answer(ack, true),
                ending => return Prepared::Interrupted(ending),
            },
        }
    }
}

/// Reads the configuration beside the async threads: its expressions may be long, and it may name files.
async fn parsed(spec: &ConnectorSpec, parts: &Parts) -> Result<SinkConnectorConfig, ConfigErrors> {
    let (raw, worker, plugins) = (spec.config.clone(), Arc::clone(&parts.worker), parts.plugins);
    match tokio::task::spawn_blocking(move || plugins.parse(&raw, &worker)).await {
        Ok(parsed) => parsed,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // The runtime is going down.
        Err(_) => std::future::pending().await,
    }
}

/// Ends a connector: a `Stop` is reported and answered, a `Start` is for the caller.
async fn finish(order: Option<Order>, drained: bool, spec: &ConnectorSpec, parts: &Parts) -> Option<Order> {
    match order? {
        Order::Stop(end, ack) => {
            for task in &spec.tasks {
                parts.tell(&spec.name, Some(*task), State::Unassigned, None).await;
            }
            parts.tell_connector(spec, end, None).await;
            answer(ack, drained);
            None
        }
        order => Some(order),
    }
}

async fn tell_failed(spec: &ConnectorSpec, error: &Error, parts: &Parts) {
    let text = error.to_string();
    let shown = spec.hidden.redact(&text);
    tracing::error!(connector = %spec.name, error = &*shown, "connector cannot run");
    let trace = Some(error.trace(&spec.hidden));
    // A configuration that cannot be read fails the connector itself, all else its tasks.
    let (state, connector_trace) = match error {
        Error::Config(_) => (State::Failed, trace.clone()),
        _ if spec.paused => (State::Paused, None),
        _ => (State::Running, None),
    };
    parts.tell_connector(spec, state, connector_trace).await;
    for task in &spec.tasks {
        parts.tell(&spec.name, Some(*task), State::Failed, trace.clone()).await;
    }
}

/// Waits for an order while nothing runs (all tasks failed, or are run by others): a restart of any task continues (and
/// is answered when it is done), every other order that changes what runs breaks.
async fn wait(
    spec: &mut ConnectorSpec,
    ack: &mut Option<Ack>,
    orders: &mut mpsc::Receiver<Order>,
    parts: &Parts,
) -> ControlFlow<LifeEnd> {
    loop {
        match orders.recv().await {
            Some(Order::SetPaused(paused, answered)) => {
                spec.paused = paused;
                if spec.tasks.is_empty() {
                    let state = if paused { State::Paused } else { State::Running };
                    parts.tell_connector(spec, state, None).await;
                }
                answer(answered, true);
            }
            Some(Order::RestartTask(_, restart)) => {
                *ack = Some(restart);
                return ControlFlow::Continue(());
            }
            ending => return ControlFlow::Break((ending, true)),
        }
    }
}

fn answer_first(ack: &mut Option<Ack>) {
    if let Some(ack) = ack.take() {
        answer(ack, true);
    }
}

fn answer(ack: Ack, drained: bool) {
    if ack.send(drained).is_err() {
        tracing::debug!("who gave an order did not wait for its end");
    }
}
