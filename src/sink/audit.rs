//! What is in a sink's target, for who compares it with Kafka: rows by their records' offsets, or by sums.
//!
//! The sink asks its service and says what is there; what should be there, and what a difference means, is not its business.

use super::{Error, Topics};
use crate::id::{OffsetRange, TopicPartition};
use crate::ranges::OffsetRanges;
use async_trait::async_trait;
use std::sync::Arc;

/// Where the coordinates of a row's record stand, as a person says it; what is not said is looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditColumns {
    /// The offset.
    pub offset: Option<String>,
    /// The partition's number.
    pub partition: Option<String>,
    /// The topic.
    pub topic: Option<String>,
}

/// Which connector's target is looked at.
#[derive(Debug, Clone, Copy)]
pub struct AuditSubject<'a> {
    /// The connector's name.
    pub connector: &'a Arc<str>,
    /// What it reads.
    pub topics: &'a Topics,
    /// Where coordinates stand.
    pub columns: &'a AuditColumns,
}

/// Looks into the target of one connector. It changes nothing there.
#[async_trait]
pub trait TargetAuditor: Send + Sync {
    /// How the rows of `topic` can be known, which has so many partitions. An error says what is missing: a table, a right.
    async fn of_topic(&self, topic: &str, partitions: usize) -> Result<AuditedTopic, Error>;
}

/// The rows of one topic.
pub struct AuditedTopic {
    /// Where they are, in the sink's words.
    pub target: String,
    /// A record without a value is a row too.
    pub tombstones_are_rows: bool,
    /// What has to be known to read the result right, a sentence each.
    pub notes: Vec<String>,
    /// How they are known.
    pub rows: KnownRows,
}

/// How the rows of a topic are known.
pub enum KnownRows {
    /// Each by the offset of its record.
    ByOffset(Box<dyn OffsetRows>),
    /// All together, for the reason given.
    BySum {
        /// Why not by offsets.
        reason: String,
        /// Who counts.
        rows: Box<dyn SummedRows>,
    },
}

/// Rows that say of which record they are.
#[async_trait]
pub trait OffsetRows: Send + Sync {
    /// How often the offsets of a window are there.
    async fn rows(&self, window: &AuditWindow<'_>) -> Result<RowsFound, Error>;
}

/// A part of a partition.
#[derive(Debug, Clone, Copy)]
pub struct AuditWindow<'a> {
    /// The partition.
    pub partition: &'a TopicPartition,
    /// Its part.
    pub range: OffsetRange,
    /// The offsets in it of which there should be rows: where all of them are there once, nothing has to be listed.
    pub expected: &'a OffsetRanges,
}

/// Rows in a window.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowsFound {
    /// Expected offsets of which there is a row, or more.
    pub present: OffsetRanges,
    /// Those of which there are several, with how many, in order.
    pub repeated: Vec<(i64, u64)>,
    /// Rows at offsets that were not expected.
    pub elsewhere: u64,
}

/// Rows that do not say of which record they are.
#[async_trait]
pub trait SummedRows: Send + Sync {
    /// How many there are, and what the texts in the column `key` add up to.
    async fn sum(&self, key: Option<&str>) -> Result<RowSum, Error>;
}

/// What rows, or records, add up to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RowSum {
    /// How many there are.
    pub rows: u64,
    /// How many different keys, and how many characters all keys have together; none where no key was named.
    pub keys: Option<(u64, u64)>,
}
