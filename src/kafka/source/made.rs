//! A queue that a test fills.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::RecordSource;
use crate::id::TopicPartition;
use crate::kafka::native::{MAX_RECORDS, MadeRecord, Records};

/// Clones are the same queue.
#[derive(Clone)]
pub struct MadeQueue {
    id: TopicPartition,
    nonempty: Arc<Notify>,
    waiting: Arc<Mutex<VecDeque<MadeRecord>>>,
}

impl MadeQueue {
    /// An empty one.
    pub fn new(id: TopicPartition) -> Self {
        Self { id, nonempty: Arc::default(), waiting: Arc::default() }
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<MadeRecord>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts records behind those that are there.
    pub fn push(&self, records: impl IntoIterator<Item = MadeRecord>) {
        self.waiting().extend(records);
        self.nonempty.notify_one();
    }
}

impl RecordSource for MadeQueue {
    fn id(&self) -> &TopicPartition {
        &self.id
    }

    fn nonempty(&self) -> Arc<Notify> {
        Arc::clone(&self.nonempty)
    }

    fn take(&mut self) -> Records {
        let mut waiting = self.waiting();
        let count = waiting.len().min(MAX_RECORDS);
        Records::made(waiting.drain(..count).collect())
    }
}
