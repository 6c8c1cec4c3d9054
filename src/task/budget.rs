//! One budget of bytes for all batches of a worker (`worker.buffer.bytes`).
//!
//! A partition reserves before it grows. When there is no room, it sends what it holds on its way and takes a [`PlaceInLine`] in
//! the worker's one line. Who waits holds nothing but what is on its way, and that comes back without further memory: so
//! nobody waits for somebody who waits. The line is served in order, with three exceptions:
//! - a connector that holds something takes at most [`SHARE`] times what it leaves free, so that one whose service is away
//!   leaves room for the others; who waits for that stands in nobody's way but its own connector's;
//! - what is larger than the whole budget goes beyond it, one such reservation at a time in the worker;
//! - who has waited for [`PATIENCE`], and whose connector holds nothing, goes beyond it too: all else belongs to others,
//!   and they may never give it back.
//!
//! It decides nothing about batches: who is called ([`ConnectorBudget::calls`]) seals what it has open.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

/// What one connector may take, as a multiple of what it leaves free: four fifths of the budget if it is alone.
const SHARE: usize = 4;
/// So long somebody waits before others are called to seal what they have open.
const CALL_AFTER: Duration = Duration::from_millis(500);
/// So long somebody waits before its connector gets one record beyond the budget.
const PATIENCE: Duration = Duration::from_secs(5);

/// The budget of a worker. Clones share it.
#[derive(Clone)]
pub struct ByteBudget(Arc<Pool>);

/// The budget as one connector sees it. Clones share it.
#[derive(Clone)]
pub struct ConnectorBudget(Arc<ConnectorShare>);

struct Pool {
    total: usize,
    state: Mutex<Ledger>,
}

/// A connector's part. Bytes of it are counted in the pool's state, under the pool's lock.
struct ConnectorShare {
    pool: Arc<Pool>,
    id: u64,
    has_said: AtomicBool,
}

#[derive(Default)]
struct Ledger {
    /// Bytes within the budget, by connector; none is zero.
    held: BTreeMap<u64, usize>,
    /// Their sum.
    within: usize,
    /// Bytes beyond the budget, by connector; none is zero.
    beyond: BTreeMap<u64, usize>,
    line: BTreeMap<u64, InLine>,
    /// How each connector is called, and when that was last.
    calls: BTreeMap<u64, (watch::Sender<()>, Option<Instant>)>,
    next: u64,
}

struct InLine {
    share: Arc<ConnectorShare>,
    bytes: usize,
    /// It has waited for long.
    is_urgent: bool,
    grant: oneshot::Sender<Reservation>,
}

/// Bytes taken from the budget; dropping gives them back.
#[derive(Default)]
pub struct Reservation {
    bytes: usize,
    is_beyond: bool,
    share: Option<Arc<ConnectorShare>>,
}

/// A place in the line; dropping leaves it.
pub struct PlaceInLine {
    share: Arc<ConnectorShare>,
    ticket: u64,
    grant: oneshot::Receiver<Reservation>,
    granted: Option<Reservation>,
    urgent_at: Instant,
    call_at: Instant,
}

impl ByteBudget {
    /// A budget of `bytes`.
    pub fn new(bytes: u64) -> Self {
        let total = usize::try_from(bytes).unwrap_or(usize::MAX);
        Self(Arc::new(Pool { total, state: Mutex::default() }))
    }

    /// For one connector more.
    pub fn connector(&self) -> ConnectorBudget {
        let mut state = self.0.lock();
        let id = state.ticket();
        state.calls.insert(id, (watch::Sender::new(()), None));
        drop(state);
        ConnectorBudget(Arc::new(ConnectorShare {
            pool: Arc::clone(&self.0),
            id,
            has_said: AtomicBool::new(false),
        }))
    }

    /// All of it.
    pub fn total(&self) -> usize {
        self.0.total
    }

    /// Bytes held by all, within the budget and beyond it.
    pub fn held(&self) -> (usize, usize) {
        let state = self.0.lock();
        (state.within, state.beyond.values().sum())
    }
}

