//! `kusto-connect dry-run`: which rows records would become, and why bad ones would become none.
//!
//! The records come from a file or from a topic; they take the way that a connector's pipelines have, and nothing is
//! written.

mod records;
mod report;

pub use records::{Given, RecordForm, parse};
pub use report::{Line, Rehearsal};

use crate::kafka::visitor::Visitor;
use crate::plugins::SinkConnectorConfig;
use crate::sink::{SinkContext, Topics};
use crate::task::{DryRun, Error};
use crate::{config, kafka};
use std::sync::Arc;

/// The last records of a topic, `most` at most, read as the connector's consumers would.
pub async fn of_topic(
    config: &SinkConnectorConfig,
    worker: &Arc<config::WorkerConfig>,
    (topic, most): (&str, usize),
) -> Result<Vec<Given>, kafka::Error> {
    let (own, worker) = (config.clone(), Arc::clone(worker));
    let visitor =
        config::files::beside(move || Visitor::new(&worker, &own.name, &own.consumer_overrides)).await?;
    visitor.reach().await?;
    let found = visitor.last_records(topic, most).await?;
    Ok(found.into_iter().map(|(from, record)| Given { from, record }).collect())
}

/// The topic that records are of when nobody says so: the first that the settings name.
pub fn first_topic(config: &SinkConnectorConfig) -> Option<String> {
    match &config.topics {
        Topics::List(topics) => topics.first().cloned(),
        Topics::Regex(_) => None,
    }
}

/// Takes all of `records` as far as they get; each is given to `told`.
pub async fn rehearse(
    config: &SinkConnectorConfig,
    records: &[Given],
    mut told: impl FnMut(&Line<'_>),
) -> Result<Rehearsal, Error> {
    let sink = config.sink.task(&config.name, &SinkContext::default());
    let sink = sink.map_err(|error| Error::Start(Box::new(error)))?;
    let own = config.clone();
    let run = config::files::beside(move || DryRun::new(&own, sink)).await?;
    let mut all = Rehearsal::default();
    for given in records {
        let found = run.take(&given.record.as_record(), &given.from).await?;
        let line = Line { given, found: &found, sink: &*config.sink };
        all.count(&found);
        told(&line);
    }
    Ok(all)
}
