//! An Azure Data Explorer stand-in for loopback: ingestion service, query service, storage and sign-in.
//!
//! The crate [`engine`] holds data and understands Kusto's language; it does no network I/O. Around it stand
//! the services: `kusto`, `streaming` and `queued` (the endpoints), `storage` (blobs, queues, a status table) or `azurite`,
//! `auth` (tokens), `data_management` (the loop that drains the queues), all behind `router` and `connection`. [`Emulator`]
//! starts and stops them; [`faults`] makes them fail on demand (by rules that `rules` puts into words); [`stats`] counts what they saw.

mod app;
mod auth;
mod azurite;
mod backend;
mod connection;
mod data_management;
mod emulator;
pub mod faults;
mod gzip;
mod http_client;
mod http_request;
mod http_response;
mod kusto;
mod kusto_http;
mod operation;
pub mod options;
mod queue_messages;
mod queued;
mod router;
mod rules;
mod signature;
mod statement;
pub mod stats;
mod storage;
mod streaming;
mod tls;
mod tracking;
mod xml;

pub use adx_engine as engine;
pub use emulator::{Emulator, Error};
pub use operation::Operation;
pub use options::{Data, Options, StorageBackend};
pub use tls::Error as TlsError;
