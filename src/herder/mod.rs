//! The herder: decides what should run on this worker, and answers what runs.
//!
//! One task (`service`) is the only writer of configs and states; [`Herder`] is the way to ask it. A change is written
//! to the config topic first and acted on when it is read back, so a request, another worker's record and a restart
//! take the same path. What to do is decided by a pure function (`plan`); the worker's long operations run beside the
//! loop, at most one per connector. Reads are answered from the last published view and never wait for the loop.

mod checking;
mod classes;
mod error;
mod handle;
mod leading;
mod metrics;
mod offsets;
mod plan;
mod published;
mod request;
mod runner;
mod service;
mod task_configs;
mod view;
mod workers;

#[cfg(test)]
pub(crate) mod fake_runner;
#[cfg(test)]
mod load_tests;
#[cfg(test)]
pub(crate) mod test_rig;
#[cfg(test)]
mod tests;

pub use checking::checked;
pub use error::Error;
pub use handle::{Health, Herder};
pub use offsets::{OffsetsRequest, PartitionOffset, group_of};
pub use service::{Ended, HerderOptions};

pub use view::{ConnectorInfo, ConnectorState, ConnectorStatus, TaskInfo, TaskState};
