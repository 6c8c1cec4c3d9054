//! What keeps a connector's tasks from going on while they are RUNNING: batches that the service does not take, records without
//! their schema, dead letters, offsets that are not committed, brokers that cannot be reached. An outage costs no state, so
//! it is shown in the trace of the states and in the log, at its begin and at its end, however many partitions it keeps
//! waiting.
//!
//! It owns what waits and what was reported of it. Pure: time comes from outside, and it is reported by the connector's loop.

use crate::brief::{self, Brief};
use crate::id::TopicPartition;
use crate::metrics::{PartitionState, PartitionWait, TROUBLE_AFTER as PATIENCE};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::Instant;

/// From the end of one trouble to the begin of the next: each begin and end is a record in the status topic for a task.
const PAUSE: Duration = Duration::from_secs(10);
/// The log says again that it still lasts.
const AGAIN: Duration = Duration::from_mins(10);

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WaitSubject {
    /// A batch on its way, by its ticket.
    Batch(u64),
    /// Letters on their way, by their ticket.
    Letters(u64),
    /// The record that is read next, for its schema.
    Schema,
    /// The same for memory.
    Memory,
}

impl WaitSubject {
    fn kind(self) -> WaitKind {
        match self {
            Self::Batch(_) => WaitKind::Batches,
            Self::Letters(_) => WaitKind::Letters,
            Self::Schema => WaitKind::Schemas,
            Self::Memory => WaitKind::Memory,
        }
    }
}

/// Since when, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// Since when.
    pub since: Instant,
    /// Why, as it was reported last.
    pub cause: String,
    /// That in one line.
    pub brief: Brief,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum WaitKind {
    Batches,
    Letters,
    Schemas,
    Memory,
    /// Of all tasks that have partitions.
    Commits,
    /// Of all tasks, also of those that wait for their first partition.
    Brokers,
}

impl WaitKind {
    /// What it makes of a partition's state.
    pub(super) fn state(self) -> PartitionState {
        match self {
            Self::Batches => PartitionState::WaitingForSink,
            Self::Letters => PartitionState::WaitingForDeadLetters,
            Self::Schemas => PartitionState::WaitingForSchema,
            Self::Memory => PartitionState::OutOfMemory,
            Self::Commits => PartitionState::NotCommitting,
            Self::Brokers => PartitionState::WaitingForKafka,
        }
    }
}

/// The same kind of waiting, of some partitions together.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct WaitSummary {
    what: WaitKind,
    count: usize,
    pub(super) oldest: Wait,
    since: String,
}

impl WaitSummary {
    /// In one line: what waits, since when and why.
    pub(super) fn brief(&self) -> Brief {
        let Self { what, count, since, oldest } = self;
        let waits = match what {
            WaitKind::Batches => format!("{count} batch(es) wait since {since}"),
            WaitKind::Letters => format!("{count} batch(es) of dead letters wait since {since}"),
            WaitKind::Schemas => format!("{count} record(s) wait for a schema since {since}"),
            WaitKind::Memory => format!("{count} record(s) wait for memory since {since}"),
            WaitKind::Commits => format!("offsets are not committed since {since}"),
            WaitKind::Brokers => format!("no Kafka broker can be reached since {since} (bootstrap.servers)"),
        };
        oldest.brief.clone().led_by(waits)
    }

    /// As the numbers of partitions show it. `hide` takes secrets out.
    pub(super) fn shown(&self, hide: impl Fn(&str) -> String) -> PartitionWait {
        let sentence = self.brief().map(hide).to_string().into();
        PartitionWait { state: self.what.state(), since: self.oldest.since, sentence }
    }

    /// The same, with the whole cause below it. `hide` takes secrets out.
    pub(super) fn text(&self, hide: impl Fn(&str) -> String) -> String {
        let mut details = hide(&self.oldest.cause);
        if self.what == WaitKind::Schemas {
            details.push_str("\nIt is waited for as long as errors.retry.timeout says.");
        }
        brief::trace(&self.brief().map(&hide), &details)
    }
}

