//! The checks that a connector's config passes before it is written (`connect-runtime.md` §1.7, in that order).
//!
//! A config may be large and its expressions many, so checks run on threads of their own, few at a time: neither the
//! herder's loop nor the threads that answer requests wait for them.

use super::request::deadline;
use super::{Error, classes, task_configs};
use crate::config::WorkerConfig;
use crate::configdef::ConnectorProperties;
use crate::kafka;
use crate::plugins::{ConfigInfos, Plugins};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::time::timeout_at;

/// Checks at a time. They are all work for a processor, so more would only be slower.
const CHECKS: usize = 2;

/// Runs checks, a few at a time.
#[derive(Debug, Clone)]
pub(super) struct Checks {
    plugins: Plugins,
    places: Arc<Semaphore>,
}

impl Checks {
    /// By the classes of `plugins`.
    pub(super) fn new(plugins: Plugins) -> Self {
        Self { plugins, places: Arc::new(Semaphore::new(CHECKS)) }
    }

    /// As [`validated`].
    pub(super) async fn validated(
        &self,
        name: &str,
        config: ConnectorProperties,
        worker: &Arc<WorkerConfig>,
    ) -> Result<ConnectorProperties, Error> {
        let (name, worker, plugins) = (name.to_owned(), Arc::clone(worker), self.plugins);
        self.run(move || validated(plugins, &name, config, &worker)).await?
    }

    /// As [`checked`].
    pub(super) async fn checked(
        &self,
        config: ConnectorProperties,
        worker: &Arc<WorkerConfig>,
    ) -> Result<ConfigInfos, Error> {
        let (worker, plugins) = (Arc::clone(worker), self.plugins);
        self.run(move || checked(plugins, &config, &worker)).await
    }

    async fn run<T: Send + 'static>(&self, check: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let busy =
            || Error::TimedOut("Request timed out: too many configurations are being checked".to_owned());
        let place = timeout_at(deadline(), Arc::clone(&self.places).acquire_owned()).await;
        let place = place.map_err(|_| busy())?.map_err(|_| Error::ShuttingDown)?;
        let checked = tokio::task::spawn_blocking(move || {
            let checked = check();
            drop(place);
            checked
        });
        match checked.await {
            Ok(checked) => Ok(checked),
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Err(Error::ShuttingDown),
        }
    }
}

/// What the name of a connector that does not exist yet must not be: HTTP clients take `.` and `..` out of paths, so
/// nobody could ask for it again, and control characters break paths and log lines.
pub(super) fn new_name(name: &str) -> Result<(), Error> {
    if matches!(name, "." | "..") {
        return Err(Error::BadRequest(format!(
            "Connector name '{name}' cannot be used: HTTP clients take it out of the path /connectors/{name}"
        )));
    }
    let found: Vec<_> = name.chars().filter(|c| c.is_control()).map(|c| u32::from(c).to_string()).collect();
    if found.is_empty() {
        return Ok(());
    }
    Err(Error::BadRequest(format!(
        "Connector name may not contain control sequences but had the following ASCII chars: {}",
        found.join(", ")
    )))
}

/// A config with some keys changed: a value replaces, a null removes.
pub(super) fn merged(current: &ConnectorProperties, patch: ConnectorProperties) -> ConnectorProperties {
    let mut config = current.clone();
    for (key, value) in patch {
        match value {
            Some(_) => drop(config.insert(key, value)),
            None => drop(config.remove(&key)),
        }
    }
    config
}

/// The config with its name in it, when nothing is wrong with it.
fn validated(
    plugins: Plugins,
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
    classes::check(plugins, &config)?;
    let infos = checked(plugins, &config, worker);
    if let Some(message) = infos.bad_request_message() {
        return Err(Error::BadRequest(message));
    }
    for warning in &infos.warnings {
        tracing::warn!(connector = name, "{warning}");
    }
    task_configs::fit(&config).map(|()| config)
}

/// Everything that is wrong with a config, the settings of its Kafka clients included: these the JVM looks at last, and
/// answers 500. What is probably not meant is among the warnings.
pub fn checked(plugins: Plugins, config: &ConnectorProperties, worker: &WorkerConfig) -> ConfigInfos {
    let mut infos = plugins.validate(config, worker);
    let Some(clients) = infos.clients.take() else { return infos };
    let kafka::settings::CheckedClient { errors, notes } = kafka::settings::check_connector(worker, &clients);
    for (key, reason) in errors {
        // One error for a mistake: what was said already is not said in other words.
        if infos.configs.iter().any(|info| info.value.name == key && !info.value.errors.is_empty()) {
            continue;
        }
        let value = config.get(&key).and_then(Option::as_deref);
        infos.add_error(
            &key,
            value,
            clients.hidden.redact(&format!("Kafka client setting {key}: {reason}")).into_owned(),
        );
    }
    infos.warnings.extend(notes.iter().map(|note| clients.hidden.redact(&note.text).into_owned()));
    infos
}

#[cfg(test)]
mod tests {
    use super::{merged, new_name};
    use crate::configdef::ConnectorProperties;
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn what_a_client_makes_of_a_path_is_the_connector_that_was_created(name in "[.%a\u{0}\u{1f}\u{7f}/ü]{1,4}") {
            // What every client that knows the URL standard does to a path.
            let kept = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.';
            let encode = |byte| if kept(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
            let path: String = name.bytes().map(encode).collect();
            let url = url::Url::parse(&format!("http://h/connectors/{path}/status")).unwrap();
            let reachable = url.path() == format!("/connectors/{path}/status");
            let is_clean = !name.contains(|c: char| c.is_control());
            prop_assert_eq!(new_name(&name).is_ok(), reachable && is_clean, "{:?} {}", name, url);
        }
    }
}
