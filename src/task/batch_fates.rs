//! What is known of the batches of a connector that this worker handed over: how far each partition is in the target, and which batches
//! are not there.
//!
//! It owns the marks of each partition, of those that went to other workers too as long as something of them is missing here, and the
//! list of what failed. Pure: the connector's loop tells it what left, what may be committed and what the sink learned. It commits nothing.

use super::offsets::OffsetRun;
use super::report::SentBatch;
use crate::id::{BatchId, TopicPartition};
use crate::metrics::{FailedBatch, FateKind, FateOffsets, FatesReading, Marks, PartitionFates, ToldFates};
use crate::sink::{BatchNews, Fate};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Failed batches of a connector that are kept one by one.
const MOST_FAILURES: usize = 1000;

/// Of one partition.
#[derive(Debug, Default)]
struct PartitionMarks {
    /// None before anything of it was read.
    marks: Option<Marks>,
    /// How often its pipeline had gone back when it began; none while no pipeline reads it.
    rewinds: Option<u32>,
    /// While no pipeline reads it: the next one begins here.
    rests_at: Option<i64>,
    /// The group gave it to this worker.
    is_ours: bool,
    unreported: u64,
    unknown: u64,
}

impl PartitionMarks {
    /// What is read now is of `run`; true when it was not so before.
    fn begin(&mut self, run: OffsetRun) -> bool {
        // What a batch of an earlier run says comes late.
        if self.rewinds.is_some_and(|known| known >= run.rewinds) {
            return false;
        }
        self.rewinds = Some(run.rewinds);
        let rested = self.rests_at.take();
        match &mut self.marks {
            None => self.marks = Some(Marks::new(run.start)),
            // Kafka has nothing between the two.
            Some(marks) if rested.is_some_and(|at| at == marks.accepted_through() && at <= run.start) => {
                marks.cut();
            }
            Some(marks) => marks.goes_on_at(run.start),
        }
        true
    }

    /// It is ours, and it is not known where it is read: what is known of it is of another time.
    fn is_unplaced(&self) -> bool {
        self.is_ours && self.rewinds.is_none() && self.rests_at.is_none()
    }

    /// Nothing of it needs to be remembered.
    fn is_done(&self) -> bool {
        !self.is_ours && self.marks.as_ref().is_none_or(Marks::are_whole)
    }

    fn read(&self, partition: &TopicPartition, failures: Vec<Arc<FailedBatch>>) -> PartitionFates {
        let marks = self.marks.as_ref();
        let placed = marks.filter(|_| !self.is_unplaced());
        let valid_through = if self.is_ours {
            placed.and_then(Marks::valid_through)
        } else {
            marks.and_then(Marks::before_the_missing)
        };
        PartitionFates {
            partition: partition.clone(),
            is_read: self.is_ours,
            offsets: placed.map(|marks| FateOffsets {
                start: marks.start(),
                accepted: marks.accepted_through(),
                confirmed: marks.confirmed_through(),
            }),
            waiting: marks.map_or(0, |marks| marks.waiting() as u64),
            unreported: self.unreported,
            unknown: self.unknown,
            failed: marks.map_or(0, |marks| marks.failures().len() as u64),
            failures,
            valid_through,
        }
    }
}

/// Of one connector on this worker.
#[derive(Debug, Default)]
pub(super) struct BatchFates {
    partitions: BTreeMap<TopicPartition, PartitionMarks>,
    told: ToldFates,
    failures: VecDeque<(TopicPartition, BatchId, Arc<FailedBatch>)>,
}

impl BatchFates {
    /// The group gave us these partitions.
    pub(super) fn assigned(&mut self, partitions: &[TopicPartition]) {
        for partition in partitions {
            self.partitions.entry(partition.clone()).or_default().is_ours = true;
        }
    }

    /// It took them away. What is missing of them is still waited for.
    pub(super) fn revoked(&mut self, partitions: &[TopicPartition]) {
        for partition in partitions {
            if let Some(of) = self.partitions.get_mut(partition) {
                (of.is_ours, of.rewinds, of.rests_at) = (false, None, None);
                if let Some(marks) = &mut of.marks {
                    marks.cut();
                }
            }
            self.forget_cut_failures(partition);
            self.forget_if_done(partition);
        }
    }

    /// The pipeline of `partition` reads on from here.
    pub(super) fn began(&mut self, partition: &TopicPartition, run: OffsetRun) {
        if self.partitions.entry(partition.clone()).or_default().begin(run) {
            self.forget_cut_failures(partition);
        }
    }

    /// A batch of it leaves; one without an id was handed over. `is_running`: its pipeline has not ended meanwhile.
    pub(super) fn sent(&mut self, partition: &TopicPartition, batch: &SentBatch, is_running: bool) {
        if is_running {
            self.began(partition, batch.run);
        }
        let of = self.partitions.entry(partition.clone()).or_default();
        let marks = of.marks.get_or_insert_with(|| Marks::new(batch.run.start));
        let Some(id) = batch.id else {
            marks.untold(batch.offsets, batch.times);
            of.unknown += 1;
            self.told.add(FateKind::Unknown, batch.records);
            return;
        };
        marks.sent(id, batch.offsets, batch.times);
        self.forget_failure(id);
    }

    /// It was refused after all, and its records are in a dead-letter topic or were skipped.
    pub(super) fn refused(&mut self, partition: &TopicPartition, id: BatchId) {
        if let Some(marks) = self.partitions.get_mut(partition).and_then(|of| of.marks.as_mut()) {
            marks.withdrawn(id);
        }
    }

