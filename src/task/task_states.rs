//! The tasks of a connector on this worker: their partitions, whether they failed, what they skipped and what they wait
//! for, and the states in which all that is reported to the herder.
//!
//! It owns what was reported. Pipelines and the consumer group are not its business.

use super::error::Error;
use super::minute::{Done, MinuteLog};
use super::orders::ConnectorSpec;
use super::owners::PartitionOwners;
use super::report::PipelineReport;
use super::series::TaskSeries;
use super::skipped::SkippedByTask;
use super::topics::TopicsRead;
use super::waiting::{LogLine, WaitKind, WaitNews, WaitSummary, WaitingWork};
use super::worker_context::WorkerContext;
use crate::brief::{self, Brief};
use crate::id::{ConnectorTaskId, TaskAssignment, TopicPartition};
use crate::metrics::{ClientReading, FatesReading, PartitionOffsets, PartitionWait, TaskCounts};
use crate::status::State;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Of one connector.
pub(super) struct TaskStates {
    spec: ConnectorSpec,
    worker: WorkerContext,
    owners: PartitionOwners,
    skipped: SkippedByTask,
    waiting: WaitingWork,
    series: TaskSeries,
    topics: TopicsRead,
    minute: MinuteLog,
}

impl TaskStates {
    /// No partitions yet. `skip_setting` is the sink's setting that allows to skip records.
    pub(super) fn new(spec: ConnectorSpec, worker: WorkerContext, skip_setting: Option<&str>) -> Self {
        Self {
            series: TaskSeries::new(&worker.metrics, &spec.name, &spec.assignment.tasks, spec.paused),
            spec,
            worker,
            owners: PartitionOwners::default(),
            skipped: SkippedByTask::new(skip_setting),
            waiting: WaitingWork::default(),
            topics: TopicsRead::default(),
            minute: MinuteLog::new(),
        }
    }

    pub(super) fn spec(&self) -> &ConnectorSpec {
        &self.spec
    }

    pub(super) fn into_spec(self) -> ConnectorSpec {
        self.spec
    }

    pub(super) fn owners(&self) -> &PartitionOwners {
        &self.owners
    }

    /// The group gave us these partitions.
    pub(super) fn add(&mut self, partitions: &[TopicPartition]) {
        self.owners.add(partitions, &self.spec.assignment.tasks);
        self.series.set_partitions(self.owners.by_partition());
        for topic in partitions.iter().map(|partition| &partition.topic).collect::<BTreeSet<_>>() {
            self.series.set_missing(topic, None);
        }
    }

    /// It took them away, or another task is to have them.
    pub(super) fn remove(&mut self, partitions: &[TopicPartition]) {
        self.owners.remove(partitions);
        self.series.set_partitions(self.owners.by_partition());
    }

    /// True when nothing should be fetched for `partition`.
    pub(super) fn is_held(&self, partition: &TopicPartition) -> bool {
        self.spec.paused || self.owners.active_task_of(partition).is_none()
    }

    /// The task that reads `partition`, with what counts for it; none when it has failed.
    pub(super) fn reader_of(&mut self, partition: &TopicPartition) -> Option<(ConnectorTaskId, TaskCounts)> {
        let task = self.owners.active_task_of(partition)?;
        Some((ConnectorTaskId { connector: Arc::clone(&self.spec.name), task }, self.series.counts(task)))
    }

    /// Reports the states of the connector and of all tasks that have not failed.
    pub(super) async fn report_all(&self) {
        self.worker.report_connector(&self.spec, self.spec.state(), None).await;
        for task in self.spec.assignment.tasks.iter().filter(|task| !self.owners.has_failed(**task)) {
            self.report_task(*task).await;
        }
    }

    /// Reports that a task goes on; with what it skipped and what it waits for, if that is anything.
    async fn report_task(&self, task: u32) {
        let hide = |text: &str| self.spec.hidden.redact(text).into_owned();
        let waiting = self.waiting.shown(task, self.owners.by_partition(), Instant::now());
        let skipped = self.skipped.trace(task);
        let skipped = skipped.map(|(brief, details)| brief::trace(&brief.map(hide), &hide(&details)));
        let parts: Vec<String> =
            skipped.into_iter().chain(waiting.iter().map(|waits| waits.text(hide))).collect();
        let trace = (!parts.is_empty()).then(|| parts.join("\n"));
        self.worker.report(&self.spec.name, Some(task), self.spec.state(), trace).await;
    }

