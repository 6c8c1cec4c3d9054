//! What is audited, and what can be in the way.

use super::told::Told;
use crate::config::WorkerConfig;
use crate::plugins::SinkConnectorConfig;
use crate::sink::AuditColumns;
use crate::{kafka, sink};
use std::sync::Arc;

/// The moments between which records are compared, in ms since the epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    /// From the first record at this time or later.
    pub from: Option<i64>,
    /// To the last one before the first at this time or later.
    pub to: Option<i64>,
}

/// What is to be compared.
#[derive(Debug)]
pub struct Audit {
    /// The connector.
    pub config: SinkConnectorConfig,
    /// A worker of its cluster.
    pub worker: Arc<WorkerConfig>,
    /// Of these topics only; of all when there are none.
    pub topics: Vec<String>,
    /// Records of this time only.
    pub span: Span,
    /// Where rows have their records' coordinates.
    pub columns: AuditColumns,
    /// The column that has the record's key, where only sums can be compared.
    pub key: Option<String>,
    /// Offsets that are compared at once.
    pub window: u64,
    /// A record may be several rows: then none is doubled.
    pub several_rows: bool,
}

/// Is told what goes on.
pub type Teller<'t> = dyn FnMut(Told) + 't;

/// Why nothing (more) can be compared.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Kafka cannot be asked.
    #[error(transparent)]
    Kafka(#[from] kafka::Error),
    /// The target cannot be asked.
    #[error("{0}")]
    Target(#[from] sink::Error),
    /// The sink has nobody to ask.
    #[error("connector.class={0} does not tell what is in its target, so nothing can be compared")]
    NoAuditor(&'static str),
    /// The topics are not known.
    #[error("the topics that match topics.regex cannot be listed: {0}")]
    Topics(String),
    /// The connector reads no such topic.
    #[error("the connector does not read the topic {0} (--topic)")]
    OtherTopic(String),
    /// Records cannot be taken through the connector's steps.
    #[error("records cannot be tried: {0}")]
    Rehearsal(String),
}
