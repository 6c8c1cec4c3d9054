//! The pipelines of a connector's partitions on this worker: which run, what they report, how they end.
//!
//! It owns their tokio tasks, the channel of their reports, and the positions at which they ended. It knows no consumer
//! group: where records come from is a [`RecordSource`].

use super::at::At;
use super::clock::until;
use super::error::Error;
use super::open_batches::OpenBatches;
use super::pipeline::Pipeline;
use super::pipeline_context::PipelineContext;
use super::pipeline_mode::{Exit, PipelineMode};
use super::report::PipelineReport;
use super::scope::PartitionScope;
use crate::id::{ConnectorTaskId, TopicPartition};
use crate::kafka::RecordSource;
use crate::metrics::TaskCounts;
use crate::sink::SinkTask;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::Instant;

/// A pipeline that runs.
struct Running {
    task: ConnectorTaskId,
    mode: watch::Sender<PipelineMode>,
    abort: AbortHandle,
    id: Id,
}

/// What a pipeline has to say.
#[derive(Debug)]
pub(super) enum PipelineEvent {
    Reported(PipelineReport),
    /// It ended, with an error if it ended by itself.
    Ended {
        partition: TopicPartition,
        task: u32,
        /// Where the next one starts; none when nothing was read, or that is not known.
        resume_at: Option<i64>,
        error: Option<Error>,
    },
}

/// Of one connector on this worker.
pub(super) struct Pipelines {
    sink: Arc<dyn SinkTask>,
    context: Arc<PipelineContext>,
    reports: mpsc::Receiver<PipelineReport>,
    tasks: JoinSet<Exit>,
    running: BTreeMap<TopicPartition, Running>,
    /// Where a partition without a pipeline starts again.
    positions: HashMap<TopicPartition, i64>,
    /// A pipeline's end left its position unknown: only a new consumer knows where to start.
    lost_position: bool,
}

/// Some pipelines that are to end in good order, until a deadline.
pub(super) struct Drain {
    partitions: Vec<TopicPartition>,
    timeout: Duration,
    /// None once it has passed.
    deadline: Option<Instant>,
}

impl Drain {
    /// True unless something was cut off at the deadline.
    pub(super) fn is_in_time(&self) -> bool {
        self.deadline.is_some()
    }
}

impl Pipelines {
    /// None yet. `reports` is the other end of the context's channel.
    pub(super) fn new(
        sink: Arc<dyn SinkTask>,
        context: Arc<PipelineContext>,
        reports: mpsc::Receiver<PipelineReport>,
    ) -> Self {
        Self {
            sink,
            context,
            reports,
            tasks: JoinSet::new(),
            running: BTreeMap::new(),
            positions: HashMap::new(),
            lost_position: false,
        }
    }

    /// Starts the pipeline of a partition. An error when the sink cannot take its records.
    pub(super) fn start(
        &mut self,
        source: impl RecordSource + 'static,
        (task, counts): (ConnectorTaskId, TaskCounts),
        mode: PipelineMode,
    ) -> Result<(), Error> {
        let partition = source.id().clone();
        let context = Arc::clone(&self.context);
        let scope = PartitionScope::new((task.clone(), counts), partition.clone(), context.reports.clone());
        let (fixed, retain) = (context.converter.keeps_topics(), context.bad_records.retains_batches());
        let batches = OpenBatches::new(Arc::clone(&self.sink), partition.clone(), fixed, retain);
        let batches = batches.map_err(|source| scope.sink_error(source))?;
        let (mode, orders) = watch::channel(mode);
        let abort = self.tasks.spawn(Pipeline::new(scope, source, batches, context).run(orders));
        let id = abort.id();
        self.running.insert(partition, Running { task, mode, abort, id });
        Ok(())
    }

    /// True when the partition's pipeline runs.
    pub(super) fn has(&self, partition: &TopicPartition) -> bool {
        self.running.contains_key(partition)
    }

