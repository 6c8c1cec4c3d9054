//! The partitions that the consumer group gave to a connector on this worker, from assignment to revocation: their
//! pipelines run, are held and drained, and what was handed over is committed.
//!
//! It owns the consumer, the pipelines and the commits, and does one thing at a time. On revoke: stop reading, drain to
//! the deadline (`task.shutdown.graceful.timeout.ms`), fence what is late, commit, and only then answer the group.

use super::clock::until;
use super::committer::Committer;
use super::error::Error;
use super::fate_listener::{FateListener, Learned};
use super::orders::{ConnectorEnd, ConnectorSpec};
use super::pipeline_mode::PipelineMode;
use super::pipelines::{PipelineEvent, Pipelines};
use super::report::PipelineReport;
use super::task_states::TaskStates;
use super::waiting::WaitKind;
use crate::config::WorkerConfig;
use crate::id::{TaskAssignment, TopicPartition};
use crate::kafka::{ConsumerEvent, GroupConsumer, PartitionQueue};
use crate::sink::BatchNews;
use std::sync::Arc;
use tokio::time::Instant;

/// What happened to them.
pub(super) enum PartitionEvent {
    Pipeline(PipelineEvent),
    Consumer(ConsumerEvent),
    CommitIsDue,
    /// States are to be reported.
    ReportIsDue,
    /// What is known of batches that were handed over is to be told.
    FatesAreDue,
    /// Something of it was learned.
    Learned(Learned),
}

/// Of one connector.
pub(super) struct AssignedPartitions {
    states: TaskStates,
    consumer: GroupConsumer,
    pipelines: Pipelines,
    committer: Committer,
    fates: FateListener,
    config: Arc<WorkerConfig>,
}

impl AssignedPartitions {
    /// None yet.
    pub(super) fn new(
        states: TaskStates,
        consumer: GroupConsumer,
        (pipelines, fates): (Pipelines, FateListener),
        config: Arc<WorkerConfig>,
    ) -> Self {
        let committer = Committer::new(Instant::now(), config.offset_flush_timeout);
        Self { states, consumer, pipelines, committer, fates, config }
    }

    pub(super) fn states(&self) -> &TaskStates {
        &self.states
    }

    #[cfg(test)]
    pub(super) fn pipelines(&self) -> &Pipelines {
        &self.pipelines
    }

    /// Waits for what happens next. Cancel-safe.
    pub(super) async fn next_event(&mut self) -> PartitionEvent {
        let (commit_at, report_at, tell_at) = (self.committer.due(), self.states.due(), self.fates.due());
        tokio::select! {
            biased;
            event = self.pipelines.next() => PartitionEvent::Pipeline(event),
            () = until(commit_at), if commit_at.is_some() => PartitionEvent::CommitIsDue,
            () = until(report_at), if report_at.is_some() => PartitionEvent::ReportIsDue,
            () = until(tell_at), if tell_at.is_some() => PartitionEvent::FatesAreDue,
            event = self.consumer.next_event() => PartitionEvent::Consumer(event),
            learned = self.fates.next() => PartitionEvent::Learned(learned),
        }
    }

    /// Does what is to be done about it; an end when this consumer cannot go on.
    pub(super) async fn handle(&mut self, event: PartitionEvent) -> Result<Option<ConnectorEnd>, Error> {
        match event {
            PartitionEvent::Pipeline(event) => self.pipeline_event(event).await,
            PartitionEvent::Consumer(event) => return self.consumer_event(event).await,
            PartitionEvent::CommitIsDue => self.commit(),
            PartitionEvent::ReportIsDue => self.states.report_due().await,
            PartitionEvent::FatesAreDue => {
                if let Some(known) = self.fates.look() {
                    self.states.set_fates(known);
                }
                let partitions = self.fates.take_question();
                if !partitions.is_empty() {
                    self.fates.asks(self.consumer.ends(&partitions));
                }
            }
            PartitionEvent::Learned(Learned::News(news)) => self.news(&news).await,
            PartitionEvent::Learned(Learned::Ends(ends)) => self.fates.ends_seen(&ends),
        }
        Ok(None)
    }

