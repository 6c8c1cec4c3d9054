//! The emulator's own storage: blobs, queues and a status table of two accounts, path style.
//!
//! Owns all three and the signatures that open them. `http` speaks the storage services' protocol; the
//! data-management loop uses the parts directly.

pub(crate) mod blobs;
mod disk;
mod error;
pub(crate) mod http;
mod names;
pub(crate) mod queues;
pub(crate) mod sas;
mod services;
pub(crate) mod tables;

pub(crate) use self::error::StorageError;
pub(crate) use self::names::{QueueName, ResourceKind};
pub(crate) use self::services::Storage;
