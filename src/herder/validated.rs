//! The checks that a connector's config passes before it is written (`connect-runtime.md` §1.7, in that order).

use super::{Error, classes};
use crate::config::{ConnectorProperties, WorkerConfig, validate_connector};

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
    match validate_connector(&config, worker).bad_request_message() {
        Some(message) => Err(Error::BadRequest(message)),
        None => Ok(config),
    }
}