    async fn pipeline_event(&mut self, event: PipelineEvent) {
        match event {
            PipelineEvent::Reported(report) => self.reported(report),
            PipelineEvent::Ended { partition, task, resume_at, error } => {
                self.states.pipeline_ended(&partition);
                self.fates.ended(&partition, resume_at);
                if let Some(error) = error {
                    self.fail(task, &error).await;
                }
            }
        }
    }

    async fn news(&mut self, news: &[BatchNews]) {
        // Of what is told now, it was reported before that it left.
        while let Some(report) = self.pipelines.take_report() {
            self.reported(report);
        }
        for one in news {
            let task = self.states.owners().active_task_of(&one.partition);
            if let (Some(error), Some(task)) = (self.fates.take(one, task), task) {
                self.fail(task, &error).await;
            }
        }
    }

    async fn consumer_event(&mut self, event: ConsumerEvent) -> Result<Option<ConnectorEnd>, Error> {
        let connector = &self.states.spec().name;
        match event {
            ConsumerEvent::Assigned(partitions) => self.assigned(&partitions).await?,
            ConsumerEvent::Revoked(partitions) => self.revoked(&partitions).await?,
            ConsumerEvent::Committed(offsets) => {
                if let Some(took) = self.committer.answered(&offsets, Instant::now()) {
                    let ends = offsets.iter().map(|(partition, _, reason)| (partition, reason.is_none()));
                    self.states.committed(ends, took);
                }
                self.states.set_waiting(WaitKind::Commits, self.committer.failing());
            }
            ConsumerEvent::Offsets(offsets) => {
                self.states.set_offsets(&offsets);
                self.fates.set_offsets(&offsets);
            }
            ConsumerEvent::Client(client) => self.states.set_client(client),
            ConsumerEvent::Unreachable(cause) => self.states.set_waiting(WaitKind::Brokers, cause.as_deref()),
            ConsumerEvent::NoTopic(topic, words) => {
                tracing::warn!(%connector, topic, reason = words, "Kafka consumer");
                self.states.set_missing(&topic, &words);
            }
            ConsumerEvent::Trouble(reason) => tracing::warn!(%connector, reason, "Kafka consumer"),
            ConsumerEvent::Refused(error) => return Ok(Some(ConnectorEnd::Failed(error.into()))),
            ConsumerEvent::Stray(partition, offset) => {
                tracing::error!(%connector, %partition, offset, "a record outside its queue; joining the group anew");
                return Ok(Some(ConnectorEnd::Again));
            }
        }
        Ok(None)
    }

    fn reported(&mut self, report: PipelineReport) {
        self.fates.note(&report, report.leaving().is_none_or(|partition| self.pipelines.has(partition)));
        let paused = match report {
            PipelineReport::Progress(partition, offset) => {
                if self.states.owners().task_of(&partition).is_some() {
                    self.committer.want(partition, offset);
                }
                Ok(())
            }
            PipelineReport::Blocked(partition) if !self.states.is_held(&partition) => {
                self.consumer.pause(&[partition])
            }
            PipelineReport::Unblocked(partition) if !self.states.is_held(&partition) => {
                self.consumer.resume(&[partition])
            }
            report => {
                let is_running = report.waiting().is_none_or(|partition| self.pipelines.has(partition));
                self.states.note(report, is_running);
                Ok(())
            }
        };
        if let Err(error) = paused {
            let connector = &self.states.spec().name;
            tracing::warn!(%connector, %error, "back-pressure could not be passed on");
        }
    }

