//! What is said of a worker's settings that are not wrong: those without effect, those that nothing reads, and texts with
//! variables that no provider has. Pure.

use std::collections::BTreeMap;

use super::worker_keys::WITHOUT_EFFECT;
use super::{Hidden, env};
use crate::configdef::{Problems, Properties};

/// A key, and the sentence about it.
pub(super) type Warning = (String, String);

/// The sentences, each with where its key was set, without what must not be shown.
pub(super) fn shown(
    warnings: Vec<Warning>,
    origins: &BTreeMap<String, String>,
    hidden: &Hidden,
) -> Vec<String> {
    let is_meant = |(key, _): &Warning| !env::is_of_kubernetes(key, origins.get(key));
    let with_origin = |(key, text): Warning| match origins.get(&key) {
        Some(origin) => hidden.redact(&format!("{text} (set by {origin})")).into_owned(),
        None => hidden.redact(&text).into_owned(),
    };
    warnings.into_iter().filter(is_meant).map(with_origin).collect()
}

/// A collector of the environment that this build sends nothing to.
pub(super) fn of_collector(env: &BTreeMap<String, String>) -> Option<Warning> {
    let names = ["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
    let name = names.into_iter().find(|name| env.get(*name).is_some_and(|value| !value.trim().is_empty()))?;
    let is_sent = cfg!(feature = "otlp");
    let text = format!(
        "{name} has no effect: this build has no OTLP; build with --features otlp, or let the collector scrape /metrics"
    );
    (!is_sent).then(|| (name.to_owned(), text))
}

/// Puts behind each error where its key was set, since four places can do so; or the short variable that would.
pub(super) fn say_where(errors: &mut Problems, origins: &BTreeMap<String, String>, hidden: &Hidden) {
    for error in &mut errors.0 {
        error.message = hidden.redact(&error.message).into_owned();
        match origins.get(&error.key) {
            Some(origin) => error.message = format!("{} (set by {origin})", error.message),
            None => error.message.push_str(&env::hint(&error.key)),
        }
    }
}

/// A text with a variable that is none here is wrong for that, if it is wrong; else it is only said.
pub(super) fn say_unresolved(
    unresolved: BTreeMap<String, String>,
    errors: &mut Problems,
    warnings: &mut Vec<Warning>,
) {
    for (key, text) in unresolved {
        let is_wrong = errors.0.iter().any(|error| error.key == key);
        errors.0.retain(|error| error.key != key);
        if is_wrong {
            errors.add(key, text);
        } else {
            warnings.push((key, text));
        }
    }
}

/// What is accepted and does nothing.
pub(super) fn without_effect(all: &Properties) -> Vec<String> {
    let mut warnings: Vec<_> = WITHOUT_EFFECT
        .iter()
        .filter(|(key, _)| all.get(*key).is_some_and(|value| !value.is_empty()))
        .map(|(key, reason)| format!("{key} has no effect: {reason}"))
        .collect();
    let policies = ["config", "offset", "status"].map(|which| format!("{which}.storage.cleanup.policy"));
    let ignored = policies.iter().filter(|key| all.contains_key(*key));
    warnings.extend(ignored.map(|key| format!("{key} has no effect: storage topics are always compacted")));
    warnings
}
