//! What the answer about batches that were handed over looks like, and how the parts of several workers become one.
//!
//! Pure. Who reads a partition tells how far it is; who read it before may know of batches that are missing, and the least of all counts.

use super::dto_health::UnheardDto;
use super::moment::{least_of, moment};
use crate::metrics::{FailedBatch, FateKind, FatesReading, PartitionFates};
use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use utoipa::ToSchema;

/// How many batches, or records, became what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = FateCounts)]
pub(super) struct FateCountsDto {
    /// They are in their target.
    pub(super) confirmed: u64,
    /// They are known not to be there.
    pub(super) failed: u64,
    /// No failure was told for as long as one would be.
    pub(super) unreported: u64,
    /// They were not followed to the end.
    pub(super) unknown: u64,
}

/// A batch that is known not to be in its target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = FailedBatch)]
pub(super) struct FailedBatchDto {
    /// Its first offset.
    pub(super) first: i64,
    /// Its last offset.
    pub(super) last: i64,
    pub(super) records: u64,
    /// The service's code.
    pub(super) code: String,
    /// Where, what, and what mends it, in one line of at most 200 characters.
    pub(super) sentence: String,
    /// The same batch may be taken another time.
    pub(super) retriable: bool,
    /// When that was told, in UTC.
    pub(super) at: String,
}

/// How far a partition is in its target.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = PartitionFates)]
pub(super) struct PartitionFatesDto {
    pub(super) topic: String,
    pub(super) partition: i32,
    /// A worker reads it now.
    pub(super) is_read: bool,
    /// From this offset on anything is known; null before something was read.
    pub(super) start: Option<i64>,
    /// All below this offset was handed over or skipped.
    pub(super) accepted: Option<i64>,
    /// All from the start on and below this offset is known to be in the target, or was skipped.
    pub(super) confirmed: Option<i64>,
    /// Batches whose fate may still be told.
    pub(super) waiting: u64,
    /// Batches of which no failure was told for as long as one would be.
    pub(super) unreported: u64,
    /// Batches that were not followed to the end.
    pub(super) unknown: u64,
    /// Batches that are known not to be in the target now, at most 256 for each worker.
    pub(super) failed_batches: u64,
    /// The newest of them.
    pub(super) failed: Vec<FailedBatchDto>,
    /// The newest record time through which all that was accepted is in the target, in UTC; null while that is not known.
    pub(super) valid_through: Option<String>,
}

/// What became of what a connector handed over.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ConnectorFates)]
pub(super) struct ConnectorFatesDto {
    pub(super) name: String,
    /// Its sink learns what becomes of batches.
    pub(super) followed: bool,
    /// The least of the times of all partitions; null while one of them is not known, or a worker did not answer.
    pub(super) valid_through: Option<String>,
    /// Batches by what became of them, since the connector started on each worker.
    pub(super) batches: FateCountsDto,
    /// Records in them.
    pub(super) records: FateCountsDto,
    pub(super) partitions: Vec<PartitionFatesDto>,
    /// Workers that did not answer.
    #[serde(default)]
    pub(super) unheard: Vec<UnheardDto>,
}

impl FateCountsDto {
    fn note(&mut self, kind: FateKind, count: u64) {
        let of = match kind {
            FateKind::Confirmed => &mut self.confirmed,
            FateKind::Failed => &mut self.failed,
            FateKind::Unreported => &mut self.unreported,
            FateKind::Unknown => &mut self.unknown,
        };
        *of += count;
    }

    fn add(&mut self, other: Self) {
        self.confirmed += other.confirmed;
        self.failed += other.failed;
        self.unreported += other.unreported;
        self.unknown += other.unknown;
    }
}

impl ConnectorFatesDto {
    /// What one worker knows; `reading` is none where its sink learns nothing.
    pub(super) fn new(name: &str, reading: Option<&FatesReading>) -> Self {
        let mut this = Self { name: name.to_owned(), followed: reading.is_some(), ..Self::default() };
        for (kind, counts) in reading.into_iter().flat_map(|reading| reading.told.by_kind()) {
            this.batches.note(kind, counts.batches);
            this.records.note(kind, counts.records);
        }
        this.partitions.extend(reading.into_iter().flat_map(|reading| &reading.partitions).map(partition));
        this
    }

    /// Adds what another worker knows.
    pub(super) fn add(&mut self, other: Self) {
        self.followed |= other.followed;
        self.batches.add(other.batches);
        self.records.add(other.records);
        for one in other.partitions {
            let is_same =
                |own: &&mut PartitionFatesDto| own.topic == one.topic && own.partition == one.partition;
            match self.partitions.iter_mut().find(is_same) {
                Some(own) => own.add(one),
                None => self.partitions.push(one),
            }
        }
    }

    /// When all parts are together: their order, and what holds for all.
    pub(super) fn settle(&mut self) {
        self.partitions.sort_by(|a, b| (&a.topic, a.partition).cmp(&(&b.topic, b.partition)));
        // How far a partition is that nobody reads, nobody knows.
        for nobodys in self.partitions.iter_mut().filter(|partition| !partition.is_read) {
            nobodys.valid_through = None;
        }
        let times = self.partitions.iter().map(|partition| partition.valid_through.clone());
        let least = times.reduce(least_of).flatten();
        self.valid_through = least.filter(|_| self.unheard.is_empty());
    }
}