    /// All of `partition` below `offset` was handed over or skipped.
    pub(super) fn accepted(&mut self, partition: &TopicPartition, offset: i64) {
        if let Some(marks) = self.partitions.get_mut(partition).and_then(|of| of.marks.as_mut()) {
            marks.accepted(offset);
        }
    }

    /// The pipeline of `partition` has ended; the next one starts at `resume_at`, where that is known.
    pub(super) fn ended(&mut self, partition: &TopicPartition, resume_at: Option<i64>) {
        if let Some(offset) = resume_at {
            // It may have ended before it said where it began.
            self.starts_at(partition, offset);
            self.accepted(partition, offset);
        }
        if let Some(of) = self.partitions.get_mut(partition) {
            (of.rewinds, of.rests_at) = (None, resume_at);
        }
    }

    /// Nothing was read of `partition` yet, if nothing was reported, and its next record will be at `offset`.
    pub(super) fn starts_at(&mut self, partition: &TopicPartition, offset: i64) {
        if let Some(of) = self.partitions.get_mut(partition).filter(|of| of.is_unplaced()) {
            of.marks.get_or_insert_with(|| Marks::new(offset)).goes_on_at(offset);
            of.rests_at = Some(offset);
        }
    }

    /// The end of `partition` was at `end`, at the moment `at` (in milliseconds since 1970).
    pub(super) fn end_seen(&mut self, partition: &TopicPartition, end: i64, at: i64) {
        if let Some(marks) = self.partitions.get_mut(partition).and_then(|of| of.marks.as_mut()) {
            marks.end_seen(end, at);
        }
    }

    /// Our partitions of which nothing is missing: seeing their end says something of them.
    pub(super) fn whole(&self) -> impl Iterator<Item = &TopicPartition> {
        let is_whole = |of: &PartitionMarks| {
            of.is_ours && !of.is_unplaced() && of.marks.as_ref().is_some_and(Marks::are_whole)
        };
        self.partitions.iter().filter(move |(_, of)| is_whole(of)).map(|(partition, _)| partition)
    }

    /// What became of a batch. `failure` is how a failed one is shown.
    pub(super) fn told(&mut self, news: &BatchNews, failure: Option<FailedBatch>) {
        let BatchNews { id, partition, offsets, records, .. } = news;
        let kind = kind(&news.fate);
        self.told.add(kind, *records);
        if kind == FateKind::Failed {
            // Where nothing is known any more it is not to be forgotten either.
            self.partitions
                .entry(partition.clone())
                .or_default()
                .marks
                .get_or_insert_with(|| Marks::new(offsets.first));
        }
        let Some(of) = self.partitions.get_mut(partition) else { return };
        let Some(marks) = &mut of.marks else { return };
        match kind {
            FateKind::Confirmed => {
                marks.confirmed(*id);
                self.forget_failure(*id);
            }
            FateKind::Failed => {
                marks.failed(*id, *offsets, None);
                self.keep_failure(partition, *id, failure);
            }
            FateKind::Unreported => {
                marks.lost(*id);
                of.unreported += 1;
            }
            FateKind::Unknown => {
                marks.lost(*id);
                of.unknown += 1;
            }
        }
        self.forget_if_done(partition);
    }

    /// Batches whose fate may still be told.
    pub(super) fn waiting(&self) -> usize {
        self.partitions.values().filter_map(|of| Some(of.marks.as_ref()?.waiting())).sum()
    }

    /// All that is known now.
    pub(super) fn read(&self) -> FatesReading {
        let mut failures: BTreeMap<&TopicPartition, Vec<Arc<FailedBatch>>> = BTreeMap::new();
        for (partition, _, failure) in &self.failures {
            failures.entry(partition).or_default().push(Arc::clone(failure));
        }
        let read = |(partition, of): (&TopicPartition, &PartitionMarks)| {
            let mut failures = failures.remove(partition).unwrap_or_default();
            failures.sort_by_key(|failure| failure.offsets.first);
            of.read(partition, failures)
        };
        FatesReading { told: self.told, partitions: self.partitions.iter().map(read).collect() }
    }

    fn keep_failure(&mut self, partition: &TopicPartition, id: BatchId, failure: Option<FailedBatch>) {
        self.forget_failure(id);
        self.failures.extend(failure.map(|failure| (partition.clone(), id, Arc::new(failure))));
        if self.failures.len() > MOST_FAILURES {
            self.failures.pop_front();
        }
    }

    fn forget_failure(&mut self, id: BatchId) {
        self.failures.retain(|(_, of, _)| *of != id);
    }

    /// What is read again is no failure any more.
    fn forget_cut_failures(&mut self, partition: &TopicPartition) {
        let marks = self.partitions.get(partition).and_then(|of| of.marks.as_ref());
        let Some(accepted) = marks.map(Marks::accepted_through) else { return };
        self.failures.retain(|(of, _, failure)| of != partition || failure.offsets.first < accepted);
    }

    fn forget_if_done(&mut self, partition: &TopicPartition) {
        if self.partitions.get(partition).is_some_and(PartitionMarks::is_done) {
            self.partitions.remove(partition);
        }
    }
}

fn kind(fate: &Fate) -> FateKind {
    match fate {
        Fate::Confirmed => FateKind::Confirmed,
        Fate::Failed(_) => FateKind::Failed,
        Fate::Unreported => FateKind::Unreported,
        Fate::Unknown(_) => FateKind::Unknown,
    }
}

#[cfg(test)]
#[path = "batch_fates_tests.rs"]
mod tests;
