//! A record on its way through the transformations.
//!
//! Transformations may change its topic, key, value, headers and timestamp; where it came from stays, because offsets
//! are counted there.

use super::{Converted, SchemaAndValue};
use std::sync::Arc;

/// A header.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// Its key; several headers may have the same.
    pub key: Arc<str>,
    /// Its value.
    pub value: SchemaAndValue,
}

/// Who set a record's timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampType {
    /// Its producer.
    CreateTime,
    /// The broker.
    LogAppendTime,
}

/// Where a record lies in Kafka.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Its topic.
    pub topic: Arc<str>,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
}

/// A record.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Where it came from; never changed.
    pub origin: Origin,
    /// The topic by which it is routed.
    pub topic: Arc<str>,
    /// Its key.
    pub key: SchemaAndValue,
    /// Its value.
    pub value: SchemaAndValue,
    /// Its headers, in order.
    pub headers: Vec<Header>,
    /// Milliseconds since the epoch.
    pub timestamp: Option<i64>,
    /// Who set that.
    pub timestamp_type: Option<TimestampType>,
}

impl Record {
    /// True when its value is null.
    pub fn is_tombstone(&self) -> bool {
        self.value.value.is_null()
    }
}

/// A record as a sink gets it. Key and headers are there only when the sink wants them ([`Self::key`] is null and
/// [`Self::headers`] empty else).
#[derive(Debug, Clone, PartialEq)]
pub struct SinkRecord<'a> {
    /// The topic by which it is routed.
    pub topic: Arc<str>,
    /// Its partition in the topic it came from.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Milliseconds since the epoch.
    pub timestamp: Option<i64>,
    /// Its value.
    pub value: Converted<'a>,
    /// Its key.
    pub key: Converted<'a>,
    /// Its headers, in order.
    pub headers: Vec<Header>,
}