impl ConnectorBudget {
    /// Grows `reservation` to at least `bytes`, if that may be now.
    pub fn try_grow(&self, reservation: &mut Reservation, bytes: usize) -> bool {
        let Some(missing) = bytes.checked_sub(reservation.bytes).filter(|missing| *missing > 0) else {
            return true;
        };
        let (share, pool) = (&self.0, &self.0.pool);
        let mut state = pool.lock();
        let may = !reservation.is_beyond
            && state.line.values().all(|waiter| !state.stands_before(waiter, share.id, pool.total))
            && state.has_room(share.id, missing, pool.total);
        if may {
            state.take(share.id, missing);
            reservation.bytes = bytes;
            reservation.share.get_or_insert_with(|| Arc::clone(share));
        }
        may
    }

    /// A place in the line for `bytes`. Whoever takes one holds nothing that needs more memory before it is given back.
    pub fn queue(&self, bytes: usize) -> PlaceInLine {
        let (share, bytes) = (Arc::clone(&self.0), bytes.max(1));
        let (grant, granted) = oneshot::channel();
        let mut state = share.pool.lock();
        let ticket = state.ticket();
        state.line.insert(ticket, InLine { share: Arc::clone(&share), bytes, is_urgent: false, grant });
        drop(state);
        share.pool.serve();
        let now = Instant::now();
        let (urgent_at, call_at) = (now + PATIENCE, now + CALL_AFTER);
        PlaceInLine { share, ticket, grant: granted, granted: None, urgent_at, call_at }
    }

    /// Changes when somebody needs what is in open batches.
    pub fn calls(&self) -> watch::Receiver<()> {
        let state = self.0.pool.lock();
        // It is there as long as `self` is.
        state.calls.get(&self.0.id).map_or_else(|| watch::channel(()).1, |(call, _)| call.subscribe())
    }

    /// Why somebody waits, and what helps.
    pub fn says_used_up(&self) -> String {
        let total = self.0.pool.total;
        format!(
            "worker.buffer.bytes ({total}) is used up by batches that are not handed over; raise worker.buffer.bytes"
        )
    }

    /// The budget, if it is less than `bytes` and this was not said before.
    pub fn says_too_small(&self, bytes: usize) -> Option<usize> {
        let total = self.0.pool.total;
        (bytes > total && !self.0.has_said.swap(true, Ordering::Relaxed)).then_some(total)
    }
}

impl Drop for ConnectorShare {
    fn drop(&mut self) {
        self.pool.lock().calls.remove(&self.id);
    }
}

impl Pool {
    fn lock(&self) -> MutexGuard<'_, Ledger> {
        // Numbers are whole between any two statements that may panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives whoever may have it what they wait for.
    fn serve(&self) {
        let granted = self.lock().served(self.total);
        // Outside of the lock: a reservation that nobody wants any more comes back by its drop.
        for (InLine { share, bytes, grant, .. }, is_beyond) in granted {
            drop(grant.send(Reservation { bytes, is_beyond, share: Some(share) }));
        }
    }
}

