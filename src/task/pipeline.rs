//! The pipeline of one partition: what happens to a record between the poll and the report of its offset.
//!
//! Its parts own the state: the [`Reader`] what comes next, [`OpenBatches`] what is being filled, [`PendingLetters`] what is
//! said of bad records, [`Deliveries`] what is on its way and how far offsets are settled. One select loop drives them, in
//! this order: an order, a delivery's end, the batch's age, others who need memory, back-pressure, more records. It never
//! commits: it reports how far everything was handed over.

use super::backpressure::Backpressure;
use super::clock::until;
use super::dead_letters::PendingLetters;
use super::deliveries::Deliveries;
use super::error::Error;
use super::fault::RecordFault;
use super::offsets::OffsetTracker;
use super::open_batches::{Added, OpenBatches, SealedBatch};
use super::pipeline_context::PipelineContext;
use super::pipeline_mode::{Exit, PipelineMode};
use super::reader::{MemoryFor, Reader};
use super::record_error::RecordError;
use super::registry_converter::MissingSchema;
use super::report::PipelineReport;
use super::retained::RawRecord;
use super::scope::PartitionScope;
use super::skipped::SkippedRecords;
use super::topics::LastReported;
use super::wait_reporter::WaitReporter;
use super::waiting::WaitSubject;
use crate::id::OffsetRange;
use crate::kafka::{self, RecordSource, Records};
use crate::metrics::SealReason;
use crate::sink;
use futures::FutureExt;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::time::Instant;

/// What is left of a batch that was polled.
enum Leftover {
    Nothing,
    /// Some records, for later.
    Some,
}

/// One partition's pipeline.
pub(super) struct Pipeline<S> {
    scope: PartitionScope,
    context: Arc<PipelineContext>,
    reader: Reader<S>,
    batches: OpenBatches,
    letters: PendingLetters,
    deliveries: Deliveries,
    backpressure: Backpressure,
    /// While it is reported that the next record waits for memory.
    memory_wait: Option<WaitReporter>,
    /// Changes when others need the memory of what is open.
    memory_calls: watch::Receiver<()>,
    /// Records that went to the sink since that was counted last.
    put: u64,
    /// Records were read since that was reported last.
    has_read: bool,
    reported_read: LastReported,
}

impl<S: RecordSource> Pipeline<S> {
    /// A pipeline from `source` into `batches`.
    pub(super) fn new(
        scope: PartitionScope,
        source: S,
        batches: OpenBatches,
        context: Arc<PipelineContext>,
    ) -> Self {
        let counts = scope.counts.clone();
        Self {
            memory_calls: context.budget.calls(),
            deliveries: Deliveries::new(scope.clone(), Arc::clone(&context)),
            scope,
            context,
            reader: Reader::new(source, counts),
            batches,
            letters: PendingLetters::default(),
            backpressure: Backpressure::default(),
            memory_wait: None,
            put: 0,
            has_read: false,
            reported_read: LastReported::default(),
        }
    }

    /// Runs until it is drained or fails. Dropping the future gives up everything that was not handed over.
    pub(super) async fn run(mut self, mut mode: watch::Receiver<PipelineMode>) -> Exit {
        let error = self.work(&mut mode).await.err();
        if matches!(error, Some(Error::BadRecord { .. })) {
            self.hand_over_rest().await;
        }
        Exit {
            resume_at: self.deliveries.offsets().resume_at(self.batches.first()),
            partition: self.scope.partition,
            task: self.scope.task.task,
            error,
        }
    }

    async fn work(&mut self, mode: &mut watch::Receiver<PipelineMode>) -> Result<(), Error> {
        loop {
            let now = *mode.borrow_and_update();
            if now != PipelineMode::Run {
                self.reader.leave_line();
                self.end_memory_wait().await;
                let sealed = self.batches.seal_all(SealReason::Drain);
                self.deliver(sealed)?;
            }
            if self.batches.first().is_none() {
                self.memory_calls.mark_unchanged();
            }
            self.deliveries.count_open(self.batches.records(), self.batches.oldest());
            if now == PipelineMode::Drain && self.deliveries.are_done() {
                self.deliveries.report_progress(self.batches.first()).await;
                return Ok(());
            }
            let may_read = now == PipelineMode::Run && self.deliveries.have_room();
            let is_blocked = now == PipelineMode::Run && (!may_read || self.reader.is_waiting());
            let (seal_at, pause_at) = (self.batches.seal_at(), self.backpressure.due(is_blocked));
            tokio::select! {
                biased;
                changed = mode.changed() => {
                    if changed.is_err() {
                        // The connector's loop is gone, and with it whoever could commit.
                        return Ok(());
                    }
                }
                ended = self.deliveries.next_end() => {
                    ended?;
                    self.deliveries.report_progress(self.batches.first()).await;
                }
                () = until(seal_at), if seal_at.is_some() => {
                    let sealed = self.batches.seal_due(Instant::now());
                    self.deliver(sealed)?;
                }
                Ok(()) = self.memory_calls.changed(), if self.batches.first().is_some() => {
                    let sealed = self.batches.seal_all(SealReason::Memory);
                    self.deliver(sealed)?;
                }
                () = until(pause_at), if pause_at.is_some() => {
                    self.backpressure.reported();
                    self.scope.report(PipelineReport::Blocked(self.scope.partition.clone())).await;
                    self.report_memory_wait().await;
                }
                () = self.reader.ready(may_read) => self.process_batch().await?,
            }
        }
    }

