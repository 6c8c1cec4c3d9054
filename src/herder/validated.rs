//! The checks that a connector's config passes before it is written (`connect-runtime.md` §1.7, in that order).

use super::{Error, classes};
use crate::config::{
    ConfigInfos, ConnectorProperties, SinkConnectorConfig, WorkerConfig, validate_connector,
};
use crate::kafka;

/// The config with its name in it, when nothing is wrong with it.
pub(super) fn validated(
    name: &str,
    mut config: ConnectorProperties,
    worker: &WorkerConfig,
) -> Result<ConnectorProperties, Error> {
    match config.get("name") {
        Some(Some(given)) if given != name => {
            return Err(Error::BadRequest(format!(
                "Connector name configuration ({given}) doesn't match connector name in the URL ({name})"
            )));
        }
        Some(_) => {}
        None => drop(config.insert("name".to_owned(), Some(name.to_owned()))),
    }
    classes::check(&config)?;
    match checked(&config, worker).bad_request_message() {
        Some(message) => Err(Error::BadRequest(message)),
        None => Ok(config),
    }
}

/// Everything that is wrong with a config, the settings of its Kafka clients included: these the JVM looks at last, and
/// answers 500.
pub(super) fn checked(config: &ConnectorProperties, worker: &WorkerConfig) -> ConfigInfos {
    let mut infos = validate_connector(config, worker);
    let Ok(typed) = SinkConnectorConfig::parse(config, worker) else { return infos };
    let made = kafka::settings::consumer(worker, &typed.name, &typed.consumer_overrides);
    if let Err(error) = made
        && let kafka::Error::Setting { key, .. } = &error
        // The worker's own mistakes are not the connector's: they are told when it starts.
        && key.starts_with("consumer.override.")
    {
        let value = config.get(key).and_then(Option::as_deref);
        infos.add_error(key, value, typed.hidden.redact(&error.to_string()));
    }
    infos
}
