//! What was handed over and has no fate yet: a bounded ledger.
//!
//! An entry is some 70 bytes: names stand once in a route, which all batches of a partition share, and the blob's name is made of id
//! and route when somebody asks ([`HandedOver::blob_name`]). Entries lie in the order in which they came, so the oldest go first
//! when there is no room; that is counted. Time is the caller's: nothing leaves by itself. It decides no fate (`matching` does).

use super::name;
use crate::id::{BatchId, OffsetRange, TopicPartition};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::time::Instant;

/// Bytes of memory for what was handed over to one ADX cluster.
pub const LEDGER_ROOM: usize = 64 << 20;

/// What an entry takes at most, with its share of the index: that has room for twice what it had to grow for, which is at most 4.6
/// places of 21 bytes for each entry.
const ENTRY: usize = 176;
/// Entries, whatever the room.
const MOST_ENTRIES: usize = 1 << 30;
/// Entries that memory is asked for at once.
const STEP: usize = 16_384;
/// Routes, whatever the room: each is some hundred bytes.
const MOST_ROUTES: usize = 65_536;

/// From where to where batches go, and as what. A writer of a partition makes one and lends it to each batch.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct BatchRoute {
    /// The connector's name.
    pub connector: Arc<str>,
    /// Where the records were read.
    pub partition: TopicPartition,
    /// The database.
    pub database: Arc<str>,
    /// The table.
    pub table: Arc<str>,
    /// The format's name on the wire, which ends the blob's name.
    pub extension: &'static str,
}

/// A batch that the service took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandedOver {
    /// The batch; the message's id, too.
    pub id: BatchId,
    /// From where to where.
    pub route: Arc<BatchRoute>,
    /// First and last offset in it.
    pub offsets: OffsetRange,
    /// Records in it.
    pub records: u32,
    /// Bytes before compression.
    pub raw_bytes: u64,
    /// When it was handed over, by this machine's clock.
    pub at: OffsetDateTime,
    /// How long it may take until a failure would have been told: the table's batching time and a margin.
    pub hold: Duration,
}

impl HandedOver {
    /// The name of its blob.
    pub fn blob_name(&self) -> String {
        let BatchRoute { partition, database, table, extension, .. } = &*self.route;
        name::blob_name((database, table), partition, self.offsets, self.id, extension)
    }
}

/// An entry as it is kept: times in milliseconds since 1970 and in seconds since the ledger's start.
#[derive(Debug, Clone, Copy)]
struct Entry {
    id: BatchId,
    offsets: OffsetRange,
    raw_bytes: u64,
    at: i64,
    /// The moment of the newest failure that was noted, by the service's clock.
    noted: i64,
    records: u32,
    route: u32,
    /// Its time ends then.
    ends: u32,
    hold: u32,
}

/// No failure was noted.
const NEVER: i64 = i64::MIN;

/// What was handed over to one ADX cluster. One owner.
#[derive(Debug)]
pub struct Ledger {
    started: Instant,
    most: usize,
    routes: Routes,
    /// In the order in which they came; none where one has left before its turn.
    entries: VecDeque<Option<Entry>>,
    /// The number of the first of them.
    first: u32,
    /// Places count from the first one's number on, round the end of all numbers.
    numbers: HashMap<BatchId, u32>,
    pushed_out: u64,
}

impl Ledger {
    /// An empty one that takes at most `room` bytes; but one entry always has room.
    pub fn new(room: usize, started: Instant) -> Self {
        Self {
            started,
            // More than a number can count is more than anybody has room for.
            most: (room / ENTRY).clamp(1, MOST_ENTRIES),
            routes: Routes::default(),
            entries: VecDeque::new(),
            first: 0,
            numbers: HashMap::new(),
            pushed_out: 0,
        }
    }

