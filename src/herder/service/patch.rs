//! PATCH of a connector's config: merged with the raw config as it was read, and validated as a whole.
//!
//! It is done in the loop, so that nothing is written in between.

use super::Service;
use crate::config::ConnectorProperties;
use crate::herder::Error;
use crate::herder::handle::Put;
use crate::herder::validated::validated;
use std::sync::Arc;

impl Service {
    pub(super) async fn patch(&mut self, name: &Arc<str>, patch: ConnectorProperties) -> Result<Put, Error> {
        let current = self.topic.state().config(name).ok_or_else(|| Error::connector_not_found(name))?;
        let config = validated(name, merged(current, patch), &self.options.config)?;
        self.put(name, config, None).await
    }
}

/// A value replaces, a null removes.
fn merged(current: &ConnectorProperties, patch: ConnectorProperties) -> ConnectorProperties {
    let mut config = current.clone();
    for (key, value) in patch {
        match value {
            Some(_) => drop(config.insert(key, value)),
            None => drop(config.remove(&key)),
        }
    }
    config
}

#[cfg(test)]
mod tests {
    use super::merged;
    use crate::config::ConnectorProperties;

    #[test]
    fn values_replace_and_nulls_remove() {
        let map = |entries: &[(&str, Option<&str>)]| -> ConnectorProperties {
            entries.iter().map(|(k, v)| ((*k).to_owned(), v.map(str::to_owned))).collect()
        };
        let current = map(&[("a", Some("1")), ("b", Some("2")), ("c", Some("3"))]);
        let patch = map(&[("a", None), ("b", Some("4")), ("d", Some("5")), ("e", None)]);
        assert_eq!(merged(&current, patch), map(&[("b", Some("4")), ("c", Some("3")), ("d", Some("5"))]));
        assert_eq!(merged(&current, ConnectorProperties::new()), current);
    }
}
