//! The service's failure queue (`kusto-protocol.md` §3.9): what its messages say, and which of them may be deleted.
//!
//! All clients of an ADX cluster share the queue. A message that was got is hidden from the others for a while and comes back by itself;
//! it is deleted only when a ledger has claimed its batch by id. [`FailureQueue`] owns the receipts by which that is done, as long
//! as they are good. Pure: who gets and deletes, and when, is decided elsewhere.

use super::failures::{self, IngestionFailure};
use crate::id::BatchId;
use crate::kusto::config::QueueUse;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::Hash;
use std::time::Duration;
use tokio::time::Instant;

/// Messages that one request brings at most.
pub const MOST_OF_A_GET: usize = 32;
/// Requests of one walk.
const MOST_GETS: usize = 64;
/// Claims that are remembered for messages that come back before they were deleted.
const MOST_CLAIMS: usize = 16_384;
/// Messages that are known by their names.
const MOST_SEEN: usize = 16_384;
/// A queue takes no longer text.
const MOST_OF_A_TEXT: usize = 64 * 1024;

impl QueueUse {
    /// How long a message is hidden from others after it was got.
    pub fn hides_for(self) -> Duration {
        match self {
            Self::Shared => Duration::from_secs(30),
            Self::Exclusive => Duration::from_mins(5),
        }
    }
}

/// A message, as the queue gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedReport {
    /// The queue's name for it.
    pub message: String,
    /// The receipt of this get.
    pub receipt: String,
    /// Its text.
    pub text: String,
}

/// What a delete names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueReceipt {
    /// The queue's name for the message.
    pub message: String,
    /// The receipt of the get that hid it.
    pub receipt: String,
}

/// Reads the text of a message; none when it tells of no failure.
pub fn read(text: &str) -> Option<IngestionFailure> {
    let text = text.trim();
    if text.len() > MOST_OF_A_TEXT {
        return None;
    }
    let decoded = STANDARD.decode(text).ok();
    let json = decoded.as_deref().unwrap_or(text.as_bytes());
    let message: Map<String, Value> = serde_json::from_slice(json).ok()?;
    failures::of_fields(|name| {
        let member = message.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        member.map(|(_, value)| value).filter(|value| !value.is_null())
    })
}

/// What one get brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueHarvest {
    /// The failures in it.
    pub failures: Vec<IngestionFailure>,
    /// These were claimed before they came back: to be deleted.
    pub deletable: Vec<QueueReceipt>,
    /// Messages that tell of no failure.
    pub unreadable: u64,
    /// The walk goes on.
    pub goes_on: bool,
}

/// A message of a batch that may be ours: until that moment it is hidden, and its receipt good.
#[derive(Debug)]
struct Hidden {
    id: BatchId,
    receipt: String,
    until: Instant,
}

/// One failure queue, walked by one owner.
#[derive(Debug)]
pub struct FailureQueue {
    mode: QueueUse,
    /// Messages that were got and not claimed, by the queue's names; none for what can be nobody's of ours.
    seen: Remembered<String, Option<Hidden>>,
    claims: Remembered<BatchId, ()>,
    /// Of this walk.
    gets: usize,
    cut: u64,
}

impl FailureQueue {
    /// Nothing got yet.
    pub fn new(mode: QueueUse) -> Self {
        let (seen, claims) = (Remembered::new(MOST_SEEN), Remembered::new(MOST_CLAIMS));
        Self { mode, seen, claims, gets: 0, cut: 0 }
    }

    /// How the queue is used.
    pub fn mode(&self) -> QueueUse {
        self.mode
    }

    /// Begins a walk, if it can bring news: not when a look at the first messages, which hides nothing, shows that all there are were
    /// seen before and claimed by nobody.
    pub fn begins(&mut self, first: &[&str]) -> bool {
        self.gets = 0;
        first.len() >= MOST_OF_A_GET || first.iter().any(|message| !self.seen.known.contains_key(*message))
    }

    /// A get that was sent at `sent` brought `messages`.
    pub fn got(&mut self, messages: Vec<QueuedReport>, sent: Instant) -> QueueHarvest {
        self.gets += 1;
        let is_full = messages.len() >= MOST_OF_A_GET;
        let goes_on = is_full && self.gets < MOST_GETS;
        self.cut += u64::from(is_full && !goes_on);
        let until = sent + self.mode.hides_for();
        let mut harvest = QueueHarvest { goes_on, ..QueueHarvest::default() };
        for QueuedReport { message, receipt, text } in messages {
            let failure = read(&text);
            harvest.unreadable += u64::from(failure.is_none());
            let id = failure.as_ref().and_then(|failure| failure.id);
            if id.is_some_and(|id| self.claims.known.contains_key(&id)) {
                harvest.deletable.push(QueueReceipt { message, receipt });
            } else {
                self.seen.put(message, id.map(|id| Hidden { id, receipt, until }));
            }
            harvest.failures.extend(failure);
        }
        harvest
    }

    /// Ledgers have claimed these batches: the receipts of their messages that are good at `now`. The messages whose receipts are
    /// not any more are deleted when they come back.
    pub fn claimed(&mut self, ids: impl IntoIterator<Item = BatchId>, now: Instant) -> Vec<QueueReceipt> {
        let ids: HashSet<BatchId> = ids.into_iter().collect();
        for id in &ids {
            self.claims.put(*id, ());
        }
        let is_ours = |_: &String, seen: &mut Option<Hidden>| {
            seen.as_ref().is_some_and(|hidden| ids.contains(&hidden.id))
        };
        let ours = self.seen.known.extract_if(is_ours);
        let good = ours.filter_map(|(message, seen)| {
            let Hidden { receipt, .. } = seen.filter(|hidden| hidden.until > now)?;
            Some(QueueReceipt { message, receipt })
        });
        good.collect()
    }

    /// How often a walk ended before the queue did: messages of ours may lie behind those of others.
    pub fn cut(&self) -> u64 {
        self.cut
    }
}

/// The last so many of what was put in. What was taken out of `known` still has its place in the order.
#[derive(Debug)]
struct Remembered<K, V> {
    most: usize,
    known: HashMap<K, V>,
    order: VecDeque<K>,
}

impl<K: Clone + Eq + Hash, V> Remembered<K, V> {
    fn new(most: usize) -> Self {
        Self { most, known: HashMap::new(), order: VecDeque::new() }
    }

    fn put(&mut self, key: K, value: V) {
        if self.known.insert(key.clone(), value).is_some() {
            return;
        }
        self.order.push_back(key);
        while self.order.len() > self.most {
            if let Some(oldest) = self.order.pop_front() {
                self.known.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
