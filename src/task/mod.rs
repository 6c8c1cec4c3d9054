//! Running a connector's tasks: one consumer for the connector on this worker, its partitions assigned to its tasks, one
//! pipeline per partition.
//!
//! Two loops own the state. The connector's (`connector_tasks`) carries out orders and works on `assigned_partitions`: the
//! consumer, the `pipelines` that run, what is to be committed (`committer`), and the tasks' states (`task_states` over
//! `owners`, `skipped`, `waiting`). A partition's (`pipeline`) takes records through their whole way: from the `reader`
//! through `record_converter` into `open_batches` and out by `deliveries`, which own the `offsets`; what becomes of a bad
//! record is decided in `bad_records`. All of them share the memory of `budget`.
//!
//! Orders come down a channel, states go up one. Late work is fenced by dropping it: an aborted pipeline's uploads end
//! with it, and its offsets are not committed. No sink is known here but by the traits of `sink`.

mod assign_tasks;
mod assigned_partitions;
mod at;
mod backpressure;
mod bad_records;
mod batch_fates;
mod budget;
mod clock;
mod committer;
mod connector_tasks;
mod dead_letter_headers;
mod dead_letters;
mod deliveries;
mod dry_run;
mod end_watch;
mod error;
mod failed_batch;
mod fate_listener;
mod fate_reporter;
mod fault;
mod group;
#[cfg(test)]
mod list_sink;
mod minute;
mod offsets;
mod open_batches;
mod orders;
mod owners;
mod pipeline;
mod pipeline_context;
mod pipeline_mode;
mod pipelines;
mod reader;
mod record_converter;
mod record_error;
mod registry_converter;
mod report;
mod retained;
mod scope;
mod series;
mod skipped;
mod task_states;
#[cfg(test)]
mod test_rig;
mod topics;
mod wait_reporter;
mod waiting;
mod worker_context;

pub use budget::ByteBudget;
pub use connector_tasks::ConnectorTasks;
pub use dead_letter_headers::{LetterOrigin, origin};
pub use dry_run::{DryRun, Rehearsed};
pub use error::Error;
pub use orders::{ConnectorEnd, ConnectorSpec, Order, OrderAnswer, OrderOutcome, answer};
pub use worker_context::WorkerContext;
