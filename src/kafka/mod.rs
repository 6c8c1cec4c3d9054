//! Everything that talks to Kafka, and the only user of the Kafka library.
//!
//! `settings` turns Connect's client properties into the library's, `consumer` is a member of a connector's consumer
//! group, `native` has the calls that the library's safe wrapper lacks (the place with `unsafe`); `log` writes (by
//! `writer`) and reads a storage topic, `admin` makes and checks it, `topic_watch` sees when it is gone; `groups` reads and
//! changes what consumer groups have committed; `visitor` looks at all that a connector's consumer needs, `walk` reads a part of a partition with it, `rights` at what brokers allow us. `create` makes clients where there is room for them. `oauth` fetches the
//! tokens that clients sign in with; `outage` brings clients back that lost all brokers, `reach` tells of it; `pace` keeps a
//! partition's backlog from waiting for its idle siblings; `offsets` sees how far behind a member is, `statistics` reads
//! what it tells of its connections.
//! Nothing here knows connectors, tasks or where records go, and nothing decides when an offset is committed.

pub mod admin;
mod advertised;
mod blocking;
pub mod cluster;
pub mod consumer;
mod consumer_events;
#[cfg(test)]
mod consumer_tests;
mod create;
pub mod dead_letters;
mod ends;
mod error;
mod given;
pub mod groups;
pub mod log;
mod log_context;
mod matching;
pub mod native;
mod oauth;
mod offsets;
mod outage;
mod pace;
mod reach;
mod refusal;
pub mod rights;
pub mod settings;
mod source;
pub mod statistics;
mod storage_topic;
pub mod topic_watch;
mod unreachable;
pub mod visitor;
pub mod walk;
mod writer;

pub use consumer::{ConsumerEvent, GroupConsumer, Subscription};
pub use dead_letters::{DeadLetter, DeadLetterClients, DeadLetterProducer, DeadLetterQueue, DeadLetterTopic};
pub use error::{Error, fetch_advice};
pub use given::GivenRecord;
#[cfg(test)]
pub use native::ListedRecord;
pub use native::{ConsumedRecord, PartitionQueue, Records};
#[cfg(test)]
pub use source::RecordList;
pub use source::RecordSource;
