//! The states of connectors and tasks: a trait and its memory twin.
//!
//! The herder is the only writer. The Kafka twin (the status topic) implements the same trait: it answers reads from
//! its own copy and writes in the background, so reads never wait.

use super::Error;
use crate::id::ConnectorTaskId;
use crate::status::State;
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Whose state it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatusId {
    /// The connector itself.
    Connector(Arc<str>),
    /// One of its tasks.
    Task(ConnectorTaskId),
}

/// A state with what belongs to it (`connect-runtime.md` §2.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The state.
    pub state: State,
    /// With FAILED: what happened.
    pub trace: Option<String>,
    /// `host:port` of the worker that wrote it.
    pub worker_id: Arc<str>,
    /// The group's generation when it was written; 0 without a group.
    pub generation: i64,
    /// The connector's version; none when its class is unknown.
    pub version: Option<Arc<str>>,
}

/// Keeps the states.
#[async_trait]
pub trait StatusBackingStore: Send {
    /// Sets a state, or forgets it (with a connector all its tasks).
    async fn put(&mut self, id: StatusId, status: Option<Status>) -> Result<(), Error>;

    /// A connector's state.
    fn connector(&self, name: &str) -> Option<&Status>;

    /// The states of a connector's tasks, in order.
    fn tasks(&self, name: &str) -> Vec<(u32, &Status)>;
}

#[derive(Debug, Default)]
struct Entry {
    connector: Option<Status>,
    tasks: BTreeMap<u32, Status>,
}

/// States in memory: they are gone with the worker, and written again when it resumes its connectors.
#[derive(Debug, Default)]
pub struct MemoryStatusBackingStore {
    entries: BTreeMap<Arc<str>, Entry>,
}

#[async_trait]
impl StatusBackingStore for MemoryStatusBackingStore {
    async fn put(&mut self, id: StatusId, status: Option<Status>) -> Result<(), Error> {
        match (id, status) {
            (StatusId::Connector(name), Some(status)) => {
                self.entries.entry(name).or_default().connector = Some(status);
            }
            (StatusId::Connector(name), None) => drop(self.entries.remove(&name)),
            (StatusId::Task(id), Some(status)) => {
                self.entries.entry(id.connector).or_default().tasks.insert(id.task, status);
            }
            (StatusId::Task(id), None) => {
                if let Some(entry) = self.entries.get_mut(&id.connector) {
                    entry.tasks.remove(&id.task);
                }
            }
        }
        Ok(())
    }

    fn connector(&self, name: &str) -> Option<&Status> {
        self.entries.get(name)?.connector.as_ref()
    }

    fn tasks(&self, name: &str) -> Vec<(u32, &Status)> {
        let tasks = self.entries.get(name).map(|entry| &entry.tasks);
        tasks.into_iter().flatten().map(|(task, status)| (*task, status)).collect()
    }
}
