//! Which task of a connector has which of the partitions that the group gave to this worker, and which tasks have failed.
//!
//! Pure.

use super::assign_tasks::assign_tasks;
use crate::id::TopicPartition;
use std::collections::{BTreeMap, BTreeSet};

/// Of one connector on this worker.
#[derive(Debug, Default)]
pub(super) struct PartitionOwners {
    by_partition: BTreeMap<TopicPartition, u32>,
    failed: BTreeSet<u32>,
}

impl PartitionOwners {
    /// Gives `new` partitions to `tasks`.
    pub(super) fn add(&mut self, new: &[TopicPartition], tasks: &BTreeSet<u32>) {
        let assigned = assign_tasks(&self.by_partition, new, tasks);
        self.by_partition.extend(assigned);
    }

    pub(super) fn remove(&mut self, partitions: &[TopicPartition]) {
        self.by_partition.retain(|partition, _| !partitions.contains(partition));
    }

    /// The task of each partition.
    pub(super) fn by_partition(&self) -> &BTreeMap<TopicPartition, u32> {
        &self.by_partition
    }

    /// The task of `partition`; none when it is not assigned.
    pub(super) fn task_of(&self, partition: &TopicPartition) -> Option<u32> {
        self.by_partition.get(partition).copied()
    }

    /// The same, if it has not failed.
    pub(super) fn active_task_of(&self, partition: &TopicPartition) -> Option<u32> {
        self.task_of(partition).filter(|task| !self.failed.contains(task))
    }

    /// All partitions.
    pub(super) fn partitions(&self) -> Vec<TopicPartition> {
        self.by_partition.keys().cloned().collect()
    }

    /// Those of `task`.
    pub(super) fn partitions_of(&self, task: u32) -> Vec<TopicPartition> {
        let of_task = self.by_partition.iter().filter(|(_, owner)| **owner == task);
        of_task.map(|(partition, _)| partition.clone()).collect()
    }

    /// Those of tasks that have not failed.
    pub(super) fn active_partitions(&self) -> Vec<TopicPartition> {
        let active = self.by_partition.iter().filter(|(_, task)| !self.failed.contains(task));
        active.map(|(partition, _)| partition.clone()).collect()
    }

    /// Marks `task` failed; false when it was already.
    pub(super) fn fail(&mut self, task: u32) -> bool {
        self.failed.insert(task)
    }

    /// `task` starts anew, or is gone.
    pub(super) fn clear_failure(&mut self, task: u32) {
        self.failed.remove(&task);
    }

    pub(super) fn has_failed(&self, task: u32) -> bool {
        self.failed.contains(&task)
    }
}
