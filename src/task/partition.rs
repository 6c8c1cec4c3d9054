//! The pipeline of one partition: take, convert, append, seal, hand over.
//!
//! It owns the partition's open batch, its uploads and its line of offsets. One select loop, in this order: an order,
//! an upload's end, the batch's age, more records while there is room. It never commits: it reports how far everything
//! was handed over.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::Instrument;

use super::error::At;
use super::offsets::OffsetLine;
use super::topics::LastTold;
use super::{ByteBudget, Error, Reservation, until};
use crate::connector::{self, Delivery, Fill, PartitionWriter};
use crate::convert::Converter;
use crate::id::{ConnectorTaskId, OffsetRange, TopicPartition};
use crate::kafka::native::MAX_RECORDS;
use crate::kafka::{PartitionQueue, Records};

/// Sealed batches of a partition that may be on their way at once: enough to hide an upload's latency behind the next
/// batches, few enough that one slow partition does not hold much of the budget.
const MAX_IN_FLIGHT: usize = 4;

/// What a pipeline should do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Read.
    Run,
    /// Hand over what was read, then wait.
    Hold,
    /// Hand over what was read, then end.
    Drain,
}

/// How long a pipeline may find no room before Kafka is asked to stop sending.
const BLOCKED_AFTER: Duration = Duration::from_secs(1);

/// What a pipeline tells while it runs.
#[derive(Debug)]
pub enum Report {
    /// Everything below this offset was handed over.
    Progress(TopicPartition, i64),
    /// Records were read; told again every few seconds as long as there are any.
    Read(TopicPartition),
    /// There has been no room for records for a while: fetching more would only fill memory.
    Blocked(TopicPartition),
    /// There is room again.
    Unblocked(TopicPartition),
}

/// How a pipeline ended.
#[derive(Debug)]
pub struct Exit {
    /// The partition.
    pub partition: TopicPartition,
    /// Its task.
    pub task: u32,
    /// Where reading starts again; none when nothing was read.
    pub resume_at: Option<i64>,
    /// Why it ended by itself; none after a drain.
    pub error: Option<Error>,
}

/// What all pipelines of a connector share.
pub struct Shared {
    /// From record values to what is written.
    pub value_converter: Arc<dyn Converter>,
    /// The age at which a batch is sealed.
    pub flush_interval: Duration,
    /// The worker's memory for batches.
    pub budget: ByteBudget,
    /// Where pipelines report.
    pub reports: mpsc::Sender<Report>,
}

/// One partition's pipeline.
pub struct Pipeline {
    task: ConnectorTaskId,
    queue: PartitionQueue,
    nonempty: Arc<Notify>,
    writer: Box<dyn PartitionWriter>,
    shared: Arc<Shared>,
    line: OffsetLine,
    uploads: JoinSet<(u64, Result<(), connector::Error>)>,
    in_flight: BTreeMap<u64, OffsetRange>,
    reserved: Reservation,
    /// Bytes the next record needs and the budget did not have.
    starved: Option<usize>,
    /// Taken from the queue and not yet read.
    pending: Option<Records>,
    /// The queue may have more without telling again.
    more: bool,
    seal_at: Option<Instant>,
    room: Room,
    /// Records were read since that was asked last.
    has_read: bool,
    told_read: LastTold,
}

/// Whether a pipeline can take records, as far as it was told to Kafka.
#[derive(Debug, Clone, Copy)]
enum Room {
    Yes,
    NotSince(Instant),
    Told,
}

