//! How long the service gathers batches of each table, as far as it was read. Pure; who reads is `follower`.
//!
//! A time counts for an hour, then it is read again. Until it is known, and where it cannot be read, the longest time that a policy may
//! say stands for it: a batch is rather held too long than said to be unreported too early.

use crate::kusto::outcome::BatchRoute;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The longest time of a policy (`kusto-protocol.md` §8).
pub(super) const LONGEST: Duration = Duration::from_mins(30);
/// After that a policy is read again.
const GOOD_FOR: Duration = Duration::from_hours(1);
/// After a reading that failed.
const AGAIN: Duration = Duration::from_mins(10);
/// Tables that are known; of more, the longest time is taken.
const MOST_TABLES: usize = 4096;

/// Database and table.
pub(super) type TableName = (Arc<str>, Arc<str>);

#[derive(Debug)]
struct KnownTime {
    time: Option<Duration>,
    /// To be read then.
    read_at: Instant,
}

/// The times of a cluster's tables.
#[derive(Debug, Default)]
pub(super) struct BatchingTimes {
    tables: HashMap<TableName, KnownTime>,
}

impl BatchingTimes {
    /// How long batches of that route are gathered. A table that is new is to be read at `read_at`.
    pub(super) fn time(&mut self, route: &BatchRoute, read_at: Instant) -> Duration {
        let name = (Arc::clone(&route.database), Arc::clone(&route.table));
        if self.tables.len() >= MOST_TABLES && !self.tables.contains_key(&name) {
            return LONGEST;
        }
        let known = self.tables.entry(name).or_insert(KnownTime { time: None, read_at });
        known.time.unwrap_or(LONGEST)
    }

    /// The table that is to be read first, and when.
    pub(super) fn next(&self) -> Option<(TableName, Instant)> {
        let next = self.tables.iter().min_by_key(|(_, known)| known.read_at)?;
        Some((next.0.clone(), next.1.read_at))
    }

    /// The policy of `table` was read, or could not be.
    pub(super) fn read(&mut self, table: &TableName, time: Option<Duration>, now: Instant) {
        let Some(known) = self.tables.get_mut(table) else { return };
        known.read_at = now + if time.is_some() { GOOD_FOR } else { AGAIN };
        known.time = time.map(|time| time.min(LONGEST)).or(known.time);
    }

    /// The time of `table`, if it was read.
    pub(super) fn known(&self, table: &TableName) -> Option<Duration> {
        self.tables.get(table)?.time
    }

    /// Each database that has a table here, once.
    pub(super) fn databases(&self) -> Vec<Arc<str>> {
        let mut all: Vec<Arc<str>> = self.tables.keys().map(|(database, _)| Arc::clone(database)).collect();
        all.sort();
        all.dedup();
        all
    }

    /// Nothing is open any more: what is handed over later is read anew.
    pub(super) fn forget(&mut self, now: Instant) {
        self.tables.retain(|_, known| known.time.is_some() && known.read_at > now);
    }
}
