//! The numbers of a connector's tasks on this worker: there while it runs them, and at zero when one starts anew.

use crate::id::ConnectorTaskId;
use crate::telemetry::{ErrorCounts, Metrics, TaskMetrics};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Those of one connector.
pub(super) struct TaskSeries {
    metrics: Metrics,
    connector: Arc<str>,
    by_task: BTreeMap<u32, TaskMetrics>,
}

impl TaskSeries {
    /// Begins with `tasks`.
    pub(super) fn new(metrics: &Metrics, connector: &Arc<str>, tasks: &BTreeSet<u32>) -> Self {
        let (metrics, connector) = (metrics.clone(), Arc::clone(connector));
        let mut this = Self { metrics, connector, by_task: BTreeMap::new() };
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

    /// `task` starts anew.
    pub(super) fn start_anew(&mut self, task: u32) {
        // In this order: what goes takes its series with it.
        self.by_task.remove(&task);
        self.of(task);
    }

    /// For what counts the errors of `task`.
    pub(super) fn errors(&mut self, task: u32) -> ErrorCounts {
        self.of(task).errors()
    }

    fn of(&mut self, task: u32) -> &TaskMetrics {
        let (metrics, connector) = (&self.metrics, &self.connector);
        self.by_task
            .entry(task)
            .or_insert_with(|| metrics.task(&ConnectorTaskId { connector: Arc::clone(connector), task }))
    }
}