    /// Tells the pipelines of `partitions` what to do.
    pub(super) fn set_mode(&self, partitions: &[TopicPartition], mode: PipelineMode) {
        for running in partitions.iter().filter_map(|partition| self.running.get(partition)) {
            running.mode.send_replace(mode);
        }
    }

    /// Where the partition starts again, if a pipeline of it has ended; it is forgotten.
    pub(super) fn take_position(&mut self, partition: &TopicPartition) -> Option<i64> {
        self.positions.remove(partition)
    }

    /// The partitions are no longer ours.
    pub(super) fn forget_positions(&mut self, partitions: &[TopicPartition]) {
        self.positions.retain(|partition, _| !partitions.contains(partition));
    }

    /// True when only a new consumer knows where to start again.
    pub(super) fn has_lost_position(&self) -> bool {
        self.lost_position
    }

    /// What the next of them has to say; never ends while there are none. Cancel-safe.
    pub(super) async fn next(&mut self) -> PipelineEvent {
        loop {
            tokio::select! {
                biased;
                Some(report) = self.reports.recv() => return PipelineEvent::Reported(report),
                Some(ended) = self.tasks.join_next_with_id(), if !self.tasks.is_empty() => {
                    if let Some(event) = self.ended(ended) {
                        return event;
                    }
                }
            }
        }
    }

    /// What is reported already, without waiting.
    pub(super) fn take_report(&mut self) -> Option<PipelineReport> {
        self.reports.try_recv().ok()
    }

    fn ended(&mut self, ended: Result<(Id, Exit), JoinError>) -> Option<PipelineEvent> {
        match ended {
            Ok((_, Exit { partition, task, resume_at, error })) => {
                self.running.remove(&partition);
                if let Some(offset) = resume_at {
                    self.positions.insert(partition.clone(), offset);
                }
                Some(PipelineEvent::Ended { partition, task, resume_at, error })
            }
            Err(crash) => {
                let of_crash = |(_, running): &(&TopicPartition, &Running)| running.id == crash.id();
                let partition = self.running.iter().find(of_crash).map(|(partition, _)| partition.clone())?;
                let Running { task, .. } = self.running.remove(&partition)?;
                self.lost_position = true;
                let number = task.task;
                let error = crash.is_panic().then(|| {
                    let at = At { task, partition: partition.clone() };
                    Error::Panic { at: at.into(), reason: crash.to_string() }
                });
                Some(PipelineEvent::Ended { partition, task: number, resume_at: None, error })
            }
        }
    }

    /// Tells the pipelines of `partitions` to hand over what they have read, and to end within `timeout`.
    pub(super) fn drain(&self, partitions: &[TopicPartition], timeout: Duration) -> Drain {
        self.set_mode(partitions, PipelineMode::Drain);
        Drain { partitions: partitions.to_vec(), timeout, deadline: Some(Instant::now() + timeout) }
    }

    /// What happens until all of `drain` have ended and everything they reported was given; none then. What is late is cut
    /// off: its uploads end with it, and its records will be read again.
    pub(super) async fn next_of_drain(&mut self, drain: &mut Drain) -> Option<PipelineEvent> {
        while drain.partitions.iter().any(|partition| self.has(partition)) {
            tokio::select! {
                biased;
                event = self.next() => return Some(event),
                () = until(drain.deadline), if drain.deadline.is_some() => {
                    drain.deadline = None;
                    self.abort(drain);
                }
            }
        }
        self.take_report().map(PipelineEvent::Reported)
    }

    /// As if it ended by a defect.
    #[cfg(test)]
    pub(super) fn kill(&self, partition: &TopicPartition) {
        self.running[partition].abort.abort();
    }

    fn abort(&self, drain: &Drain) {
        let timeout_ms = drain.timeout.as_millis();
        for partition in &drain.partitions {
            if let Some(Running { task, abort, .. }) = self.running.get(partition) {
                abort.abort();
                tracing::warn!(
                    connector = %task.connector, %partition, timeout_ms,
                    "not drained within task.shutdown.graceful.timeout.ms; its records will be read again"
                );
            }
        }
    }
}
