//! Reports of other clients: all clients of a cluster share its report queues.
//!
//! Makes messages that look like those of `report`, about sources that never were. Keeps nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use uuid::Uuid;

use super::failure::Failure;
use super::report::{OperationIds, Reported, encoded};
use crate::app::App;
use crate::storage::{ResourceKind, StorageError};

/// The outcome that a report tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Failed,
    Succeeded,
}

impl Outcome {
    fn queue(self) -> ResourceKind {
        match self {
            Self::Failed => ResourceKind::FailureQueue,
            Self::Succeeded => ResourceKind::SuccessQueue,
        }
    }
}

/// Puts `count` reports about another client's sources into each queue of this outcome; gives the ids of the sources.
pub(crate) async fn post(app: &App, outcome: Outcome, count: usize) -> Result<Vec<String>, StorageError> {
    let queues = outcome.queue().queues().len();
    let mut sources = Vec::new();
    for number in 0..queues * count {
        let source = Uuid::new_v4().to_string();
        let path = format!("https://elsewhere.blob.core.windows.net/ingest/{source}.csv.gz");
        let reported = Reported {
            ids: OperationIds { operation: Uuid::new_v4(), activity: Uuid::new_v4() },
            database: "Elsewhere",
            table: "Others",
            source: &source,
            path: &path,
        };
        let body = match outcome {
            Outcome::Failed => {
                let details = "A source of another client failed.";
                reported.failed(&Failure::permanent("Stream_WrongNumberOfFields", details))
            }
            Outcome::Succeeded => reported.succeeded(),
        };
        app.backend.post(outcome.queue(), number, encoded(&body)).await?;
        sources.push(source);
    }
    Ok(sources)
}

/// The reports of this outcome in all its queues, also those that a reader hides at present; own storage only.
pub(crate) fn all(app: &App, outcome: Outcome) -> Vec<Value> {
    let texts = app.backend.texts(outcome.queue());
    let decoded = texts.iter().filter_map(|text| STANDARD.decode(text).ok());
    decoded.filter_map(|bytes| serde_json::from_slice(&bytes).ok()).collect()
}
