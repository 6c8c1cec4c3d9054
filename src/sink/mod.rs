//! What a sink is to the tasks that run it: the traits that a connector class implements, and what goes through them.
//!
//! A [`SinkTask`] opens one [`PartitionWriter`] per partition, so partitions share no state. Writers are pure up to the
//! sealed [`Delivery`], whose future does the I/O. Offsets, states and restarts are the tasks' business, and no service of
//! a sink is named here.

mod audit;
mod class;
mod context;
mod delivery;
mod description;
mod error;
mod examination;
mod fate;
mod feed;
mod refusal;
mod task;
mod topics;

pub use audit::{
    AuditColumns, AuditSubject, AuditWindow, AuditedTopic, KnownRows, OffsetRows, RowSum, RowsFound,
    SummedRows, TargetAuditor,
};
pub use class::{SinkClass, SinkConnector, SinkSettings};
pub use context::SinkContext;
pub use delivery::{Delivery, Waiting};
pub use description::{Description, Supplied};
pub use error::{Cause, Error, RefusedRecords};
pub use examination::Examination;
pub use fate::{BatchFailure, BatchNews, Fate, FateTeller, OnFailedBatch, Unfollowed};
pub use feed::{FeedNews, FeedPage, FeedReader, NewsFeed};
pub use refusal::{OnRefusal, OwnDeadLetterTopic, RefusalPolicy};
pub use task::{Encoded, Fill, PartitionWriter, SettingNames, SinkTask};
pub use topics::Topics;