    /// Enters `batch` at the moment `now`; what is returned had to leave for want of room. One that is there already is entered
    /// anew, as the youngest.
    pub fn enter(&mut self, batch: &HandedOver, now: Instant) -> Vec<HandedOver> {
        let noted = self.entry(batch.id).map_or(NEVER, |entry| entry.noted);
        drop(self.leave(batch.id));
        let mut left = Vec::new();
        while self.routes.is_full_for(&batch.route) && !self.numbers.is_empty() {
            left.extend(self.push_out());
        }
        if self.entries.len() >= self.most {
            let gone = self.entries.len() - self.numbers.len();
            if gone * 8 >= self.entries.len() {
                self.close_ranks();
            } else {
                left.extend(self.push_out());
            }
        }
        if self.entries.len() == self.entries.capacity() {
            // Doubling would take twice the room while it lasts.
            self.entries.reserve_exact(STEP.min(self.most - self.entries.len()));
        }
        let hold = seconds(batch.hold);
        let entry = Entry {
            id: batch.id,
            offsets: batch.offsets,
            raw_bytes: batch.raw_bytes,
            at: milliseconds(batch.at),
            noted,
            records: batch.records,
            route: self.routes.enter(&batch.route),
            ends: seconds(now.saturating_duration_since(self.started)).saturating_add(hold),
            hold,
        };
        self.numbers.insert(batch.id, self.first.wrapping_add(place_number(self.entries.len())));
        self.entries.push_back(Some(entry));
        left
    }

    /// The batch `id`, if it is there.
    pub fn get(&self, id: BatchId) -> Option<HandedOver> {
        self.entry(id).and_then(|entry| self.whole(entry))
    }

    /// Takes the batch `id` out.
    pub fn leave(&mut self, id: BatchId) -> Option<HandedOver> {
        let number = self.numbers.remove(&id)?;
        let place = index(number.wrapping_sub(self.first));
        let entry = self.entries.get_mut(place)?.take()?;
        while matches!(self.entries.front(), Some(None)) {
            self.entries.pop_front();
            self.first = self.first.wrapping_add(1);
        }
        let whole = self.whole(&entry);
        self.routes.leave(entry.route);
        whole
    }

    /// Notes that the service failed with the batch `id` at `moment` (by its clock) and tries again. The batch, if that is news: a
    /// look that overlaps the last one brings the same failure once more.
    pub fn note(&mut self, id: BatchId, moment: OffsetDateTime) -> Option<HandedOver> {
        let moment = milliseconds(moment);
        let place = index(self.numbers.get(&id)?.wrapping_sub(self.first));
        let entry = self.entries.get_mut(place)?.as_mut()?;
        if moment <= entry.noted {
            return None;
        }
        entry.noted = moment;
        let entry = *entry;
        self.whole(&entry)
    }

    /// Takes out those whose time had ended at `moment`, the oldest first, and not more than `most`.
    pub fn release(&mut self, moment: Instant, most: usize) -> Vec<HandedOver> {
        // Rounded down, as ends are rounded up: nothing is old too early.
        let now = moment.saturating_duration_since(self.started).as_secs();
        let ended =
            self.entries.iter().flatten().filter(|entry| u64::from(entry.ends) <= now).map(|entry| entry.id);
        let ended: Vec<BatchId> = ended.take(most).collect();
        let released = ended.into_iter().filter_map(|id| self.leave(id)).collect();
        self.give_memory_back();
        released
    }

    /// Sets anew how long batches of some routes may take, counted from when each was entered. None leaves them as they are.
    pub fn hold_anew(&mut self, hold: impl Fn(&BatchRoute) -> Option<Duration>) {
        for entry in self.entries.iter_mut().flatten() {
            let route = self.routes.get(entry.route);
            if let Some(hold) = route.and_then(|route| hold(&route)) {
                let hold = seconds(hold);
                (entry.ends, entry.hold) = (entry.ends.saturating_sub(entry.hold).saturating_add(hold), hold);
            }
        }
    }

    /// Takes out all, but not more than `most`: the oldest.
    pub fn release_all(&mut self, most: usize) -> Vec<HandedOver> {
        let oldest = std::iter::from_fn(|| self.leave_oldest()).take(most).collect();
        self.give_memory_back();
        oldest
    }

    /// How many are there.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// True when nothing is there.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// How many had to leave for want of room, since the start.
    pub fn pushed_out(&self) -> u64 {
        self.pushed_out
    }

