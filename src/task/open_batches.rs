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
use crate::metrics::{RecordTimes, SealReason};
use crate::sink::{Delivery, Encoded, Error, Fill, PartitionWriter, SinkTask};
use std::sync::Arc;
use std::time::Duration;
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
    /// When that came, and its timestamp.
    arrived: Option<Arrival>,
    /// The timestamps of all; none when one of them has none.
    times: Option<RecordTimes>,
    records: u64,
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

/// When the first record of a batch was read, and its timestamp in ms since the epoch, if it has one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival {
    pub(super) at: Instant,
    pub(super) timestamp: Option<i64>,
}

/// A sealed batch with the memory it holds.
pub(super) struct SealedBatch {
    pub(super) delivery: Delivery,
    /// Of its first record.
    pub(super) arrived: Option<Arrival>,
    /// The timestamps of its records; none when one of them has none.
    pub(super) times: Option<RecordTimes>,
    /// Why it was sealed, and how long that took.
    pub(super) reason: SealReason,
    pub(super) took: Duration,
    pub(super) reserved: Reservation,
    /// Its records as they came, if they are retained.
    pub(super) retained: RetainedRecords,
}

/// What became of a record.
pub(super) enum Added {
    /// A transformation dropped it.
    Dropped,
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
            arrived: None,
            times: None,
            records: 0,
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
        open.records += 1;
        let timestamp = origin.timestamp().map(|(ms, _)| ms);
        let times = timestamp.map(RecordTimes::at);
        if open.first.is_some() {
            open.times = open.times.zip(times).map(|(known, times)| known.with(times));
        } else {
            open.first = Some(origin.offset);
            open.times = times;
            open.schema.clone_from(&record.schema);
            open.arrived = Some(Arrival { at: Instant::now(), timestamp });
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

    /// The records in all of them.
    pub(super) fn records(&self) -> u64 {
        self.batches.iter().map(|open| open.records).sum()
    }

    /// When the oldest of them was read.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.batches.iter().filter_map(|open| Some(open.arrived?.at)).min()
    }

    /// When the next batch is old enough.
    pub(super) fn seal_at(&self) -> Option<Instant> {
        self.batches.iter().filter_map(|open| open.seal_at).min()
    }

    /// Seals the batches that are full.
    pub(super) fn seal_full(&mut self) -> Result<Vec<SealedBatch>, Error> {
        self.seal_where(SealReason::Size, |open| open.full)
    }

    /// Seals the batches that are old enough.
    pub(super) fn seal_due(&mut self, now: Instant) -> Result<Vec<SealedBatch>, Error> {
        self.seal_where(SealReason::Time, |open| open.seal_at.is_some_and(|at| at <= now))
    }

    /// Seals all.
    pub(super) fn seal_all(&mut self, reason: SealReason) -> Result<Vec<SealedBatch>, Error> {
        self.seal_where(reason, |_| true)
    }

    fn seal_where(
        &mut self,
        reason: SealReason,
        is_meant: impl Fn(&OpenBatch) -> bool,
    ) -> Result<Vec<SealedBatch>, Error> {
        let mut all = Vec::new();
        for open in self.batches.iter_mut().filter(|open| is_meant(open)) {
            open.seal_at = None;
            open.full = false;
            let began = Instant::now();
            let delivery = open.writer.seal()?;
            let took = began.elapsed();
            open.first = None;
            open.records = 0;
            let (arrived, times) = (open.arrived.take(), open.times.take());
            let retained = std::mem::take(&mut open.retained);
            let Some(delivery) = delivery else {
                open.reserved = Reservation::default();
                continue;
            };
            let reserved = open.reserved.keep_only(delivery.memory + retained.memory());
            all.push(SealedBatch { delivery, arrived, times, reason, took, reserved, retained });
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
