//! What the config topic says in all: a pure fold of its records, with Connect's rules (`connect-runtime.md` §2.4).
//!
//! Task configs take effect with their commit; a commit that does not fit its tasks (compaction does that) leaves the
//! connector *inconsistent*: its task list reads as empty until the tasks are written again. Cloning is cheap: what did
//! not change is shared.

use super::records::{ConfigRecord, RestartRequest};
use crate::cluster_key::ClusterKeys;
use crate::configdef::ConnectorProperties;
use crate::id::ConnectorTaskId;
use crate::status::TargetState;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which part of the picture a record changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A connector's config was written (or written again) or removed.
    Connector(Arc<str>),
    /// A connector's tasks were committed.
    Tasks(Arc<str>),
    /// A connector's target state changed.
    TargetState(Arc<str>),
    /// Somebody asks for a restart.
    Restart(RestartRequest),
    /// Somebody sets a logger's level on all workers.
    LoggerLevel {
        /// The logger, by its Java name.
        logger: Arc<str>,
        /// The level, by its Java name.
        level: String,
    },
    /// There is another key of the cluster.
    Keys,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Entry {
    config: Option<Arc<ConnectorProperties>>,
    /// Offset of the config's record: tells a rewritten config from the one before, even when they are equal.
    revision: i64,
    target: Option<TargetState>,
    deferred: BTreeMap<u32, Arc<ConnectorProperties>>,
    tasks: BTreeMap<u32, Arc<ConnectorProperties>>,
    task_count: Option<u32>,
    inconsistent: bool,
    /// It is known from a topic that is gone, and the one that took its place has not said it yet.
    unwritten: bool,
    /// The config that was current at the last good commit.
    applied: Option<Arc<ConnectorProperties>>,
}

impl Entry {
    /// All that goes with a deleted connector. The target state has its own record and stays.
    fn forget_connector(&mut self) {
        *self = Self { target: self.target, ..Self::default() };
    }

    /// The records that say it all: first what counts at once, then the commit of its tasks.
    fn records(&self, name: &Arc<str>) -> Vec<Vec<ConfigRecord>> {
        let Some(config) = &self.config else { return Vec::new() };
        let target =
            self.target.map(|state| ConfigRecord::TargetState { name: name.clone(), state: Some(state) });
        let properties = Some((**config).clone());
        let connector = ConfigRecord::Connector { name: name.clone(), properties };
        let mut first: Vec<_> = target.into_iter().chain([connector]).collect();
        let Some(count) = self.task_count.filter(|_| !self.inconsistent) else { return vec![first] };
        first.extend(self.tasks.range(..count).map(|(task, config)| ConfigRecord::Task {
            id: ConnectorTaskId { connector: name.clone(), task: *task },
            properties: (**config).clone(),
        }));
        vec![first, vec![ConfigRecord::Commit { name: name.clone(), tasks: count }]]
    }

    fn commit(&mut self, count: u32) {
        let complete = count == 0 || self.deferred.keys().copied().eq(0..count);
        let deferred = std::mem::take(&mut self.deferred);
        self.task_count = Some(count);
        self.inconsistent = !complete;
        if complete {
            self.tasks.extend(deferred);
            self.applied.clone_from(&self.config);
        }
    }
}

/// All connectors, their tasks and their target states.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClusterConfigState {
    offset: i64,
    entries: BTreeMap<Arc<str>, Arc<Entry>>,
    keys: ClusterKeys,
    /// The key is known from a topic that is gone.
    unwritten_keys: bool,
}

impl ClusterConfigState {
    /// Takes in the next record. `next_offset` is the record's offset + 1. The change is none when nothing that counts
    /// has changed (a record set aside, a target state without its connector).
    pub fn apply(&mut self, next_offset: i64, record: Option<ConfigRecord>) -> Option<Change> {
        // Offsets only go back where a topic was made anew under its reader.
        if next_offset <= self.offset {
            self.begin_anew();
        }
        self.offset = next_offset;
        match record? {
            ConfigRecord::Connector { name, properties } => {
                let known = self.contains(&name);
                let entry = self.entry(&name);
                if let Some(properties) = properties {
                    // Said again in a topic that was made anew, it is the same writing of it: nothing starts again.
                    let is_same =
                        std::mem::take(&mut entry.unwritten) && entry.config.as_deref() == Some(&properties);
                    if !is_same {
                        entry.config = Some(Arc::new(properties));
                        entry.revision = next_offset - 1;
                    }
                    return Some(Change::Connector(name));
                }
                entry.forget_connector();
                self.tidy(&name);
                known.then_some(Change::Connector(name))
            }
            ConfigRecord::Task { id, properties } => {
                self.entry(&id.connector).deferred.insert(id.task, Arc::new(properties));
                None
            }
            ConfigRecord::Commit { name, tasks } => {
                if self.contains(&name) {
                    self.entry(&name).commit(tasks);
                    return Some(Change::Tasks(name));
                }
                // Left over from a deleted connector; a new one of that name must not find it.
                self.entry(&name).forget_connector();
                self.tidy(&name);
                None
            }
            ConfigRecord::TargetState { name, state } => {
                self.entry(&name).target = state;
                self.tidy(&name);
                self.contains(&name).then_some(Change::TargetState(name))
            }
            ConfigRecord::Restart(request) => Some(Change::Restart(request)),
            ConfigRecord::LoggerLevel { logger, level } => Some(Change::LoggerLevel { logger, level }),
            ConfigRecord::SessionKey { key, .. } => {
                self.unwritten_keys = false;
                self.keys.add(key).then_some(Change::Keys)
            }
        }
    }

