//! A dead letter, and who takes it.

use crate::id::TopicPartition;
use crate::kafka::Error;
use futures::future::BoxFuture;

/// A record for the topic.
#[derive(Debug, Clone, Copy)]
pub struct DeadLetter<'a> {
    /// The key's bytes.
    pub key: Option<&'a [u8]>,
    /// The value's bytes.
    pub value: Option<&'a [u8]>,
    /// The record's own headers, in order.
    pub headers: &'a [(&'a str, Option<&'a [u8]>)],
    /// Headers that say what happened to it, behind its own.
    pub context: &'a [(&'a str, Option<&'a [u8]>)],
    /// Milliseconds since the epoch.
    pub timestamp: Option<i64>,
    /// Where the record is.
    pub origin: (&'a TopicPartition, i64),
}

/// Takes letters for one topic.
pub trait DeadLetterQueue: Send + Sync {
    /// Sends a letter; what comes back ends when all replicas in sync have it, or what its topic takes of it.
    fn send(&self, letter: DeadLetter<'_>) -> BoxFuture<'static, Result<(), Error>>;
}