    /// Bytes that it takes now, but for the names in routes, which writers have too.
    pub fn memory(&self) -> usize {
        // One byte for each place of the index is its own.
        let places = self.numbers.capacity() / 7 * 8 + 8;
        self.entries.capacity() * size_of::<Option<Entry>>() + places * (size_of::<(BatchId, u32)>() + 1)
    }

    fn entry(&self, id: BatchId) -> Option<&Entry> {
        let place = index(self.numbers.get(&id)?.wrapping_sub(self.first));
        self.entries.get(place)?.as_ref()
    }

    fn whole(&self, entry: &Entry) -> Option<HandedOver> {
        Some(HandedOver {
            id: entry.id,
            route: self.routes.get(entry.route)?,
            offsets: entry.offsets,
            records: entry.records,
            raw_bytes: entry.raw_bytes,
            at: moment(entry.at),
            hold: Duration::from_secs(entry.hold.into()),
        })
    }

    fn push_out(&mut self) -> Option<HandedOver> {
        let oldest = self.leave_oldest();
        self.pushed_out += u64::from(oldest.is_some());
        oldest
    }

    fn leave_oldest(&mut self) -> Option<HandedOver> {
        let id = self.entries.iter().flatten().next()?.id;
        self.leave(id)
    }

    /// Closes the holes.
    fn close_ranks(&mut self) {
        self.entries.retain(Option::is_some);
        for (place, entry) in self.entries.iter().flatten().enumerate() {
            self.numbers.insert(entry.id, self.first.wrapping_add(place_number(place)));
        }
    }

    /// After a flood its memory is not kept.
    fn give_memory_back(&mut self) {
        if self.numbers.len() * 2 < self.entries.len() {
            self.close_ranks();
        }
        if self.entries.capacity() > 4 * self.entries.len() + STEP {
            self.entries.shrink_to(2 * self.entries.len());
            self.numbers.shrink_to(2 * self.numbers.len());
        }
    }
}

/// The routes of what is in the ledger, each once.
#[derive(Debug, Default)]
struct Routes {
    known: HashMap<Arc<BatchRoute>, u32>,
    /// With the number of entries that have it; a place without any is free.
    places: Vec<Option<(Arc<BatchRoute>, usize)>>,
    free: Vec<u32>,
}

impl Routes {
    fn is_full_for(&self, route: &Arc<BatchRoute>) -> bool {
        self.known.len() >= MOST_ROUTES && !self.known.contains_key(route)
    }

    fn get(&self, place: u32) -> Option<Arc<BatchRoute>> {
        self.places.get(index(place))?.as_ref().map(|(route, _)| Arc::clone(route))
    }

    fn enter(&mut self, route: &Arc<BatchRoute>) -> u32 {
        if let Some(place) = self.known.get(route).copied() {
            if let Some(Some((_, entries))) = self.places.get_mut(index(place)) {
                *entries += 1;
            }
            return place;
        }
        let new = Some((Arc::clone(route), 1));
        let place = if let Some(place) = self.free.pop() {
            if let Some(free) = self.places.get_mut(index(place)) {
                *free = new;
            }
            place
        } else {
            self.places.push(new);
            place_number(self.places.len() - 1)
        };
        self.known.insert(Arc::clone(route), place);
        place
    }

    fn leave(&mut self, place: u32) {
        let Some(held) = self.places.get_mut(index(place)) else { return };
        let Some((route, entries)) = held else { return };
        *entries -= 1;
        if *entries == 0 {
            self.known.remove(&*route);
            *held = None;
            self.free.push(place);
        }
    }
}

/// There are never so many entries that one has no number.
fn place_number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

fn index(place: u32) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}

/// Whole seconds, rounded up.
fn seconds(time: Duration) -> u32 {
    let whole = time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0));
    u32::try_from(whole).unwrap_or(u32::MAX)
}

fn milliseconds(moment: OffsetDateTime) -> i64 {
    i64::try_from(moment.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

fn moment(milliseconds: i64) -> OffsetDateTime {
    let nanos = i128::from(milliseconds) * 1_000_000;
    OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
