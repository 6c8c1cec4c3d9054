//! A connector on this worker: its group membership, its pipelines, the states of its tasks.
//!
//! One loop owns all of it and does one thing at a time: an order, a report, a pipeline's end, a commit, an event of the
//! consumer. On revoke: stop intake, drain to the deadline, fence what is late, commit, and only then answer the group.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::Instant;

use super::bad_records::BadRecords;
use super::commit::Committer;
use super::deal::deal;
use super::error::At;
use super::group::join;
use super::partition::{Exit, Mode, Pipeline, Shared};
use super::passed_over::PassedOver;
use super::report::Report;
use super::series::Series;
use super::stages::Stages;
use super::topics::TopicsRead;
use super::trouble::{Troubles, What};
use super::writers::Writers;
use super::{ConnectorSpec, End, Error, Order, Parts, until};
use crate::config::files;
use crate::id::{ConnectorTaskId, TopicPartition};
use crate::kafka::{ConsumerEvent, GroupConsumer, PartitionQueue};
use crate::limits::Occupied;
use crate::plugins::SinkConnectorConfig;
use crate::sink::SinkTask;
use crate::status::State;

/// Reports of pipelines that wait for the loop; a full channel makes pipelines wait, not fail.
const REPORT_PLACES: usize = 256;

/// A pipeline that runs.
pub(super) struct Running {
    pub(super) mode: watch::Sender<Mode>,
    pub(super) abort: AbortHandle,
    id: Id,
}

/// A connector that runs.
pub struct ConnectorTasks {
    pub(super) spec: ConnectorSpec,
    pub(super) parts: Parts,
    sink: Arc<dyn SinkTask>,
    pub(super) consumer: GroupConsumer,
    shared: Arc<Shared>,
    pub(super) reports: mpsc::Receiver<Report>,
    pub(super) pipelines: JoinSet<Exit>,
    pub(super) running: BTreeMap<TopicPartition, Running>,
    /// The task of each assigned partition.
    pub(super) owner: BTreeMap<TopicPartition, u32>,
    /// Where an assigned partition without a pipeline starts again.
    positions: HashMap<TopicPartition, i64>,
    pub(super) failed: BTreeSet<u32>,
    /// A pipeline's end left its position unknown: only a new consumer knows where to start.
    pub(super) lost_position: bool,
    pub(super) committer: Committer,
    pub(super) passed_over: PassedOver,
    pub(super) troubles: Troubles,
    pub(super) series: Series,
    pub(super) topics: TopicsRead,
    /// Until its clients have ended.
    _room: Occupied,
}

impl ConnectorTasks {
    /// Checks the target of `sink` and joins the group.
    pub async fn prepare(
        spec: ConnectorSpec,
        config: &SinkConnectorConfig,
        sink: Arc<dyn SinkTask>,
        parts: Parts,
    ) -> Result<Self, Error> {
        let policy = sink.refusal_policy();
        let room = parts.room.enter(1 + BadRecords::clients(config, &policy))?;
        sink.start().await.map_err(|error| Error::Start(Box::new(error)))?;
        let (own, whole) = (config.clone(), sink.needs_key_and_headers());
        let stages = files::beside(move || Stages::new(&own, whole)).await?;
        let passed_over = PassedOver::new(policy.setting);
        let bad_records = BadRecords::open(config, policy, &parts.worker).await?;
        let consumer = join(config, &parts.worker).await?;
        let (sender, reports) = mpsc::channel(REPORT_PLACES);
        let shared = Shared {
            stages,
            bad_records,
            setting_names: sink.setting_names(),
            budget: parts.budget.connector(),
            reports: sender,
        };
        let committer = Committer::new(Instant::now(), parts.worker.offset_flush_timeout);
        let series = Series::new(&parts.metrics, &spec.name, &spec.tasks);
        Ok(Self {
            spec,
            parts,
            sink,
            consumer,
            shared: Arc::new(shared),
            reports,
            pipelines: JoinSet::new(),
            running: BTreeMap::new(),
            owner: BTreeMap::new(),
            positions: HashMap::new(),
            failed: BTreeSet::new(),
            lost_position: false,
            committer,
            passed_over,
            troubles: Troubles::default(),
            series,
            topics: TopicsRead::default(),
            _room: room,
        })
    }

    /// Works until an order ends it. All pipelines have ended then, and the group was left. The states at the start are
    /// the caller's to tell ([`Self::tell_states`]).
    pub async fn run(mut self, orders: &mut mpsc::Receiver<Order>) -> (End, ConnectorSpec) {
        let end = match self.work(orders).await {
            Ok(end) => end,
            Err(error) => End::Failed(error),
        };
        let drained = self.drain_all().await;
        // A broker that is gone must not hold up the order that waits; the client ends in the background then.
        let patience = self.parts.worker.task_shutdown_graceful_timeout;
        if tokio::time::timeout(patience, self.consumer.close()).await.is_err() {
            tracing::warn!(connector = %self.spec.name, "left the consumer group without an answer from Kafka");
        }
        let end = match end {
            End::Order(order, _) => End::Order(order, drained),
            end => end,
        };
        (end, self.spec)
    }

