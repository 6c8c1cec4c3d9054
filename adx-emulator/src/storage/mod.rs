//! The emulator's own storage: blobs, queues and a status table of two accounts, path style.
//!
//! Owns all three and the signatures that open them. `http` speaks the storage services' protocol; the
//! data-management loop uses the parts directly.

pub(crate) mod blobs;
mod disk;
pub(crate) mod http;
pub(crate) mod queues;
pub(crate) mod sas;
pub(crate) mod tables;

use std::path::Path;
use std::time::Duration;

use time::OffsetDateTime;

use self::blobs::Blobs;
use self::disk::Disk;
use self::queues::{QueueName, Queues};
use self::tables::Tables;
use crate::stats::Stats;

/// The accounts: the first segment of every storage path.
pub(crate) const ACCOUNTS: [&str; 2] = ["acct1", "acct2"];

/// What the service hands out per account: resource type, permissions of its SAS, name with the account's number.
pub(crate) const RESOURCES: [(&str, &str, &str); 5] = [
    ("TempStorage", "rwd", "ingestdata-"),
    ("SecuredReadyForAggregationQueue", "raup", "readyforaggregation-secured-"),
    ("FailedIngestionsQueue", "raup", "failedingestions-"),
    ("SuccessfulIngestionsQueue", "raup", "successfulingestions-"),
    ("IngestionsStatusTable", "raud", "ingestionsstatus"),
];

/// A refusal of the storage service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{status} {code}: {message}")]
pub(crate) struct StorageError {
    /// HTTP status.
    pub status: u16,
    /// The service's error code.
    pub code: String,
    /// A sentence.
    pub message: String,
}

impl StorageError {
    /// A refusal.
    pub(crate) fn new(status: u16, code: &str, message: &str) -> Self {
        Self { status, code: code.to_owned(), message: message.to_owned() }
    }

    fn internal(error: &dyn std::error::Error) -> Self {
        Self::new(500, "InternalError", &format!("the emulator's data folder failed: {error}"))
    }
}

/// The three services.
#[derive(Debug)]
pub(crate) struct Storage {
    /// Blob service.
    pub blobs: Blobs,
    /// Queue service.
    pub queues: Queues,
    /// Table service.
    pub tables: Tables,
    discard: bool,
    stats: Stats,
}

/// The name of a resource in the account with this index.
pub(crate) fn resource_name(prefix: &str, account: usize) -> String {
    if prefix.ends_with('-') { format!("{prefix}{account}") } else { prefix.to_owned() }
}

/// All queues of one kind (a prefix of [`RESOURCES`]).
pub(crate) fn queues_of(kind: &str) -> Vec<QueueName> {
    let Some((_, _, prefix)) = RESOURCES.iter().find(|(resource, ..)| *resource == kind) else {
        return Vec::new();
    };
    let name = |(index, account): (usize, &&str)| QueueName {
        account: (*account).to_owned(),
        queue: resource_name(prefix, index),
    };
    ACCOUNTS.iter().enumerate().map(name).collect()
}

impl Storage {
    /// The storage kept in `folder`, or in memory.
    pub(crate) fn open(folder: Option<&Path>, discard: bool, stats: Stats) -> std::io::Result<Self> {
        let disk = |name: &str| folder.map(|folder| Disk::open(folder, name)).transpose();
        let kinds = RESOURCES.iter().filter(|(kind, ..)| kind.ends_with("Queue"));
        let names: Vec<_> = kinds.flat_map(|(kind, ..)| queues_of(kind)).collect();
        Ok(Self {
            blobs: Blobs::open(disk("blobs")?)?,
            queues: Queues::open(&names, disk("queues")?)?,
            tables: Tables::default(),
            discard,
            stats,
        })
    }

    /// The rows of `.get ingestion resources`: type and URL with SAS, for clients that reach us at `base`.
    /// `lifetime` none: signatures that have expired already.
    pub(crate) fn resources(base: &str, lifetime: Option<Duration>) -> Vec<(&'static str, String)> {
        let now = OffsetDateTime::now_utc();
        let expiry = lifetime.map_or(now - Duration::from_hours(1), |lifetime| now + lifetime);
        let mut rows = Vec::new();
        for (kind, permissions, prefix) in RESOURCES {
            for (index, account) in ACCOUNTS.iter().enumerate() {
                let name = resource_name(prefix, index);
                if let Some(sas) = sas::make(account, &name, permissions, expiry) {
                    rows.push((kind, format!("{}/{account}/{name}?{sas}", base.trim_end_matches('/'))));
                }
            }
        }
        rows
    }
}
