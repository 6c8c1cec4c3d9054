//! The operations of queued ingestion by REST: which sources each has, and their progress.
//!
//! Owns what it remembers: the latest operations only, in memory. An operation that was forgotten, or that came before
//! a restart, is made again by the next progress of one of its sources. Never decides what happens to a source.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Operations that are remembered.
const MAX_OPERATIONS: usize = 10_000;

/// The progress of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Its message is in the queue.
    Queued,
    /// It is being ingested, or waits for its next try.
    Started,
    /// Its rows are in the table, or were there before.
    Succeeded,
    /// It will never be ingested.
    Failed {
        /// Kusto's ingestion error code.
        code: String,
        /// `Permanent` or `Exhausted`.
        failure: &'static str,
        details: String,
    },
}

impl Progress {
    fn as_str(&self) -> &'static str {
        match self {
            Self::Queued => "Queued",
            Self::Started => "InProgress",
            Self::Succeeded => "Succeeded",
            Self::Failed { .. } => "Failed",
        }
    }
}

/// A source of an operation.
#[derive(Debug, Clone)]
pub(crate) struct SourceRef<'a> {
    pub operation: &'a str,
    pub database: &'a str,
    pub table: &'a str,
    pub source: &'a str,
    /// Without its SAS.
    pub url: &'a str,
}

/// An operation, summed over its sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Summary {
    pub database: String,
    pub table: String,
    /// When it was posted, and when a source last went on.
    pub started: String,
    pub updated: String,
    /// Sources whose end is not known yet.
    pub pending: usize,
    pub succeeded: usize,
    pub failed: usize,
    /// Why one of them failed; empty when none did.
    pub reason: String,
}

#[derive(Debug)]
struct TrackedSource {
    id: String,
    url: String,
    progress: Progress,
    started: OffsetDateTime,
    updated: OffsetDateTime,
}

#[derive(Debug)]
struct TrackedOperation {
    database: String,
    table: String,
    started: OffsetDateTime,
    sources: Vec<TrackedSource>,
}

#[derive(Debug, Default)]
struct State {
    known: HashMap<String, TrackedOperation>,
    order: VecDeque<String>,
}

/// The operations.
#[derive(Debug, Default)]
pub(crate) struct Operations {
    state: Mutex<State>,
}

impl Operations {
    /// Records the progress of a source.
    pub(crate) fn record(&self, tracked: &SourceRef<'_>, progress: Progress) {
        let now = OffsetDateTime::now_utc();
        let mut state = self.state();
        if !state.known.contains_key(tracked.operation) {
            if state.order.len() == MAX_OPERATIONS
                && let Some(oldest) = state.order.pop_front()
            {
                state.known.remove(&oldest);
            }
            state.order.push_back(tracked.operation.to_owned());
        }
        let operation = state.known.entry(tracked.operation.to_owned()).or_insert_with(|| TrackedOperation {
            database: tracked.database.to_owned(),
            table: tracked.table.to_owned(),
            started: now,
            sources: Vec::new(),
        });
        match operation.sources.iter_mut().find(|source| source.id == tracked.source) {
            Some(source) => (source.progress, source.updated) = (progress, now),
            None => operation.sources.push(TrackedSource {
                id: tracked.source.to_owned(),
                url: tracked.url.to_owned(),
                progress,
                started: now,
                updated: now,
            }),
        }
    }

    /// The status document of an operation on this table; none when it is not known.
    pub(crate) fn status(&self, (database, table): (&str, &str), id: &str, details: bool) -> Option<Value> {
        let state = self.state();
        let operation = state.known.get(id)?;
        if operation.database != database || operation.table != table {
            return None;
        }
        let count = |wanted: &[&str]| {
            operation.sources.iter().filter(|source| wanted.contains(&source.progress.as_str())).count()
        };
        let updated = operation.sources.iter().map(|source| source.updated).max();
        let mut document = json!({
            "startTime": text(operation.started),
            "lastUpdated": text(updated.unwrap_or(operation.started)),
            "status": {
                "Succeeded": count(&["Succeeded"]),
                "Failed": count(&["Failed"]),
                "InProgress": count(&["Queued", "InProgress"]),
                "Canceled": 0,
            },
        });
        if details {
            document["details"] = operation.sources.iter().map(TrackedSource::document).collect();
        }
        Some(document)
    }

