//! The config topic as the herder uses it: Connect's write orders, and the picture folded from what was read back.
//!
//! Every write is followed by a read to the end, and only what was read back counts, so a worker sees its own writes
//! the same way as those of others and of its own past (`connect-runtime.md` §2.4). It owns the picture
//! ([`ClusterConfigState`]); it never acts on it.

use super::config_state::{Change, ClusterConfigState};
use super::records::{ConfigRecord, RestartRequest};
use super::{ConfigBackingStore, ConfigEntry, Error};
use crate::cluster_key::ClusterKey;
use crate::configdef::ConnectorProperties;
use crate::id::ConnectorTaskId;
use crate::status::TargetState;
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;

/// What one write, with all its records and reads, may take (§2.4).
const WRITE_BUDGET: Duration = Duration::from_secs(30);

/// The config topic and what it says.
pub struct ConfigTopic {
    store: Box<dyn ConfigBackingStore>,
    state: ClusterConfigState,
}

impl ConfigTopic {
    /// Reads the whole topic. Restart requests of the past mean nothing now.
    pub async fn open(mut store: Box<dyn ConfigBackingStore>) -> Result<Self, Error> {
        let entries = store.read_to_end().await?;
        let mut topic = Self { store, state: ClusterConfigState::default() };
        drop(topic.take_in(entries));
        Ok(topic)
    }

    /// What the topic says.
    pub fn state(&self) -> &ClusterConfigState {
        &self.state
    }

    /// Waits for a record written by somebody else. Safe to drop while it waits.
    pub async fn next_change(&mut self) -> Result<Vec<Change>, Error> {
        let entry = self.store.next().await?;
        Ok(self.take_in(vec![entry]))
    }

    /// Reads to the end of the topic as it is now.
    pub async fn refresh(&mut self) -> Result<Vec<Change>, Error> {
        let entries = self.store.read_to_end().await?;
        Ok(self.take_in(entries))
    }

    /// Goes on with a topic that was made anew, and is to say what is known: see [`Self::write_again`].
    pub async fn reopen(&mut self, store: Box<dyn ConfigBackingStore>) -> Result<Vec<Change>, Error> {
        self.store = store;
        self.state.begin_anew();
        // Restarts and levels in it are of the past.
        let changes = self.refresh().await?;
        let is_of_now = |change: &Change| !matches!(change, Change::Restart(_) | Change::LoggerLevel { .. });
        Ok(changes.into_iter().filter(is_of_now).collect())
    }

    /// Writes what is known and the topic does not say.
    pub async fn write_again(&mut self) -> Result<Vec<Change>, Error> {
        let mut changes = Vec::new();
        for records in self.state.unwritten() {
            changes
                .extend(self.write("Error writing the state of the cluster to Kafka", vec![records]).await?);
        }
        Ok(changes)
    }

    /// Creates or replaces a connector.
    pub async fn put_connector(
        &mut self,
        name: &Arc<str>,
        properties: ConnectorProperties,
        initial_state: Option<TargetState>,
    ) -> Result<Vec<Change>, Error> {
        let mut records = Vec::with_capacity(2);
        if let Some(state) = initial_state {
            records.push(ConfigRecord::TargetState { name: name.clone(), state: Some(state) });
        }
        records.push(ConfigRecord::Connector { name: name.clone(), properties: Some(properties) });
        self.write("Error writing connector configuration to Kafka", vec![records]).await
    }

    /// Deletes a connector. Its task records stay in the topic; without a connector they mean nothing.
    pub async fn delete_connector(&mut self, name: &Arc<str>) -> Result<Vec<Change>, Error> {
        let records = vec![
            ConfigRecord::Connector { name: name.clone(), properties: None },
            ConfigRecord::TargetState { name: name.clone(), state: None },
        ];
        self.write("Error removing connector configuration from Kafka", vec![records]).await
    }

    /// Writes a connector's tasks: all of them, then the commit that makes them count.
    pub async fn put_tasks(
        &mut self,
        name: &Arc<str>,
        tasks: Vec<ConnectorProperties>,
    ) -> Result<Vec<Change>, Error> {
        let count = u32::try_from(tasks.len()).unwrap_or(u32::MAX);
        let records = (0..).zip(tasks).map(|(task, properties)| ConfigRecord::Task {
            id: ConnectorTaskId { connector: name.clone(), task },
            properties,
        });
        let commit = ConfigRecord::Commit { name: name.clone(), tasks: count };
        self.write("Error writing task configurations to Kafka", vec![records.collect(), vec![commit]]).await
    }

    /// Writes what the user wants a connector to do.
    pub async fn put_target_state(
        &mut self,
        name: &Arc<str>,
        state: TargetState,
    ) -> Result<Vec<Change>, Error> {
        let record = ConfigRecord::TargetState { name: name.clone(), state: Some(state) };
        self.write("Error writing target state to Kafka", vec![vec![record]]).await
    }

    /// Writes a wish to restart, for whoever runs the connector and its tasks.
    pub async fn put_restart(&mut self, request: RestartRequest) -> Result<Vec<Change>, Error> {
        let record = ConfigRecord::Restart(request);
        self.write("Error writing root configuration to Kafka", vec![vec![record]]).await
    }

    /// Writes a logger's level, for all workers.
    pub async fn put_logger_level(&mut self, logger: &str, level: &str) -> Result<Vec<Change>, Error> {
        let record = ConfigRecord::LoggerLevel { logger: logger.into(), level: level.to_owned() };
        self.write("Error writing logger level to Kafka", vec![vec![record]]).await
    }

    /// Writes a key for the workers of the cluster. Of two that are written at once the later one counts.
    pub async fn put_key(&mut self, key: ClusterKey) -> Result<Vec<Change>, Error> {
        let created = OffsetDateTime::now_utc().unix_timestamp().saturating_mul(1000);
        let record = ConfigRecord::SessionKey { key, created };
        self.write("Error writing session key to Kafka", vec![vec![record]]).await
    }

    /// Appends each group of records and reads to the end after it, all within one budget.
    async fn write(
        &mut self,
        what: &'static str,
        groups: Vec<Vec<ConfigRecord>>,
    ) -> Result<Vec<Change>, Error> {
        let mut changes = Vec::new();
        let all = async {
            for records in groups.into_iter().filter(|records| !records.is_empty()) {
                self.store.append(&records).await?;
                let entries = self.store.read_to_end().await?;
                changes.extend(self.take_in(entries));
            }
            Ok(())
        };
        let done = tokio::time::timeout(WRITE_BUDGET, all).await;
        let done = done.unwrap_or_else(|_| Err(Error::Timeout { seconds: WRITE_BUDGET.as_secs() }));
        done.map(|()| changes).map_err(|cause| Error::Write { what, cause: Box::new(cause) })
    }

    fn take_in(&mut self, entries: Vec<ConfigEntry>) -> Vec<Change> {
        entries.into_iter().filter_map(|entry| self.state.apply(entry.next_offset, entry.record)).collect()
    }
}