    async fn report_those_that_go_on(&self, tasks: BTreeSet<u32>) {
        for task in tasks {
            if self.spec.assignment.tasks.contains(&task) && !self.owners.has_failed(task) {
                self.report_task(task).await;
            }
        }
    }

    /// When [`Self::report_due`] has something to report.
    pub(super) fn due(&self) -> Option<Instant> {
        self.skipped.due().into_iter().chain(self.waiting.due()).chain([self.minute.due()]).min()
    }

    /// Reports what was skipped, what began to wait, and what goes on, since that was reported last.
    pub(super) async fn report_due(&mut self) {
        let now = Instant::now();
        if self.skipped.due().is_some_and(|due| due <= now) {
            let changed = self.skipped.take_changed();
            self.report_those_that_go_on(changed).await;
        }
        if self.waiting.due().is_some_and(|due| due <= now) {
            self.report_waiting(now).await;
        }
        if self.minute.due() <= now {
            self.tell_minute(now);
        }
    }

    fn tell_minute(&mut self, now: Instant) {
        let done = self.minute.look(self.series.done(), now);
        self.series.add_minute(done);
        if !done.is_nothing() {
            let (connector, Done { rows, bytes, batches, retries, lag, .. }) = (&self.spec.name, done);
            tracing::info!(%connector, rows, bytes, batches, retries, lag, "in the last minute: {done}");
        }
    }

    /// Shows in the numbers what keeps `partition` from going on.
    fn show_wait(&self, partition: &TopicPartition) {
        let Some(task) = self.owners.task_of(partition) else { return };
        let wait = self.waiting.of_partition(partition, Instant::now());
        self.series.set_wait(task, partition, wait.map(|wait| self.shown(&wait)));
    }

    fn shown(&self, wait: &WaitSummary) -> PartitionWait {
        wait.shown(|text| self.spec.hidden.redact(text).into_owned())
    }

    async fn report_waiting(&mut self, now: Instant) {
        let tasks = &self.spec.assignment.tasks;
        let WaitNews { tasks, line } = self.waiting.look(self.owners.by_partition(), tasks, now);
        let connector = &self.spec.name;
        match line {
            Some(LogLine::Waits(sums)) => {
                let hide = |text: &str| self.spec.hidden.redact(text).into_owned();
                let each = |part: &dyn Fn(&WaitSummary) -> String| {
                    sums.iter().map(part).collect::<Vec<_>>().join("; ")
                };
                let what = each(&|waits| waits.brief().map(hide).to_string());
                let cause = each(&|waits| hide(&waits.oldest.cause));
                tracing::warn!(%connector, what, cause, "waits and is tried again; nothing is lost");
            }
            Some(LogLine::GoesOn(after)) => {
                tracing::info!(%connector, seconds = after.as_secs(), "goes on: what waited is done");
            }
            None => {}
        }
        self.report_those_that_go_on(tasks).await;
    }

    /// A task failed; false when it had already. It is reported once its partitions stop ([`Self::report_failed`]).
    pub(super) fn fail(&mut self, task: u32, error: &Error) -> bool {
        if !self.owners.fail(task) {
            return false;
        }
        self.series.failed(task);
        let hide = |text: &str| self.spec.hidden.redact(text).into_owned();
        let (brief, error) = (error.brief().map(hide), hide(&error.to_string()));
        tracing::error!(connector = %self.spec.name, task, error, "task failed: {brief}");
        true
    }

    pub(super) async fn report_failed(&self, task: u32, error: &Error) {
        let trace = error.trace(&self.spec.hidden);
        self.worker.report(&self.spec.name, Some(task), State::Failed, Some(trace)).await;
    }

    /// A task starts anew: nothing is known of it. It is reported once it runs ([`Self::report_started`]).
    pub(super) fn start_anew(&mut self, task: u32) {
        self.owners.clear_failure(task);
        self.skipped.forget(task);
        self.series.start_anew(task, self.owners.by_partition());
    }

    /// Reports a task that was started anew, unless it has failed again.
    pub(super) async fn report_started(&self, task: u32) {
        if !self.owners.has_failed(task) {
            self.report_task(task).await;
        }
    }

    /// Reading stops or goes on. It is reported by [`Self::report_all`].
    pub(super) fn set_paused(&mut self, paused: bool) {
        self.spec.paused = paused;
        self.series.set_paused(paused, |task| self.owners.has_failed(task));
    }

