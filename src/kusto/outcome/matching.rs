//! Finds our batches among what failed: failures × ledger → news.
//!
//! Pure. A batch leaves the ledger with its fate, so what a look sees again matches nothing. But a batch may be handed over once more
//! (another try, a replay) while looks still see its old failure: [`Matcher`] remembers the last fates, by the moments of the
//! service's clock, and takes nothing for news that is not newer.

use super::codes;
use super::failures::{FailureVerdict, IngestionFailure};
use super::ledger::{HandedOver, Ledger};
use crate::id::BatchId;
use crate::sink::{BatchFailure, BatchNews, Fate, Unfollowed};
use std::collections::{HashMap, VecDeque};
use std::time::Duration;
use time::OffsetDateTime;
use tokio::time::Instant;

/// Fates that are remembered: for each some 50 bytes.
const MOST_TOLD: usize = 16_384;
/// How far the service's clock may be behind ours. What failed longer before a batch was handed over, is of an earlier life of it.
const CLOCKS: Duration = Duration::from_mins(2);

/// What became of batches, as some look shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matches {
    /// Those that have a fate now.
    pub news: Vec<RoutedNews>,
    /// Those that failed and are tried again by the service.
    pub troubled: Vec<Trouble>,
    /// Failures of blobs that are not in this ledger: of other workers, other clients, or from before the start.
    pub foreign: u64,
    /// Failures that were known.
    pub known: u64,
    /// Blobs that failed together with one that is named, and are not named. One of ours may be among them.
    pub unnamed: u64,
}

/// What became of a batch, and of which connector it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutedNews {
    /// The batch, with its route.
    pub batch: HandedOver,
    /// What its connector is told.
    pub news: BatchNews,
}

/// A batch that failed for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The batch.
    pub batch: HandedOver,
    /// Why.
    pub failure: BatchFailure,
}

/// Matches failures with a ledger. One owner, the ledger's.
#[derive(Debug, Default)]
pub struct Matcher {
    /// The newest failure that was told of a batch, by the service's clock.
    told: HashMap<BatchId, OffsetDateTime>,
    /// In the order in which they were told.
    order: VecDeque<BatchId>,
}

impl Matcher {
    /// Takes out of `ledger` what is known to have failed by one of `failures`, in their order.
    pub fn failed<'f>(
        &mut self,
        ledger: &mut Ledger,
        failures: impl IntoIterator<Item = &'f IngestionFailure>,
    ) -> Matches {
        let mut matches = Matches::default();
        for failure in failures {
            if failure.verdict != FailureVerdict::Doubled {
                matches.unnamed += failure.sources.saturating_sub(1);
            }
            self.one(ledger, failure, &mut matches);
        }
        matches
    }

    fn one(&mut self, ledger: &mut Ledger, failure: &IngestionFailure, matches: &mut Matches) {
        let Some((id, batch)) = failure.id.and_then(|id| Some((id, ledger.get(id)?))) else {
            let is_known = failure.id.is_some_and(|id| self.told.contains_key(&id));
            if is_known {
                matches.known += 1;
            } else {
                matches.foreign += 1;
            }
            return;
        };
        let is_old = self.told.get(&id).is_some_and(|told| failure.at <= *told)
            || failure.at.checked_add(time_duration(CLOCKS)).is_some_and(|at| at < batch.at);
        if is_old {
            matches.known += 1;
            return;
        }
        match failure.verdict {
            // It stays: what came first has its own end.
            FailureVerdict::Doubled => matches.known += 1,
            FailureVerdict::TriedAgain => match ledger.note(id, failure.at) {
                Some(batch) => matches.troubled.push(Trouble { batch, failure: told_of(failure) }),
                None => matches.known += 1,
            },
            FailureVerdict::Final => {
                if let Some(batch) = ledger.leave(id) {
                    self.remember(id, failure.at);
                    matches.news.push(news(batch, Fate::Failed(Box::new(told_of(failure)))));
                }
            }
        }
    }

    fn remember(&mut self, id: BatchId, at: OffsetDateTime) {
        if self.told.insert(id, at).is_none() {
            self.order.push_back(id);
        }
        while self.order.len() > MOST_TOLD {
            if let Some(oldest) = self.order.pop_front() {
                self.told.remove(&oldest);
            }
        }
    }
}

/// Those that are known to be in their table: of the batches `ids`, what is in `ledger`.
pub fn confirmed(ledger: &mut Ledger, ids: impl IntoIterator<Item = BatchId>) -> Vec<RoutedNews> {
    let batches = ids.into_iter().filter_map(|id| ledger.leave(id));
    batches.map(|batch| news(batch, Fate::Confirmed)).collect()
}

/// Those whose time had ended when the last look began that was read to its end: nothing was told of them. Not more than `most`.
pub fn unreported(ledger: &mut Ledger, covered: Instant, most: usize) -> Vec<RoutedNews> {
    ledger.release(covered, most).into_iter().map(|batch| news(batch, Fate::Unreported)).collect()
}

/// Those that are no longer followed, for this reason.
pub fn unfollowed(batches: Vec<HandedOver>, why: Unfollowed) -> Vec<RoutedNews> {
    batches.into_iter().map(|batch| news(batch, Fate::Unknown(why))).collect()
}

fn news(batch: HandedOver, fate: Fate) -> RoutedNews {
    let news = BatchNews {
        id: batch.id,
        partition: batch.route.partition.clone(),
        offsets: batch.offsets,
        records: batch.records.into(),
        raw_bytes: batch.raw_bytes,
        fate,
    };
    RoutedNews { batch, news }
}

fn told_of(failure: &IngestionFailure) -> BatchFailure {
    BatchFailure {
        code: failure.code.clone(),
        text: failure.text.clone(),
        is_retriable: failure.should_retry,
        is_of_derived: failure.from_update_policy,
        is_of_content: codes::is_of_content(&failure.code),
    }
}

fn time_duration(duration: Duration) -> time::Duration {
    time::Duration::try_from(duration).unwrap_or(time::Duration::MAX)
}

#[cfg(test)]
#[path = "matching_tests.rs"]
mod tests;
