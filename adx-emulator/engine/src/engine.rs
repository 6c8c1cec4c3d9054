//! The handle that callers hold: one store behind one lock, and what can be asked of it.
//!
//! Every call takes the lock for its whole length, so calls are serial and a blob's rows appear all at once or not at
//! all. What a command, a query or a format means is decided in `command`, `kql` and `ingest`.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::answer::Answer;
use crate::error::{Error, IngestFailure, KustoError};
use crate::ingestion::{FailureRecord, IngestSource, Ingested};
use crate::options::RequestOptions;
use crate::policy::{self, BatchingPolicy};
use crate::store::Store;
use crate::{command, ingest, kql};

/// The database used when a request names none.
const DEFAULT_DATABASE: &str = "NetDefaultDB";

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
    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(|poisoned| {
            let store = poisoned.into_inner();
            store.abandon();
            self.store.clear_poison();
            store
        })
    }

    /// Runs a management command (text that starts with `.`) or a query. Without a database: `NetDefaultDB`.
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
        policy::batching(&self.store(), database, table).unwrap_or_default()
    }

    /// True when the table or its database takes streaming ingestion.
    pub fn takes_streaming(&self, database: &str, table: &str) -> Result<bool, KustoError> {
        policy::streaming(&self.store(), database, table)
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
