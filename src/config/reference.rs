//! The tables of keys as a whole, for the reference in `docs/`.

use super::def::ConfigKey;
use super::keys::FRAMEWORK;
use super::worker_keys::{STANDALONE, WORKER};

/// The worker's keys of both modes.
pub fn worker_reference() -> Vec<ConfigKey> {
    WORKER.iter().chain(STANDALONE).map(ConfigKey::from).collect()
}

/// The keys that every sink connector has.
pub fn sink_reference() -> Vec<ConfigKey> {
    FRAMEWORK.iter().map(ConfigKey::from).collect()
}
