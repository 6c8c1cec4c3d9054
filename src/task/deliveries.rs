//! The delivering side of a pipeline: what is on its way to the sink's service or to a dead-letter topic, and how far the
//! partition's offsets are settled by it.
//!
//! It owns the uploads and the partition's offsets. Dropping it gives up whatever is on its way. It never commits.

use super::bad_records::{NotDelivered, RefusedBatch};
use super::dead_letters::SentLetters;
use super::error::Error;
use super::fate_reporter::FateReporter;
use super::offsets::{OffsetRun, OffsetTracker};
use super::open_batches::{Arrival, SealedBatch};
use super::pipeline_context::PipelineContext;
use super::report::{PipelineReport, SentBatch};
use super::scope::PartitionScope;
use super::skipped::SkippedRecords;
use super::wait_reporter::WaitReporter;
use super::waiting::WaitSubject;
use crate::id::OffsetRange;
use crate::metrics::DeliveredBatch;
use crate::sink::Delivery;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use tracing::Instrument;

/// Sealed batches of a partition that may be on their way at once: enough to hide an upload's latency behind the next
/// batches, few enough that one slow partition does not hold much of the budget.
pub(super) const MAX_IN_FLIGHT: usize = 4;

/// A batch, or dead letters, by ticket: delivered, or skipped, or neither.
type DeliveryEnd = (u64, Result<Option<SkippedRecords>, NotDelivered>);

/// What is on its way under one ticket.
struct InFlight {
    offsets: OffsetRange,
    /// Records of a batch; letters are counted where their records were.
    records: u64,
    /// When the first of them was read.
    arrived: Option<Instant>,
}

/// Of one partition.
pub(super) struct Deliveries {
    scope: PartitionScope,
    context: Arc<PipelineContext>,
    uploads: JoinSet<DeliveryEnd>,
    in_flight: BTreeMap<u64, InFlight>,
    offsets: OffsetTracker,
    /// What was last reported of where reading began.
    began: Option<OffsetRun>,
    /// Not yet reported.
    skipped: Option<SkippedRecords>,
}

impl Deliveries {
    pub(super) fn new(scope: PartitionScope, context: Arc<PipelineContext>) -> Self {
        Self {
            scope,
            context,
            uploads: JoinSet::new(),
            in_flight: BTreeMap::new(),
            offsets: OffsetTracker::default(),
            began: None,
            skipped: None,
        }
    }

    pub(super) fn offsets(&mut self) -> &mut OffsetTracker {
        &mut self.offsets
    }

    /// True when one more may be sent on its way.
    pub(super) fn have_room(&self) -> bool {
        self.uploads.len() < MAX_IN_FLIGHT
    }

    pub(super) fn are_done(&self) -> bool {
        self.uploads.is_empty()
    }

    /// Sends a sealed batch on its way.
    pub(super) fn send(&mut self, batch: SealedBatch) {
        let fate = self.fate_reporter(&batch);
        let SealedBatch { delivery, arrived, times: _, reason, took, reserved, retained } = batch;
        let Delivery { id: _, offsets, records, raw_bytes, body_bytes, memory, waiting, work } = delivery;
        self.scope.counts.sealed(reason, records, took);
        let ticket = self.start(InFlight { offsets, records, arrived: arrived.map(|first| first.at) });
        let wait_reporter = |waiter| self.wait_reporter(waiter, Some(offsets));
        let (scope, context) = (self.scope.clone(), Arc::clone(&self.context));
        let span = tracing::info_span!(
            "batch", connector = %scope.task.connector, task = scope.task.task, partition = %scope.partition, %offsets
        );
        let (batch_waits, letters_wait) =
            (wait_reporter(WaitSubject::Batch(ticket)), wait_reporter(WaitSubject::Letters(ticket)));
        let started = Instant::now();
        let sent = async move {
            fate.leaves().await;
            let service = context.setting_names.service;
            let ended = match batch_waits.batch(work, waiting, service).await {
                Ok(()) => {
                    let (took, lateness) = (started.elapsed(), arrived.and_then(lateness));
                    let ms = took.as_millis();
                    let batch = DeliveredBatch { records, raw_bytes, body_bytes, took, lateness };
                    scope.counts.delivered(&batch);
                    tracing::debug!(records, raw_bytes, body_bytes = memory, ms, "batch handed over");
                    fate.handed_over().await;
                    Ok(None)
                }
                Err(error) => {
                    scope.counts.batch_failed();
                    let (room, is_whole) = (reserved.bytes(), error.records().is_none());
                    let batch = RefusedBatch { offsets, records, retained, room, error };
                    let letters = context.bad_records.skip_batch(&scope, batch);
                    let ended = letters_wait.letters(letters, context.bad_records.letters_wait()).await;
                    fate.refused(is_whole).await;
                    ended
                }
            };
            drop(reserved);
            (ticket, ended)
        };
        self.uploads.spawn(sent.instrument(span));
    }