    /// The whole way of some records: they are polled, converted, transformed, encoded and put into batches, which are
    /// delivered when they are full; their offsets are tracked, and reported as far as they are settled.
    async fn process_batch(&mut self) -> Result<(), Error> {
        self.use_granted_memory()?;
        self.end_memory_wait().await;
        if self.backpressure.release() {
            self.scope.report(PipelineReport::Unblocked(self.scope.partition.clone())).await;
        }
        let mut records = self.reader.poll_batch();
        let began = Instant::now();
        let processed = self.process(&mut records);
        if !records.is_empty() {
            self.scope.counts.put(std::mem::take(&mut self.put), began.elapsed());
        }
        if let Ok(Leftover::Some) = processed {
            self.reader.keep(records);
        }
        // Also what was said of bad records just before a failure holds their offsets.
        self.send_letters();
        if self.batches.first().is_none() {
            // Granted for a record that was a bad one, or nothing to write.
            self.batches.release();
        }
        processed?;
        self.deliveries.report_progress(self.batches.first()).await;
        if std::mem::take(&mut self.has_read) && self.reported_read.is_due() {
            self.scope.report(PipelineReport::Read(self.scope.partition.clone())).await;
        }
        // Reading may be ready for a long time; the other partitions on this thread want their turn.
        tokio::task::yield_now().await;
        Ok(())
    }

    fn process(&mut self, records: &mut Records) -> Result<Leftover, Error> {
        while let Some(record) = records.next_record() {
            let record = record.map_err(|(code, text)| Error::Fetch {
                at: self.scope.at().into(),
                reason: format!("{code}: {text}"),
                advice: kafka::fetch_advice(Some(code)).unwrap_or("check consumer.override.*"),
            })?;
            let offset = record.offset;
            if self.offsets().is_behind(offset) {
                self.rewind(offset)?;
            }
            self.offsets().received(offset);
            self.has_read = true;
            match self.put(&record) {
                Ok(Added::Dropped) => self.offsets().processed(offset),
                Ok(Added::Nothing | Added::More) => {
                    self.put += 1;
                    self.offsets().processed(offset);
                }
                Ok(Added::Full) => {
                    self.put += 1;
                    self.offsets().processed(offset);
                    let sealed = self.batches.seal_full();
                    self.deliver(sealed)?;
                    if !self.deliveries.have_room() {
                        return Ok(Leftover::Some);
                    }
                }
                Ok(Added::NeedsMemory(topic, bytes)) => {
                    records.put_back();
                    if !self.free_memory(MemoryFor::Batch(topic), bytes, offset)? {
                        return Ok(Leftover::Some);
                    }
                }
                Err(RecordError::Bad(fault)) => {
                    if let Some(bytes) = self.lacks_for_letter(&record, &fault) {
                        records.put_back();
                        if self.free_memory(MemoryFor::DeadLetter, bytes, offset)? {
                            continue;
                        }
                        return Ok(Leftover::Some);
                    }
                    self.report_bad(&record, fault)?;
                    self.offsets().processed(offset);
                }
                Err(RecordError::NeedsSchema(missing)) => {
                    records.put_back();
                    self.fetch(missing, offset);
                    return Ok(Leftover::Some);
                }
                Err(RecordError::Sink(source)) => return Err(self.scope.sink_error(source)),
            }
        }
        Ok(Leftover::Nothing)
    }

    /// Converts, transforms and encodes a record, and puts it into the batch of its topic.
    fn put(&mut self, record: &kafka::ConsumedRecord<'_>) -> Result<Added, RecordError> {
        let PartitionScope { task, partition, .. } = &self.scope;
        let Some(converted) = self.context.converter.convert(record, partition)? else {
            return Ok(Added::Dropped);
        };
        let Some(encoded) = self.batches.encode(&converted)? else {
            tracing::debug!(%task, %partition, offset = record.offset, "tombstone skipped");
            return Ok(Added::Nothing);
        };
        Ok(self.batches.add(&converted.topic, &encoded, record, &self.context.budget)?)
    }

    fn offsets(&mut self) -> &mut OffsetTracker {
        self.deliveries.offsets()
    }

    fn deliver(&mut self, sealed: Result<Vec<SealedBatch>, sink::Error>) -> Result<(), Error> {
        for batch in sealed.map_err(|source| self.scope.sink_error(source))? {
            self.deliveries.send(batch);
        }
        Ok(())
    }

    fn send_letters(&mut self) {
        let setting = self.context.bad_records.sink_setting();
        if let Some(letters) = self.letters.take(&self.scope, setting) {
            self.deliveries.send_letters(letters);
        }
    }