impl Ledger {
    fn ticket(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn held_by(&self, share: u64) -> usize {
        self.held.get(&share).copied().unwrap_or(0)
    }

    /// True when `share` may have `bytes` more within the budget of `total`.
    fn has_room(&self, share: u64, bytes: usize, total: usize) -> bool {
        let Some(free) = total.checked_sub(self.within).and_then(|free| free.checked_sub(bytes)) else {
            return false;
        };
        let held = self.held_by(share);
        held == 0 || held + bytes <= free.saturating_mul(SHARE)
    }

    /// True when `share` must not take anything before `waiter`.
    fn stands_before(&self, waiter: &InLine, share: u64, total: usize) -> bool {
        let fits = waiter.bytes <= total;
        if waiter.share.id == share {
            fits || waiter.is_urgent
        } else {
            fits && self.held_by(waiter.share.id) == 0
        }
    }

    fn take(&mut self, share: u64, bytes: usize) {
        self.within += bytes;
        *self.held.entry(share).or_default() += bytes;
    }

    /// Takes those out of the line who get what they wait for, within the budget or beyond it.
    fn served(&mut self, total: usize) -> Vec<(InLine, bool)> {
        let mut granted = Vec::new();
        let mut waiting: BTreeSet<u64> = BTreeSet::new();
        let mut is_full = false;
        let line: Vec<u64> = self.line.keys().copied().collect();
        for ticket in line {
            let Some(waiter) = self.line.get(&ticket) else { continue };
            let (share, bytes) = (waiter.share.id, waiter.bytes);
            let is_next = !waiting.contains(&share);
            let holds_nothing = self.held_by(share) == 0 && !self.beyond.contains_key(&share);
            let within = bytes <= total && is_next && !is_full && self.has_room(share, bytes, total);
            let is_alone = bytes > total && is_next && self.beyond.is_empty();
            if within {
                self.take(share, bytes);
            } else if is_alone || (waiter.is_urgent && holds_nothing) {
                *self.beyond.entry(share).or_default() += bytes;
            } else {
                if bytes <= total || waiter.is_urgent {
                    waiting.insert(share);
                }
                is_full |= bytes <= total && self.held_by(share) == 0;
                continue;
            }
            granted.extend(self.line.remove(&ticket).map(|waiter| (waiter, !within)));
        }
        granted
    }

    fn give_back(&mut self, share: u64, bytes: usize, is_beyond: bool) {
        let held = if is_beyond { &mut self.beyond } else { &mut self.held };
        if let Some(of_share) = held.get_mut(&share) {
            *of_share -= bytes;
            if *of_share == 0 {
                held.remove(&share);
            }
        }
        if !is_beyond {
            self.within -= bytes;
        }
    }

    /// Calls the connector's own pipelines, and those of all if it holds nothing: then it waits for them. Each at most once
    /// in [`CALL_AFTER`].
    fn call(&mut self, share: u64, now: Instant) {
        let all = self.held_by(share) == 0;
        for (_, (call, last)) in self.calls.iter_mut().filter(|(id, _)| all || **id == share) {
            if last.is_none_or(|last| now.duration_since(last) >= CALL_AFTER) {
                *last = Some(now);
                call.send_replace(());
            }
        }
    }
}

impl Reservation {
    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Moves `bytes` (at most what is held) into a reservation of their own and gives the rest back.
    pub fn keep_only(&mut self, bytes: usize) -> Self {
        let kept = bytes.min(self.bytes);
        self.bytes -= kept;
        let rest = std::mem::take(self);
        Self { bytes: kept, is_beyond: rest.is_beyond, share: rest.share.clone() }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let (Some(share), 1..) = (self.share.take(), self.bytes) {
            share.pool.lock().give_back(share.id, self.bytes, self.is_beyond);
            share.pool.serve();
        }
    }
}

impl PlaceInLine {
    /// Ends when what it is for can be taken. Cancel-safe; nobody gets ahead meanwhile.
    pub async fn granted(&mut self) {
        while self.granted.is_none() {
            tokio::select! {
                biased;
                // Its sender is in the line, or has sent.
                granted = &mut self.grant => self.granted = Some(granted.unwrap_or_default()),
                () = tokio::time::sleep_until(self.call_at.min(self.urgent_at)) => self.reassert(Instant::now()),
            }
        }
    }

    /// What was granted.
    pub fn take(mut self) -> Reservation {
        self.granted.take().unwrap_or_default()
    }

    fn reassert(&mut self, now: Instant) {
        let pool = &self.share.pool;
        let mut state = pool.lock();
        if now >= self.urgent_at {
            if let Some(waiter) = state.line.get_mut(&self.ticket) {
                waiter.is_urgent = true;
            }
            self.urgent_at = now + PATIENCE;
        }
        state.call(self.share.id, now);
        drop(state);
        self.call_at = now + CALL_AFTER;
        pool.serve();
    }
}

impl Drop for PlaceInLine {
    fn drop(&mut self) {
        let left = self.share.pool.lock().line.remove(&self.ticket);
        if left.is_some() {
            self.share.pool.serve();
        }
    }
}

#[cfg(test)]
#[path = "budget_tests.rs"]
mod tests;