    /// What is known of an operation, whatever its table; none when it is not known.
    pub(crate) fn summary(&self, id: &str) -> Option<Summary> {
        let state = self.state();
        let operation = state.known.get(id)?;
        let sources = &operation.sources;
        let reasons = sources.iter().filter_map(|source| match &source.progress {
            Progress::Failed { details, .. } => Some(details.clone()),
            _ => None,
        });
        let reasons: Vec<String> = reasons.collect();
        let succeeded = sources.iter().filter(|source| source.progress == Progress::Succeeded).count();
        Some(Summary {
            database: operation.database.clone(),
            table: operation.table.clone(),
            started: text(operation.started),
            updated: text(sources.iter().map(|source| source.updated).max().unwrap_or(operation.started)),
            pending: sources.len() - succeeded - reasons.len(),
            succeeded,
            failed: reasons.len(),
            reason: reasons.into_iter().next().unwrap_or_default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TrackedSource {
    fn document(&self) -> Value {
        let (code, failure, details) = match &self.progress {
            Progress::Failed { code, failure, details } => {
                (code.as_str(), Value::from(*failure), details.as_str())
            }
            _ => ("", Value::Null, ""),
        };
        json!({
            "sourceId": self.id,
            "url": self.url,
            "status": self.progress.as_str(),
            "startTime": text(self.started),
            "lastUpdated": text(self.updated),
            "errorCode": code,
            "failureStatus": failure,
            "details": details,
        })
    }
}

fn text(moment: OffsetDateTime) -> String {
    moment.format(&Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tracked<'a>(operation: &'a str, source: &'a str) -> SourceRef<'a> {
        SourceRef { operation, database: "d", table: "t", source, url: "http://localhost/acct/c/b" }
    }

    #[test]
    fn an_operation_counts_its_sources() {
        let operations = Operations::default();
        operations.record(&tracked("o", "1"), Progress::Queued);
        operations.record(&tracked("o", "2"), Progress::Queued);
        operations.record(&tracked("o", "1"), Progress::Succeeded);
        let failed = Progress::Failed {
            code: "Stream_NoDataToIngest".to_owned(),
            failure: "Permanent",
            details: "none".to_owned(),
        };
        operations.record(&tracked("o", "2"), failed);
        let document = operations.status(("d", "t"), "o", true).unwrap();
        assert_eq!(document["status"], json!({"Succeeded": 1, "Failed": 1, "InProgress": 0, "Canceled": 0}));
        assert_eq!(document["details"][1]["errorCode"], "Stream_NoDataToIngest");
        assert_eq!(document["details"][0]["failureStatus"], Value::Null);
        assert!(operations.status(("d", "t"), "o", false).unwrap().get("details").is_none());
        assert!(operations.status(("d", "other"), "o", true).is_none());
        assert!(operations.status(("d", "t"), "p", true).is_none());
        operations.record(&tracked("o", "3"), Progress::Started);
        let summary = operations.summary("o").unwrap();
        assert_eq!((summary.pending, summary.succeeded, summary.failed), (1, 1, 1));
        assert_eq!((summary.table.as_str(), summary.reason.as_str()), ("t", "none"));
        assert_eq!(operations.summary("p"), None);
    }

    #[test]
    fn the_oldest_operations_are_forgotten() {
        let operations = Operations::default();
        for number in 0..=MAX_OPERATIONS {
            operations.record(&tracked(&number.to_string(), "s"), Progress::Queued);
        }
        assert!(operations.status(("d", "t"), "0", false).is_none());
        assert!(operations.status(("d", "t"), "1", false).is_some());
        assert_eq!(operations.state().known.len(), MAX_OPERATIONS);
    }
}
