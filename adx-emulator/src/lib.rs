//! An Azure Data Explorer stand-in for loopback: ingestion service, query service and storage.
//!
//! `engine` holds data and understands Kusto's language; it does no network I/O and knows no HTTP.

pub mod engine;