    async fn work(&mut self, orders: &mut mpsc::Receiver<Order>) -> Result<End, Error> {
        loop {
            let (due, tell_at) = (self.committer.due(), self.passed_over.due());
            let trouble_at = self.troubles.due();
            tokio::select! {
                biased;
                order = orders.recv() => match order {
                    None => return Ok(End::Closed),
                    Some(order) if order.ends() => return Ok(End::Order(order, false)),
                    Some(Order::SetShare(instance, tasks, ack)) => {
                        let again = self.set_share(instance, tasks).await?;
                        answer(ack);
                        if again {
                            return Ok(End::Again);
                        }
                    }
                    Some(Order::SetPaused(paused, ack)) => {
                        self.set_paused(paused).await?;
                        answer(ack);
                    }
                    Some(Order::RestartTask(task, ack)) => {
                        let again = self.restart_task(task).await?;
                        answer(ack);
                        if again {
                            return Ok(End::Again);
                        }
                    }
                    Some(order) => return Ok(End::Order(order, false)),
                },
                Some(report) = self.reports.recv() => self.reported(report),
                Some(ended) = self.pipelines.join_next_with_id(), if !self.pipelines.is_empty() => {
                    self.ended(ended).await;
                }
                () = until(due), if due.is_some() => self.commit(),
                () = until(tell_at), if tell_at.is_some() => self.tell_passed_over().await,
                () = until(trouble_at), if trouble_at.is_some() => self.tell_trouble().await,
                event = self.consumer.next_event() => if let Some(end) = self.happened(event).await? {
                    return Ok(end);
                },
            }
        }
    }

    async fn happened(&mut self, event: ConsumerEvent) -> Result<Option<End>, Error> {
        let connector = &self.spec.name;
        match event {
            ConsumerEvent::Assigned(partitions) => self.assigned(&partitions).await?,
            ConsumerEvent::Revoked(partitions) => self.revoked(&partitions).await?,
            ConsumerEvent::Committed(offsets) => {
                self.committer.answered(&offsets);
                self.troubles.set(What::Commits, self.committer.failing(), Instant::now());
            }
            ConsumerEvent::Unreachable(cause) => {
                self.troubles.set(What::Brokers, cause.as_deref(), Instant::now());
            }
            ConsumerEvent::Trouble(reason) => tracing::warn!(%connector, reason, "Kafka consumer"),
            ConsumerEvent::Refused(error) => return Ok(Some(End::Failed(error.into()))),
            ConsumerEvent::Stray(partition, offset) => {
                tracing::error!(%connector, %partition, offset, "a record outside its queue; joining the group anew");
                return Ok(Some(End::Again));
            }
        }
        Ok(None)
    }

    async fn assigned(&mut self, partitions: &[TopicPartition]) -> Result<(), Error> {
        for (partition, task) in deal(&self.owner, partitions, &self.spec.tasks) {
            self.owner.insert(partition, task);
        }
        let (held, free): (Vec<_>, Vec<_>) =
            partitions.iter().cloned().partition(|partition| self.is_held(partition));
        // The library remembers the pause of a partition that went and comes back. Before it is assigned: while its fetching
        // starts, a resume may be overtaken by the start, and the library drops what was overtaken.
        if !free.is_empty() {
            self.consumer.resume(&free)?;
        }
        let queues = self.consumer.assign(partitions)?;
        let connector = &self.spec.name;
        tracing::info!(%connector, partitions = partitions.len(), in_all = self.owner.len(), "partitions assigned");
        if !held.is_empty() {
            self.consumer.pause(&held)?;
        }
        for queue in queues {
            self.open(queue).await;
        }
        Ok(())
    }

    async fn revoked(&mut self, partitions: &[TopicPartition]) -> Result<(), Error> {
        let connector = Arc::clone(&self.spec.name);
        tracing::info!(%connector, partitions = partitions.len(), "partitions revoked; draining");
        self.drain(partitions).await;
        for partition in partitions {
            self.owner.remove(partition);
            self.positions.remove(partition);
        }
        Ok(self.consumer.unassign(partitions)?)
    }

    /// True when nothing should be fetched for `partition`.
    pub(super) fn is_held(&self, partition: &TopicPartition) -> bool {
        self.spec.paused || self.owner.get(partition).is_none_or(|task| self.failed.contains(task))
    }

