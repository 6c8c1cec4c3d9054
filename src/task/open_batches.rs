//! The open batches of one partition: one for each topic that its records are routed to, which is one unless a
//! transformation renames topics, and for each schema where a batch can have only one.
//!
//! It owns the batches and the memory reserved for them. What is sealed is the pipeline's to send, offsets are counted
//! there.

use super::budget::{ConnectorBudget, Reservation};
use super::retained::RetainedRecords;
use crate::data::{Schema, SinkRecord};
use crate::id::TopicPartition;
use crate::kafka;
use crate::sink::{Delivery, Encoded, Error, Fill, PartitionWriter, SinkTask};
use std::sync::Arc;
use tokio::time::Instant;

/// A batch in the making.
struct OpenBatch {
    topic: Arc<str>,
    /// The schema of the records in it, where that counts.
    schema: Option<Arc<Schema>>,
    writer: Box<dyn PartitionWriter>,
    reserved: Reservation,
    /// The first record in it; none while it is empty.
    first: Option<i64>,
    seal_at: Option<Instant>,
    full: bool,
    retained: RetainedRecords,
}

impl OpenBatch {
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
pub(super) struct SealedBatch {
    pub(super) delivery: Delivery,
    pub(super) reserved: Reservation,
    /// Its records as they came, if they are retained.
    pub(super) retained: RetainedRecords,
}

/// What became of a record.
pub(super) enum Added {
    /// There was nothing to write.
    Nothing,
    /// It is in a batch.
    More,
    /// It is in a batch which is to be sealed.
    Full,
    /// There is no memory for the batch of that topic: this many bytes are needed.
    NeedsMemory(Arc<str>, usize),
}

/// The batches of one partition.
pub(super) struct OpenBatches {
    sink: Arc<dyn SinkTask>,
    origin: TopicPartition,
    batches: Vec<OpenBatch>,
    /// Records are retained until their batch is handed over.
    retain: bool,
}

impl OpenBatches {
    /// No batch yet. An error when the partition's own topic has no target and `fixed` says that no record goes
    /// elsewhere. `retain`: records are retained until their batch is handed over.
    pub(super) fn new(
        sink: Arc<dyn SinkTask>,
        origin: TopicPartition,
        fixed: bool,
        retain: bool,
    ) -> Result<Self, Error> {
        let topic = Arc::clone(&origin.topic);
        let mut this = Self { sink, origin, batches: Vec::new(), retain };
        if fixed {
            this.any_of(&topic)?;
        }
        Ok(this)
    }

    /// Any batch of `topic`.
    fn any_of(&mut self, topic: &Arc<str>) -> Result<&mut OpenBatch, Error> {
        let place = match self.batches.iter().position(|open| open.is_of(topic)) {
            Some(place) => place,
            None => self.open(topic)?,
        };
        Ok(&mut self.batches[place])
    }

    /// The batch of `topic` for records of `schema`.
    fn fitting(&mut self, topic: &Arc<str>, schema: Option<&Arc<Schema>>) -> Result<&mut OpenBatch, Error> {
        let fits = |open: &OpenBatch| {
            open.is_of(topic) && (open.first.is_none() || same(open.schema.as_ref(), schema))
        };
        let place = match self.batches.iter().position(fits) {
            Some(place) => place,
            None => self.open(topic)?,
        };
        Ok(&mut self.batches[place])
    }

    fn open(&mut self, topic: &Arc<str>) -> Result<usize, Error> {
        let writer = self.sink.open(&self.origin, topic)?;
        let reserved = Reservation::default();
        self.batches.push(OpenBatch {
            topic: topic.clone(),
            schema: None,
            writer,
            reserved,
            first: None,
            seal_at: None,
            full: false,
            retained: RetainedRecords::default(),
        });
        Ok(self.batches.len() - 1)
    }