    async fn assigned(&mut self, partitions: &[TopicPartition]) -> Result<(), Error> {
        self.states.add(partitions);
        self.fates.assigned(partitions);
        let (held, free): (Vec<_>, Vec<_>) =
            partitions.iter().cloned().partition(|partition| self.states.is_held(partition));
        // The library remembers the pause of a partition that went and comes back. Before it is assigned: while its fetching
        // starts, a resume may be overtaken by the start, and the library drops what was overtaken.
        if !free.is_empty() {
            self.consumer.resume(&free)?;
        }
        let queues = self.consumer.assign(partitions)?;
        let (connector, in_all) = (&self.states.spec().name, self.states.owners().by_partition().len());
        tracing::info!(%connector, partitions = partitions.len(), in_all, "partitions assigned");
        if !held.is_empty() {
            self.consumer.pause(&held)?;
        }
        for queue in queues {
            self.open(queue).await;
        }
        Ok(())
    }

    async fn revoked(&mut self, partitions: &[TopicPartition]) -> Result<(), Error> {
        let connector = &self.states.spec().name;
        tracing::info!(%connector, partitions = partitions.len(), "partitions revoked; draining");
        self.drain(partitions).await;
        self.states.remove(partitions);
        self.fates.revoked(partitions);
        self.pipelines.forget_positions(partitions);
        Ok(self.consumer.unassign(partitions)?)
    }

    /// Starts the pipeline of an assigned partition, unless its task has failed.
    async fn open(&mut self, queue: PartitionQueue) {
        let Some(reader) = self.states.reader_of(queue.id()) else { return };
        let (task, mode) = (reader.0.task, self.reading_mode());
        if let Err(error) = self.pipelines.start(queue, reader, mode) {
            self.fail(task, &error).await;
        }
    }

    fn reading_mode(&self) -> PipelineMode {
        if self.states.spec().paused { PipelineMode::Hold } else { PipelineMode::Run }
    }

    /// Marks a task failed: its partitions stop, its siblings go on.
    async fn fail(&mut self, task: u32, error: &Error) {
        if !self.states.fail(task, error) {
            return;
        }
        let partitions = self.states.owners().partitions_of(task);
        self.pipelines.set_mode(&partitions, PipelineMode::Drain);
        if let Err(error) = self.consumer.pause(&partitions) {
            let connector = &self.states.spec().name;
            tracing::warn!(%connector, task, %error, "the failed task's partitions go on fetching");
        }
        self.states.report_failed(task, error).await;
    }

    /// Starts a task anew from what was handed over; true when that takes a new consumer.
    pub(super) async fn restart_task(&mut self, task: u32) -> Result<bool, Error> {
        if !self.states.spec().assignment.tasks.contains(&task) {
            return Ok(false);
        }
        let partitions = self.states.owners().partitions_of(task);
        self.consumer.pause(&partitions)?;
        self.drain(&partitions).await;
        if self.pipelines.has_lost_position() {
            return Ok(true);
        }
        self.states.start_anew(task);
        self.fates.changed();
        self.reopen(partitions).await?;
        self.states.report_started(task).await;
        Ok(false)
    }

    /// Takes over an assignment of at least one task, without disturbing those that stay; true when that takes a new
    /// consumer.
    ///
    /// Tasks are labels on partitions: which partitions this worker reads is decided by the consumer group alone. So the
    /// partitions of a task that is gone are drained and go on under another task of this worker, until the group takes
    /// some away for the worker that runs the task now.
    pub(super) async fn set_assignment(&mut self, assignment: TaskAssignment) -> Result<bool, Error> {
        let gone: Vec<u32> =
            self.states.spec().assignment.tasks.difference(&assignment.tasks).copied().collect();
        let owners = self.states.owners();
        let partitions: Vec<TopicPartition> =
            gone.iter().flat_map(|task| owners.partitions_of(*task)).collect();
        if !partitions.is_empty() {
            self.consumer.pause(&partitions)?;
            self.drain(&partitions).await;
        }
        self.states.set_assignment(assignment, &gone).await;
        self.fates.changed();
        if self.pipelines.has_lost_position() {
            return Ok(true);
        }
        self.states.remove(&partitions);
        self.states.add(&partitions);
        self.reopen(partitions).await?;
        Ok(false)
    }

