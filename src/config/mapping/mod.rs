//! `kusto.tables.topics.mapping`: which topic goes into which table, and how (`kusto-sink-connector.md` §1.2).
//!
//! The text is JSON as the JVM connector's parser takes it: single quotes allowed, text after the closing `]` ignored,
//! numbers and booleans taken as texts, the last of equal fields and of equal topics wins; unknown fields are errors.
//! Ours beside it: entries for all topics that match an expression, names made from the topic's, and columns of Kafka's.

mod columns;
mod entry;
mod route;
#[cfg(test)]
mod tests;

use super::DataFormat;
pub use columns::{Column, ColumnSource};
use entry::Entry;
pub(super) use entry::standard_quotes;
use route::Route;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where one topic goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicMapping {
    /// The database.
    pub database: Arc<str>,
    /// The table.
    pub table: Arc<str>,
    /// How the records' bytes are to be read by the service.
    pub format: DataFormat,
    /// The name of a pre-created ingestion mapping of the table. None when not given, and when no format was given.
    pub mapping: Option<Arc<str>>,
    /// Batches go to the engine directly where it takes them, else by queued ingestion.
    pub streaming: bool,
    /// What is written of a record beside its value.
    pub columns: Arc<[Column]>,
    /// How a record becomes a row.
    pub layout: Layout,
}

/// How a record becomes a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// Its value, with the columns of the entry.
    #[default]
    Value,
    /// As the Fabric connector does for csv: value, key, headers and coordinates, one behind the other.
    FabricCsv,
    /// As the Fabric connector does elsewhere: the value's members, `keys`, `headers` and `kafkamd` in one object.
    FabricJson {
        /// Texts are texts, and bytes are Avro files (the source format `avro`); else both are read as JSON.
        avro: bool,
        /// The value's members stand in `payload`.
        payload: bool,
    },
}

/// Whose mappings they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Kusto,
    /// Names of all characters, and `dynamicPayload` (`fabric-sink-connector.md` §4).
    Fabric,
}

/// All topic mappings of a connector.
#[derive(Debug, Clone, Default)]
pub struct TopicMappings {
    by_topic: BTreeMap<String, Route>,
    by_pattern: Vec<Route>,
}

impl TopicMappings {
    /// Where `topic` goes: by its own entry, else by the first with an expression that matches it, else by the entry `*`.
    /// None without one, and when a name made for it is empty.
    pub fn get(&self, topic: &str) -> Option<TopicMapping> {
        if let Some(route) = self.by_topic.get(topic) {
            return route.of(topic);
        }
        let mut matching = self.by_pattern.iter().filter_map(|route| route.of(topic));
        matching.next().or_else(|| self.by_topic.get("*")?.of(topic))
    }

    /// The targets of all entries whose names do not depend on the topic.
    pub fn fixed(&self) -> impl Iterator<Item = TopicMapping> {
        self.by_topic.values().chain(&self.by_pattern).filter_map(Route::fixed)
    }

    /// True when keys or headers of any topic are written.
    pub fn want_whole_records(&self) -> bool {
        self.by_topic.values().chain(&self.by_pattern).any(Route::wants_whole_records)
    }

    /// True when a column of any entry holds headers.
    pub fn want_headers_as_columns(&self) -> bool {
        self.by_topic.values().chain(&self.by_pattern).any(Route::wants_headers_as_columns)
    }

    /// Reads the setting's text. The errors are whole clauses, without the key's name.
    pub(super) fn parse(dialect: Dialect, text: &str) -> Result<Self, Vec<String>> {
        let entries = entry::read_json(text).map_err(|error| vec![error])?;
        if entries.is_empty() {
            return Err(vec!["the array is empty; it needs an object for each topic".to_owned()]);
        }
        let mut mappings = Self::default();
        let mut errors = Vec::new();
        for (index, fields) in entries.iter().enumerate() {
            match Entry::new(dialect, fields).read() {
                Ok((Some(topic), route)) => {
                    mappings.by_topic.insert(topic, route);
                }
                Ok((None, route)) => mappings.by_pattern.push(route),
                Err(found) => {
                    errors.extend(found.into_iter().map(|error| format!("entry {}: {error}", index + 1)));
                }
            }
        }
        if errors.is_empty() { Ok(mappings) } else { Err(errors) }
    }
}