    /// A record as the sink writes it for its topic; none when there is nothing to write.
    pub(super) fn encode<'v>(&mut self, record: &'v SinkRecord<'_>) -> Result<Option<Encoded<'v>>, Error> {
        self.any_of(&record.topic)?.writer.encode(record)
    }

    /// Adds a record to the batch of `topic`, if `budget` has memory for it. `origin` is how it came.
    pub(super) fn add(
        &mut self,
        topic: &Arc<str>,
        record: &Encoded<'_>,
        origin: &kafka::ConsumedRecord<'_>,
        budget: &ConnectorBudget,
    ) -> Result<Added, Error> {
        let (flush_interval, retain) = (self.sink.flush_interval(), self.retain);
        let open = self.fitting(topic, record.schema.as_ref())?;
        let mut needed = open.writer.memory_with(record.bytes.len());
        if retain {
            needed += open.retained.memory_with(origin);
        }
        if needed > open.reserved.bytes() && !budget.try_grow(&mut open.reserved, needed) {
            return Ok(Added::NeedsMemory(Arc::clone(topic), needed));
        }
        open.full = open.writer.put(origin.offset, record)? == Fill::Full;
        if retain {
            open.retained.push(origin);
        }
        if open.first.is_none() {
            open.first = Some(origin.offset);
            open.schema.clone_from(&record.schema);
        }
        open.seal_at.get_or_insert_with(|| Instant::now() + flush_interval);
        Ok(if open.full { Added::Full } else { Added::More })
    }

    /// Gives the batch of `topic` memory that was waited for.
    pub(super) fn grant(&mut self, topic: &Arc<str>, memory: Reservation) -> Result<(), Error> {
        self.any_of(topic)?.reserved = memory;
        Ok(())
    }

    /// Gives back what batches without records hold.
    pub(super) fn release(&mut self) {
        for open in self.batches.iter_mut().filter(|open| open.first.is_none()) {
            open.reserved = Reservation::default();
        }
    }

    /// The first record that is in a batch.
    pub(super) fn first(&self) -> Option<i64> {
        self.batches.iter().filter_map(|open| open.first).min()
    }

    /// When the next batch is old enough.
    pub(super) fn seal_at(&self) -> Option<Instant> {
        self.batches.iter().filter_map(|open| open.seal_at).min()
    }

    /// Seals the batches that are full.
    pub(super) fn seal_full(&mut self) -> Result<Vec<SealedBatch>, Error> {
        self.seal_where(|open| open.full)
    }

    /// Seals the batches that are old enough.
    pub(super) fn seal_due(&mut self, now: Instant) -> Result<Vec<SealedBatch>, Error> {
        self.seal_where(|open| open.seal_at.is_some_and(|at| at <= now))
    }

    /// Seals all.
    pub(super) fn seal_all(&mut self) -> Result<Vec<SealedBatch>, Error> {
        self.seal_where(|_| true)
    }

    fn seal_where(&mut self, is_meant: impl Fn(&OpenBatch) -> bool) -> Result<Vec<SealedBatch>, Error> {
        let mut all = Vec::new();
        for open in self.batches.iter_mut().filter(|open| is_meant(open)) {
            open.seal_at = None;
            open.full = false;
            let delivery = open.writer.seal()?;
            open.first = None;
            let retained = std::mem::take(&mut open.retained);
            let Some(delivery) = delivery else {
                open.reserved = Reservation::default();
                continue;
            };
            let reserved = open.reserved.keep_only(delivery.memory + retained.memory());
            all.push(SealedBatch { delivery, reserved, retained });
        }
        // Topics and schemas may come and go with the time of day; an empty writer is made again when it is needed.
        let own = &self.origin.topic;
        let mut spare = false;
        self.batches.retain(|open| {
            let is_spare = open.first.is_none();
            let keep = !is_spare || (open.topic == *own && !spare);
            spare |= is_spare;
            keep
        });
        Ok(all)
    }
}
