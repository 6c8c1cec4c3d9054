//! A connector on this worker: prepared, then run by one loop that carries out orders and does what its partitions need,
//! one thing at a time.

use super::assigned_partitions::AssignedPartitions;
use super::bad_records::BadRecordHandler;
use super::error::Error;
use super::fate_listener::FateListener;
use super::group::join;
use super::orders::{ConnectorEnd, ConnectorSpec, Order, OrderOutcome, answer};
use super::pipeline_context::PipelineContext;
use super::pipelines::Pipelines;
use super::record_converter::RecordConverter;
use super::task_states::TaskStates;
use super::worker_context::WorkerContext;
use crate::config::files;
use crate::limits::Occupied;
use crate::plugins::SinkConnectorConfig;
use crate::sink::SinkTask;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Reports of pipelines that wait for the loop; a full channel makes pipelines wait, not fail.
const REPORT_PLACES: usize = 256;

/// A connector that runs.
pub struct ConnectorTasks {
    partitions: AssignedPartitions,
    /// Until its clients have ended.
    _room: Occupied,
}

impl ConnectorTasks {
    /// Checks the target of `sink` and joins the group.
    pub async fn prepare(
        spec: ConnectorSpec,
        config: &SinkConnectorConfig,
        sink: Arc<dyn SinkTask>,
        worker: WorkerContext,
    ) -> Result<Self, Error> {
        let policy = sink.refusal_policy();
        let room = worker.room.enter(1 + BadRecordHandler::clients(config, &policy))?;
        sink.start().await.map_err(|error| Error::Start(Box::new(error)))?;
        let (own, with_key_and_headers) = (config.clone(), sink.needs_key_and_headers());
        let converter = files::beside(move || RecordConverter::new(&own, with_key_and_headers)).await?;
        let skip_setting = policy.setting;
        let names = sink.setting_names();
        let bad_records =
            BadRecordHandler::open(config, (policy, names), &worker.config, &worker.metrics).await?;
        let consumer = join(config, &worker.config).await?;
        let fates = FateListener::new(&*sink, &spec);
        let states = TaskStates::new(spec, worker.clone(), skip_setting);
        let (sender, reports) = mpsc::channel(REPORT_PLACES);
        let context = PipelineContext {
            converter,
            bad_records,
            setting_names: names,
            budget: worker.budget.connector(),
            tells_fates: fates.is_listening(),
            reports: sender,
        };
        let pipelines = Pipelines::new(sink, Arc::new(context), reports);
        let partitions = AssignedPartitions::new(states, consumer, (pipelines, fates), worker.config);
        Ok(Self { partitions, _room: room })
    }

    /// Reports the states of the connector and of all tasks that have not failed.
    pub async fn report_states(&self) {
        self.partitions.states().report_all().await;
    }

    /// Works until an order ends it. All pipelines have ended then, and the group was left. The states at the start are
    /// the caller's to report ([`Self::report_states`]).
    pub async fn run(mut self, orders: &mut mpsc::Receiver<Order>) -> (ConnectorEnd, ConnectorSpec) {
        let end = match self.work(orders).await {
            Ok(end) => end,
            Err(error) => ConnectorEnd::Failed(error),
        };
        let (drained, spec) = self.partitions.close().await;
        let end = match end {
            ConnectorEnd::Order(order, _) => ConnectorEnd::Order(order, OrderOutcome::of_drain(drained)),
            end => end,
        };
        (end, spec)
    }

    async fn work(&mut self, orders: &mut mpsc::Receiver<Order>) -> Result<ConnectorEnd, Error> {
        loop {
            let end = tokio::select! {
                biased;
                order = orders.recv() => match order {
                    None => Some(ConnectorEnd::Closed),
                    Some(order) => self.carry_out(order).await?,
                },
                event = self.partitions.next_event() => self.partitions.handle(event).await?,
            };
            if let Some(end) = end {
                return Ok(end);
            }
        }
    }

    /// Carries out an order, or ends for it.
    async fn carry_out(&mut self, order: Order) -> Result<Option<ConnectorEnd>, Error> {
        if order.ends() {
            return Ok(Some(ConnectorEnd::Order(order, OrderOutcome::CutOff)));
        }
        let (needs_new_consumer, to) = match order {
            Order::SetAssignment(assignment, to) => (self.partitions.set_assignment(assignment).await?, to),
            Order::RestartTask(task, to) => (self.partitions.restart_task(task).await?, to),
            Order::SetPaused(paused, to) => {
                self.partitions.set_paused(paused).await?;
                (false, to)
            }
            order @ (Order::Start(..) | Order::Stop(..)) => {
                return Ok(Some(ConnectorEnd::Order(order, OrderOutcome::CutOff)));
            }
        };
        answer(to, OrderOutcome::Done);
        Ok(needs_new_consumer.then_some(ConnectorEnd::Again))
    }
}

#[cfg(test)]
#[path = "connector_tasks_tests.rs"]
mod tests;
