//! The numbers of a connector's tasks on this worker: there while it runs them, and at zero when one starts anew.

use super::minute::Done;
use crate::id::{ConnectorTaskId, TopicPartition};
use crate::metrics::{
    Activity, ClientCounts, ClientReading, ClientRole, FatesReading, Metrics, MinuteReading,
    PartitionOffsets, PartitionState, PartitionWait, TaskCounts, TaskMetrics,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Those of one connector.
pub(super) struct TaskSeries {
    metrics: Metrics,
    connector: Arc<str>,
    paused: bool,
    by_task: BTreeMap<u32, TaskMetrics>,
    /// For the one consumer of all of them.
    client: ClientCounts,
}

impl TaskSeries {
    /// Begins with `tasks`, which are paused or not.
    pub(super) fn new(metrics: &Metrics, connector: &Arc<str>, tasks: &BTreeSet<u32>, paused: bool) -> Self {
        let client = metrics.client(ClientRole::Consumer, &format!("connector-consumer-{connector}"));
        let (metrics, connector) = (metrics.clone(), Arc::clone(connector));
        let mut this = Self { metrics, connector, paused, by_task: BTreeMap::new(), client };
        this.set(tasks);
        this
    }

    /// The tasks are these now; those that stay go on counting.
    pub(super) fn set(&mut self, tasks: &BTreeSet<u32>) {
        self.by_task.retain(|task, _| tasks.contains(task));
        for task in tasks {
            self.of(*task);
        }
    }

    /// `task` starts anew, with these partitions.
    pub(super) fn start_anew(&mut self, task: u32, partitions: &BTreeMap<TopicPartition, u32>) {
        // In this order: what goes takes its series with it.
        self.by_task.remove(&task);
        self.of(task);
        self.set_partitions(partitions);
    }

    /// For what counts for `task`.
    pub(super) fn counts(&mut self, task: u32) -> TaskCounts {
        self.of(task).counts()
    }

    /// What all tasks have done.
    pub(super) fn done(&self) -> Done {
        let mut done = Done::default();
        for series in self.by_task.values() {
            let (connector, task) = series.counts().read();
            (done.rows, done.bytes) = (connector.records, connector.raw_bytes);
            done.batches = connector.deliver.counts.last().copied().unwrap_or(0);
            (done.late_batches, done.late_ms) = (connector.late_batches(), connector.late_ms());
            done.retries += task.errors.retries;
            done.lag +=
                task.partitions.iter().filter_map(|partition| partition.offsets.behind()).sum::<u64>();
        }
        done
    }

    /// The task of each partition.
    pub(super) fn set_partitions(&self, owners: &BTreeMap<TopicPartition, u32>) {
        for (task, series) in &self.by_task {
            series.set_partitions(owners.iter().filter(|(_, owner)| *owner == task).map(|(id, _)| id));
        }
    }

    /// Where partitions are read; nothing is told of those whose task has failed, for nobody reads them.
    pub(super) fn set_offsets(
        &self,
        offsets: &BTreeMap<TopicPartition, PartitionOffsets>,
        task_of: impl Fn(&TopicPartition) -> Option<u32>,
    ) {
        for (partition, offsets) in offsets {
            let series = task_of(partition).and_then(|task| self.by_task.get(&task));
            if let Some(series) = series {
                series.counts().set_offsets(partition, *offsets);
            }
        }
    }

    /// Reading stops or goes on; `has_failed` tells of tasks that do neither.
    pub(super) fn set_paused(&mut self, paused: bool, has_failed: impl Fn(u32) -> bool) {
        self.paused = paused;
        for (_, series) in self.by_task.iter().filter(|(task, _)| !has_failed(**task)) {
            series.counts().set_activity(activity(paused));
        }
    }

    /// `task` has failed.
    pub(super) fn failed(&mut self, task: u32) {
        let counts = self.of(task).counts();
        counts.set_activity(Activity::Failed);
        counts.forget_offsets();
    }

    /// A commit of offsets of these tasks ended, each with its success.
    pub(super) fn committed(&self, tasks: &BTreeMap<u32, bool>, took: Duration) {
        if let Some(any) = self.by_task.values().next() {
            any.observe_commit(took);
        }
        for (task, succeeded) in tasks {
            if let Some(series) = self.by_task.get(task) {
                series.committed(took, *succeeded);
            }
        }
    }

    /// What the consumer told of its connections.
    pub(super) fn set_client(&self, client: ClientReading) {
        self.client.take(client);
    }

    /// What keeps a partition of `task` from going on; none when nothing does.
    pub(super) fn set_wait(&self, task: u32, partition: &TopicPartition, wait: Option<PartitionWait>) {
        if let Some(series) = self.by_task.get(&task) {
            series.counts().set_wait(partition, wait);
        }
    }

    /// The same of all partitions.
    pub(super) fn set_connector_wait(&self, state: PartitionState, wait: Option<PartitionWait>) {
        if let Some(any) = self.by_task.values().next() {
            any.set_connector_wait(state, wait);
        }
    }

    /// A topic does not exist, as Kafka says; or, without words, it does.
    pub(super) fn set_missing(&self, topic: &Arc<str>, words: Option<Arc<str>>) {
        if let Some(any) = self.by_task.values().next() {
            any.set_missing(topic, words);
        }
    }

    /// What is known of batches that were handed over.
    pub(super) fn set_fates(&self, fates: Arc<FatesReading>) {
        if let Some(any) = self.by_task.values().next() {
            any.set_fates(fates);
        }
    }

    /// What was done in the last minute.
    pub(super) fn add_minute(&self, done: Done) {
        let Done { rows: records, bytes: raw_bytes, lag, late_batches, late_ms, .. } = done;
        if let Some(any) = self.by_task.values().next() {
            any.add_minute(MinuteReading { minute: 0, records, raw_bytes, lag, late_batches, late_ms });
        }
    }

    /// A commit of offsets of these tasks was given up.
    pub(super) fn commit_skipped(&self, tasks: &BTreeSet<u32>) {
        for series in tasks.iter().filter_map(|task| self.by_task.get(task)) {
            series.commit_skipped();
        }
    }

    fn of(&mut self, task: u32) -> &TaskMetrics {
        let (metrics, connector, paused) = (&self.metrics, &self.connector, self.paused);
        self.by_task.entry(task).or_insert_with(|| {
            let series = metrics.task(&ConnectorTaskId { connector: Arc::clone(connector), task });
            series.counts().set_activity(activity(paused));
            series
        })
    }
}

fn activity(paused: bool) -> Activity {
    if paused { Activity::Paused } else { Activity::Running }
}
