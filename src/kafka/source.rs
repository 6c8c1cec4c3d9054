//! Where a pipeline's records come from: the queue of an assigned partition, or a list in tests.

#[cfg(test)]
mod made;

use std::sync::Arc;

use tokio::sync::Notify;

use super::native::{PartitionQueue, Records};
use crate::id::TopicPartition;
#[cfg(test)]
pub use made::MadeQueue;

/// One partition's records, in the order of their offsets.
pub trait RecordSource: Send {
    /// The partition.
    fn id(&self) -> &TopicPartition;

    /// Is notified when there may be records since the last [`Self::take`].
    fn nonempty(&self) -> Arc<Notify>;

    /// Takes what is there now, without waiting.
    fn take(&mut self) -> Records;
}

impl RecordSource for PartitionQueue {
    fn id(&self) -> &TopicPartition {
        self.id()
    }

    fn nonempty(&self) -> Arc<Notify> {
        self.nonempty()
    }

    fn take(&mut self) -> Records {
        self.take()
    }
}
