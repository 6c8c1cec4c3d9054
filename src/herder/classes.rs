//! Which connectors this worker can run.

use super::Error;
use crate::configdef::ConnectorProperties;
use crate::plugins::Plugins;
use std::sync::Arc;

/// Do we have the class of this connector?
pub(super) fn is_known(plugins: Plugins, config: &ConnectorProperties) -> bool {
    plugins.sink_of(config).is_some()
}

/// The version of this connector's class, when we have it: that of the JVM connector we are compatible with, since tools
/// show and compare it.
pub(super) fn version(plugins: Plugins, config: &ConnectorProperties) -> Option<Arc<str>> {
    plugins.sink_of(config).map(|class| class.version.into())
}

/// Says what is wrong with `connector.class`.
pub(super) fn check(plugins: Plugins, config: &ConnectorProperties) -> Result<(), Error> {
    plugins.required_sink(config).map(drop).map_err(|error| Error::BadRequest(error.to_string()))
}
