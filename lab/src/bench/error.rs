//! Why a bench ends early.

use std::io;

use super::{floor, procfs};
use crate::{connect, kafka, kusto, process};

/// Why a bench ended early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Kafka.
    #[error(transparent)]
    Kafka(#[from] kafka::Error),
    /// Commands to the emulator.
    #[error(transparent)]
    Kusto(#[from] kusto::Error),
    /// HTTP to the emulator.
    #[error("the emulator: {0}")]
    Http(#[from] reqwest::Error),
    /// The worker's REST.
    #[error(transparent)]
    Connect(#[from] connect::Error),
    /// Processes.
    #[error(transparent)]
    Process(#[from] process::Error),
    /// Measuring.
    #[error(transparent)]
    Procfs(#[from] procfs::Error),
    /// The floor.
    #[error(transparent)]
    Floor(#[from] floor::Error),
    /// Files and the system.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A part did not do its work.
    #[error("{0}")]
    Part(String),
}
