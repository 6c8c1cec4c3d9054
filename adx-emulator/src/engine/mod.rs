//! The engine: databases, tables, mappings, policies and rows, kept in SQLite, spoken to in Kusto's language.
//!
//! One SQLite connection is owned here, behind one lock; every call takes it for its whole length, so calls are
//! serial and a blob's rows appear all at once or not at all. The API blocks: async callers use `spawn_blocking`.
//! It never touches the network, never invents an answer for a command or operator it does not know, and never
//! records a failed ingestion by itself (the caller does, with [`Engine::record_failure`]).
//!
//! Databases: `NetDefaultDB` always exists. `.create table` and `.create-merge table` create the database they are
//! sent to when it is missing, because the real user's database exists before the lab starts; everything else
//! (queries, ingestion, policies) refuses an unknown database as Kusto does. [`Engine::create_database`] is for a
//! program that knows the names at start.

mod answer;
mod command;
mod cursor;
mod datetime;
mod decimal;
mod error;
mod ingest;
mod kql;
mod lexer;
mod plain;
mod scan;
mod store;
mod value;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;

pub use answer::{Answer, Column, ErrorPlacement, Frames, Table};
pub use error::{Error, IngestFailure, KustoError};
use store::Store;
pub use value::KustoType;

/// The database used when a request names none.
pub const DEFAULT_DATABASE: &str = "NetDefaultDB";

/// A handle to the engine; copies share the same data.
#[derive(Clone)]
pub struct Engine {
    store: Arc<Mutex<Store>>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Engine")
    }
}

/// What a request's `properties.Options` ask for, as far as the engine cares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestOptions {
    /// Check names and permissions only and answer one cell `OK`.
    pub validate_permissions: bool,
    /// The values of query parameters, each the text of a literal.
    pub parameters: BTreeMap<String, String>,
}

/// One blob to ingest.
#[derive(Debug, Clone)]
pub struct IngestSource<'a> {
    /// The target database.
    pub database: &'a str,
    /// The target table.
    pub table: &'a str,
    /// The format's name on the wire, as `csv` or `multijson`; empty means `csv`.
    pub format: &'a str,
    /// The name of a mapping made by `.create table … ingestion … mapping`.
    pub mapping_reference: Option<&'a str>,
    /// A mapping given as JSON text.
    pub mapping_inline: Option<&'a str>,
    /// The kind of the mapping as the client states it (`Csv`, `ApacheAvro`…); it must go with the format.
    pub mapping_kind: Option<&'a str>,
    /// Skip the first record (CSV family).
    pub ignore_first_record: bool,
    /// The content, already decompressed.
    pub data: &'a [u8],
    /// Where it came from, without secrets; for error texts.
    pub source_path: &'a str,
    /// The ingest operation.
    pub operation_id: Uuid,
    /// Extent tags to leave on the table, with their prefix, as `ingest-by:X`.
    pub tags: &'a [String],
    /// Skip the blob when the table has the tag `ingest-by:` followed by one of these.
    pub ingest_if_not_exists: &'a [String],
}

/// A blob that was dealt with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ingested {
    /// Rows added.
    pub rows: u64,
    /// True when `ingest_if_not_exists` found its tag: nothing was added.
    pub skipped: bool,
    /// The extent that holds the rows.
    pub extent_id: Uuid,
}

/// When to seal a batch (policy `ingestionbatching`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchingPolicy {
    /// Age of the oldest blob.
    pub time_span: Duration,
    /// Number of blobs.
    pub items: u32,
    /// Uncompressed size in MB (1024 × 1024 bytes).
    pub raw_size_mb: u32,
}

impl Default for BatchingPolicy {
    /// The service's defaults: 5 minutes, 500 blobs, 1 GB.
    fn default() -> Self {
        Self { time_span: Duration::from_mins(5), items: 500, raw_size_mb: 1024 }
    }
}

