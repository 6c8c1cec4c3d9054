//! Tables and what ingestion needs of them: they exist, with their mappings, and we may write into them.

use super::asking::{look, unknown};
use super::cluster::ENDPOINTS;
use super::policies;
use super::verdicts::failed;
use crate::checkup::{Finding, Inspection};
use crate::kusto::ingest::Target;
use crate::kusto::ingest::managed::ManagedIngestClient;
use crate::kusto::ingest::target::{Question, TargetFound};
use std::sync::Arc;
use std::time::Duration;

/// What the connector's settings want of its tables.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expectation {
    /// How old a batch becomes.
    pub(super) flush_interval: Duration,
    /// Its tasks fail when a table does not stream that should.
    pub(super) must_stream: bool,
}

/// The name of the check that a table is there.
pub(super) fn table_name(database: &str, table: &str) -> String {
    format!("table {database}.{table}")
}

/// The checks of one target.
pub(super) fn checks(
    client: &Arc<ManagedIngestClient>,
    target: &Target,
    expectation: &Expectation,
) -> Vec<Inspection> {
    let Target { database, table, mapping, .. } = target;
    let there = table_name(database, table);
    let mut all = vec![exists(client, target).after([ENDPOINTS])];
    if let Some(mapping) = mapping.as_deref().filter(|mapping| !mapping.is_empty()) {
        all.push(fits(client, target, mapping).after([&there]));
    }
    all.push(rights(client, target).after([&there]));
    all.push(policies::batching(client, target, expectation.flush_interval).after([&there]));
    all.push(policies::streaming(client, target, expectation.must_stream).after([&there]));
    all
}

fn exists(client: &Arc<ManagedIngestClient>, target: &Target) -> Inspection {
    let (client, target) = (Arc::clone(client), target.clone());
    Inspection::new(table_name(&target.database, &target.table), async move {
        match look(&client).look(&target.database, &Question::of_table(&target)).await {
            Ok(TargetFound::There(_)) => Finding::good("it is there"),
            Ok(TargetFound::Missing(problem)) => failed(&problem),
            Err(error) => unknown(&client, &target, &error),
        }
    })
}

fn fits(client: &Arc<ManagedIngestClient>, target: &Target, mapping: &str) -> Inspection {
    let name = format!("mapping {mapping} of {}.{}", target.database, target.table);
    let (client, target) = (Arc::clone(client), target.clone());
    Inspection::new(name, async move {
        let Some(question) = Question::of_mapping(&target) else { return Finding::good("none is named") };
        let found = match look(&client).look(&target.database, &question).await {
            Ok(TargetFound::There(found)) => found,
            Ok(TargetFound::Missing(problem)) => return failed(&problem),
            Err(error) => return unknown(&client, &target, &error),
        };
        match look(&client).look(&target.database, &Question::of_table(&target)).await {
            Ok(TargetFound::There(schema)) => {
                look(&client).missing_columns(&target, &schema, &found).map_or_else(
                    || Finding::good("it is there, and the table has its columns"),
                    |error| failed(&error),
                )
            }
            _ => Finding::good("it is there"),
        }
    })
}

fn rights(client: &Arc<ManagedIngestClient>, target: &Target) -> Inspection {
    let name = format!("rights on {}.{}", target.database, target.table);
    let (client, target) = (Arc::clone(client), target.clone());
    Inspection::new(name, async move {
        let Some(principal) = client.principal.as_deref() else {
            return Finding::good("not asked: the settings do not name who we are");
        };
        match look(&client).may_ingest(principal, &target).await {
            Ok(None) => Finding::good(format!("{principal} may ingest")),
            Ok(Some(problem)) => failed(&problem),
            Err(error) => unknown(&client, &target, &error),
        }
    })
}
