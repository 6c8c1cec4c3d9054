//! The delivering side of a pipeline: what is on its way to the sink's service or to a dead-letter topic, and how far the
//! partition's offsets are settled by it.
//!
//! It owns the uploads and the partition's offsets. Dropping it gives up whatever is on its way. It never commits.

use super::bad_records::{NotDelivered, RefusedBatch};
use super::dead_letters::SentLetters;
use super::error::Error;
use super::offsets::OffsetTracker;
use super::open_batches::SealedBatch;
use super::pipeline_context::PipelineContext;
use super::report::PipelineReport;
use super::scope::PartitionScope;
use super::skipped::SkippedRecords;
use super::wait_reporter::WaitReporter;
use super::waiting::WaitSubject;
use crate::id::OffsetRange;
use crate::sink::Delivery;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use tracing::Instrument;

/// Sealed batches of a partition that may be on their way at once: enough to hide an upload's latency behind the next
/// batches, few enough that one slow partition does not hold much of the budget.
pub(super) const MAX_IN_FLIGHT: usize = 4;

/// A batch, or dead letters, by ticket: delivered, or skipped, or neither.
type DeliveryEnd = (u64, Result<Option<SkippedRecords>, NotDelivered>);

/// Of one partition.
pub(super) struct Deliveries {
    scope: PartitionScope,
    context: Arc<PipelineContext>,
    uploads: JoinSet<DeliveryEnd>,
    in_flight: BTreeMap<u64, OffsetRange>,
    offsets: OffsetTracker,
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
        let SealedBatch { delivery, reserved, retained } = batch;
        let Delivery { offsets, records, raw_bytes, memory, waiting, work } = delivery;
        let ticket = self.start(offsets);
        let (scope, context) = (self.scope.clone(), Arc::clone(&self.context));
        let span = tracing::info_span!(
            "batch", connector = %scope.task.connector, task = scope.task.task, partition = %scope.partition, %offsets
        );
        let (batch_waits, letters_wait) = (
            self.wait_reporter(WaitSubject::Batch(ticket)),
            self.wait_reporter(WaitSubject::Letters(ticket)),
        );
        let started = Instant::now();
        let sent = async move {
            let service = context.setting_names.service;
            let ended = match batch_waits.batch(work, waiting, service).await {
                Ok(()) => {
                    let ms = started.elapsed().as_millis();
                    tracing::debug!(records, raw_bytes, body_bytes = memory, ms, "batch handed over");
                    Ok(None)
                }
                Err(error) => {
                    let room = reserved.bytes();
                    let batch = RefusedBatch { offsets, records, retained, room, error };
                    letters_wait.letters(context.bad_records.skip_batch(&scope, batch)).await
                }
            };
            drop(reserved);
            (ticket, ended)
        };
        self.uploads.spawn(sent.instrument(span));
    }

    /// Waits for dead letters beside the batches; the offsets of their records wait with them.
    pub(super) fn send_letters(&mut self, letters: SentLetters) {
        let ticket = self.start(letters.offsets);
        let waits = self.wait_reporter(WaitSubject::Letters(ticket));
        self.uploads.spawn(async move {
            let delivered = waits.letters(letters.delivered).await.map_err(NotDelivered::Letter);
            drop(letters.memory);
            (ticket, delivered.map(|()| None))
        });
    }

    fn start(&mut self, offsets: OffsetRange) -> u64 {
        let ticket = self.offsets.sent(offsets.first);
        self.in_flight.insert(ticket, offsets);
        ticket
    }

    /// For something of this partition that may have to wait.
    pub(super) fn wait_reporter(&self, waiter: WaitSubject) -> WaitReporter {
        WaitReporter::new(self.scope.clone(), waiter)
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
        let offsets = self.in_flight.remove(&ticket);
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
        if let Some(offset) = self.offsets.committable(open) {
            self.scope.report(PipelineReport::Progress(partition.clone(), offset)).await;
        }
    }
}
