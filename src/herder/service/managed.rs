//! A connector as this worker has it.

use crate::herder::plan::Actual;
use crate::retry::Backoff;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;

/// Between two tries to write task configs.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Kafka is away for longer: look once in a while.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What it is like here, and what is to be done with it.
pub(super) struct Managed {
    pub(super) actual: Actual,
    /// An operation is under way.
    pub(super) busy: bool,
    /// Tasks to be restarted when nothing else is to be done.
    pub(super) restart_tasks: BTreeSet<u32>,
    /// It was deleted: reports of its drain mean nothing, also not for a new one of its name.
    pub(super) deleted: bool,
    /// Not before this moment, after a write that failed.
    pub(super) retry_at: Option<Instant>,
    pub(super) backoff: Backoff,
}

impl Managed {
    pub(super) fn new() -> Self {
        let backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE, u64::from(std::process::id()));
        let restart_tasks = BTreeSet::new();
        Self { actual: Actual::Absent, busy: false, restart_tasks, deleted: false, retry_at: None, backoff }
    }
}