    /// From now on a topic is read that was made anew: what is known stays, and is to be written again.
    pub(super) fn begin_anew(&mut self) {
        self.offset = 0;
        self.unwritten_keys = !self.keys.is_empty();
        for entry in self.entries.values_mut().filter(|entry| entry.config.is_some()) {
            Arc::make_mut(entry).unwritten = true;
        }
    }

    /// True while the topic does not say all that is known.
    pub fn has_unwritten(&self) -> bool {
        self.unwritten_keys || self.entries.values().any(|entry| entry.unwritten)
    }

    /// What is known and not in the topic, in groups that belong together.
    pub(super) fn unwritten(&self) -> Vec<Vec<ConfigRecord>> {
        let key = self.keys.current().filter(|_| self.unwritten_keys).cloned();
        let key = key.map(|key| vec![ConfigRecord::SessionKey { key, created: 0 }]);
        let entries = self.entries.iter().filter(|(_, entry)| entry.unwritten);
        key.into_iter().chain(entries.flat_map(|(name, entry)| entry.records(name))).collect()
    }

    fn entry(&mut self, name: &Arc<str>) -> &mut Entry {
        Arc::make_mut(self.entries.entry(name.clone()).or_default())
    }

    fn tidy(&mut self, name: &Arc<str>) {
        if self.entries.get(name).is_some_and(|entry| **entry == Entry::default()) {
            self.entries.remove(name);
        }
    }

    /// Offset of the last record that was taken in, + 1.
    #[cfg(test)]
    pub fn offset(&self) -> i64 {
        self.offset
    }

    /// The keys that the workers of the cluster prove themselves with.
    pub fn keys(&self) -> &ClusterKeys {
        &self.keys
    }

    /// The connectors, in the order of their names.
    pub fn connectors(&self) -> impl Iterator<Item = &Arc<str>> {
        self.entries.iter().filter(|(_, entry)| entry.config.is_some()).map(|(name, _)| name)
    }

    /// Is there such a connector?
    pub fn contains(&self, name: &str) -> bool {
        self.config(name).is_some()
    }

    /// A connector's config.
    pub fn config(&self, name: &str) -> Option<&Arc<ConnectorProperties>> {
        self.entries.get(name)?.config.as_ref()
    }

    /// The offset of the config's record: another number means that the config was written again.
    pub fn revision(&self, name: &str) -> Option<i64> {
        self.entries.get(name).filter(|entry| entry.config.is_some()).map(|entry| entry.revision)
    }

    /// What the user wants of a connector; STARTED when nothing else was said.
    pub fn target_state(&self, name: &str) -> TargetState {
        self.entries.get(name).and_then(|entry| entry.target).unwrap_or_default()
    }

    /// The committed task configs in order; empty while the connector is inconsistent.
    pub fn tasks(&self, name: &str) -> Vec<&Arc<ConnectorProperties>> {
        let Some(entry) = self.entries.get(name).filter(|entry| !entry.inconsistent) else {
            return Vec::new();
        };
        entry.tasks.range(..entry.task_count.unwrap_or(0)).map(|(_, config)| config).collect()
    }

    /// How many tasks the connector has (the length of [`Self::tasks`]).
    pub fn task_count(&self, name: &str) -> u32 {
        // A commit that fits has all of its tasks. Counting them would cost too much: every state asks.
        let consistent = self.entries.get(name).filter(|entry| !entry.inconsistent);
        consistent.and_then(|entry| entry.task_count).unwrap_or(0)
    }

    /// The config that the committed tasks were made from.
    pub fn applied_config(&self, name: &str) -> Option<&Arc<ConnectorProperties>> {
        self.entries.get(name)?.applied.as_ref()
    }

    /// True when the task records and their commit did not fit.
    pub fn is_inconsistent(&self, name: &str) -> bool {
        self.entries.get(name).is_some_and(|entry| entry.inconsistent)
    }
}

#[cfg(test)]
#[path = "config_state_tests.rs"]
mod tests;
