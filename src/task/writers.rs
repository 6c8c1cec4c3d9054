//! The open batches of one partition: one for each topic that its records are routed to, which is one unless a
//! transformation renames topics.
//!
//! It owns the batches and the memory reserved for them. What is sealed is the pipeline's to send, offsets are counted
//! there.

use super::{ByteBudget, Reservation};
use crate::connector::{Delivery, Error, Fill, PartitionWriter, SinkTask};
use crate::data::Converted;
use crate::id::TopicPartition;
use std::borrow::Cow;
use std::sync::Arc;
use tokio::time::Instant;

/// A batch in the making.
struct Open {
    topic: Arc<str>,
    writer: Box<dyn PartitionWriter>,
    reserved: Reservation,
    /// The first record in it; none while it is empty.
    first: Option<i64>,
    seal_at: Option<Instant>,
}

/// A sealed batch with the memory it holds.
pub(super) struct Sealed {
    pub(super) delivery: Delivery,
    pub(super) reserved: Reservation,
}

/// What became of a record.
pub(super) enum Put {
    /// It is in a batch.
    More,
    /// It is in a batch which is to be sealed.
    Full,
    /// There is no memory for it: this much is needed.
    Starved(usize),
}

/// The batches of one partition.
pub(super) struct Writers {
    sink: Arc<dyn SinkTask>,
    origin: TopicPartition,
    open: Vec<Open>,
}

impl Writers {
    /// No batch yet. An error when the partition's own topic has no target and `fixed` says that no record goes
    /// elsewhere.
    pub(super) fn new(sink: Arc<dyn SinkTask>, origin: TopicPartition, fixed: bool) -> Result<Self, Error> {
        let topic = Arc::clone(&origin.topic);
        let mut writers = Self { sink, origin, open: Vec::new() };
        if fixed {
            writers.of(&topic)?;
        }
        Ok(writers)
    }

    fn of(&mut self, topic: &Arc<str>) -> Result<&mut Open, Error> {
        // Nearly always it is the very same text.
        let is_it = |open: &Open| Arc::ptr_eq(&open.topic, topic) || open.topic == *topic;
        let known = self.open.iter().position(is_it);
        let place = if let Some(place) = known {
            place
        } else {
            let writer = self.sink.open(&self.origin, topic)?;
            let reserved = Reservation::default();
            self.open.push(Open { topic: topic.clone(), writer, reserved, first: None, seal_at: None });
            self.open.len() - 1
        };
        Ok(&mut self.open[place])
    }

    /// The bytes of a value for `topic`; none for a tombstone.
    pub(super) fn encode<'v>(
        &mut self,
        topic: &Arc<str>,
        value: &'v Converted<'_>,
    ) -> Result<Option<Cow<'v, [u8]>>, Error> {
        self.of(topic)?.writer.encode(value)
    }

    /// Puts a record into the batch of `topic`, if `budget` has memory for it.
    pub(super) fn put(
        &mut self,
        topic: &Arc<str>,
        (offset, bytes): (i64, &[u8]),
        budget: &ByteBudget,
    ) -> Result<Put, Error> {
        let flush_interval = self.sink.flush_interval();
        let open = self.of(topic)?;
        let needed = open.writer.memory_with(bytes.len());
        if needed > open.reserved.bytes() && !budget.try_grow(&mut open.reserved, needed) {
            return Ok(Put::Starved(needed));
        }
        let fill = open.writer.put(offset, bytes)?;
        open.first.get_or_insert(offset);
        open.seal_at.get_or_insert_with(|| Instant::now() + flush_interval);
        Ok(if fill == Fill::Full { Put::Full } else { Put::More })
    }

    /// Gives the batch of `topic` memory that was waited for.
    pub(super) fn endow(&mut self, topic: &Arc<str>, memory: Reservation) -> Result<(), Error> {
        self.of(topic)?.reserved = memory;
        Ok(())
    }

    /// The first record that is in a batch.
    pub(super) fn first(&self) -> Option<i64> {
        self.open.iter().filter_map(|open| open.first).min()
    }

    /// When the next batch is old enough.
    pub(super) fn seal_at(&self) -> Option<Instant> {
        self.open.iter().filter_map(|open| open.seal_at).min()
    }

    /// Seals the batch of `topic`; none when it is empty.
    pub(super) fn seal(&mut self, topic: &Arc<str>) -> Result<Option<Sealed>, Error> {
        self.seal_where(|open| open.topic == *topic).map(|mut sealed| sealed.pop())
    }

    /// Seals the batches that are old enough.
    pub(super) fn seal_due(&mut self, now: Instant) -> Result<Vec<Sealed>, Error> {
        self.seal_where(|open| open.seal_at.is_some_and(|at| at <= now))
    }

    /// Seals all.
    pub(super) fn seal_all(&mut self) -> Result<Vec<Sealed>, Error> {
        self.seal_where(|_| true)
    }

    fn seal_where(&mut self, is_meant: impl Fn(&Open) -> bool) -> Result<Vec<Sealed>, Error> {
        let mut all = Vec::new();
        for open in self.open.iter_mut().filter(|open| is_meant(open)) {
            open.seal_at = None;
            let Some(delivery) = open.writer.seal()? else { continue };
            open.first = None;
            let reserved = open.reserved.keep_only(delivery.memory);
            all.push(Sealed { delivery, reserved });
        }
        // Topics may come and go with the time of day; an empty writer is made again when it is needed.
        let own = &self.origin.topic;
        self.open.retain(|open| open.first.is_some() || open.topic == *own);
        Ok(all)
    }
}
