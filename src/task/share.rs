//! A change of this worker's share of a connector: tasks come and go while those that stay go on undisturbed.
//!
//! Tasks are labels on partitions: which partitions this worker reads is decided by the consumer group alone. So the
//! partitions of a task that is gone are drained and go on under another task of this worker, until the group takes
//! some away for the worker that runs the task now.

use std::collections::BTreeSet;

use super::Error;
use super::consumer::ConnectorTasks;
use super::deal::deal;
use crate::id::TopicPartition;
use crate::status::State;

impl ConnectorTasks {
    /// Takes over a share of at least one task; true when that takes a new consumer.
    pub(super) async fn set_share(&mut self, instance: bool, tasks: BTreeSet<u32>) -> Result<bool, Error> {
        let gone: Vec<u32> = self.spec.tasks.difference(&tasks).copied().collect();
        let new: Vec<u32> = tasks.difference(&self.spec.tasks).copied().collect();
        self.spec.tasks = tasks;
        self.series.set(&self.spec.tasks);
        let partitions: Vec<TopicPartition> =
            gone.iter().flat_map(|task| self.partitions_of(*task)).collect();
        if !partitions.is_empty() {
            self.consumer.pause(&partitions)?;
            self.drain(&partitions).await;
        }
        for task in gone {
            self.failed.remove(&task);
            self.passed_over.forget(task);
            self.parts.tell(&self.spec.name, Some(task), State::Unassigned, None).await;
        }
        for task in new {
            self.tell_task(task).await;
        }
        self.parts.change_instance(&mut self.spec, instance).await;
        if self.lost_position {
            return Ok(true);
        }
        self.owner.retain(|partition, _| !partitions.contains(partition));
        let dealt = deal(&self.owner, &partitions, &self.spec.tasks);
        self.owner.extend(dealt);
        self.reopen(partitions).await?;
        Ok(false)
    }
}
