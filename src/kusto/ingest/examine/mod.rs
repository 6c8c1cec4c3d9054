//! What has to be true before batches can be handed over, as checks for who looks before a start.
//!
//! They ask by the same client as ingestion does, and change nothing; the one exception is the row that a person asked for
//! by name. From the network up to the tables: what needs what is said by each check.

mod asking;
mod cluster;
mod outcome;
mod policies;
mod row;
mod storage;
mod targets;
mod verdicts;
mod way;

use super::managed::ManagedIngestClient;
use super::{Error, HttpPools, Target};
use crate::checkup::{Finding, Inspection};
use crate::kusto::config::{KustoSinkConfig, TargetCheck};
use cluster::Cluster;
use std::sync::Arc;
use std::time::Duration;
use targets::Expectation;
use way::Way;

/// What is to be looked at.
#[derive(Debug)]
pub struct Subject<'a> {
    /// The connector's settings.
    pub config: &'a KustoSinkConfig,
    /// Its name.
    pub connector: &'a str,
    /// Where its records go.
    pub targets: Vec<Target>,
    /// Database and table that one row is written into.
    pub row_into: Option<(&'a str, &'a str)>,
}

/// The checks of a connector, over the connections of `pools`.
pub fn checks(subject: &Subject<'_>, pools: &HttpPools) -> Vec<Inspection> {
    let Subject { config, connector, targets, row_into } = subject;
    let client = match ManagedIngestClient::impatient(config, connector, pools) {
        Ok(client) => Arc::new(client),
        Err(error) => return vec![not_made(error)],
    };
    let way = Arc::new(Way::of(config));
    let cluster = Cluster { client: Arc::clone(&client), way: Arc::clone(&way) };
    let mut all = cluster.checks();
    let databases: Vec<_> = targets.iter().map(|target| Arc::clone(&target.database)).collect();
    all.push(storage::resources(&client, &way, databases.first().cloned()));
    if let Some(database) = databases.first().filter(|_| config.outcome.is_some()) {
        all.push(outcome::check(&client, database));
    }
    let expectation = Expectation {
        flush_interval: config.flush_interval,
        must_stream: config.target_check == TargetCheck::Thorough,
    };
    for target in targets {
        all.extend(targets::checks(&client, target, &expectation));
    }
    if let Some((database, table)) = row_into {
        all.push(row::check(&client, database, table));
    }
    all
}

fn not_made(error: Error) -> Inspection {
    Inspection::new("HTTP client", async move {
        Finding::failed(error.to_string(), "put this machine's OpenSSL right")
    })
    .within(Duration::from_secs(1))
}