/// One line of `.show ingestion failures`.
#[derive(Debug, Clone)]
pub struct FailureRecord {
    /// The ingest operation.
    pub operation_id: Uuid,
    /// The target database, as the message named it.
    pub database: String,
    /// The target table, as the message named it.
    pub table: String,
    /// When it failed.
    pub failed_on: OffsetDateTime,
    /// The blob's URL without its SAS.
    pub source_path: String,
    /// What went wrong.
    pub details: String,
    /// False when a retry may succeed.
    pub permanent: bool,
    /// Kusto's ingestion error code.
    pub error_code: String,
    /// The activity that groups the batch.
    pub root_activity_id: Uuid,
    /// The ingestion properties, as JSON text.
    pub ingestion_properties: String,
}

impl Engine {
    /// Opens the engine: in memory, or in the file `engine.sqlite` of the directory `data` (made when missing).
    pub fn open(data: Option<&Path>) -> Result<Self, Error> {
        let file = match data {
            Some(path) => {
                let failed = |source| Error::Directory { path: path.to_owned(), source };
                std::fs::create_dir_all(path).map_err(failed)?;
                Some(path.join("engine.sqlite"))
            }
            None => None,
        };
        let store = Store::open(file.as_deref())?;
        kql::prepare(&store.connection)?;
        store.create_database(DEFAULT_DATABASE)?;
        Ok(Self { store: Arc::new(Mutex::new(store)) })
    }

    /// Takes the lock. A call that panicked left its unit of work open: it is rolled back first.
    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(|poisoned| {
            let store = poisoned.into_inner();
            store.abandon();
            self.store.clear_poison();
            store
        })
    }

    /// Makes the database `name`; one that exists already is left as it is.
    pub fn create_database(&self, name: &str) -> Result<(), Error> {
        self.store().create_database(name)?;
        Ok(())
    }

    /// Runs a management command (text that starts with `.`) or a query. Without a database: [`DEFAULT_DATABASE`].
    ///
    /// All changes of a command happen or none. With `validate_permissions` nothing is run: names and types are
    /// checked and the answer is one cell `OK`.
    pub fn execute(
        &self,
        database: Option<&str>,
        csl: &str,
        options: &RequestOptions,
    ) -> Result<Answer, KustoError> {
        let database = database.filter(|name| !name.is_empty()).unwrap_or(DEFAULT_DATABASE);
        let mut store = self.store();
        if !is_command(csl) {
            return kql::query(&store, database, csl, options);
        }
        if options.validate_permissions {
            return Err(KustoError::unsupported("the option validate_permissions on a management command"));
        }
        store.atomically(|store| {
            let outcome = command::run(store, database, csl)?;
            match outcome.pipeline {
                Some(pipeline) => kql::query_over(store, &outcome.table, &pipeline),
                None => Ok(Answer::table(outcome.table)),
            }
        })
    }

    /// Ingests one blob: all its rows or none.
    pub fn ingest(&self, source: &IngestSource<'_>) -> Result<Ingested, IngestFailure> {
        ingest::ingest(&mut self.store(), source)
    }

    /// Refuses a database or table that does not exist.
    pub fn check_table(&self, database: &str, table: &str) -> Result<(), KustoError> {
        let store = self.store();
        store.table(&store.database(database)?, table).map(drop)
    }

    /// The batching policy in force for a table: the table's, else the database's, else the default.
    pub fn batching_policy(&self, database: &str, table: &str) -> BatchingPolicy {
        // A table that does not exist has no policy; its blobs fail later, when they are ingested.
        command::batching(&self.store(), database, table).unwrap_or_default()
    }

    /// Adds a line to `.show ingestion failures`.
    pub fn record_failure(&self, failure: &FailureRecord) {
        if let Err(error) = self.store().add_failure(failure) {
            tracing::error!(%error, operation = %failure.operation_id, "an ingestion failure could not be recorded");
        }
    }
}

/// A command begins with a dot, after blanks and comments.
fn is_command(csl: &str) -> bool {
    let begins = csl.lines().map(str::trim_start).find(|line| !line.is_empty() && !line.starts_with("//"));
    begins.is_some_and(|line| line.starts_with('.'))
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod typed_tests;