/// What is to be reported now.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct WaitNews {
    /// The tasks whose trouble began or ended.
    pub(super) tasks: BTreeSet<u32>,
    /// The line of the log.
    pub(super) line: Option<LogLine>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum LogLine {
    /// It began, or still lasts.
    Waits(Vec<WaitSummary>),
    /// It is over, after so long.
    GoesOn(Duration),
}

/// Of one connector on this worker.
#[derive(Debug, Default)]
pub(super) struct WaitingWork {
    waits: BTreeMap<(TopicPartition, WaitSubject), Wait>,
    /// What concerns the connector as a whole.
    of_all: BTreeMap<WaitKind, Wait>,
    /// When something is to be reported, as far as is known.
    due: Option<Instant>,
    reported: BTreeSet<u32>,
    /// Since when, and when the log says it again.
    lasts: Option<(Instant, Instant)>,
    quiet_until: Option<Instant>,
}

impl WaitingWork {
    /// Something of `partition` waits.
    pub(super) fn add(&mut self, partition: TopicPartition, waiter: WaitSubject, wait: Wait) {
        if let Some(known) = self.waits.get_mut(&(partition.clone(), waiter)) {
            // It has waited all the time.
            (known.cause, known.brief) = (wait.cause, wait.brief);
        } else {
            self.expect(&wait);
            self.waits.insert((partition, waiter), wait);
        }
    }

    /// It waits no longer.
    pub(super) fn remove(&mut self, partition: &TopicPartition, waiter: WaitSubject) {
        if self.waits.remove(&(partition.clone(), waiter)).is_some() {
            self.changed();
        }
    }

    /// Nothing of `partition` waits any more: its pipeline has ended.
    pub(super) fn forget(&mut self, partition: &TopicPartition) {
        let before = self.waits.len();
        self.waits.retain(|(of, _), _| of != partition);
        if self.waits.len() < before {
            self.changed();
        }
    }

    /// Why offsets are not committed, or no broker can be reached; none when they are, or one can. True when that is news.
    pub(super) fn set(&mut self, what: WaitKind, failing: Option<&str>, now: Instant) -> bool {
        match (failing, self.of_all.get_mut(&what)) {
            (None, None) => return false,
            (None, Some(_)) => {
                self.of_all.remove(&what);
                self.changed();
            }
            (Some(cause), Some(wait)) if wait.cause == cause => return false,
            (Some(cause), Some(wait)) => {
                cause.clone_into(&mut wait.cause);
                wait.brief = Brief::of(cause);
            }
            (Some(cause), None) => {
                let wait = Wait { since: now, cause: cause.to_owned(), brief: Brief::of(cause) };
                self.expect(&wait);
                self.of_all.insert(what, wait);
            }
        }
        true
    }

    /// What keeps `partition` from going on, the worst of it: it becomes trouble when it lasts.
    pub(super) fn of_partition(&self, partition: &TopicPartition, now: Instant) -> Option<WaitSummary> {
        let of = |waiter| (partition.clone(), waiter);
        let all = self.waits.range(of(WaitSubject::Batch(0))..=of(WaitSubject::Memory));
        let sums = summed(all.map(|((_, waiter), wait)| (waiter.kind(), wait)), now);
        sums.into_iter().min_by_key(|sum| sum.what.state())
    }

    /// What keeps all partitions from going on by this.
    pub(super) fn of_all(&self, what: WaitKind, now: Instant) -> Option<WaitSummary> {
        summed(self.of_all.get(&what).map(|wait| (what, wait)).into_iter(), now).pop()
    }

    fn expect(&mut self, wait: &Wait) {
        let mature = wait.since + PATIENCE;
        // While it is reported, who waits too is reported at once.
        let due = if self.lasts.is_some() {
            mature
        } else {
            self.quiet_until.map_or(mature, |until| until.max(mature))
        };
        self.due = Some(self.due.map_or(due, |known| known.min(due)));
    }

    /// What is reported may be over.
    fn changed(&mut self) {
        if !self.reported.is_empty() {
            self.due = Some(self.due.map_or_else(Instant::now, |known| known.min(Instant::now())));
        }
    }

