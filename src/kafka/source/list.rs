//! A list of records that a test fills.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::RecordSource;
use crate::id::TopicPartition;
use crate::kafka::native::{ListedRecord, MAX_RECORDS, Records};

/// Clones are the same list.
#[derive(Clone)]
pub struct RecordList {
    id: TopicPartition,
    changed: Arc<Notify>,
    waiting: Arc<Mutex<VecDeque<ListedRecord>>>,
}

impl RecordList {
    /// An empty one.
    pub fn new(id: TopicPartition) -> Self {
        Self { id, changed: Arc::default(), waiting: Arc::default() }
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<ListedRecord>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts records behind those that are there.
    pub fn push(&self, records: impl IntoIterator<Item = ListedRecord>) {
        self.waiting().extend(records);
        self.changed.notify_one();
    }
}

impl RecordSource for RecordList {
    fn id(&self) -> &TopicPartition {
        &self.id
    }

    fn notified(&self) -> impl Future<Output = ()> + Send {
        self.changed.notified()
    }

    fn poll_batch(&mut self) -> Records {
        let mut waiting = self.waiting();
        let count = waiting.len().min(MAX_RECORDS);
        Records::listed(waiting.drain(..count).collect())
    }
}