impl PartitionFatesDto {
    fn add(&mut self, other: Self) {
        // Who reads it says how far it was read.
        if other.is_read && !self.is_read {
            (self.start, self.accepted) = (other.start, other.accepted);
        } else if other.is_read == self.is_read {
            self.start = self.start.into_iter().chain(other.start).min();
            self.accepted = self.accepted.max(other.accepted);
        }
        self.is_read |= other.is_read;
        self.confirmed = self.confirmed.into_iter().chain(other.confirmed).min();
        self.waiting += other.waiting;
        self.unreported += other.unreported;
        self.unknown += other.unknown;
        self.failed_batches += other.failed_batches;
        self.failed.extend(other.failed);
        self.failed.sort_by_key(|failed| (failed.first, failed.last));
        self.valid_through = least_of(self.valid_through.take(), other.valid_through);
    }
}

fn partition(of: &PartitionFates) -> PartitionFatesDto {
    PartitionFatesDto {
        topic: of.partition.topic.to_string(),
        partition: of.partition.partition,
        is_read: of.is_read,
        start: of.offsets.map(|offsets| offsets.start),
        accepted: of.offsets.map(|offsets| offsets.accepted),
        confirmed: of.offsets.map(|offsets| offsets.confirmed),
        waiting: of.waiting,
        unreported: of.unreported,
        unknown: of.unknown,
        failed_batches: of.failed,
        failed: of.failures.iter().map(|failure| failed(failure)).collect(),
        valid_through: of.valid_through.and_then(moment),
    }
}

fn failed(of: &FailedBatch) -> FailedBatchDto {
    let FailedBatch { offsets, records, code, sentence, is_retriable, at } = of;
    FailedBatchDto {
        first: offsets.first,
        last: offsets.last,
        records: *records,
        code: code.clone(),
        sentence: sentence.clone(),
        retriable: *is_retriable,
        at: told_at(*at),
    }
}

fn told_at(at: SystemTime) -> String {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    moment(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{ConnectorFatesDto, PartitionFatesDto, UnheardDto, moment};

    /// What a worker knows of some partitions: whether it reads them, confirmed, and how far they are valid.
    fn part(partitions: &[(i32, bool, i64, Option<i64>)]) -> ConnectorFatesDto {
        let of =
            |(partition, is_read, confirmed, through): &(i32, bool, i64, Option<i64>)| PartitionFatesDto {
                topic: "t".to_owned(),
                partition: *partition,
                is_read: *is_read,
                start: Some(if *is_read { 100 } else { 0 }),
                accepted: Some(if *is_read { 200 } else { 50 }),
                confirmed: Some(*confirmed),
                valid_through: through.and_then(moment),
                ..PartitionFatesDto::default()
            };
        let partitions = partitions.iter().map(of).collect();
        ConnectorFatesDto { name: "c".to_owned(), followed: true, partitions, ..ConnectorFatesDto::default() }
    }

    fn together(parts: Vec<ConnectorFatesDto>) -> ConnectorFatesDto {
        let mut parts = parts.into_iter();
        let mut whole = parts.next().unwrap();
        parts.for_each(|part| whole.add(part));
        whole.settle();
        whole
    }

    #[test]
    fn who_reads_a_partition_says_how_far_it_is_and_the_least_counts() {
        let whole = together(vec![
            part(&[(1, true, 200, Some(9_000)), (0, false, 40, Some(7_500))]),
            part(&[(0, true, 150, Some(8_000))]),
        ]);
        let all: Vec<_> = whole
            .partitions
            .iter()
            .map(|one| (one.partition, one.start, one.accepted, one.confirmed))
            .collect();
        assert_eq!(all, [(0, Some(100), Some(200), Some(40)), (1, Some(100), Some(200), Some(200))]);
        assert_eq!(whole.valid_through.as_deref(), Some("1970-01-01T00:00:07.500Z"));
        let text = serde_json::to_string(&whole).unwrap();
        assert_eq!(serde_json::from_str::<ConnectorFatesDto>(&text).unwrap(), whole);
    }

    #[test]
    fn nothing_is_valid_while_a_partition_or_a_worker_is_not_known() {
        let known = || part(&[(0, true, 150, Some(8_000))]);
        assert!(together(vec![known()]).valid_through.is_some());
        for other in [part(&[(1, true, 150, None)]), part(&[(1, false, 40, Some(9_000))])] {
            assert_eq!(together(vec![known(), other]).valid_through, None);
        }
        let unheard = vec![UnheardDto { worker: "w".to_owned(), reason: "no answer".to_owned() }];
        let mut whole = ConnectorFatesDto { unheard, ..known() };
        whole.settle();
        assert_eq!(whole.valid_through, None);
        assert_eq!((moment(i64::MAX), together(vec![part(&[])]).valid_through), (None, None));
    }
}
