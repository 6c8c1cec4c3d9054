//! `kusto-connect doctor`: tries, one after the other, what a start of the worker and of a connector needs.
//!
//! It knows the framework's part (settings, Kafka, schema registries); what the connector's service needs is said by its
//! sink. Nothing is written, but for the one row that a person asks for.

mod consumers;
mod letters;
mod registries;
mod report;
mod settings;
mod verdicts;
mod workers;

pub use report::{line, summary};

use crate::checkup::{Inspection, Outcome, Outcomes, run};
use crate::config::{Hidden, WorkerConfig};
use crate::configdef::ConnectorProperties;
use crate::plugins::{Plugins, SinkConnectorConfig};
use crate::sink::{Examination, SinkContext};
use std::sync::Arc;

/// What is to be looked at. An error says why settings could not be read.
pub struct Patient {
    /// The classes of the worker.
    pub plugins: Plugins,
    /// The worker's settings.
    pub worker: Result<Arc<WorkerConfig>, String>,
    /// The connector's settings; none when there is only a worker to look at.
    pub connector: Option<Result<ConnectorProperties, String>>,
    /// Where one row is to be written, in the words of the connector's sink.
    pub row_into: Option<String>,
}

/// Makes all checks. Each that is over is given to `told`, in order.
pub async fn examine(patient: Patient, told: impl FnMut(&Outcome)) -> Outcomes {
    let (checks, hidden) = checks(patient);
    run(checks, &hidden, told).await
}

fn checks(patient: Patient) -> (Vec<Inspection>, Hidden) {
    let Patient { plugins, worker, connector, row_into } = patient;
    let (mut hidden, mut all) = (Hidden::default(), vec![settings::of_worker(&worker)]);
    let Ok(worker) = worker else {
        all.extend(connector.map(|_| settings::unread()));
        return (all, hidden);
    };
    hidden.merge(&worker.hidden);
    let connector = connector.map(|read| settings::of_connector(plugins, read, &worker));
    let config = match connector {
        None => None,
        Some((check, config)) => {
            all.push(check);
            config
        }
    };
    if let Some(config) = &config {
        hidden.merge(&config.hidden);
    }
    let (of_kafka, network) = workers::checks(&worker);
    all.extend(of_kafka);
    match config {
        None => all.extend(registries::of_worker(plugins, &worker)),
        Some(config) => {
            all.extend(consumers::checks(&config, &worker, &network));
            all.extend(letters::checks(&config, &worker, &network));
            all.extend(of_connector(&config, row_into.as_deref()));
        }
    }
    (all, hidden)
}

fn of_connector(config: &SinkConnectorConfig, row_into: Option<&str>) -> Vec<Inspection> {
    let mut all = registries::of_connector(config);
    let examination = Examination { connector: &config.name, topics: &config.topics, row_into };
    all.extend(config.sink.examine(&examination, &SinkContext::default()));
    all
}
