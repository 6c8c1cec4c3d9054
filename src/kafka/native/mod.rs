//! The calls of librdkafka that the safe wrapper lacks. The only unsafe code of the project.
//!
//! `queue` reads one partition's records in batches and commits with an answer; `group_offsets` reads, sets and removes
//! the committed offsets of a group that is somebody else's; `errors` asks a client that is not polled why it is not let in;
//! `tokens` gives a client its token, `brokers` its brokers.
//! Each file says why what it does is sound.

pub(super) mod brokers;
pub(super) mod errors;
pub(super) mod group_offsets;
mod queue;
pub(super) mod tokens;

pub(super) use queue::commit;
pub use queue::{MAX_RECORDS, PartitionQueue, Record, Records};
