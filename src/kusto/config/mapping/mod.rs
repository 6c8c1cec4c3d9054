//! `kusto.tables.topics.mapping`: which topic goes into which table, and how (`kusto-sink-connector.md` §1.2).
//!
//! The text is JSON as the JVM connector's parser takes it: single quotes allowed, text after the closing `]` ignored,
//! numbers and booleans taken as texts, the last of equal fields and of equal topics wins; unknown fields are errors.
//! Ours beside it: entries for all topics that match an expression, names made from the topic's, and columns of Kafka's.

mod columns;
mod entry;
mod route;
mod target;
#[cfg(test)]
mod tests;

pub use columns::{Column, ColumnSource};
use entry::Entry;
pub(super) use entry::standard_quotes;
use route::Route;
use std::collections::BTreeMap;
pub(super) use target::MappingSyntax;
pub use target::{RowLayout, TopicMapping};

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
    pub(super) fn parse(dialect: MappingSyntax, text: &str) -> Result<Self, Vec<String>> {
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
