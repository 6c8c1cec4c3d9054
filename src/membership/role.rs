//! What a member is in its group, and how it stops being one. Plain values.

use tokio::sync::oneshot;

/// What this worker is in the group of workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Leader,
    Follower,
    /// Nobody knows: the group has just changed.
    Unsettled,
}

/// How a membership ended.
pub(super) enum End {
    /// It was asked to; who asked is told when it is done.
    Left(Option<oneshot::Sender<()>>),
    /// There is another key, which this worker has to prove itself with.
    Rekeyed,
    /// Kafka does not let it in, for this reason.
    Refused(String),
}
