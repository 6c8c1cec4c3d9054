//! Follows batches to their end: what was handed over is held against what the service tells of failures, and the tasks hear what
//! became of it (`docs/design/outcome.md`).
//!
//! [`Followers`] starts one follower (`follower`) for each ADX cluster and principal of a worker; it owns the ledger, the matching and
//! the pace. A sink hands in what was taken by its [`FollowedConnector`]: through a bounded channel that never holds up a delivery.
//! Where failures are learned is a `LookSource` (`source`): each worker looks for its own batches. The follower ends when no sink uses it and
//! nothing is open. Nothing here changes an offset, and no trouble here is a delivery's.

mod batching_times;
mod cluster;
mod command_pace;
mod connector;
mod fates;
mod follower;
mod followers;
mod looks;
mod member;
mod members;
mod parted;
mod queue_looks;
mod source;
mod taken;
#[cfg(test)]
mod tests;

pub use connector::FollowedConnector;
pub use followers::Followers;
pub use member::ClusterIdentity;
pub use taken::{QueuedPart, TakenBatch, TakenParts};
