//! What the data-management loop and the two storage backends exchange about queue messages, and the identity token
//! that a message must carry.

use uuid::Uuid;

use crate::signature;
use crate::storage::QueueName;

/// A message of a secured queue, read and hidden.
#[derive(Debug, Clone)]
pub(crate) struct ReceivedMessage {
    /// As it was posted.
    pub text: String,
    /// What deletes it.
    pub handle: MessageHandle,
}

/// What deletes a message that was read.
#[derive(Debug, Clone)]
pub(crate) enum MessageHandle {
    /// Of our own storage.
    Own { queue: QueueName, id: Uuid, receipt: Uuid },
    /// Of an Azurite.
    Azurite { queue: String, id: String, receipt: String },
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

/// The identity token that clients must put in their messages. It never changes, because clients keep it over a
/// restart of the service.
pub(crate) fn identity_token() -> String {
    format!("adx-emulator-identity-{}", signature::sign(&["identity"]).unwrap_or_default())
}
