//! The calls of librdkafka that the safe wrapper lacks. With `limits::heap` the only unsafe code of the project.
//!
//! `queue` reads one partition's records in batches; `commit` commits and tells how that ended; `group_offsets` reads, sets and removes
//! the committed offsets of a group that is somebody else's; `errors` asks a client that is not polled why it is not let in;
//! `tokens` gives a client its token, `brokers` its brokers, `topic_ids` tells topics of one name apart; `fetch_wait` says
//! how long brokers may hold a fetch back; `watermarks` tells the ends of a partition, `rights` what brokers allow us.
//! Each file says why what it does is sound.

pub(super) mod brokers;
pub(super) mod commit;
pub(super) mod errors;
pub(super) mod fetch_wait;
pub(super) mod group_offsets;
mod queue;
pub(super) mod rights;
pub(super) mod tokens;
pub(super) mod topic_ids;
pub(super) mod watermarks;

#[cfg(test)]
pub use queue::ListedRecord;
pub use queue::{ConsumedRecord, MAX_RECORDS, PartitionQueue, Records};
