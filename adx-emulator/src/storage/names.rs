//! The names of the storage: accounts, kinds of resources, blobs, queues.

use serde::{Deserialize, Serialize};

/// The accounts: the first segment of every storage path.
pub(crate) const ACCOUNTS: [&str; 2] = ["acct1", "acct2"];

/// A kind of storage resource that clients are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResourceKind {
    /// Containers for blobs to ingest.
    TempStorage,
    /// Queues for ingestion messages.
    SecuredQueue,
    FailureQueue,
    SuccessQueue,
    StatusTable,
}

impl ResourceKind {
    /// All kinds, in the order of `.get ingestion resources`.
    pub(crate) const ALL: [Self; 5] =
        [Self::TempStorage, Self::SecuredQueue, Self::FailureQueue, Self::SuccessQueue, Self::StatusTable];

    /// The name in `.get ingestion resources`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::TempStorage => "TempStorage",
            Self::SecuredQueue => "SecuredReadyForAggregationQueue",
            Self::FailureQueue => "FailedIngestionsQueue",
            Self::SuccessQueue => "SuccessfulIngestionsQueue",
            Self::StatusTable => "IngestionsStatusTable",
        }
    }

    /// What the signatures for it allow.
    pub(crate) fn permissions(self) -> &'static str {
        match self {
            Self::TempStorage => "rwd",
            Self::SecuredQueue | Self::FailureQueue | Self::SuccessQueue => "raup",
            Self::StatusTable => "raud",
        }
    }

    /// The name of the resource with this number. Table names have no minus sign, and one table is enough.
    pub(crate) fn name(self, number: usize) -> String {
        match self {
            Self::TempStorage => format!("ingestdata-{number}"),
            Self::SecuredQueue => format!("readyforaggregation-secured-{number}"),
            Self::FailureQueue => format!("failedingestions-{number}"),
            Self::SuccessQueue => format!("successfulingestions-{number}"),
            Self::StatusTable => "ingestionsstatus".to_owned(),
        }
    }

    pub(crate) fn is_queue(self) -> bool {
        matches!(self, Self::SecuredQueue | Self::FailureQueue | Self::SuccessQueue)
    }

    /// The queues of this kind, one in each account.
    pub(crate) fn queues(self) -> Vec<QueueName> {
        let name = |(number, account): (usize, &&str)| QueueName {
            account: (*account).to_owned(),
            queue: self.name(number),
        };
        ACCOUNTS.iter().enumerate().map(name).collect()
    }
}

/// Where a blob is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct BlobName {
    pub account: String,
    pub container: String,
    /// Not percent-encoded.
    pub name: String,
}

/// A queue of an account.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct QueueName {
    pub account: String,
    pub queue: String,
}
