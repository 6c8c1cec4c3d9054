//! The records of a batch as they were in Kafka, kept until the batch is handed over: only for connectors that send
//! refused batches to a dead-letter topic of their own.

use crate::data::TimestampType;
use crate::kafka;
use bytes::Bytes;

/// What a record takes beside its own bytes, about.
const OVERHEAD: usize = 160;

/// A record as it was in Kafka, for a letter.
#[derive(Debug, Clone)]
pub(super) struct Original<'a> {
    pub(super) offset: i64,
    pub(super) key: Option<&'a [u8]>,
    pub(super) value: Option<&'a [u8]>,
    pub(super) headers: Vec<(&'a str, Option<&'a [u8]>)>,
    pub(super) timestamp: Option<(i64, TimestampType)>,
}

impl<'a> Original<'a> {
    pub(super) fn of(record: &kafka::Record<'a>) -> Self {
        let kafka::Record { offset, key, value, .. } = *record;
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

/// The same, kept.
#[derive(Debug)]
pub(super) struct Kept {
    offset: i64,
    key: Option<Bytes>,
    value: Option<Bytes>,
    headers: Vec<(String, Option<Bytes>)>,
    timestamp: Option<(i64, TimestampType)>,
}

/// The records of one batch.
#[derive(Debug, Default)]
pub(super) struct KeptRecords {
    records: Vec<Kept>,
    memory: usize,
}

impl KeptRecords {
    pub(super) fn push(&mut self, record: &kafka::Record<'_>) {
        let copy = |bytes: Option<&[u8]>| bytes.map(Bytes::copy_from_slice);
        let Original { offset, key, value, headers, timestamp } = Original::of(record);
        self.memory += size(record);
        self.records.push(Kept {
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
    pub(super) fn memory_with(&self, record: &kafka::Record<'_>) -> usize {
        self.memory + size(record)
    }
}

impl IntoIterator for KeptRecords {
    type Item = Kept;
    type IntoIter = std::vec::IntoIter<Kept>;

    fn into_iter(self) -> Self::IntoIter {
        self.records.into_iter()
    }
}

impl Kept {
    pub(super) fn as_original(&self) -> Original<'_> {
        Original {
            offset: self.offset,
            key: self.key.as_deref(),
            value: self.value.as_deref(),
            headers: self.headers.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect(),
            timestamp: self.timestamp,
        }
    }
}

fn size(record: &kafka::Record<'_>) -> usize {
    Original::of(record).size()
}
