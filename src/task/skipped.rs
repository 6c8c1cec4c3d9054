//! Records that were skipped by the user's choice and are in no dead-letter topic: counted for each task since it
//! started, and shown in the trace of its state, because such a task is RUNNING.
//!
//! It owns the counts. Which records those are is decided in `bad_records`.

use crate::brief::Brief;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;

/// Between two states that report counts: each is a record in the status topic.
const PAUSE: Duration = Duration::from_secs(10);

/// Some records that are nowhere else, and why the last of them was skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedRecords {
    /// How many.
    pub records: u64,
    /// Which the last one was, and what was wrong with it.
    pub last: String,
    /// That in one line.
    pub brief: Brief,
}

impl SkippedRecords {
    /// Both together; the other's are later.
    pub(super) fn add(this: &mut Option<Self>, later: Self) {
        let before = this.take().map_or(0, |skipped| skipped.records);
        *this = Some(Self { records: before + later.records, ..later });
    }
}

/// The counts of a connector's tasks on this worker.
#[derive(Debug)]
pub(super) struct SkippedByTask {
    /// The user's choice was made by these settings.
    settings: String,
    by_task: BTreeMap<u32, SkippedRecords>,
    changed: BTreeSet<u32>,
    reported: Option<Instant>,
    /// When that is to be reported; none when nothing changed.
    due: Option<Instant>,
}

/// The settings by which a user chooses that records are skipped: Connect's, and the sink's if it has one.
pub(super) fn settings(of_sink: Option<&str>) -> String {
    ["errors.tolerance"].into_iter().chain(of_sink).collect::<Vec<_>>().join(", ")
}

impl SkippedByTask {
    /// Nothing was skipped yet; `of_sink` is the sink's setting that allows it.
    pub(super) fn new(of_sink: Option<&str>) -> Self {
        Self {
            settings: settings(of_sink),
            by_task: BTreeMap::new(),
            changed: BTreeSet::new(),
            reported: None,
            due: None,
        }
    }

    pub(super) fn add(&mut self, task: u32, skipped: SkippedRecords) {
        let mut sum = self.by_task.remove(&task);
        SkippedRecords::add(&mut sum, skipped);
        self.by_task.extend(sum.map(|sum| (task, sum)));
        self.changed.insert(task);
        // Fixed here, so that whoever asks later is not told of an ever later moment.
        let now = Instant::now();
        self.due.get_or_insert_with(|| self.reported.map_or(now, |last| now.max(last + PAUSE)));
    }

    /// When states are to be reported; none when nothing changed.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// The tasks whose states are to be reported now.
    pub(super) fn take_changed(&mut self) -> BTreeSet<u32> {
        self.reported = Some(Instant::now());
        self.due = None;
        std::mem::take(&mut self.changed)
    }

    /// What the trace of a task that goes on says of it, in one line and as a whole; none when it skipped nothing.
    pub(super) fn trace(&self, task: u32) -> Option<(Brief, String)> {
        let SkippedRecords { records, last, brief } = self.by_task.get(&task)?;
        let settings = &self.settings;
        let brief = brief
            .clone()
            .led_by(format!("{records} record(s) were dropped, the last"))
            .mended_by(format!("see {settings}"));
        let details = format!(
            "{records} record(s) were skipped since the task started, and are in no dead-letter topic ({settings})\n\
             The last: {last}"
        );
        Some((brief, details))
    }

    /// The task starts anew.
    pub(super) fn forget(&mut self, task: u32) {
        self.by_task.remove(&task);
        self.changed.remove(&task);
        if self.changed.is_empty() {
            self.due = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Brief, PAUSE, SkippedByTask, SkippedRecords};
    use tokio::time::Instant;

    fn some(records: u64) -> SkippedRecords {
        let brief = Brief::new("bad").at(format!("t-0, offset {records}"));
        SkippedRecords { records, last: format!("t-0 offset {records}"), brief }
    }

    #[tokio::test(start_paused = true)]
    async fn counts_add_up_and_are_reported_at_once_and_then_now_and_again() {
        let mut counts = SkippedByTask::new(Some("on.error"));
        assert_eq!(counts.due(), None);
        counts.add(3, some(2));
        assert_eq!(counts.due(), Some(Instant::now()));
        assert!(counts.take_changed().contains(&3) && counts.due().is_none());
        counts.add(3, some(5));
        assert_eq!(counts.due(), Some(Instant::now() + PAUSE));
        let (brief, details) = counts.trace(3).unwrap();
        let line = "7 record(s) were dropped, the last: t-0, offset 5: bad; see errors.tolerance, on.error";
        assert_eq!(brief.to_string(), line);
        assert!(details.starts_with("7 record(s)") && details.ends_with("t-0 offset 5"), "{details}");
        counts.forget(3);
        assert_eq!((counts.trace(3), counts.due()), (None, None));
    }

    #[tokio::test]
    async fn whoever_asks_again_is_told_of_the_same_moment() {
        let mut counts = SkippedByTask::new(None);
        counts.add(0, some(1));
        let due = counts.due();
        std::hint::black_box((0..10_000).sum::<u64>());
        assert_eq!(counts.due(), due);
        assert!(due.is_some_and(|due| due <= Instant::now()), "it would never come");
    }
}
