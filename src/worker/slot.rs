//! One connector's place on the worker: takes its orders one by one, keeps it running in between.
//!
//! There is one way to recover, whatever failed: what ran is stopped, and it starts again from the committed offsets.

use std::ops::ControlFlow;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::config::SinkConnectorConfig;
use crate::status::State;
use crate::task::{Ack, ConnectorSpec, ConnectorTasks, End, Error, Order, Parts};

/// Runs the slot of `name` until nobody can give it orders any more.
pub(super) async fn run(name: Arc<str>, mut orders: mpsc::Receiver<Order>, parts: Parts) {
    let mut next = orders.recv().await;
    while let Some(order) = next.take() {
        match order {
            Order::Start(spec, ack) => {
                next = keep_running(*spec, ack, &mut orders, &parts).await;
                if next.is_some() {
                    continue;
                }
            }
            Order::Stop(end, ack) => {
                parts.tell(&name, None, end, None).await;
                answer(ack, true);
            }
            // Nothing runs, so there is nothing to pause or restart.
            Order::SetPaused(_, ack) | Order::RestartTask(_, ack) => answer(ack, true),
        }
        next = orders.recv().await;
    }
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
        let prepared = match prepare(&mut spec, orders, parts).await {
            Ok(prepared) => prepared,
            Err(Interrupted(order)) => {
                ack.take().into_iter().for_each(|ack| answer(ack, true));
                return finish(order, true, &spec, parts).await;
            }
        };
        let failure = match prepared {
            Err(error) => error,
            Ok(tasks) => {
                // Whoever gave the order finds the states in place when it is answered.
                tasks.tell_states().await;
                ack.take().into_iter().for_each(|ack| answer(ack, true));
                let (end, ran) = tasks.run(orders).await;
                spec = ran;
                match end {
                    End::Order(order, drained) => return finish(Some(order), drained, &spec, parts).await,
                    End::Closed => return None,
                    End::Again => continue,
                    End::Failed(error) => error,
                }
            }
        };
        tell_failed(&spec, &failure, parts).await;
        ack.take().into_iter().for_each(|ack| answer(ack, true));
        match wait_failed(&mut spec, orders).await {
            ControlFlow::Continue(restart) => ack = Some(restart),
            ControlFlow::Break(order) => return finish(order, true, &spec, parts).await,
        }
    }
}

/// An order that came while the connector was being prepared and makes that pointless.
struct Interrupted(Option<Order>);

/// Reads the configuration, checks the target, joins the group; gives way to an order that ends the connector.
async fn prepare(
    spec: &mut ConnectorSpec,
    orders: &mut mpsc::Receiver<Order>,
    parts: &Parts,
) -> Result<Result<ConnectorTasks, Error>, Interrupted> {
    let config = match SinkConnectorConfig::parse(&spec.config, &parts.worker) {
        // A config stored under another name than it says must not get into that connector's group.
        Ok(config) => SinkConnectorConfig { name: Arc::clone(&spec.name), ..config },
        Err(errors) => return Ok(Err(Error::Config(errors))),
    };
    loop {
        let attempt = ConnectorTasks::prepare(spec.clone(), &config, parts.clone());
        tokio::select! {
            prepared = attempt => return Ok(prepared),
            order = orders.recv() => match order {
                Some(Order::SetPaused(paused, ack)) => {
                    spec.paused = paused;
                    answer(ack, true);
                }
                Some(Order::RestartTask(_, ack)) => answer(ack, true),
                ending => return Err(Interrupted(ending)),
            },
        }
    }
}

/// Ends a connector: a `Stop` is reported and answered, a `Start` is for the caller.
async fn finish(order: Option<Order>, drained: bool, spec: &ConnectorSpec, parts: &Parts) -> Option<Order> {
    match order? {
        Order::Stop(end, ack) => {
            for task in 0..spec.task_count {
                parts.tell(&spec.name, Some(task), State::Unassigned, None).await;
            }
            parts.tell(&spec.name, None, end, None).await;
            answer(ack, drained);
            None
        }
        order => Some(order),
    }
}

async fn tell_failed(spec: &ConnectorSpec, error: &Error, parts: &Parts) {
    tracing::error!(connector = %spec.name, %error, "connector cannot run");
    let trace = Some(error.trace());
    // A configuration that cannot be read fails the connector itself, all else its tasks.
    let (state, connector_trace) = match error {
        Error::Config(_) => (State::Failed, trace.clone()),
        _ if spec.paused => (State::Paused, None),
        _ => (State::Running, None),
    };
    parts.tell(&spec.name, None, state, connector_trace).await;
    for task in 0..spec.task_count {
        parts.tell(&spec.name, Some(task), State::Failed, trace.clone()).await;
    }
}

/// Waits for an order while all tasks are failed: a restart of any continues and is answered when it is done, a start or
/// stop breaks.
async fn wait_failed(
    spec: &mut ConnectorSpec,
    orders: &mut mpsc::Receiver<Order>,
) -> ControlFlow<Option<Order>, Ack> {
    loop {
        match orders.recv().await {
            Some(Order::SetPaused(paused, ack)) => {
                spec.paused = paused;
                answer(ack, true);
            }
            Some(Order::RestartTask(_, ack)) => return ControlFlow::Continue(ack),
            ending => return ControlFlow::Break(ending),
        }
    }
}

fn answer(ack: Ack, drained: bool) {
    if ack.send(drained).is_err() {
        tracing::debug!("who gave an order did not wait for its end");
    }
}