    /// A bad record: an error unless it may be skipped.
    fn report_bad(&mut self, record: &kafka::ConsumedRecord<'_>, fault: RecordFault) -> Result<(), Error> {
        let (counts, handler) = (&self.scope.counts, &self.context.bad_records);
        counts.failed(1);
        let delivered = handler.report(&self.scope, &RawRecord::of(record), &fault);
        let has_letter = delivered.is_some();
        if let Some(delivered) = delivered {
            self.letters.push(record.offset, delivered);
        }
        if !handler.tolerates(fault.stage) {
            return Err(Error::BadRecord {
                at: self.scope.at().into(),
                offset: record.offset,
                setting: fault.stage.setting(self.context.setting_names.target),
                fault: fault.into(),
            });
        }
        counts.skipped(1);
        let reason = self.letters.skipped(record.offset, &fault);
        if !has_letter {
            counts.dropped(1);
            let (partition, offset) = (&self.scope.partition, record.offset);
            let last = format!("{partition} offset {offset}: {reason}");
            let brief = fault.brief().at(format!("{partition}, offset {offset}"));
            self.deliveries.skip(Some(SkippedRecords { records: 1, last, brief }));
        }
        Ok(())
    }

    /// The memory that the letter about a record needs and does not get now.
    fn lacks_for_letter(&mut self, record: &kafka::ConsumedRecord<'_>, fault: &RecordFault) -> Option<usize> {
        let size = self.context.bad_records.letter_size(&RawRecord::of(record), fault)?;
        (!self.letters.reserve(size, &self.context.budget)).then_some(size)
    }

    fn use_granted_memory(&mut self) -> Result<(), Error> {
        match self.reader.take_grant() {
            Some((MemoryFor::Batch(topic), memory)) => {
                self.batches.grant(&topic, memory).map_err(|source| self.scope.sink_error(source))
            }
            Some((MemoryFor::DeadLetter, memory)) => {
                self.letters.grant(memory);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// No memory for the record at `offset`: what is open goes out, so that memory comes back without waiting for its age,
    /// and the record is tried again at once (true). Only a partition that has nothing open waits.
    fn free_memory(&mut self, memory_for: MemoryFor, bytes: usize, offset: i64) -> Result<bool, Error> {
        if self.batches.first().is_some() || self.letters.are_any() {
            let sealed = self.batches.seal_all(SealReason::Memory);
            self.deliver(sealed)?;
            self.send_letters();
            return Ok(self.deliveries.have_room());
        }
        self.batches.release();
        self.letters.release();
        let budget = &self.context.budget;
        if let Some(total) = budget.says_too_small(bytes) {
            tracing::warn!(
                task = %self.scope.task, partition = %self.scope.partition, offset, needed = bytes, budget = total,
                "a record needs more memory than worker.buffer.bytes gives to all: it goes through alone, and so do others of \
                 its size; set worker.buffer.bytes to several times the largest record"
            );
        }
        self.reader.wait_for_memory(memory_for, budget.queue(bytes));
        Ok(false)
    }

    /// The next record has waited for a while; for memory?
    async fn report_memory_wait(&mut self) {
        if self.reader.lacks_memory() {
            let mut wait = self.deliveries.wait_reporter(WaitSubject::Memory, None);
            wait.waits_for(self.context.budget.says_used_up()).await;
            self.memory_wait = Some(wait);
        }
    }

    async fn end_memory_wait(&mut self) {
        if let Some(wait) = self.memory_wait.take() {
            wait.ended().await;
        }
    }

    fn fetch(&mut self, missing: MissingSchema, offset: i64) {
        let at = OffsetRange { first: offset, last: offset };
        let waits = self.deliveries.wait_reporter(WaitSubject::Schema, Some(at));
        self.reader.wait_for_schema(missing.fetch(self.scope.at(), offset, waits).boxed());
    }

    /// Kafka went back: what was read before stays a batch of its own, and the offsets start again here.
    fn rewind(&mut self, offset: i64) -> Result<(), Error> {
        let PartitionScope { task, partition, .. } = &self.scope;
        tracing::warn!(%task, %partition, offset, "Kafka sends earlier offsets again");
        let sealed = self.batches.seal_all(SealReason::Drain);
        self.deliver(sealed)?;
        self.send_letters();
        self.offsets().rewind(offset);
        Ok(())
    }

    /// A bad record ends the pipeline, but costs its neighbours nothing: what was read before it is handed over. A failure
    /// on the way is said in the log; what fails is read again.
    async fn hand_over_rest(&mut self) {
        let sealed = self.batches.seal_all(SealReason::Drain);
        let mut sent = self.deliver(sealed);
        while sent.is_ok() && !self.deliveries.are_done() {
            sent = self.deliveries.next_end().await;
            self.deliveries.report_progress(self.batches.first()).await;
        }
        if let Err(error) = sent {
            tracing::warn!(%error, "what was read before a bad record was not handed over");
        }
    }
}

#[cfg(test)]
#[path = "pipeline_tests.rs"]
mod tests;