    /// When [`Self::look`] may have news.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// What is to be reported now; `owner` is the task of each partition, `all` are the tasks that run here.
    pub(super) fn look(
        &mut self,
        owner: &BTreeMap<TopicPartition, u32>,
        all: &BTreeSet<u32>,
        now: Instant,
    ) -> WaitNews {
        let is_mature = |wait: &Wait| now >= wait.since + PATIENCE;
        let of_waits = self.waits.iter().filter(|(_, wait)| is_mature(wait));
        let mut tasks: BTreeSet<u32> =
            of_waits.filter_map(|((partition, _), _)| owner.get(partition).copied()).collect();
        let lasts = |what| self.of_all.get(&what).is_some_and(is_mature);
        if lasts(WaitKind::Commits) {
            tasks.extend(owner.values());
        }
        if lasts(WaitKind::Brokers) {
            tasks.extend(all);
        }
        let news = tasks.symmetric_difference(&self.reported).copied().collect();
        self.reported = tasks;
        let line = self.line(now);
        let immature = self.waits.values().chain(self.of_all.values()).filter(|wait| !is_mature(wait));
        let next = immature.map(|wait| wait.since + PATIENCE).min();
        let next = next.map(|next| {
            self.quiet_until.filter(|_| self.lasts.is_none()).map_or(next, |until| until.max(next))
        });
        self.due = next.into_iter().chain(self.lasts.map(|(_, again)| again)).min();
        WaitNews { tasks: news, line }
    }

    fn line(&mut self, now: Instant) -> Option<LogLine> {
        match (self.reported.is_empty(), self.lasts) {
            (true, None) => None,
            (true, Some((since, _))) => {
                self.lasts = None;
                self.quiet_until = Some(now + PAUSE);
                Some(LogLine::GoesOn(now - since))
            }
            (false, Some((_, again))) if now < again => None,
            (false, known) => {
                let sums = self.sums(now, |_| true);
                let oldest = sums.iter().map(|sum| sum.oldest.since).min().unwrap_or(now);
                self.lasts = Some((known.map_or(oldest, |(since, _)| since), now + AGAIN));
                Some(LogLine::Waits(sums))
            }
        }
    }

    /// What is shown in the state of `task`, which goes on.
    pub(super) fn shown(
        &self,
        task: u32,
        owner: &BTreeMap<TopicPartition, u32>,
        now: Instant,
    ) -> Vec<WaitSummary> {
        if !self.reported.contains(&task) {
            return Vec::new();
        }
        self.sums(now, |partition| owner.get(partition) == Some(&task))
    }

    /// All that waits, of some partitions: what waits for a moment only is a part of what waits for long.
    fn sums(&self, now: Instant, is_meant: impl Fn(&TopicPartition) -> bool) -> Vec<WaitSummary> {
        let waits = self.waits.iter().filter(|((partition, _), _)| is_meant(partition));
        let waits = waits.map(|((_, waiter), wait)| (waiter.kind(), wait));
        let mut sums = summed(waits.chain(self.of_all.iter().map(|(what, wait)| (*what, wait))), now);
        sums.retain(|sum| now >= sum.oldest.since + PATIENCE);
        sums
    }
}

/// Waits by their kind.
fn summed<'a>(waits: impl Iterator<Item = (WaitKind, &'a Wait)>, now: Instant) -> Vec<WaitSummary> {
    let mut sums: BTreeMap<WaitKind, (usize, &Wait)> = BTreeMap::new();
    for (what, wait) in waits {
        let (count, oldest) = sums.entry(what).or_insert((0, wait));
        *count += 1;
        if wait.since < oldest.since {
            *oldest = wait;
        }
    }
    let summary = |(what, (count, oldest)): (WaitKind, (usize, &Wait))| {
        let since = clock(now.saturating_duration_since(oldest.since));
        WaitSummary { what, count, oldest: oldest.clone(), since }
    };
    sums.into_iter().map(summary).collect()
}

/// The time of day so long ago.
fn clock(ago: Duration) -> String {
    let then = OffsetDateTime::now_utc().checked_sub(ago.try_into().unwrap_or_default());
    let then = then.and_then(|then| then.replace_nanosecond(0).ok());
    then.and_then(|then| then.format(&Rfc3339).ok()).unwrap_or_default()
}

#[cfg(test)]
#[path = "waiting_tests.rs"]
mod tests;
