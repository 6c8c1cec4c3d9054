//! The two files of settings: what is wrong with them, and what is probably not meant.

use crate::checkup::{Finding, Inspection};
use crate::config::WorkerConfig;
use crate::configdef::ConnectorProperties;
use crate::herder;
use crate::kafka::settings as clients;
use crate::plugins::{Plugins, SinkConnectorConfig};
use std::future::ready;
use std::sync::Arc;

const WORKER: &str = "settings of the worker";
const CONNECTOR: &str = "settings of the connector";

/// Of the worker's.
pub(super) fn of_worker(read: &Result<Arc<WorkerConfig>, String>) -> Inspection {
    let finding = match read {
        Err(errors) => {
            Finding::failed(one_line(errors), "correct these keys in the worker's file or environment")
        }
        Ok(worker) => {
            let warnings = [worker.warnings.clone(), clients::check_worker(worker).warnings()].concat();
            found(&warnings, "the worker's file")
        }
    };
    Inspection::new(WORKER, ready(finding))
}

/// Of a connector's that nothing can be said of without the worker's.
pub(super) fn unread() -> Inspection {
    Inspection::new(CONNECTOR, ready(Finding::good(""))).after([WORKER])
}

/// Of the connector's, and what they say when nothing is wrong.
pub(super) fn of_connector(
    plugins: Plugins,
    read: Result<ConnectorProperties, String>,
    worker: &WorkerConfig,
) -> (Inspection, Option<SinkConnectorConfig>) {
    let (finding, config) = match read {
        Err(error) => (Finding::failed(error, "give the file of a connector"), None),
        Ok(raw) => {
            let infos = herder::checked(plugins, &raw, worker);
            let errors: Vec<String> = infos
                .configs
                .iter()
                .flat_map(|info| {
                    info.value.errors.iter().map(|error| format!("{}: {error}", info.value.name))
                })
                .collect();
            let config = plugins.parse(&raw, worker).ok().filter(|_| errors.is_empty());
            let finding = if errors.is_empty() {
                found(&infos.warnings, "the connector's file")
            } else {
                let advice = "correct these keys in the connector's file (kusto-connect validate shows a line for each)";
                Finding::failed(errors.join("; "), advice)
            };
            (finding, config)
        }
    };
    (Inspection::new(CONNECTOR, ready(finding)), config)
}

fn found(warnings: &[String], file: &str) -> Finding {
    if warnings.is_empty() {
        return Finding::good("nothing is wrong");
    }
    Finding::warning(warnings.join("; "), format!("correct or take these keys out of {file}"))
}

fn one_line(errors: &str) -> String {
    errors.lines().map(str::trim).collect::<Vec<_>>().join("; ")
}
