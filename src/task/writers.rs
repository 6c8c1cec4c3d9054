//! The open batches of one partition: one for each topic that its records are routed to, which is one unless a
//! transformation renames topics, and for each schema where a batch can have only one.
//!
//! It owns the batches and the memory reserved for them. What is sealed is the pipeline's to send, offsets are counted
//! there.

use super::Reservation;
use super::budget::ConnectorBudget;
use super::kept::KeptRecords;
use crate::data::{Schema, SinkRecord};
use crate::id::TopicPartition;
use crate::kafka;
use crate::sink::{Delivery, Encoded, Error, Fill, PartitionWriter, SinkTask};
use std::sync::Arc;
use tokio::time::Instant;

/// A batch in the making.
struct Open {
    topic: Arc<str>,
    /// The schema of the records in it, where that counts.
    schema: Option<Arc<Schema>>,
    writer: Box<dyn PartitionWriter>,
    reserved: Reservation,
    /// The first record in it; none while it is empty.
    first: Option<i64>,
    seal_at: Option<Instant>,
    full: bool,
    kept: KeptRecords,
}

impl Open {
    /// Nearly always it is the very same text.
    fn is_of(&self, topic: &Arc<str>) -> bool {
        Arc::ptr_eq(&self.topic, topic) || self.topic == *topic
    }
}

/// Nearly always they are the very same.
fn same(one: Option<&Arc<Schema>>, other: Option<&Arc<Schema>>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => Arc::ptr_eq(one, other) || one == other,
        _ => false,
    }
}

/// A sealed batch with the memory it holds.
pub(super) struct Sealed {
    pub(super) delivery: Delivery,
    pub(super) reserved: Reservation,
    /// Its records as they came, if they are kept.
    pub(super) kept: KeptRecords,
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
    keep: bool,
}

impl Writers {
    /// No batch yet. An error when the partition's own topic has no target and `fixed` says that no record goes
    /// elsewhere. `keep`: records are kept until their batch is handed over.
    pub(super) fn new(
        sink: Arc<dyn SinkTask>,
        origin: TopicPartition,
        fixed: bool,
        keep: bool,
    ) -> Result<Self, Error> {
        let topic = Arc::clone(&origin.topic);
        let mut writers = Self { sink, origin, open: Vec::new(), keep };
        if fixed {
            writers.of(&topic)?;
        }
        Ok(writers)
    }

    /// Any writer of `topic`.
    fn of(&mut self, topic: &Arc<str>) -> Result<&mut Open, Error> {
        let place = match self.open.iter().position(|open| open.is_of(topic)) {
            Some(place) => place,
            None => self.add(topic)?,
        };
        Ok(&mut self.open[place])
    }

    /// The writer of `topic` for records of `schema`.
    fn fitting(&mut self, topic: &Arc<str>, schema: Option<&Arc<Schema>>) -> Result<&mut Open, Error> {
        let fits =
            |open: &Open| open.is_of(topic) && (open.first.is_none() || same(open.schema.as_ref(), schema));
        let place = match self.open.iter().position(fits) {
            Some(place) => place,
            None => self.add(topic)?,
        };
        Ok(&mut self.open[place])
    }

    fn add(&mut self, topic: &Arc<str>) -> Result<usize, Error> {
        let writer = self.sink.open(&self.origin, topic)?;
        let reserved = Reservation::default();
        self.open.push(Open {
            topic: topic.clone(),
            schema: None,
            writer,
            reserved,
            first: None,
            seal_at: None,
            full: false,
            kept: KeptRecords::default(),
        });
        Ok(self.open.len() - 1)
    }

    /// A record as the table of its topic has it; none when there is nothing to write.
    pub(super) fn encode<'v>(&mut self, record: &'v SinkRecord<'_>) -> Result<Option<Encoded<'v>>, Error> {
        self.of(&record.topic)?.writer.encode(record)
    }

    /// Puts a record into the batch of `topic`, if `budget` has memory for it. `origin` is how it came.
    pub(super) fn put(
        &mut self,
        topic: &Arc<str>,
        record: &Encoded<'_>,
        origin: &kafka::Record<'_>,
        budget: &ConnectorBudget,
    ) -> Result<Put, Error> {
        let (flush_interval, keep) = (self.sink.flush_interval(), self.keep);
        let open = self.fitting(topic, record.schema.as_ref())?;
        let mut needed = open.writer.memory_with(record.bytes.len());
        if keep {
            needed += open.kept.memory_with(origin);
        }
        if needed > open.reserved.bytes() && !budget.try_grow(&mut open.reserved, needed) {
            return Ok(Put::Starved(needed));
        }
        open.full = open.writer.put(origin.offset, record)? == Fill::Full;
        if keep {
            open.kept.push(origin);
        }
        if open.first.is_none() {
            open.first = Some(origin.offset);
            open.schema.clone_from(&record.schema);
        }
        open.seal_at.get_or_insert_with(|| Instant::now() + flush_interval);
        Ok(if open.full { Put::Full } else { Put::More })
    }

    /// Gives the batch of `topic` memory that was waited for.
    pub(super) fn endow(&mut self, topic: &Arc<str>, memory: Reservation) -> Result<(), Error> {
        self.of(topic)?.reserved = memory;
        Ok(())
    }

    /// Gives back what batches without records hold.
    pub(super) fn release(&mut self) {
        for open in self.open.iter_mut().filter(|open| open.first.is_none()) {
            open.reserved = Reservation::default();
        }
    }

    /// The first record that is in a batch.
    pub(super) fn first(&self) -> Option<i64> {
        self.open.iter().filter_map(|open| open.first).min()
    }

    /// When the next batch is old enough.
    pub(super) fn seal_at(&self) -> Option<Instant> {
        self.open.iter().filter_map(|open| open.seal_at).min()
    }

    /// Seals the batches that are full.
    pub(super) fn seal_full(&mut self) -> Result<Vec<Sealed>, Error> {
        self.seal_where(|open| open.full)
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
            open.full = false;
            let delivery = open.writer.seal()?;
            open.first = None;
            let kept = std::mem::take(&mut open.kept);
            let Some(delivery) = delivery else {
                open.reserved = Reservation::default();
                continue;
            };
            let reserved = open.reserved.keep_only(delivery.memory + kept.memory());
            all.push(Sealed { delivery, reserved, kept });
        }
        // Topics and schemas may come and go with the time of day; an empty writer is made again when it is needed.
        let own = &self.origin.topic;
        let mut spare = false;
        self.open.retain(|open| {
            let is_spare = open.first.is_none();
            let keep = !is_spare || (open.topic == *own && !spare);
            spare |= is_spare;
            keep
        });
        Ok(all)
    }
}
