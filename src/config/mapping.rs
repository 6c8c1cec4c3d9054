//! `kusto.tables.topics.mapping`: which topic goes into which table, and how (`kusto-sink-connector.md` §1.2).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::DataFormat;

/// Where one topic goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicMapping {
    /// The topic's exact name, or `*`.
    pub topic: String,
    /// The database.
    pub database: Arc<str>,
    /// The table.
    pub table: Arc<str>,
    /// How the records' bytes are to be read by the service.
    pub format: DataFormat,
    /// The name of a pre-created ingestion mapping of the table. None when not given, and when no format was given.
    pub mapping: Option<Arc<str>>,
}

/// All topic mappings of a connector.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TopicMappings {
    by_topic: BTreeMap<String, TopicMapping>,
}

impl TopicMappings {
    /// The entry of `topic`, else the entry `*`.
    pub fn get(&self, topic: &str) -> Option<&TopicMapping> {
        self.by_topic.get(topic).or_else(|| self.by_topic.get("*"))
    }

    /// All entries, by topic.
    pub fn iter(&self) -> impl Iterator<Item = &TopicMapping> {
        self.by_topic.values()
    }
}
