//! Which connectors this worker can run.

use super::Error;
use crate::config::{ConnectorProperties, check_class};

/// Do we have the class of this connector?
pub(super) fn is_known(config: &ConnectorProperties) -> bool {
    check_class(config).is_ok()
}

/// Says what is wrong with `connector.class`.
pub(super) fn check(config: &ConnectorProperties) -> Result<(), Error> {
    check_class(config).map_err(|error| Error::BadRequest(error.to_string()))
}
