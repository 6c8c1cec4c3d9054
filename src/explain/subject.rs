//! What is explained.

use crate::config::WorkerConfig;
use crate::configdef::ConnectorProperties;
use crate::plugins::{ConfigInfos, SinkConnectorConfig};

/// A connector whose settings are right, with what was said of each of them.
#[derive(Debug)]
pub struct Explained<'a> {
    /// As written.
    pub raw: &'a ConnectorProperties,
    /// As validated.
    pub infos: &'a ConfigInfos,
    /// As used.
    pub config: &'a SinkConnectorConfig,
    /// Its worker.
    pub worker: &'a WorkerConfig,
    /// Topics to follow; those of the settings when there are none.
    pub topics: &'a [String],
}
