//! What is known of the batches that this worker handed over for one connector, at one moment. Plain values: the connector's loop makes
//! them of what its sink tells.

use super::marks::valid_through_of;
use crate::id::{OffsetRange, TopicPartition};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What became of a batch, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FateKind {
    /// Its records are known to be in the target.
    Confirmed,
    /// Its records are known not to be there.
    Failed,
    /// No failure was told for as long as one would have been.
    Unreported,
    /// It was not followed to its end.
    Unknown,
}

impl FateKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Confirmed, Self::Failed, Self::Unreported, Self::Unknown];

    /// As the label says it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Failed => "failed",
            Self::Unreported => "unreported",
            Self::Unknown => "unknown",
        }
    }
}

/// How many batches, and records in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FateCounts {
    /// Batches.
    pub batches: u64,
    /// Records in them.
    pub records: u64,
}

/// By what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ToldFates([FateCounts; 4]);

impl ToldFates {
    /// One more batch.
    pub fn add(&mut self, kind: FateKind, records: u64) {
        for (_, counts) in FateKind::ALL.iter().zip(&mut self.0).filter(|(one, _)| **one == kind) {
            counts.batches += 1;
            counts.records += records;
        }
    }

    /// Each kind with its counts.
    pub fn by_kind(&self) -> impl Iterator<Item = (FateKind, FateCounts)> {
        FateKind::ALL.into_iter().zip(self.0)
    }
}

/// Of one connector.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FatesReading {
    /// What was told, since the connector started here.
    pub told: ToldFates,
    /// Its partitions: those that this worker reads, and those that it read and of which something is missing.
    pub partitions: Vec<PartitionFates>,
}

/// Of one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionFates {
    /// Which.
    pub partition: TopicPartition,
    /// This worker reads it. Else others do, and only what is missing counts.
    pub is_read: bool,
    /// Its offsets; none before anything was read.
    pub offsets: Option<FateOffsets>,
    /// Batches whose fate may still be told.
    pub waiting: u64,
    /// Batches of which no failure was told for as long as one would have been.
    pub unreported: u64,
    /// Batches that were not followed to their end.
    pub unknown: u64,
    /// Batches that are known not to be in the target now.
    pub failed: u64,
    /// The newest of them, as many as are kept, by their offsets.
    pub failures: Vec<Arc<FailedBatch>>,
    /// The newest record time through which all that was accepted is in the target, in milliseconds since 1970; none while that is
    /// not known.
    pub valid_through: Option<i64>,
}

/// How far a partition is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FateOffsets {
    /// From here on anything is known.
    pub start: i64,
    /// All below was handed over or skipped.
    pub accepted: i64,
    /// All from the start on and below this offset is known to be in the target, or was skipped.
    pub confirmed: i64,
}

/// A batch that is known not to be in the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedBatch {
    /// Its first and last offset.
    pub offsets: OffsetRange,
    /// Records in it.
    pub records: u64,
    /// The service's code.
    pub code: String,
    /// All in one line without secrets.
    pub sentence: String,
    /// The same batch may be taken another time.
    pub is_retriable: bool,
    /// When that was told.
    pub at: SystemTime,
}

impl FatesReading {
    /// Batches that are known not to be in the target now.
    pub fn failed_batches(&self) -> u64 {
        self.partitions.iter().map(|partition| partition.failed).sum()
    }

    /// The newest of them.
    pub fn last_failure(&self) -> Option<&FailedBatch> {
        let all = self.partitions.iter().flat_map(|partition| &partition.failures);
        all.max_by_key(|failure| failure.at).map(|failure| &**failure)
    }

    /// The least of the valid-through times of all partitions; none while one of them is not known.
    pub fn valid_through(&self) -> Option<i64> {
        valid_through_of(self.partitions.iter().map(|partition| partition.valid_through))
    }

    /// How long ago that was; none while it is not known.
    pub fn valid_through_age(&self, now: SystemTime) -> Option<Duration> {
        let through = self.valid_through()?;
        let now = i64::try_from(now.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()?;
        Some(Duration::from_millis(u64::try_from(now.saturating_sub(through)).unwrap_or(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::{FailedBatch, FateKind, FateOffsets, FatesReading, PartitionFates, ToldFates};
    use crate::id::{OffsetRange, TopicPartition};
    use std::sync::Arc;
    use std::time::{Duration, UNIX_EPOCH};

    fn partition(number: i32, valid_through: Option<i64>) -> PartitionFates {
        PartitionFates {
            partition: TopicPartition::new("t", number),
            is_read: true,
            offsets: Some(FateOffsets { start: 0, accepted: 9, confirmed: 7 }),
            waiting: 0,
            unreported: 0,
            unknown: 0,
            failed: 0,
            failures: Vec::new(),
            valid_through,
        }
    }

    #[test]
    fn counts_are_by_kind() {
        let mut told = ToldFates::default();
        told.add(FateKind::Failed, 5);
        told.add(FateKind::Failed, 7);
        told.add(FateKind::Unknown, 1);
        let counts: Vec<_> =
            told.by_kind().map(|(kind, of)| (kind.as_str(), of.batches, of.records)).collect();
        assert_eq!(counts, [("confirmed", 0, 0), ("failed", 2, 12), ("unreported", 0, 0), ("unknown", 1, 1)]);
    }

    #[test]
    fn a_connector_is_as_old_as_its_oldest_partition_and_of_no_age_when_one_is_unknown() {
        let now = UNIX_EPOCH + Duration::from_secs(100);
        let age = |all: &[Option<i64>]| {
            let partitions = (0..).zip(all).map(|(number, through)| partition(number, *through)).collect();
            FatesReading { partitions, ..FatesReading::default() }.valid_through_age(now)
        };
        assert_eq!(age(&[Some(99_000), Some(97_500)]), Some(Duration::from_millis(2_500)));
        assert_eq!(age(&[Some(101_000)]), Some(Duration::ZERO), "a producer's clock is ahead");
        assert_eq!((age(&[Some(99_000), None]), age(&[])), (None, None));
    }

    #[test]
    fn the_newest_failure_is_the_last_that_was_told() {
        let failure = |first: i64, seconds| {
            Arc::new(FailedBatch {
                offsets: OffsetRange { first, last: first },
                records: 1,
                code: "Gone".to_owned(),
                sentence: String::new(),
                is_retriable: false,
                at: UNIX_EPOCH + Duration::from_secs(seconds),
            })
        };
        let mut one = partition(0, None);
        (one.failed, one.failures) = (3, vec![failure(1, 9), failure(2, 5)]);
        let reading = FatesReading { partitions: vec![one, partition(1, None)], ..FatesReading::default() };
        assert_eq!(reading.last_failure().map(|failure| failure.offsets.first), Some(1));
        assert_eq!(reading.failed_batches(), 3);
    }
}
