//! Where a pipeline's records come from: the queue of an assigned partition, or a list in tests.

#[cfg(test)]
mod list;

use super::native::{PartitionQueue, Records};
use crate::id::TopicPartition;
#[cfg(test)]
pub use list::RecordList;

/// One partition's records, in the order of their offsets.
pub trait RecordSource: Send {
    /// The partition.
    fn id(&self) -> &TopicPartition;

    /// Ends when there may be records since the last [`Self::poll_batch`]. Cancel-safe.
    fn notified(&self) -> impl Future<Output = ()> + Send;

    /// What is there now, without waiting.
    fn poll_batch(&mut self) -> Records;
}

impl RecordSource for PartitionQueue {
    fn id(&self) -> &TopicPartition {
        self.id()
    }

    fn notified(&self) -> impl Future<Output = ()> + Send {
        self.notified()
    }

    fn poll_batch(&mut self) -> Records {
        self.poll_batch()
    }
}
