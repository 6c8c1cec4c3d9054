//! An Azure Data Explorer stand-in for loopback: ingestion service, query service, storage and sign-in.
//!
//! `engine` holds data and understands Kusto's language; it does no network I/O and knows no HTTP. Around it stand
//! the services: `kusto`, `streaming` and `queued` (the endpoints), `storage` (blobs, queues, a status table) or `azurite`,
//! `auth` (tokens), `dm` (the loop that drains the queues), all behind `router` and `connection`. [`Emulator`]
//! starts and stops them; [`faults`] makes them fail on demand; [`stats`] counts what they saw.

mod app;
mod auth;
mod azurite;
mod backend;
mod connection;
mod dm;
mod emulator;
pub mod engine;
pub mod faults;
mod kusto;
mod mail;
mod operation;
pub mod options;
mod queued;
mod request;
mod router;
pub mod stats;
mod storage;
mod streaming;
mod tls;
mod tracking;
mod wire;
mod xml;

pub use emulator::{Emulator, Error};
pub use operation::Operation;
pub use options::{Data, Options, StorageBackend};
pub use tls::Error as TlsError;
