//! Records that were passed over by the user's choice and are in no dead-letter topic: counted for each task since it
//! started, and told in the trace of its state, because such a task is RUNNING.
//!
//! It owns the counts. Which records those are is decided in `bad_records`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;

/// Between two states that tell counts: each is a record in the status topic.
const PAUSE: Duration = Duration::from_secs(10);

/// Some records that are gone, and why the last of them is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// How many.
    pub records: u64,
    /// Which the last one was, and what was wrong with it.
    pub last: String,
}

impl Dropped {
    /// Both together; the other's are later.
    pub(super) fn add(this: &mut Option<Self>, later: Self) {
        let before = this.take().map_or(0, |dropped| dropped.records);
        *this = Some(Self { records: before + later.records, last: later.last });
    }
}

/// The counts of a connector's tasks on this worker.
#[derive(Debug)]
pub(super) struct PassedOver {
    /// The user's choice was made by these settings.
    settings: String,
    by_task: BTreeMap<u32, Dropped>,
    changed: BTreeSet<u32>,
    told: Option<Instant>,
}

/// The settings by which a user chooses that records are passed over: Connect's, and the sink's if it has one.
pub(super) fn settings(of_sink: Option<&str>) -> String {
    ["errors.tolerance"].into_iter().chain(of_sink).collect::<Vec<_>>().join(", ")
}

impl PassedOver {
    /// Nothing was passed over yet; `of_sink` is the sink's setting that allows it.
    pub(super) fn new(of_sink: Option<&str>) -> Self {
        Self { settings: settings(of_sink), by_task: BTreeMap::new(), changed: BTreeSet::new(), told: None }
    }

    pub(super) fn add(&mut self, task: u32, dropped: Dropped) {
        let mut sum = self.by_task.remove(&task);
        Dropped::add(&mut sum, dropped);
        self.by_task.extend(sum.map(|sum| (task, sum)));
        self.changed.insert(task);
    }

    /// When states are to be told; none when nothing changed.
    pub(super) fn due(&self) -> Option<Instant> {
        let next = self.told.map_or_else(Instant::now, |told| told + PAUSE);
        (!self.changed.is_empty()).then_some(next)
    }

    /// The tasks whose states are to be told now.
    pub(super) fn take_changed(&mut self) -> BTreeSet<u32> {
        self.told = Some(Instant::now());
        std::mem::take(&mut self.changed)
    }

    /// The trace of a task that goes on; none when it passed over nothing.
    pub(super) fn trace(&self, task: u32) -> Option<String> {
        let Dropped { records, last } = self.by_task.get(&task)?;
        Some(format!(
            "{records} record(s) were passed over since the task started, and are in no dead-letter topic \
             ({}). The last: {last}",
            self.settings
        ))
    }

    /// The task starts anew.
    pub(super) fn forget(&mut self, task: u32) {
        self.by_task.remove(&task);
        self.changed.remove(&task);
    }
}

#[cfg(test)]
mod tests {
    use super::{Dropped, PAUSE, PassedOver};
    use tokio::time::Instant;

    fn dropped(records: u64) -> Dropped {
        Dropped { records, last: format!("t-0 offset {records}") }
    }

    #[tokio::test(start_paused = true)]
    async fn counts_add_up_and_are_told_at_once_and_then_now_and_again() {
        let mut passed = PassedOver::new(Some("on.error"));
        assert_eq!(passed.due(), None);
        passed.add(3, dropped(2));
        assert_eq!(passed.due(), Some(Instant::now()));
        assert!(passed.take_changed().contains(&3) && passed.due().is_none());
        passed.add(3, dropped(5));
        assert_eq!(passed.due(), Some(Instant::now() + PAUSE));
        let trace = passed.trace(3).unwrap();
        assert!(trace.starts_with("7 record(s)") && trace.ends_with("t-0 offset 5"), "{trace}");
        assert!(trace.contains("(errors.tolerance, on.error)"), "{trace}");
        passed.forget(3);
        assert_eq!((passed.trace(3), passed.due()), (None, None));
    }
}
