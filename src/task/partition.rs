//! The pipeline of one partition: take, convert, append (`intake`), seal, hand over.
//!
//! It owns the partition's open batch, its uploads and its line of offsets. One select loop, in this order: an order,
//! an upload's end, the batch's age, a schema that was fetched, more records while there is room. It never commits: it reports how far everything
//! was handed over.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::Instrument;

use super::bad_records::{self, BadRecords, Letters, RefusedBatch};
use super::budget::{ConnectorBudget, Place};
use super::error::At;
use super::offsets::OffsetLine;
use super::passed_over::Dropped;
use super::report::Report;
use super::schemas::fetched;
use super::stages::Stages;
use super::topics::LastTold;
use super::trouble::Waiter;
use super::waits::Teller;
use super::writers::{Sealed, Writers};
use super::{Error, until};
use crate::id::{ConnectorTaskId, OffsetRange, TopicPartition};
use crate::kafka::{self, RecordSource, Records};
use crate::sink::{self, Delivery, SettingNames};
use crate::telemetry::ErrorCounts;

/// Sealed batches of a partition that may be on their way at once: enough to hide an upload's latency behind the next
/// batches, few enough that one slow partition does not hold much of the budget.
pub(super) const MAX_IN_FLIGHT: usize = 4;

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
    /// From records to what is written.
    pub stages: Stages,
    /// What happens to records that get no further.
    pub bad_records: BadRecords,
    /// The sink's settings that messages point at.
    pub setting_names: SettingNames,
    /// The worker's memory for batches, as this connector may use it.
    pub budget: ConnectorBudget,
    /// Where pipelines report.
    pub reports: mpsc::Sender<Report>,
}

/// One partition's pipeline.
pub struct Pipeline {
    pub(super) task: ConnectorTaskId,
    pub(super) counts: ErrorCounts,
    pub(super) queue: Box<dyn RecordSource>,
    nonempty: Arc<Notify>,
    /// Others need the memory of what is open.
    calls: watch::Receiver<()>,
    pub(super) writers: Writers,
    pub(super) shared: Arc<Shared>,
    pub(super) line: OffsetLine,
    pub(super) uploads: JoinSet<Ended>,
    pub(super) in_flight: BTreeMap<u64, OffsetRange>,
    /// What the next record needs and the budget did not have.
    pub(super) starved: Option<Starved>,
    /// Brings the schema that the next record needs.
    pub(super) fetching: Option<BoxFuture<'static, ()>>,
    pub(super) letters: Letters,
    /// Passed over and not yet told.
    pub(super) dropped: Option<Dropped>,
    /// Taken from the queue and not yet read.
    pub(super) pending: Option<Records>,
    /// The queue may have more without telling again.
    pub(super) more: bool,
    room: Room,
    /// Records were read since that was asked last.
    pub(super) has_read: bool,
    told_read: LastTold,
}

/// Whether a pipeline can take records, as far as it was told to Kafka.
#[derive(Debug, Clone, Copy)]
enum Room {
    Yes,
    NotSince(Instant),
    Told,
}

/// What a record needs memory for.
pub(super) enum Lack {
    /// For the batch of its topic.
    Batch(Arc<str>),
    /// For its letter.
    Letter,
}

/// A record waits for memory. Its partition holds none meanwhile, but for what is on its way.
pub(super) struct Starved {
    pub(super) lack: Lack,
    pub(super) place: Place,
}

/// What became of a batch, or of letters, by ticket: handed over, or passed over.
pub(super) type Ended = (u64, Result<Option<Dropped>, Failed>);

/// What could not be handed over.
pub(super) enum Failed {
    Batch(sink::Error),
    Letter(kafka::Error),
}

