//! The records of a batch as they were in Kafka, retained until the batch is handed over: only for connectors that send
//! refused batches to a dead-letter topic.

use crate::data::TimestampType;
use crate::kafka;
use bytes::Bytes;

/// What a record takes beside its own bytes, about.
const OVERHEAD: usize = 160;

/// A record as it was in Kafka, for its dead letter.
#[derive(Debug, Clone)]
pub(super) struct RawRecord<'a> {
    pub(super) offset: i64,
    pub(super) key: Option<&'a [u8]>,
    pub(super) value: Option<&'a [u8]>,
    pub(super) headers: Vec<(&'a str, Option<&'a [u8]>)>,
    pub(super) timestamp: Option<(i64, TimestampType)>,
}

impl<'a> RawRecord<'a> {
    pub(super) fn of(record: &kafka::ConsumedRecord<'a>) -> Self {
        let kafka::ConsumedRecord { offset, key, value, .. } = *record;
        Self { offset, key, value, headers: record.headers(), timestamp: record.timestamp() }
    }

    /// Memory that a copy takes, in bytes.
    pub(super) fn size(&self) -> usize {
        let len = |bytes: Option<&[u8]>| bytes.map_or(0, <[u8]>::len);
        let headers: usize =
            self.headers.iter().map(|(name, value)| OVERHEAD + name.len() + len(*value)).sum();
        OVERHEAD + len(self.key) + len(self.value) + headers
    }
}

/// The same, with bytes of its own.
#[derive(Debug)]
pub(super) struct RetainedRecord {
    offset: i64,
    key: Option<Bytes>,
    value: Option<Bytes>,
    headers: Vec<(String, Option<Bytes>)>,
    timestamp: Option<(i64, TimestampType)>,
}

/// The records of one batch.
#[derive(Debug, Default)]
pub(super) struct RetainedRecords {
    records: Vec<RetainedRecord>,
    memory: usize,
}

impl RetainedRecords {
    pub(super) fn push(&mut self, record: &kafka::ConsumedRecord<'_>) {
        let copy = |bytes: Option<&[u8]>| bytes.map(Bytes::copy_from_slice);
        let RawRecord { offset, key, value, headers, timestamp } = RawRecord::of(record);
        self.memory += size(record);
        self.records.push(RetainedRecord {
            offset,
            key: copy(key),
            value: copy(value),
            headers: headers.into_iter().map(|(name, value)| (name.to_owned(), copy(value))).collect(),
            timestamp,
        });
    }

    /// Memory held, in bytes.
    pub(super) fn memory(&self) -> usize {
        self.memory
    }

    /// Memory held after `record` more.
    pub(super) fn memory_with(&self, record: &kafka::ConsumedRecord<'_>) -> usize {
        self.memory + size(record)
    }
}

impl IntoIterator for RetainedRecords {
    type Item = RetainedRecord;
    type IntoIter = std::vec::IntoIter<RetainedRecord>;

    fn into_iter(self) -> Self::IntoIter {
        self.records.into_iter()
    }
}

impl RetainedRecord {
    pub(super) fn as_raw(&self) -> RawRecord<'_> {
        RawRecord {
            offset: self.offset,
            key: self.key.as_deref(),
            value: self.value.as_deref(),
            headers: self.headers.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect(),
            timestamp: self.timestamp,
        }
    }
}

fn size(record: &kafka::ConsumedRecord<'_>) -> usize {
    RawRecord::of(record).size()
}
