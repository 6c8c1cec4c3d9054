//! What the connector's loop does about the reports of its pipelines.

use super::consumer::ConnectorTasks;
use super::report::Report;
use crate::id::{ConnectorTaskId, TopicPartition};
use std::sync::Arc;

impl ConnectorTasks {
    pub(super) fn reported(&mut self, report: Report) {
        let answer = match report {
            Report::Progress(partition, offset) => {
                if self.owner.contains_key(&partition) {
                    self.committer.want(partition, offset);
                }
                Ok(())
            }
            Report::PassedOver(partition, dropped) => {
                if let Some(task) = self.owner.get(&partition) {
                    self.passed_over.add(*task, dropped);
                }
                Ok(())
            }
            Report::Read(partition) => {
                self.note_read(&partition);
                Ok(())
            }
            Report::Waits(partition, waiter, wait) => {
                // A late word of a pipeline that has ended would stay for ever.
                if self.running.contains_key(&partition) {
                    self.troubles.add(partition, waiter, wait);
                }
                Ok(())
            }
            Report::WaitsNoMore(partition, waiter) => {
                self.troubles.remove(partition, waiter);
                Ok(())
            }
            Report::Blocked(partition) if !self.is_held(&partition) => self.consumer.pause(&[partition]),
            Report::Unblocked(partition) if !self.is_held(&partition) => self.consumer.resume(&[partition]),
            Report::Blocked(_) | Report::Unblocked(_) => Ok(()),
        };
        if let Err(error) = answer {
            tracing::warn!(connector = %self.spec.name, %error, "back-pressure could not be passed on");
        }
    }

    fn note_read(&mut self, partition: &TopicPartition) {
        let Some(task) = self.owner.get(partition).filter(|_| self.parts.worker.topic_tracking) else {
            return;
        };
        if self.topics.is_due(&partition.topic) {
            let task = ConnectorTaskId { connector: Arc::clone(&self.spec.name), task: *task };
            self.parts.tell_read(&task, &partition.topic);
        }
    }
}
