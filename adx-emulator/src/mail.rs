//! What passes between the data-management loop and whoever keeps the queues: messages, their handles, reports,
//! and the identity token that a message must carry.
//!
//! Plain values; both storage backends and the loop know them, and they know nobody.

use uuid::Uuid;

use crate::storage::queues::QueueName;
use crate::storage::sas;

/// A message of a secured queue, read and hidden.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    /// Its text as posted.
    pub text: String,
    /// What deletes it.
    pub handle: Handle,
}

/// What deletes a message.
#[derive(Debug, Clone)]
pub(crate) enum Handle {
    /// Of our own storage: queue, id, receipt.
    Own(QueueName, Uuid, Uuid),
    /// Of an Azurite: the queue's name, id, receipt.
    Azurite(String, String, String),
}

/// Where a report goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Report {
    /// The success queue.
    Success,
    /// The failure queue.
    Failure,
}

impl Report {
    /// The resource type of its queue.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Success => "SuccessfulIngestionsQueue",
            Self::Failure => "FailedIngestionsQueue",
        }
    }
}

/// The client's entity in the status table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StatusEntity {
    /// The table's URL with its SAS.
    pub table: String,
    /// `PartitionKey`.
    pub partition: String,
    /// `RowKey`.
    pub row: String,
}

/// The identity token that clients must put in their messages. The same for ever, because clients keep it over a
/// restart of the service.
pub(crate) fn identity_token() -> String {
    format!("adx-emulator-identity-{}", sas::sign(&["identity"]).unwrap_or_default())
}