    /// Takes over another assignment, and reports the tasks that are gone and those that are new.
    pub(super) async fn set_assignment(&mut self, assignment: TaskAssignment, gone: &[u32]) {
        let new: Vec<u32> = assignment.tasks.difference(&self.spec.assignment.tasks).copied().collect();
        self.spec.assignment.tasks.clone_from(&assignment.tasks);
        self.series.set(&assignment.tasks);
        for task in gone {
            self.owners.clear_failure(*task);
            self.skipped.forget(*task);
            self.worker.report(&self.spec.name, Some(*task), State::Unassigned, None).await;
        }
        for task in new {
            self.report_task(task).await;
        }
        self.worker.change_assignment(&mut self.spec, assignment).await;
    }

    /// The pipeline of `partition` has ended: nothing of it waits any more.
    pub(super) fn pipeline_ended(&mut self, partition: &TopicPartition) {
        self.waiting.forget(partition);
        self.show_wait(partition);
    }

    /// Why offsets are not committed, or no broker can be reached; none when they are, or one can.
    pub(super) fn set_waiting(&mut self, what: WaitKind, cause: Option<&str>) {
        let now = Instant::now();
        if self.waiting.set(what, cause, now) {
            let wait = self.waiting.of_all(what, now);
            self.series.set_connector_wait(what.state(), wait.map(|wait| self.shown(&wait)));
        }
    }

    /// A topic does not exist, as Kafka says.
    pub(super) fn set_missing(&self, topic: &str, words: &str) {
        let brief = Brief::of(words).map(|text| self.spec.hidden.redact(text).into_owned());
        self.series.set_missing(&topic.into(), Some(brief.to_string().into()));
    }

    /// Where the consumer reads its partitions.
    pub(super) fn set_offsets(&self, offsets: &BTreeMap<TopicPartition, PartitionOffsets>) {
        self.series.set_offsets(offsets, |partition| self.owners.active_task_of(partition));
    }

    /// What is known of batches that were handed over.
    pub(super) fn set_fates(&self, fates: FatesReading) {
        self.series.set_fates(Arc::new(fates));
    }

    /// What the consumer told of its connections.
    pub(super) fn set_client(&self, client: ClientReading) {
        self.series.set_client(client);
    }

    /// A commit of these partitions' offsets ended, each well or not.
    pub(super) fn committed<'a>(
        &self,
        partitions: impl Iterator<Item = (&'a TopicPartition, bool)>,
        took: Duration,
    ) {
        let mut tasks: BTreeMap<u32, bool> = BTreeMap::new();
        for (partition, succeeded) in partitions {
            if let Some(task) = self.owners.task_of(partition) {
                *tasks.entry(task).or_insert(true) &= succeeded;
            }
        }
        self.series.committed(&tasks, took);
    }

    /// A commit of these partitions' offsets was given up.
    pub(super) fn commit_skipped<'a>(&self, partitions: impl Iterator<Item = &'a TopicPartition>) {
        self.series
            .commit_skipped(&partitions.filter_map(|partition| self.owners.task_of(partition)).collect());
    }

    /// Notes what a pipeline reported of its task; `is_running`: it has not ended meanwhile.
    pub(super) fn note(&mut self, report: PipelineReport, is_running: bool) {
        match report {
            PipelineReport::Skipped(partition, records) => {
                if let Some(task) = self.owners.task_of(&partition) {
                    self.skipped.add(task, records);
                }
            }
            PipelineReport::Read(partition) => self.note_read(&partition),
            // A late report of a pipeline that has ended would stay for ever.
            PipelineReport::Waits(partition, waiter, wait) if is_running => {
                self.waiting.add(partition.clone(), waiter, wait);
                self.show_wait(&partition);
            }
            PipelineReport::WaitsNoMore(partition, waiter) => {
                self.waiting.remove(&partition, waiter);
                self.show_wait(&partition);
            }
            PipelineReport::Waits(..)
            | PipelineReport::Progress(..)
            | PipelineReport::Began(..)
            | PipelineReport::Sent(..)
            | PipelineReport::Refused(..)
            | PipelineReport::Blocked(_)
            | PipelineReport::Unblocked(_) => {}
        }
    }

    fn note_read(&mut self, partition: &TopicPartition) {
        let Some(task) = self.owners.task_of(partition).filter(|_| self.worker.config.topic_tracking) else {
            return;
        };
        if self.topics.is_due(&partition.topic) {
            let task = ConnectorTaskId { connector: Arc::clone(&self.spec.name), task };
            self.worker.report_read(&task, &partition.topic);
        }
    }
}
