//! A sealed batch on its way to the sink's service.

use super::Error;
use crate::brief::Brief;
use crate::id::{BatchId, OffsetRange};
use futures::future::BoxFuture;
use tokio::sync::watch;

/// A sealed batch and the work that hands it over.
pub struct Delivery {
    /// What [`FateTeller`](super::FateTeller) calls it later; none when it will tell nothing of it.
    pub id: Option<BatchId>,
    /// First and last offset in it.
    pub offsets: OffsetRange,
    /// Records in it.
    pub records: u64,
    /// Bytes before compression.
    pub raw_bytes: u64,
    /// Bytes as they are sent.
    pub body_bytes: u64,
    /// Memory it holds until it is handed over, in bytes.
    pub memory: usize,
    /// Says why it waits, after each try that failed.
    pub waiting: watch::Receiver<Option<Waiting>>,
    /// Ends when the batch was acknowledged, or with an error that no retry mends: of the batch, or of some of its records
    /// ([`Error::records`]) while all others were acknowledged. Dropping it gives the batch up.
    pub work: BoxFuture<'static, Result<(), Error>>,
}

/// Why a batch that is tried again is not handed over yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Tries of it that failed so far.
    pub failures: u64,
    /// Why the last one did.
    pub cause: String,
    /// That in one line.
    pub brief: Brief,
}