    /// Starts the pipeline of an assigned partition, unless its task has failed.
    async fn open(&mut self, queue: PartitionQueue) {
        let partition = queue.id().clone();
        let Some(number) = self.owner.get(&partition).copied().filter(|task| !self.failed.contains(task))
        else {
            return;
        };
        let task = ConnectorTaskId { connector: Arc::clone(&self.spec.name), task: number };
        let fixed = self.shared.stages.keep_topics();
        let keep = self.shared.bad_records.keeps_batches();
        match Writers::new(Arc::clone(&self.sink), partition.clone(), fixed, keep) {
            Ok(writers) => {
                let (mode, orders) = watch::channel(if self.spec.paused { Mode::Hold } else { Mode::Run });
                let pipeline = Pipeline::new(
                    (task, self.series.errors(number)),
                    queue,
                    writers,
                    Arc::clone(&self.shared),
                );
                let abort = self.pipelines.spawn(pipeline.run(orders));
                let id = abort.id();
                self.running.insert(partition, Running { mode, abort, id });
            }
            Err(source) => {
                let at = Box::new(At { task, partition });
                self.fail(number, &Error::Sink { at, source: Box::new(source) }).await;
            }
        }
    }

    pub(super) async fn ended(&mut self, ended: Result<(Id, Exit), JoinError>) {
        match ended {
            Ok((_, Exit { partition, task, resume_at, error })) => {
                self.running.remove(&partition);
                self.troubles.forget(&partition);
                if let Some(offset) = resume_at {
                    self.positions.insert(partition, offset);
                }
                if let Some(error) = error {
                    self.fail(task, &error).await;
                }
            }
            Err(crash) => {
                let of_crash = |(_, running): &(&TopicPartition, &Running)| running.id == crash.id();
                let Some(partition) =
                    self.running.iter().find(of_crash).map(|(partition, _)| partition.clone())
                else {
                    return;
                };
                self.running.remove(&partition);
                self.troubles.forget(&partition);
                self.lost_position = true;
                if crash.is_panic() {
                    let number = self.owner.get(&partition).copied().unwrap_or(0);
                    let task = ConnectorTaskId { connector: Arc::clone(&self.spec.name), task: number };
                    let at = Box::new(At { task, partition });
                    self.fail(number, &Error::Panic { at, reason: crash.to_string() }).await;
                }
            }
        }
    }

    /// Marks a task failed: its partitions stop, its siblings go on.
    async fn fail(&mut self, task: u32, error: &Error) {
        if !self.failed.insert(task) {
            return;
        }
        let text = error.to_string();
        let shown = self.spec.hidden.redact(&text);
        tracing::error!(connector = %self.spec.name, task, error = &*shown, "task failed");
        let partitions = self.partitions_of(task);
        for partition in &partitions {
            if let Some(running) = self.running.get(partition) {
                running.mode.send_replace(Mode::Drain);
            }
        }
        if let Err(error) = self.consumer.pause(&partitions) {
            tracing::warn!(connector = %self.spec.name, task, %error, "the failed task's partitions go on fetching");
        }
        self.parts
            .tell(&self.spec.name, Some(task), State::Failed, Some(error.trace(&self.spec.hidden)))
            .await;
    }

    /// Starts a task anew from what was handed over; true when that takes a new consumer.
    async fn restart_task(&mut self, task: u32) -> Result<bool, Error> {
        if !self.spec.tasks.contains(&task) {
            return Ok(false);
        }
        let partitions = self.partitions_of(task);
        self.consumer.pause(&partitions)?;
        self.drain(&partitions).await;
        if self.lost_position {
            return Ok(true);
        }
        self.failed.remove(&task);
        self.passed_over.forget(task);
        self.series.start_anew(task);
        self.reopen(partitions).await?;
        if !self.failed.contains(&task) {
            self.tell_task(task).await;
        }
        Ok(false)
    }

    /// Starts pipelines for drained partitions, where the last ones ended.
    pub(super) async fn reopen(&mut self, partitions: Vec<TopicPartition>) -> Result<(), Error> {
        for partition in partitions {
            if let Some(offset) = self.positions.remove(&partition) {
                self.consumer.seek(&partition, offset).await?;
            }
            let queue = self.consumer.queue(&partition)?;
            if !self.is_held(&partition) {
                self.consumer.resume(std::slice::from_ref(&partition))?;
            }
            self.open(queue).await;
        }
        Ok(())
    }

    async fn set_paused(&mut self, paused: bool) -> Result<(), Error> {
        self.spec.paused = paused;
        let partitions: Vec<_> = self
            .owner
            .iter()
            .filter(|(_, task)| !self.failed.contains(task))
            .map(|(p, _)| p.clone())
            .collect();
        if paused {
            self.consumer.pause(&partitions)?;
        } else {
            self.consumer.resume(&partitions)?;
        }
        for running in partitions.iter().filter_map(|partition| self.running.get(partition)) {
            running.mode.send_replace(if paused { Mode::Hold } else { Mode::Run });
        }
        self.tell_states().await;
        Ok(())
    }

    pub(super) fn partitions_of(&self, task: u32) -> Vec<TopicPartition> {
        self.owner
            .iter()
            .filter(|(_, owner)| **owner == task)
            .map(|(partition, _)| partition.clone())
            .collect()
    }
}

fn answer(ack: super::Ack) {
    if ack.send(true).is_err() {
        tracing::debug!("who gave an order did not wait for its end");
    }
}

#[cfg(test)]
#[path = "consumer_tests.rs"]
mod tests;
