//! The two kinds of workers.

/// How a worker keeps what it knows, and with whom it shares the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// In Kafka, with all workers of its `group.id`.
    Distributed,
    /// In memory, alone.
    Standalone,
}