impl Pipeline {
    /// A pipeline of `task` over `queue` into `writers`.
    pub fn new(
        (task, counts): (ConnectorTaskId, ErrorCounts),
        queue: impl RecordSource + 'static,
        writers: Writers,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            task,
            counts,
            nonempty: queue.nonempty(),
            calls: shared.budget.calls(),
            queue: Box::new(queue),
            writers,
            shared,
            line: OffsetLine::default(),
            uploads: JoinSet::new(),
            in_flight: BTreeMap::new(),
            starved: None,
            fetching: None,
            letters: Letters::default(),
            dropped: None,
            pending: None,
            more: true,
            room: Room::Yes,
            has_read: false,
            told_read: LastTold::default(),
        }
    }

    /// Runs until it is drained or fails. Dropping the future gives up everything that was not handed over.
    pub async fn run(mut self, mut mode: watch::Receiver<Mode>) -> Exit {
        let error = self.work(&mut mode).await.err();
        if matches!(error, Some(Error::BadRecord { .. })) {
            self.hand_over_rest().await;
        }
        Exit {
            partition: self.queue.id().clone(),
            task: self.task.task,
            resume_at: self.line.resume_at(self.writers.first()),
            error,
        }
    }

    async fn work(&mut self, mode: &mut watch::Receiver<Mode>) -> Result<(), Error> {
        loop {
            let now = *mode.borrow_and_update();
            if now != Mode::Run {
                self.starved = None;
                let sealed = self.writers.seal_all();
                self.send_all(sealed)?;
            }
            if self.writers.first().is_none() {
                self.calls.mark_unchanged();
            }
            if now == Mode::Drain && self.uploads.is_empty() {
                self.report().await;
                return Ok(());
            }
            let (seal_at, tell_at) = (self.writers.seal_at(), self.blocked_until(now));
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
                () = until(seal_at), if seal_at.is_some() => {
                    let sealed = self.writers.seal_due(Instant::now());
                    self.send_all(sealed)?;
                }
                Ok(()) = self.calls.changed(), if self.writers.first().is_some() => {
                    let sealed = self.writers.seal_all();
                    self.send_all(sealed)?;
                }
                () = fetched(self.fetching.as_mut()), if self.fetching.is_some() => self.fetching = None,
                () = until(tell_at), if tell_at.is_some() => {
                    self.room = Room::Told;
                    tell(&self.shared, Report::Blocked(self.queue.id().clone())).await;
                }
                () = readable(self.pending.is_some() || self.more, self.starved.as_mut(), &self.nonempty),
                    if now == Mode::Run && self.is_free() => self.read_on().await?,
            }
        }
    }

    async fn read_on(&mut self) -> Result<(), Error> {
        if let Some(Starved { lack, place }) = self.starved.take() {
            match lack {
                Lack::Batch(topic) => {
                    self.writers.endow(&topic, place.take()).map_err(|source| self.sink_error(source))?;
                }
                Lack::Letter => self.letters.memory = place.take(),
            }
        }
        if matches!(std::mem::replace(&mut self.room, Room::Yes), Room::Told) {
            tell(&self.shared, Report::Unblocked(self.queue.id().clone())).await;
        }
        self.read()?;
        self.report().await;
        self.report_read().await;
        // Reading may be ready for a long time; the other partitions on this thread want their turn.
        tokio::task::yield_now().await;
        Ok(())
    }

    /// A bad record ends the pipeline, but costs its neighbours nothing: what was read before it is handed over. A failure
    /// on the way is said in the log; what fails is read again.
    async fn hand_over_rest(&mut self) {
        let sealed = self.writers.seal_all();
        let mut sent = self.send_all(sealed);
        while let (Ok(()), Some(ended)) = (&sent, self.uploads.join_next().await) {
            sent = self.handed_over(ended);
            self.report().await;
        }
        if let Err(error) = sent {
            tracing::warn!(%error, "what was read before a bad record was not handed over");
        }
    }

    /// Sends sealed batches on their way.
    pub(super) fn send_all(&mut self, sealed: Result<Vec<Sealed>, sink::Error>) -> Result<(), Error> {
        for Sealed { delivery, reserved, kept } in sealed.map_err(|source| self.sink_error(source))? {
            let Delivery { offsets, records, raw_bytes, memory, waiting, work } = delivery;
            let ticket = self.line.sent(offsets.first);
            self.in_flight.insert(ticket, offsets);
            let span = tracing::info_span!(
                "batch", connector = %self.task.connector, task = self.task.task, partition = %self.queue.id(), %offsets
            );
            let started = Instant::now();
            let (shared, task, partition) =
                (Arc::clone(&self.shared), self.task.clone(), self.queue.id().clone());
            let counts = self.counts.clone();
            let teller = self.teller(Waiter::Batch(ticket));
            let letters = self.teller(Waiter::Letters(ticket));
            let sent = async move {
                let result = teller.batch(work, waiting, shared.setting_names.service).await;
                let ms = started.elapsed().as_millis();
                let ended = match result {
                    Ok(()) => {
                        tracing::info!(records, raw_bytes, body_bytes = memory, ms, "batch handed over");
                        Ok(None)
                    }
                    Err(error) => {
                        let from = bad_records::From { task: &task, partition: &partition, counts: &counts };
                        let room = reserved.bytes();
                        let batch = RefusedBatch { offsets, records, kept, room, error };
                        letters.letters(shared.bad_records.pass_over(from, batch)).await
                    }
                };
                drop(reserved);
                (ticket, ended)
            };
            self.uploads.spawn(sent.instrument(span));
        }
        Ok(())
    }

    fn handed_over(&mut self, ended: Result<Ended, tokio::task::JoinError>) -> Result<(), Error> {
        let (ticket, result) =
            ended.map_err(|error| Error::Panic { at: self.at().into(), reason: error.to_string() })?;
        let offsets = self.in_flight.remove(&ticket);
        match (result, offsets) {
            (Ok(dropped), _) => {
                if let Some(dropped) = dropped {
                    Dropped::add(&mut self.dropped, dropped);
                }
                self.line.delivered(ticket);
                Ok(())
            }
            (Err(Failed::Batch(source)), Some(offsets)) => {
                Err(Error::Deliver { at: self.at().into(), offsets, source: Box::new(source) })
            }
            (Err(Failed::Batch(source)), None) => Err(self.sink_error(source)),
            (Err(Failed::Letter(source)), _) => Err(source.into()),
        }
    }

    pub(super) fn teller(&self, waiter: Waiter) -> Teller {
        Teller::new(&self.shared.reports, (self.queue.id(), waiter), &self.counts)
    }

    /// Says how far everything was handed over, when that changed.
    async fn report(&mut self) {
        if let Some(dropped) = self.dropped.take() {
            tell(&self.shared, Report::PassedOver(self.queue.id().clone(), dropped)).await;
        }
        if let Some(offset) = self.line.committable(self.writers.first()) {
            tell(&self.shared, Report::Progress(self.queue.id().clone(), offset)).await;
        }
    }

    /// Says now and then that records are read.
    async fn report_read(&mut self) {
        if std::mem::take(&mut self.has_read) && self.told_read.is_due() {
            tell(&self.shared, Report::Read(self.queue.id().clone())).await;
        }
    }

    /// True when neither uploads nor a schema have to be waited for.
    fn is_free(&self) -> bool {
        self.fetching.is_none() && self.uploads.len() < MAX_IN_FLIGHT
    }

    /// When to tell that there is no room; none while there is, or once it was told.
    fn blocked_until(&mut self, mode: Mode) -> Option<Instant> {
        let blocked = mode == Mode::Run && (self.starved.is_some() || !self.is_free());
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

    pub(super) fn sink_error(&self, source: sink::Error) -> Error {
        Error::Sink { at: self.at().into(), source: Box::new(source) }
    }

    pub(super) fn at(&self) -> At {
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
async fn readable(at_hand: bool, starved: Option<&mut Starved>, nonempty: &Notify) {
    if let Some(starved) = starved {
        starved.place.granted().await;
    }
    if !at_hand {
        nonempty.notified().await;
    }
}

#[cfg(test)]
#[path = "partition_tests.rs"]
mod tests;
