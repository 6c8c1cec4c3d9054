//! What the status topic says in all: a pure fold of its records, with Connect's rules (`connect-runtime.md` §2.5).
//!
//! It knows nothing of what is on its way; that is [`StatusTopic`](super::StatusTopic)'s business.

use super::status::{Status, StatusId, StatusRecord, TopicStatus};
use crate::status::State;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Debug, Default, PartialEq)]
struct Entry {
    connector: Option<Status>,
    tasks: BTreeMap<u32, Status>,
    topics: BTreeMap<Arc<str>, TopicStatus>,
}

/// The states of all connectors and tasks, and the topics in use.
#[derive(Debug, Default, PartialEq)]
pub(super) struct StatusCache {
    entries: BTreeMap<Arc<str>, Entry>,
}

impl StatusCache {
    /// Takes in a record that was read; true when it changed something.
    pub(super) fn apply(&mut self, record: StatusRecord) -> bool {
        if let StatusRecord::State { id: id @ StatusId::Task(_), status: Some(status) } = &record
            && self.get(id).is_some_and(|known| outdated(status, known))
        {
            return false;
        }
        self.set(record)
    }

    /// Takes in a record of our own; true when it changed something.
    pub(super) fn set(&mut self, record: StatusRecord) -> bool {
        let (StatusRecord::State { id: StatusId::Connector(name), .. }
        | StatusRecord::Topic { connector: name, .. }) = &record
        else {
            let StatusRecord::State { id: StatusId::Task(id), status } = record else { return false };
            let entry = self.entries.entry(id.connector.clone()).or_default();
            let changed = replace(&mut entry.tasks, id.task, status);
            self.tidy(&id.connector);
            return changed;
        };
        let name = name.clone();
        let entry = self.entries.entry(name.clone()).or_default();
        let changed = match record {
            StatusRecord::Topic { topic, status, .. } => replace(&mut entry.topics, topic, status),
            StatusRecord::State { status, .. } => {
                // Without its connector no task is of interest.
                let tasks = status.is_none() && !entry.tasks.is_empty();
                if tasks {
                    entry.tasks.clear();
                }
                let changed = entry.connector != status;
                entry.connector = status;
                changed || tasks
            }
        };
        self.tidy(&name);
        changed
    }

    fn tidy(&mut self, name: &Arc<str>) {
        if self.entries.get(name).is_some_and(|entry| *entry == Entry::default()) {
            self.entries.remove(name);
        }
    }

    /// A state.
    pub(super) fn get(&self, id: &StatusId) -> Option<&Status> {
        match id {
            StatusId::Connector(name) => self.connector(name),
            StatusId::Task(id) => self.entries.get(&id.connector)?.tasks.get(&id.task),
        }
    }

    /// A connector's state.
    pub(super) fn connector(&self, name: &str) -> Option<&Status> {
        self.entries.get(name)?.connector.as_ref()
    }

    /// The states of a connector's tasks, in order.
    pub(super) fn tasks(&self, name: &str) -> impl Iterator<Item = (u32, &Status)> {
        let tasks = self.entries.get(name).map(|entry| &entry.tasks);
        tasks.into_iter().flatten().map(|(task, status)| (*task, status))
    }

    /// The topics that a connector has read from, in order.
    pub(super) fn topics(&self, name: &str) -> impl Iterator<Item = &TopicStatus> {
        self.entries.get(name).into_iter().flat_map(|entry| entry.topics.values())
    }

    /// Everything that has a state.
    pub(super) fn ids(&self) -> impl Iterator<Item = StatusId> {
        self.entries.iter().flat_map(|(name, entry)| {
            let connector = entry.connector.as_ref().map(|_| StatusId::Connector(name.clone()));
            let tasks = entry.tasks.keys().map(move |task| {
                StatusId::Task(crate::id::ConnectorTaskId { connector: name.clone(), task: *task })
            });
            connector.into_iter().chain(tasks)
        })
    }

    /// Everything that is known, as records.
    pub(super) fn records(&self) -> Vec<StatusRecord> {
        let mut records = Vec::new();
        for id in self.ids() {
            let status = self.get(&id).cloned();
            records.push(StatusRecord::State { id, status });
        }
        for (name, entry) in &self.entries {
            records.extend(entry.topics.iter().map(|(topic, status)| StatusRecord::Topic {
                connector: name.clone(),
                topic: topic.clone(),
                status: Some(status.clone()),
            }));
        }
        records
    }

    /// True when it says what the record says, or the like of it when `any`.
    pub(super) fn has(&self, record: &StatusRecord, any: bool) -> bool {
        match record {
            StatusRecord::State { id, status } => {
                let known = self.get(id);
                known == status.as_ref() || (any && known.is_some())
            }
            StatusRecord::Topic { connector, topic, status } => {
                let known = self.entries.get(connector).and_then(|entry| entry.topics.get(topic));
                known == status.as_ref() || (any && known.is_some())
            }
        }
    }

    /// All connectors of which something is known.
    pub(super) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.entries.keys()
    }

    /// The highest generation of all states.
    pub(super) fn max_generation(&self) -> Option<i64> {
        let states = |entry: &Entry| {
            entry.connector.iter().chain(entry.tasks.values()).map(|status| status.generation).max()
        };
        self.entries.values().filter_map(states).max()
    }
}

/// A worker that let go of a task says so late: another one has it by now. Connect compares the generations only; we
/// look at the worker too, because the word of the one that runs it must count.
fn outdated(status: &Status, known: &Status) -> bool {
    status.state == State::Unassigned
        && known.state == State::Running
        && known.generation >= status.generation
        && known.worker_id != status.worker_id
}

fn replace<K: Ord, V: PartialEq>(map: &mut BTreeMap<K, V>, key: K, value: Option<V>) -> bool {
    match value {
        Some(value) if map.get(&key) == Some(&value) => false,
        Some(value) => {
            map.insert(key, value);
            true
        }
        None => map.remove(&key).is_some(),
    }
}
