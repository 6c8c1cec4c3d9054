//! Which connectors this worker can run.

use super::Error;
use crate::config::{ConnectorClass, ConnectorProperties};
use std::sync::Arc;

/// Do we have the class of this connector?
pub(super) fn is_known(config: &ConnectorProperties) -> bool {
    ConnectorClass::of(config).is_some()
}

/// The version of this connector's class, when we have it: that of the JVM connector we are compatible with, since tools
/// show and compare it.
pub(super) fn version(config: &ConnectorProperties) -> Option<Arc<str>> {
    ConnectorClass::of(config).map(|class| class.version.into())
}

/// Says what is wrong with `connector.class`.
pub(super) fn check(config: &ConnectorProperties) -> Result<(), Error> {
    ConnectorClass::required(config).map(drop).map_err(|error| Error::BadRequest(error.to_string()))
}
