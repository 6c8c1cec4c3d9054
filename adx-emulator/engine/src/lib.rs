//! The engine of the ADX emulator: databases, tables, mappings, policies and rows, kept in SQLite, spoken to in Kusto's
//! language.
//!
//! It knows no HTTP, no queue and no blob store: it is given text and bytes, and gives back [`Answer`]s. It never invents
//! an answer for a command or operator it does not know, and never records a failed ingestion by itself (the caller
//! does, with [`Engine::record_failure`]). All calls block: async callers use `spawn_blocking`.
//!
//! Databases: `NetDefaultDB` always exists. `.create table` and `.create-merge table` create the database they are
//! sent to when it is missing, because the real user's database exists before the lab starts; everything else
//! (queries, ingestion, policies) refuses an unknown database as Kusto does.

mod answer;
mod command;
mod cursor;
mod datetime;
mod decimal;
mod engine;
mod error;
mod ingest;
mod ingestion;
mod kql;
mod lexer;
mod options;
mod plain;
mod policy;
mod scan;
mod store;
mod value;

pub use answer::{Answer, Column, ErrorPlacement, Frames, Table};
pub use engine::Engine;
pub use error::{Error, IngestFailure, KustoError};
pub use ingestion::{FailureRecord, IngestSource, Ingested};
pub use options::RequestOptions;
pub use policy::BatchingPolicy;
pub use value::KustoType;

#[cfg(test)]
mod arrival_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod typed_tests;
