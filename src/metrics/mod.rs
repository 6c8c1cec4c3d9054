//! What a worker counts, and the pages that Prometheus reads.
//!
//! [`Metrics`] owns the numbers: whoever counts holds a handle (`task`, `partition`, `sinks`), and what it counted is gone
//! with it. A scrape makes a [`Snapshot`] of them, which is framed in Connect's words; a [`Page`] renders it under the names
//! of the families that were asked for. `table` and `client_table` have every measure with its meaning, `families` the ways to
//! spell them, `absent` what Connect has and this worker has not.
//! Nothing is global, and nothing is counted once for each record.

mod absent;
mod bean;
mod client;
mod client_table;
mod connector;
mod errors;
mod families;
mod fates;
mod histogram;
mod history;
mod marks;
mod number;
mod page;
mod partition;
mod partition_state;
mod points;
mod process;
mod reference;
mod sinks;
mod snapshot;
mod table;
mod task;
mod task_reading;
mod text;
mod window;
mod worker;
mod worker_reading;

pub use absent::{ABSENT, Absence, covers, is_absent};
pub use bean::Bean;
pub use client::{
    ClientCounts, ClientReading, ClientRole, ClientView, GroupReading, NodeReading, NodeView, Traffic,
};
pub use connector::{ConnectorReading, DeliveredBatch, SealReason};
pub use families::{CONFLUENT, EXPORTER, Family, OWN, REPORTER, STRIMZI, Spelling};
pub use fates::{FailedBatch, FateCounts, FateKind, FateOffsets, FatesReading, PartitionFates, ToldFates};
pub use histogram::{HistogramReading, STEPS};
pub use history::MinuteReading;
pub use marks::{Marks, RecordTimes, valid_through_of};
pub use page::{CONTENT_TYPE, Page};
pub use partition::{PartitionCounts, PartitionOffsets};
pub use partition_state::{Activity, PartitionState, PartitionWait, StateReading, TROUBLE_AFTER};
pub use points::{Point, PointValue, measured, of_sinks, own, points};
pub use process::Process;
pub use reference::{Entry, entries};
pub use sinks::{SinkCounts, SinkKind, SinkMetric, SinkReading, SinkValue};
pub use snapshot::{Connector as ConnectorSnapshot, KnownCluster, KnownConnector, Snapshot};
pub use table::{Measure, MeasuredValue, SeriesType, measure};
pub use task::TaskCounts;
pub use task_reading::{PartitionReading, TaskReading, TaskTotals};
pub use window::Sampling;
pub use worker::{Metrics, TaskMetrics};
pub use worker_reading::{MemoryReading, WorkerReading};