impl Pipeline {
    /// A pipeline of `task` over `queue` into `writer`.
    pub fn new(
        task: ConnectorTaskId,
        queue: PartitionQueue,
        writer: Box<dyn PartitionWriter>,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            task,
            nonempty: queue.nonempty(),
            queue,
            writer,
            shared,
            line: OffsetLine::default(),
            uploads: JoinSet::new(),
            in_flight: BTreeMap::new(),
            reserved: Reservation::default(),
            starved: None,
            pending: None,
            more: true,
            seal_at: None,
            room: Room::Yes,
            has_read: false,
            told_read: LastTold::default(),
        }
    }

    /// Runs until it is drained or fails. Dropping the future gives up everything that was not handed over.
    pub async fn run(mut self, mut mode: watch::Receiver<Mode>) -> Exit {
        let error = self.work(&mut mode).await.err();
        Exit {
            partition: self.queue.id().clone(),
            task: self.task.task,
            resume_at: self.line.resume_at(),
            error,
        }
    }

    async fn work(&mut self, mode: &mut watch::Receiver<Mode>) -> Result<(), Error> {
        loop {
            let now = *mode.borrow_and_update();
            if now != Mode::Run {
                self.seal()?;
            }
            if now == Mode::Drain && self.uploads.is_empty() {
                self.report().await;
                return Ok(());
            }
            let (seal_at, tell_at) = (self.seal_at, self.blocked_until(now));
            tokio::select! {
                biased;
                changed = mode.changed() => {
                    if changed.is_err() {
                        // The connector's loop is gone, and with it whoever could commit.
                        return Ok(());
                    }
                }
                Some(ended) = self.uploads.join_next(), if !self.uploads.is_empty() => {
                    self.handed_over(ended)?;
                    self.report().await;
                }
                () = until(seal_at), if seal_at.is_some() => self.seal()?,
                () = until(tell_at), if tell_at.is_some() => {
                    self.room = Room::Told;
                    tell(&self.shared, Report::Blocked(self.queue.id().clone())).await;
                }
                () = readable(self.pending.is_some() || self.more, self.starved, &self.shared.budget,
                    &mut self.reserved, &self.nonempty), if now == Mode::Run && self.uploads.len() < MAX_IN_FLIGHT =>
                {
                    self.starved = None;
                    if matches!(std::mem::replace(&mut self.room, Room::Yes), Room::Told) {
                        tell(&self.shared, Report::Unblocked(self.queue.id().clone())).await;
                    }
                    self.read()?;
                    self.report().await;
                    self.report_read().await;
                    // Reading may be ready for a long time; the other partitions on this thread want their turn.
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    /// Reads one take of records, or what is left of the last.
    fn read(&mut self) -> Result<(), Error> {
        let mut records = if let Some(records) = self.pending.take() {
            records
        } else {
            let records = self.queue.take();
            self.more = records.len() == MAX_RECORDS;
            records
        };
        while let Some(record) = records.next_record() {
            let record = record.map_err(|(code, text)| Error::Fetch {
                at: self.at().into(),
                reason: format!("{code}: {text}"),
            })?;
            let offset = record.offset;
            if self.line.is_behind(offset) {
                self.rewind(offset)?;
            }
            self.line.taken(offset);
            self.has_read = true;
            let value = self.shared.value_converter.convert(record.value);
            let value = value.map_err(|source| Error::Convert { at: self.at().into(), offset, source })?;
            let Some(bytes) = value.as_bytes() else {
                tracing::debug!(task = %self.task, partition = %self.queue.id(), offset, "tombstone passed over");
                self.line.read(offset);
                continue;
            };
            let needed = self.writer.memory_with(bytes.len());
            if needed > self.reserved.bytes() && !self.shared.budget.try_grow(&mut self.reserved, needed) {
                drop(value);
                records.put_back();
                self.pending = Some(records);
                return self.starve(needed);
            }
            let fill = self.writer.put(offset, bytes).map_err(|source| self.sink_error(source))?;
            self.line.read(offset);
            self.seal_at.get_or_insert_with(|| Instant::now() + self.shared.flush_interval);
            if fill == Fill::Full {
                self.seal()?;
                if self.uploads.len() >= MAX_IN_FLIGHT {
                    self.pending = Some(records);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Kafka went back: what was read before stays a batch of its own, and the line of offsets starts again here.
    fn rewind(&mut self, offset: i64) -> Result<(), Error> {
        tracing::warn!(task = %self.task, partition = %self.queue.id(), offset, "Kafka sends earlier offsets again");
        self.seal()?;
        self.line.rewind(offset);
        Ok(())
    }

    /// No memory for the next record: what is open goes out now, so that memory comes back without waiting for its age.
    fn starve(&mut self, needed: usize) -> Result<(), Error> {
        let alone = self.writer.is_empty();
        self.seal()?;
        // An empty writer may start with less than a full one needs to grow.
        self.starved = Some(if alone { needed } else { 1 });
        Ok(())
    }

    fn seal(&mut self) -> Result<(), Error> {
        self.seal_at = None;
        let Some(delivery) = self.writer.seal().map_err(|source| self.sink_error(source))? else {
            return Ok(());
        };
        let Delivery { offsets, records, raw_bytes, memory, work } = delivery;
        let reservation = self.reserved.keep_only(memory);
        let ticket = self.line.sealed(offsets);
        self.in_flight.insert(ticket, offsets);
        let span = tracing::info_span!(
            "batch", connector = %self.task.connector, task = self.task.task, partition = %self.queue.id(), %offsets
        );
        let started = Instant::now();
        self.uploads.spawn(
            async move {
                let result = work.await;
                drop(reservation);
                if result.is_ok() {
                    let ms = started.elapsed().as_millis();
                    tracing::info!(records, raw_bytes, blob_bytes = memory, ms, "batch handed over");
                }
                (ticket, result)
            }
            .instrument(span),
        );
        Ok(())
    }

    fn handed_over(
        &mut self,
        ended: Result<(u64, Result<(), connector::Error>), tokio::task::JoinError>,
    ) -> Result<(), Error> {
        let (ticket, result) =
            ended.map_err(|error| Error::Panic { at: self.at().into(), reason: error.to_string() })?;
        let offsets = self.in_flight.remove(&ticket);
        match (result, offsets) {
            (Ok(()), _) => {
                self.line.delivered(ticket);
                Ok(())
            }
            (Err(source), Some(offsets)) => {
                Err(Error::Deliver { at: self.at().into(), offsets, source: Box::new(source) })
            }
            (Err(source), None) => Err(self.sink_error(source)),
        }
    }

    /// Says how far everything was handed over, when that changed.
    async fn report(&mut self) {
        if let Some(offset) = self.line.committable(!self.writer.is_empty()) {
            tell(&self.shared, Report::Progress(self.queue.id().clone(), offset)).await;
        }
    }

    /// Says now and then that records are read.
    async fn report_read(&mut self) {
        if std::mem::take(&mut self.has_read) && self.told_read.is_due() {
            tell(&self.shared, Report::Read(self.queue.id().clone())).await;
        }
    }

    /// When to tell that there is no room; none while there is, or once it was told.
    fn blocked_until(&mut self, mode: Mode) -> Option<Instant> {
        let blocked = mode == Mode::Run && (self.starved.is_some() || self.uploads.len() >= MAX_IN_FLIGHT);
        match (blocked, self.room) {
            (true, Room::Yes) => {
                let now = Instant::now();
                self.room = Room::NotSince(now);
                Some(now + BLOCKED_AFTER)
            }
            (true, Room::NotSince(since)) => Some(since + BLOCKED_AFTER),
            (false, Room::NotSince(_)) => {
                self.room = Room::Yes;
                None
            }
            (_, Room::Told) | (false, Room::Yes) => None,
        }
    }

    fn sink_error(&self, source: connector::Error) -> Error {
        Error::Sink { at: self.at().into(), source: Box::new(source) }
    }

    fn at(&self) -> At {
        At { task: self.task.clone(), partition: self.queue.id().clone() }
    }
}

async fn tell(shared: &Shared, report: Report) {
    // Nobody listens only when the connector's loop is gone, and then nobody commits.
    if let Err(late) = shared.reports.send(report).await {
        tracing::debug!(report = ?late.0, "report after the connector ended");
    }
}

/// Ends when records can be read: memory first, then what is at hand, then what comes.
async fn readable(
    at_hand: bool,
    starved: Option<usize>,
    budget: &ByteBudget,
    reserved: &mut Reservation,
    nonempty: &Notify,
) {
    if let Some(bytes) = starved {
        budget.grow(reserved, bytes).await;
    }
    if !at_hand {
        nonempty.notified().await;
    }
}
