//! The tables of keys as a whole, for the reference in `docs/`.

use super::worker_keys::{STANDALONE, WORKER};
use crate::configdef::def::ConfigKey;

/// The worker's keys of both modes.
pub fn worker_reference() -> Vec<ConfigKey> {
    WORKER.iter().chain(STANDALONE).map(ConfigKey::from).collect()
}
