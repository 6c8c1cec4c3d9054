//! The words of the status topic: whose state, which state, which topic is in use; and the log below
//! [`StatusTopic`](super::StatusTopic) as a trait with a Kafka and a memory twin.
//!
//! Plain values and a trait: the rules of writing are in `status_topic`, the JSON in `status_records`.

use super::Error;
use crate::id::ConnectorTaskId;
use crate::status::State;
use async_trait::async_trait;
use std::sync::Arc;

/// Whose state it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum StatusId {
    /// The connector itself.
    Connector(Arc<str>),
    /// One of its tasks.
    Task(ConnectorTaskId),
}

impl StatusId {
    /// The connector it is about.
    pub fn connector(&self) -> &Arc<str> {
        let (Self::Connector(name) | Self::Task(ConnectorTaskId { connector: name, .. })) = self;
        name
    }
}

/// A state with what belongs to it (`connect-runtime.md` §2.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The state.
    pub state: State,
    /// With FAILED: what happened.
    pub trace: Option<String>,
    /// `host:port` of the worker that wrote it.
    pub worker_id: Arc<str>,
    /// The group's generation when it was written; 0 without a group.
    pub generation: i64,
    /// The connector's version; none when its class is unknown.
    pub version: Option<Arc<str>>,
}

/// A connector has read at least one record of a topic (`connect-runtime.md` §1.12).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicStatus {
    /// The topic, as it is called in Kafka.
    pub topic: Arc<str>,
    /// The task that read the first record.
    pub task: ConnectorTaskId,
    /// When, in milliseconds since 1970.
    pub discovered: i64,
}

/// One record of the status topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatusRecord {
    /// `status-connector-X` or `status-task-X-N`.
    State {
        /// Whose.
        id: StatusId,
        /// The state; none forgets it.
        status: Option<Status>,
    },
    /// `status-topic-T:connector-X`.
    Topic {
        /// The connector.
        connector: Arc<str>,
        /// The topic.
        topic: Arc<str>,
        /// Who read it first; none forgets it.
        status: Option<TopicStatus>,
    },
}

/// One record as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusEntry {
    /// Its offset in its partition. A key is always in the same one, so offsets of one key can be compared.
    pub offset: i64,
    /// What it says; none when it cannot be read (that was logged).
    pub record: Option<StatusRecord>,
}

/// What a store has to tell.
#[derive(Debug)]
pub enum StatusNews {
    /// A record, ours or another worker's.
    Read(StatusEntry),
    /// A record of ours is safely stored.
    Written {
        /// The number it was sent with.
        ticket: u64,
        /// Where it stands.
        offset: i64,
    },
    /// A record of ours could not be stored.
    Failed {
        /// The number it was sent with.
        ticket: u64,
        /// Why.
        error: Error,
    },
}

/// The log below [`StatusTopic`](super::StatusTopic): compacted, ordered by key.
#[async_trait]
pub trait StatusBackingStore: Send {
    /// Sends a record on its way and does not wait: how it ended comes as news. Records keep their order.
    fn send(&mut self, ticket: u64, record: &StatusRecord);

    /// The next news, waiting for it. Safe to drop while it waits: nothing is lost.
    async fn next(&mut self) -> Result<StatusNews, Error>;

    /// All records from where the reader stands to the end of the topic as it is now. Only before the first
    /// [`Self::send`].
    async fn read_to_end(&mut self) -> Result<Vec<StatusEntry>, Error>;
}