    /// Starts pipelines for drained partitions, where the last ones ended.
    async fn reopen(&mut self, partitions: Vec<TopicPartition>) -> Result<(), Error> {
        for partition in partitions {
            if let Some(offset) = self.pipelines.take_position(&partition) {
                self.consumer.seek(&partition, offset).await?;
            }
            let queue = self.consumer.queue(&partition)?;
            if !self.states.is_held(&partition) {
                self.consumer.resume(std::slice::from_ref(&partition))?;
            }
            self.open(queue).await;
        }
        Ok(())
    }

    /// Stops or goes on reading; what was read before a pause is handed over.
    pub(super) async fn set_paused(&mut self, paused: bool) -> Result<(), Error> {
        self.states.set_paused(paused);
        let partitions = self.states.owners().active_partitions();
        if paused {
            self.consumer.pause(&partitions)?;
        } else {
            self.consumer.resume(&partitions)?;
        }
        self.pipelines.set_mode(&partitions, if paused { PipelineMode::Hold } else { PipelineMode::Run });
        self.states.report_all().await;
        Ok(())
    }

    /// Drains all and leaves the group; true when everything was handed over and committed in time.
    pub(super) async fn close(mut self) -> (bool, ConnectorSpec) {
        let drained = self.drain(&self.states.owners().partitions()).await;
        self.fates.close().await;
        // A broker that is gone must not hold up the order that waits; the client ends in the background then.
        let patience = self.config.task_shutdown_graceful_timeout;
        if tokio::time::timeout(patience, self.consumer.close()).await.is_err() {
            let connector = &self.states.spec().name;
            tracing::warn!(%connector, "left the consumer group without an answer from Kafka");
        }
        (drained, self.states.into_spec())
    }

    /// Ends the pipelines of `partitions`: handed over and committed if the deadline allows, fenced if not.
    async fn drain(&mut self, partitions: &[TopicPartition]) -> bool {
        let mut drain = self.pipelines.drain(partitions, self.config.task_shutdown_graceful_timeout);
        while let Some(event) = self.pipelines.next_of_drain(&mut drain).await {
            self.pipeline_event(event).await;
        }
        let committed = self.commit_now(partitions).await;
        self.states.set_waiting(WaitKind::Commits, self.committer.failing());
        drain.is_in_time() & committed
    }

    async fn commit_now(&mut self, partitions: &[TopicPartition]) -> bool {
        let offsets = self.committer.take(partitions);
        if offsets.is_empty() {
            return true;
        }
        let connector = &self.states.spec().name;
        if self.consumer.assignment_lost() {
            tracing::warn!(
                %connector, partitions = offsets.len(),
                "the group has given these partitions to others; last offsets not committed, what was handed over is read again"
            );
            return false;
        }
        let timeout = self.config.offset_flush_timeout;
        let (began, partitions) =
            (Instant::now(), offsets.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>());
        let ended = self.consumer.commit(offsets, timeout).await;
        self.states.committed(partitions.iter().map(|id| (id, ended.is_ok())), began.elapsed());
        let Err(error) = ended else { return true };
        tracing::warn!(
            %connector, %error, timeout_ms = timeout.as_millis(),
            "last offsets not committed within offset.flush.timeout.ms; they are read again later"
        );
        false
    }

    fn commit(&mut self) {
        let offsets = self.committer.take_due(Instant::now());
        if self.committer.has_given_up() {
            self.states.commit_skipped(offsets.iter().map(|(partition, _)| partition));
        }
        self.states.set_waiting(WaitKind::Commits, self.committer.failing());
        if offsets.is_empty() {
            return;
        }
        if let Err(error) = self.consumer.commit_async(&offsets) {
            self.committer.failed(error.to_string());
        }
    }
}
