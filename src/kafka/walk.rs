//! A walk through a part of a partition, for who wants to know which records are there: offset by offset, as the connector's
//! consumers see them (its isolation level counts). It joins no group and commits nothing.
//!
//! Offsets without a record (compacted, control records, aborted transactions that are not read) are never told.

use super::blocking::blocking;
use super::error::advice;
use super::visitor::{Listener, Visitor, code, given};
use super::{Error, GivenRecord};
use crate::id::TopicPartition;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode as Code};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One question to the brokers.
const QUESTION: Duration = Duration::from_secs(15);
/// So long nothing at all may come before the walk is given up.
const SILENCE: Duration = Duration::from_secs(30);
/// One wait for a record.
const SLICE: Duration = Duration::from_millis(200);

/// Where a partition begins and ends, and how far its group is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// The first offset that Kafka still has.
    pub low: i64,
    /// The next one to be written.
    pub high: i64,
    /// The next one that the group will read, if it has committed any.
    pub committed: Option<i64>,
}

/// A record on the way.
pub struct Seen<'m>(&'m BorrowedMessage<'m>);

impl Seen<'_> {
    /// Its offset.
    pub fn offset(&self) -> i64 {
        self.0.offset()
    }

    /// False for a tombstone.
    pub fn has_value(&self) -> bool {
        self.0.payload().is_some()
    }

    /// The key's bytes.
    pub fn key(&self) -> Option<&[u8]> {
        self.0.key()
    }

    /// The bytes of the last header of that name.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        let headers = self.0.headers()?;
        headers.iter().filter(|header| header.key == name).last()?.value
    }

    /// The whole of it.
    pub fn given(&self) -> GivenRecord {
        given(self.0).1
    }
}

/// A walk. The visitor reads nothing else meanwhile.
pub struct Walk<'v> {
    visitor: &'v Visitor,
    partition: TopicPartition,
    next: i64,
}

impl Visitor {
    /// Where `partition` begins and ends.
    pub async fn extent(&self, partition: &TopicPartition) -> Result<Extent, Error> {
        let (consumer, at) = (Arc::clone(&self.consumer), partition.clone());
        let found = blocking(move || {
            let (low, high) = consumer.fetch_watermarks(&at.topic, at.partition, QUESTION)?;
            let mut list = TopicPartitionList::new();
            list.add_partition(&at.topic, at.partition);
            let list = consumer.committed_offsets(list, QUESTION)?;
            Ok(Extent { low, high, committed: first_offset(&list)? })
        });
        found.await.map_err(|source| self.explained("look up where its partitions begin and end", source))
    }

    /// The offset of the first record of `partition` whose time is `ms` (since the epoch) or later; none when there is none.
    pub async fn offset_at(&self, partition: &TopicPartition, ms: i64) -> Result<Option<i64>, Error> {
        let (consumer, at) = (Arc::clone(&self.consumer), partition.clone());
        let found = blocking(move || {
            let mut list = TopicPartitionList::new();
            list.add_partition_offset(&at.topic, at.partition, Offset::Offset(ms.max(0)))?;
            first_offset(&consumer.offsets_for_times(list, QUESTION)?)
        });
        found.await.map_err(|source| self.explained("look up offsets by time", source))
    }

    /// Begins to read `partition` at the offset `from`.
    pub async fn walk(&self, partition: &TopicPartition, from: i64) -> Result<Walk<'_>, Error> {
        let (consumer, at) = (Arc::clone(&self.consumer), partition.clone());
        let begun = blocking(move || {
            let mut list = TopicPartitionList::new();
            list.add_partition_offset(&at.topic, at.partition, Offset::Offset(from))?;
            consumer.assign(&list)
        });
        begun.await.map_err(|source| self.explained("read", source))?;
        Ok(Walk { visitor: self, partition: partition.clone(), next: from })
    }
}

impl Walk<'_> {
    /// The next offset to be read.
    pub fn position(&self) -> i64 {
        self.next
    }

    /// Goes on to the offset `end` (not included), or until `most` offsets are behind; `step` takes what it sees into `state`.
    pub async fn go<S: Send + 'static>(
        &mut self,
        (end, most): (i64, u64),
        mut state: S,
        step: impl Fn(&mut S, &Seen<'_>) + Send + 'static,
    ) -> Result<S, Error> {
        if self.next >= end {
            return Ok(state);
        }
        let (consumer, partition, from) =
            (Arc::clone(&self.visitor.consumer), self.partition.partition, self.next);
        let pause = from.saturating_add(i64::try_from(most).unwrap_or(i64::MAX)).min(end);
        let gone = blocking(move || {
            let next = go(&consumer, (partition, from), (pause, end), |seen| step(&mut state, seen))?;
            Ok((next, state))
        });
        let (next, state) = gone.await.map_err(|source| self.visitor.explained("read", source))?;
        self.next = next;
        Ok(state)
    }
}

/// Reads until an offset below `end` is at `pause` or behind it, or all below `end` is read; the next offset.
fn go(
    consumer: &BaseConsumer<Listener>,
    (partition, from): (i32, i64),
    (pause, end): (i64, i64),
    mut step: impl FnMut(&Seen<'_>),
) -> KafkaResult<i64> {
    let (mut next, mut last) = (from, Instant::now());
    while next < pause {
        match consumer.poll(SLICE) {
            Some(Ok(message)) => {
                last = Instant::now();
                let offset = message.offset();
                if offset >= end {
                    return Ok(end);
                }
                // Records that were on their way before the walk began.
                if offset >= next {
                    step(&Seen(&message));
                    next = offset.saturating_add(1);
                }
            }
            Some(Err(KafkaError::PartitionEOF(ended))) if ended == partition => return Ok(end),
            Some(Err(error)) if advice(code(&error)).is_some() => return Err(error),
            Some(Err(_)) | None if last.elapsed() > SILENCE => {
                return Err(KafkaError::MessageConsumption(Code::OperationTimedOut));
            }
            Some(Err(_)) | None => {}
        }
    }
    Ok(next)
}

/// The offset of the only partition in `list`; none when it has none.
fn first_offset(list: &TopicPartitionList) -> KafkaResult<Option<i64>> {
    for element in list.elements() {
        element.error()?;
        if let Offset::Offset(offset) = element.offset() {
            return Ok(Some(offset));
        }
    }
    Ok(None)
}
