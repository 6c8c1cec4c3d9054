//! What the policies mean: their JSON, and which one is in force for a table.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::datetime;
use crate::error::KustoError;
use crate::store::{Scope, Store, TableSchema};

/// The name of the batching policy in commands and in the store.
pub(crate) const BATCHING: &str = "ingestionbatching";
/// The name of the streaming policy in commands and in the store.
pub(crate) const STREAMING: &str = "streamingingestion";

/// The name of the policy in commands and in the store that gives rows their ingestion time.
pub(crate) const INGESTION_TIME: &str = "ingestiontime";

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

/// The numbers of a policy within the service's upper limits. Its lower limits (10 s, 100 MB) are not enforced, so that
/// tests of batching need not wait.
pub(crate) fn read_batching(policy: &Map<String, Value>) -> Result<BatchingPolicy, KustoError> {
    let mut batching = BatchingPolicy::default();
    for (key, value) in policy {
        let bad = || invalid_policy(&format!("'{key}' with the value {value}"));
        let number = |most: u64| {
            let number = value.as_u64().filter(|number| (1..=most).contains(number));
            number.and_then(|number| u32::try_from(number).ok()).ok_or_else(bad)
        };
        match key.as_str() {
            _ if value.is_null() => {}
            "MaximumBatchingTimeSpan" => {
                let ticks = value.as_str().and_then(datetime::parse_timespan).ok_or_else(bad)?;
                let ticks = u64::try_from(ticks).map_err(|_| bad())?;
                batching.time_span = Duration::from_nanos(ticks.saturating_mul(100));
                if batching.time_span > Duration::from_mins(30) {
                    return Err(bad());
                }
            }
            "MaximumNumberOfItems" => batching.items = number(25_000)?,
            "MaximumRawDataSizeMB" => batching.raw_size_mb = number(4096)?,
            _ => return Err(bad()),
        }
    }
    Ok(batching)
}

/// The policy as `.show` writes it.
pub(crate) fn render_batching(batching: BatchingPolicy) -> String {
    let ticks = i64::try_from(batching.time_span.as_nanos() / 100).unwrap_or(i64::MAX);
    json!({
        "MaximumBatchingTimeSpan": datetime::format_timespan(ticks),
        "MaximumNumberOfItems": batching.items,
        "MaximumRawDataSizeMB": batching.raw_size_mb,
    })
    .to_string()
}

/// The batching policy in force for a table: its own, else the database's, else the default.
pub(crate) fn batching(store: &Store, database: &str, table: &str) -> Result<BatchingPolicy, KustoError> {
    let database = store.database(database)?;
    let mut policy = None;
    if let Some(table) = store.find_table(&database, table)? {
        policy = store.policy(&Scope::Table(table), BATCHING)?;
    }
    if policy.is_none() {
        policy = store.policy(&Scope::Database(database), BATCHING)?;
    }
    policy.map_or_else(|| Ok(BatchingPolicy::default()), |policy| read_batching(&policy_object(&policy)?))
}

/// True when the table or its database takes streaming ingestion.
pub(crate) fn streaming(store: &Store, database: &str, table: &str) -> Result<bool, KustoError> {
    let database = store.database(database)?;
    let table = store.table(&database, table)?;
    for scope in [Scope::Table(table), Scope::Database(database)] {
        let policy = store.policy(&scope, STREAMING)?.map(|policy| policy_object(&policy)).transpose()?;
        if policy.is_some_and(|policy| policy.get("IsEnabled") == Some(&Value::Bool(true))) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// True when rows that come into the table get their ingestion time: unless its policy says no, as in the service.
pub(crate) fn stamps_rows(store: &Store, table: &TableSchema) -> rusqlite::Result<bool> {
    let policy = store.policy(&Scope::Table(table.clone()), INGESTION_TIME)?;
    let policy = policy.and_then(|text| policy_object(&text).ok());
    Ok(policy.is_none_or(|policy| policy.get("IsEnabled") != Some(&Value::Bool(false))))
}

/// The members of a policy's JSON text.
pub(crate) fn policy_object(text: &str) -> Result<Map<String, Value>, KustoError> {
    serde_json::from_str(text).map_err(|error| invalid_policy(&format!("it is not a JSON object: {error}")))
}

/// The refusal of a policy.
pub(crate) fn invalid_policy(what: &str) -> KustoError {
    KustoError::invalid("BadRequest_InvalidPolicy", format!("The policy is not valid: {what}"))
}
