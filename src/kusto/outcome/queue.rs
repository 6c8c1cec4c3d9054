//! The service's failure queue (`kusto-protocol.md` §3.9): what its messages say, and which of them may be deleted.
//!
//! All clients of an ADX cluster share the queue. A message that was got is hidden from the others for a while and comes back by itself;
//! it is deleted only when a ledger has claimed its batch by id. [`FailureQueue`] owns the receipts by which that is done, as long
//! as they are good. Pure: who gets and deletes, and when, is decided elsewhere.

use super::failures::{self, IngestionFailure};
use crate::id::BatchId;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use std::borrow::Borrow;
use std::collections::{HashSet, VecDeque};
use std::hash::Hash;
use std::time::Duration;
use tokio::time::Instant;

/// Messages that one request brings at most.
pub const MOST_OF_A_GET: usize = 32;
/// Requests of one walk.
const MOST_GETS: usize = 64;
/// Claims that are remembered for messages that come back before they were deleted.
const MOST_CLAIMS: usize = 16_384;
/// Messages of others that are known by their ids.
const MOST_KNOWN: usize = 16_384;
/// A queue takes no longer text.
const MOST_OF_A_TEXT: usize = 64 * 1024;

/// How the queue is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueUse {
    /// Others read it too, so messages are hidden for as short as it takes to ask the workers.
    Shared,
    /// Nobody else waits for its messages. Those of others are not deleted either.
    Exclusive,
}

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

/// A message that is hidden now.
#[derive(Debug)]
struct Hidden {
    id: BatchId,
    receipt: QueueReceipt,
    until: Instant,
}

/// One failure queue, walked by one owner.
#[derive(Debug)]
pub struct FailureQueue {
    mode: QueueUse,
    /// In the order in which they were got, which is the one in which they come back.
    hidden: VecDeque<Hidden>,
    claims: Remembered<BatchId>,
    /// Messages that nobody has claimed yet, by the queue's names.
    unclaimed: Remembered<String>,
    gets: usize,
    /// Walks that ended before the queue did.
    cut: u64,
}

impl FailureQueue {
    /// Nothing got yet.
    pub fn new(mode: QueueUse) -> Self {
        Self {
            mode,
            hidden: VecDeque::new(),
            claims: Remembered::new(MOST_CLAIMS),
            unclaimed: Remembered::new(MOST_KNOWN),
            gets: 0,
            cut: 0,
        }
    }

    /// How the queue is used.
    pub fn mode(&self) -> QueueUse {
        self.mode
    }

    /// Begins a walk, if it can bring news: not when a look at the first messages, which hides nothing, shows that all there are were
    /// seen before and are not ours.
    pub fn begins(&mut self, first: &[&str]) -> bool {
        self.gets = 0;
        first.len() >= MOST_OF_A_GET || first.iter().any(|message| !self.unclaimed.contains(*message))
    }

    /// A get that was sent at `sent` brought `messages`.
    pub fn got(&mut self, messages: Vec<QueuedReport>, sent: Instant) -> QueueHarvest {
        self.gets += 1;
        let is_full = messages.len() >= MOST_OF_A_GET;
        let goes_on = is_full && self.gets < MOST_GETS;
        self.cut += u64::from(is_full && !goes_on);
        let mut harvest = QueueHarvest { goes_on, ..QueueHarvest::default() };
        for QueuedReport { message, receipt, text } in messages {
            let failure = read(&text);
            let id = failure.as_ref().and_then(|failure| failure.id);
            harvest.unreadable += u64::from(failure.is_none());
            let receipt = QueueReceipt { message, receipt };
            match id {
                Some(id) if self.claims.contains(&id) => harvest.deletable.push(receipt),
                Some(id) => {
                    self.unclaimed.insert(receipt.message.clone());
                    self.hidden.push_back(Hidden { id, receipt, until: sent + self.mode.hides_for() });
                }
                // It can be nobody's of ours.
                None => self.unclaimed.insert(receipt.message),
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
            self.claims.insert(*id);
        }
        let (ours, rest): (Vec<_>, Vec<_>) =
            self.hidden.drain(..).filter(|hidden| hidden.until > now).partition(|hidden| ids.contains(&hidden.id));
        self.hidden = rest.into();
        ours.into_iter().map(|hidden| hidden.receipt).collect()
    }

    /// How often a walk ended before the queue did: messages of ours may lie behind those of others.
    pub fn cut(&self) -> u64 {
        self.cut
    }
}

/// The last so many of what was put in.
#[derive(Debug)]
struct Remembered<T> {
    most: usize,
    known: HashSet<T>,
    order: VecDeque<T>,
}

impl<T: Clone + Eq + Hash> Remembered<T> {
    fn new(most: usize) -> Self {
        Self { most, known: HashSet::new(), order: VecDeque::new() }
    }

    fn contains<Q>(&self, one: &Q) -> bool
    where
        T: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.known.contains(one)
    }

    fn insert(&mut self, one: T) {
        if !self.known.insert(one.clone()) {
            return;
        }
        self.order.push_back(one);
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