    fn fate_reporter(&self, batch: &SealedBatch) -> FateReporter {
        let Delivery { id, offsets, records, .. } = batch.delivery;
        let run = self.offsets.run().unwrap_or(OffsetRun { start: offsets.first, rewinds: 0 });
        let batch = SentBatch { id, offsets, records, times: batch.times, run };
        FateReporter::new(self.scope.clone(), self.context.tells_fates.then_some(batch))
    }

    /// Waits for dead letters beside the batches; the offsets of their records wait with them.
    pub(super) fn send_letters(&mut self, letters: SentLetters) {
        let ticket = self.start(InFlight { offsets: letters.offsets, records: 0, arrived: None });
        let waits = self.wait_reporter(WaitSubject::Letters(ticket), Some(letters.offsets));
        let brief = self.context.bad_records.letters_wait();
        self.uploads.spawn(async move {
            let delivered = waits.letters(letters.delivered, brief).await.map_err(NotDelivered::Letter);
            drop(letters.memory);
            (ticket, delivered.map(|()| None))
        });
    }

    fn start(&mut self, sent: InFlight) -> u64 {
        let ticket = self.offsets.sent(sent.offsets.first);
        self.in_flight.insert(ticket, sent);
        ticket
    }

    /// Tells the numbers of the partition what is open, so many records of which the oldest was read then, and on its way.
    pub(super) fn count_open(&self, records: u64, oldest: Option<Instant>) {
        let records = self.in_flight.values().map(|sent| sent.records).fold(records, u64::saturating_add);
        let oldest = self.in_flight.values().filter_map(|sent| sent.arrived).chain(oldest).min();
        self.scope.open.set(records, self.in_flight.len() as u64, oldest);
    }

    /// For something of this partition that may have to wait.
    pub(super) fn wait_reporter(&self, waiter: WaitSubject, offsets: Option<OffsetRange>) -> WaitReporter {
        WaitReporter::new(self.scope.clone(), waiter, offsets)
    }

    /// Ends when something was delivered or skipped, or with the error of what was neither; never while nothing is on its
    /// way. Cancel-safe.
    pub(super) async fn next_end(&mut self) -> Result<(), Error> {
        match self.uploads.join_next().await {
            Some(ended) => self.ended(ended),
            None => std::future::pending().await,
        }
    }

    fn ended(&mut self, ended: Result<DeliveryEnd, JoinError>) -> Result<(), Error> {
        let at = || Box::new(self.scope.at());
        let (ticket, result) = ended.map_err(|error| Error::Panic { at: at(), reason: error.to_string() })?;
        let offsets = self.in_flight.remove(&ticket).map(|sent| sent.offsets);
        match (result, offsets) {
            (Ok(skipped), _) => {
                self.skip(skipped);
                self.offsets.delivered(ticket);
                Ok(())
            }
            (Err(NotDelivered::Batch(source)), Some(offsets)) => {
                Err(Error::Deliver { at: at(), offsets, source: Box::new(source) })
            }
            (Err(NotDelivered::Batch(source)), None) => Err(self.scope.sink_error(source)),
            (Err(NotDelivered::Letter(source)), _) => Err(source.into()),
        }
    }

    /// These records are nowhere, by the user's choice; they are reported before their offsets are.
    pub(super) fn skip(&mut self, records: Option<SkippedRecords>) {
        if let Some(records) = records {
            SkippedRecords::add(&mut self.skipped, records);
        }
    }

    /// Reports how far offsets are settled, when that changed. `open`: the first record in batches that are being filled.
    pub(super) async fn report_progress(&mut self, open: Option<i64>) {
        let partition = &self.scope.partition;
        if let Some(skipped) = self.skipped.take() {
            self.scope.report(PipelineReport::Skipped(partition.clone(), skipped)).await;
        }
        if self.context.tells_fates && self.offsets.run() != self.began {
            self.began = self.offsets.run();
            if let Some(run) = self.began {
                self.scope.report(PipelineReport::Began(partition.clone(), run)).await;
            }
        }
        if let Some(offset) = self.offsets.committable(open) {
            self.scope.report(PipelineReport::Progress(partition.clone(), offset)).await;
        }
    }
}

/// How old a batch's first record is now, by its timestamp. A clock that is ahead of ours makes it no younger than now.
fn lateness(first: Arrival) -> Option<Duration> {
    let written = Duration::from_millis(u64::try_from(first.timestamp?).ok()?);
    Some(SystemTime::now().duration_since(UNIX_EPOCH).ok()?.saturating_sub(written))
}
