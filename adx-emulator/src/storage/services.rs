//! The three services together, and the URLs that clients are given for them.

use std::path::Path;
use std::time::Duration;

use time::OffsetDateTime;

use super::blobs::Blobs;
use super::disk::Disk;
use super::names::{ACCOUNTS, ResourceKind};
use super::queues::Queues;
use super::sas;
use super::tables::Tables;
use crate::stats::Stats;

/// The three services.
#[derive(Debug)]
pub(crate) struct Storage {
    pub blobs: Blobs,
    pub queues: Queues,
    pub tables: Tables,
    /// Blobs are counted and not kept.
    pub(super) discard: bool,
    pub(super) stats: Stats,
}

impl Storage {
    /// The storage kept in `folder`, or in memory.
    pub(crate) fn open(folder: Option<&Path>, discard: bool, stats: Stats) -> std::io::Result<Self> {
        let disk = |name: &str| folder.map(|folder| Disk::open(folder, name)).transpose();
        let queues = ResourceKind::ALL.into_iter().filter(|kind| kind.is_queue());
        let names: Vec<_> = queues.flat_map(ResourceKind::queues).collect();
        Ok(Self {
            blobs: Blobs::open(disk("blobs")?)?,
            queues: Queues::open(&names, disk("queues")?)?,
            tables: Tables::default(),
            discard,
            stats,
        })
    }

    /// The rows of `.get ingestion resources`: kind and URL with SAS, for clients that reach us at `base`.
    /// `lifetime` none: signatures that have expired already.
    pub(crate) fn resources(base: &str, lifetime: Option<Duration>) -> Vec<(ResourceKind, String)> {
        let now = OffsetDateTime::now_utc();
        let expiry = lifetime.map_or(now - Duration::from_hours(1), |lifetime| now + lifetime);
        let mut rows = Vec::new();
        for kind in ResourceKind::ALL {
            for (number, account) in ACCOUNTS.iter().enumerate() {
                let name = kind.name(number);
                if let Some(sas) = sas::make(account, &name, kind.permissions(), expiry) {
                    rows.push((kind, format!("{}/{account}/{name}?{sas}", base.trim_end_matches('/'))));
                }
            }
        }
        rows
    }
}
