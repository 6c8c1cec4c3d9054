//! What the leader found out about batches, for the workers that handed them over: numbered lines, the last of which are kept.
//!
//! A line is a text that only the sink's class understands. [`NewsFeed`] is the leader's; [`FeedReader`] remembers how far a worker
//! has read. Both are pure; a [`FeedPage`] is what goes from one to the other. Moments go as ages, so clocks need not agree, and
//! an age on the way only makes *covered* earlier than it is.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// Lines that are kept,
const MOST_LINES: usize = 10_000;
/// and their bytes.
const MOST_BYTES: usize = 8 << 20;
/// Lines of one page.
const MOST_OF_A_PAGE: usize = 1000;
/// A worker asks so long after the leader looks again.
const AFTER_A_LOOK: Duration = Duration::from_secs(2);

/// The lines of one feed. One owner: who looks.
#[derive(Debug)]
pub struct NewsFeed {
    /// Its name among all that ever were: numbers begin anew with each leader.
    epoch: String,
    lines: VecDeque<String>,
    bytes: usize,
    /// Lines that are no longer kept; the number of the last of them.
    gone: u64,
    covered: Option<Instant>,
    next: Instant,
}

/// What a worker that asks is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedPage {
    /// Whose numbers these are.
    pub epoch: String,
    /// The lines behind the number that was asked for, in their order.
    pub lines: Vec<String>,
    /// The number of the last of them; without any, the number to ask from.
    pub last: u64,
    /// Lines before these are gone and were not read by who asks.
    pub is_gap: bool,
    /// There are more: to be asked for at once.
    pub is_part: bool,
    /// So many milliseconds ago the last look began that was read to its end; none before there was one.
    pub covered_ms: Option<u64>,
    /// In so many milliseconds there will be another.
    pub next_ms: u64,
}

impl NewsFeed {
    /// An empty one whose first look will be at `next`. No other feed ever had the name `epoch`.
    pub fn new(epoch: String, next: Instant) -> Self {
        Self { epoch, lines: VecDeque::new(), bytes: 0, gone: 0, covered: None, next }
    }

    /// A look brought `lines`. What failed before `covered` is among the lines, as far as it was written in time; the next look will be at
    /// `next`.
    pub fn looked(
        &mut self,
        lines: impl IntoIterator<Item = String>,
        covered: Option<Instant>,
        next: Instant,
    ) {
        for line in lines {
            self.bytes += line.len();
            self.lines.push_back(line);
            while self.lines.len() > MOST_LINES || self.bytes > MOST_BYTES {
                let Some(oldest) = self.lines.pop_front() else { break };
                self.bytes -= oldest.len();
                self.gone += 1;
            }
        }
        (self.covered, self.next) = (self.covered.max(covered), next);
    }

    /// What comes behind the line `after` of the feed `epoch`; all, for who read another one.
    pub fn page(&self, epoch: Option<&str>, after: u64, now: Instant) -> FeedPage {
        let end = self.gone + self.lines.len() as u64;
        // A number that was never given is of nobody who read this feed.
        let after = if epoch == Some(&*self.epoch) && after <= end { after } else { 0 };
        let first = after.max(self.gone);
        let skip = usize::try_from(first - self.gone).unwrap_or(usize::MAX);
        let lines: Vec<String> = self.lines.iter().skip(skip).take(MOST_OF_A_PAGE).cloned().collect();
        let last = first + lines.len() as u64;
        let age = self.covered.map(|covered| now.saturating_duration_since(covered));
        FeedPage {
            epoch: self.epoch.clone(),
            is_gap: after < self.gone,
            is_part: last < end,
            lines,
            last,
            covered_ms: age.map(|age| milliseconds(age).saturating_add(1)),
            next_ms: milliseconds(self.next.saturating_duration_since(now)),
        }
    }
}

/// What a worker learned from a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedNews {
    /// The lines, in their order.
    pub lines: Vec<String>,
    /// With these lines, all that failed before this moment was read. Only if nothing is missing before them.
    pub covered: Option<Instant>,
    /// Lines are gone that were not read: what was handed over until now has no certain fate by this feed.
    pub is_gap: bool,
    /// When to ask again, from now.
    pub again: Duration,
}

/// How far a worker has read a feed.
#[derive(Debug, Clone, Default)]
pub struct FeedReader {
    epoch: Option<String>,
    after: u64,
}

impl FeedReader {
    /// What to ask for: the feed that was read last, and the number of its last line that was.
    pub fn asks(&self) -> (Option<&str>, u64) {
        (self.epoch.as_deref(), self.after)
    }

    /// Takes the answer to what was asked at `sent`.
    pub fn took(&mut self, page: FeedPage, sent: Instant) -> FeedNews {
        let FeedPage { epoch, lines, last, is_gap, is_part, covered_ms, next_ms } = page;
        (self.epoch, self.after) = (Some(epoch), last);
        let covered = covered_ms.and_then(|age| sent.checked_sub(Duration::from_millis(age)));
        let again = Duration::from_millis(next_ms).saturating_add(AFTER_A_LOOK);
        FeedNews {
            lines,
            covered: covered.filter(|_| !is_part),
            is_gap,
            again: if is_part { Duration::ZERO } else { again },
        }
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "feed_tests.rs"]
mod tests;
