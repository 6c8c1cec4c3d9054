//! Settings that nothing reads: misspelled, in the wrong place, or of parts that this worker does not have. They are not
//! wrong, since Connect takes them; but whoever wrote them expects something, so they are named.
//!
//! Settings of Kafka clients (`consumer.override.` and the like) are for who knows those clients. No value is shown.

use std::collections::BTreeSet;

use super::check::Checked;
use super::client_keys::{ClientKind, java_key};
use super::keys::FRAMEWORK;
use super::nearest::did_you_mean;
use super::worker_keys::{CLIENT_KEYS, STANDALONE, WITHOUT_EFFECT, WORKER};
use super::{Mode, Properties, SINK_DEAD_LETTERS};

/// Keys of Connect's that mean nothing to a connector that writes to ADX, and whose they are.
const OF_SOURCES: [&str; 4] =
    ["exactly.once.support", "offsets.storage.topic", "transaction.boundary", "topic.creation."];

/// Keys of a worker's that this one takes and does not need.
const OF_JVM_WORKERS: [&str; 7] = [
    "inter.worker.key.generation.algorithm",
    "inter.worker.signature.algorithm",
    "inter.worker.verification.algorithms",
    "metric.reporters",
    "metrics.context.",
    "auto.include.jmx.reporter",
    "topic.creation.",
];

/// Nobody reads more, and each is compared with all keys that there are.
const MOST: usize = 100;

/// Beginnings of keys below which others look.
const OF_CLIENTS: [&str; 3] = ["consumer.override.", "producer.override.", "admin.override."];

/// Says of each key of a connector that nothing reads what is the matter with it. `checked` are the keys that are read.
pub(super) fn of_connector(checked: &[Checked], written: &Properties) -> Vec<String> {
    let read: BTreeSet<&str> = checked.iter().map(|checked| checked.key.name.as_ref()).collect();
    let is_left = |key: &&String| {
        let beginnings = OF_CLIENTS.iter().chain([&SINK_DEAD_LETTERS]);
        !read.contains(key.as_str()) && beginnings.into_iter().all(|beginning| !key.starts_with(beginning))
    };
    let left = written.keys().filter(is_left);
    left.filter_map(|key| about(key, &read, written)).take(MOST).collect()
}

/// The sentence about one key that a connector does not have; none when it is read after all.
fn about(key: &str, read: &BTreeSet<&str>, written: &Properties) -> Option<String> {
    for side in ["key", "value", "header"] {
        if let Some(own) = key.strip_prefix(&format!("{side}.converter.")) {
            return of_converter((side, own), key, read, written);
        }
    }
    for list in ["transforms", "predicates"] {
        if key.starts_with(&format!("{list}.")) {
            return Some(of_step(list, key, read, written));
        }
    }
    if begins(key, &OF_SOURCES) {
        return Some(format!("{key} has no effect: it is a setting of source connectors"));
    }
    if java_key(ClientKind::Consumer, key).is_some() {
        return Some(format!(
            "{key} is not used: a setting of the connector's consumer is written as consumer.override.{key}"
        ));
    }
    if worker_names().any(|known| known == key) {
        return Some(format!("{key} is not used: it is a setting of the worker, and stands in its file"));
    }
    let meant = did_you_mean(key, read.iter().copied());
    Some(format!("{key} is no setting of this connector, and is not used{meant}"))
}

fn of_converter(
    (side, own): (&str, &str),
    key: &str,
    read: &BTreeSet<&str>,
    written: &Properties,
) -> Option<String> {
    let class = format!("{side}.converter");
    if !written.contains_key(&class) {
        return Some(format!(
            "{key} is not used: {class} is not set, and the worker's converter has the worker's settings"
        ));
    }
    // Read, by any name, where registries are asked.
    if own.starts_with("request.header.") {
        return None;
    }
    let prefix = format!("{class}.");
    let meant = did_you_mean(key, read.iter().copied().filter(|known| known.starts_with(&prefix)));
    Some(format!("{key} is no setting of this converter, and is not used{meant}"))
}

fn of_step(list: &str, key: &str, read: &BTreeSet<&str>, written: &Properties) -> String {
    let aliases = written.get(list).map(String::as_str).unwrap_or_default();
    let aliases: Vec<&str> = aliases.split(',').map(str::trim).filter(|alias| !alias.is_empty()).collect();
    let known = aliases.iter().find(|alias| key.starts_with(&format!("{list}.{alias}.")));
    let Some(alias) = known else {
        let alias = key[list.len() + 1..].split('.').next().unwrap_or_default();
        let meant = did_you_mean(alias, aliases.iter().copied());
        return format!("{key} is not used: {alias} is not in {list}{meant}");
    };
    let prefix = format!("{list}.{alias}.");
    let meant = did_you_mean(key, read.iter().copied().filter(|known| known.starts_with(&prefix)));
    format!("{key} is no setting of this class, and is not used{meant}")
}

/// Says the same of each key of a worker.
pub(super) fn of_worker(mode: Mode, checked: &[Checked], all: &Properties) -> Vec<(String, String)> {
    let read: BTreeSet<&str> = checked.iter().map(|checked| checked.key.name.as_ref()).collect();
    let left = all.keys().filter(|key| !read.contains(key.as_str()) && !is_of_family(key));
    left.filter_map(|key| Some((key.clone(), about_worker(mode, key, &read, all)?))).collect()
}

/// Beginnings of a worker's keys below which others look, or which have names of the user's.
const FAMILIES: [&str; 14] = [
    "admin.",
    "config.providers.",
    "config.storage.",
    "consumer.",
    "header.converter.",
    "listeners.https.",
    "offset.storage.",
    "producer.",
    "rest.extension.",
    "sasl.",
    "socket.",
    "ssl.",
    "status.storage.",
    "confluent.",
];

fn is_of_family(key: &str) -> bool {
    let of_client = |known: &&str| if known.ends_with('.') { key.starts_with(*known) } else { key == *known };
    begins(key, &FAMILIES)
        || begins(key, &OF_JVM_WORKERS)
        || CLIENT_KEYS.iter().any(of_client)
        || WITHOUT_EFFECT.iter().any(|(known, _)| *known == key)
        || key.ends_with(".converter.plugin.version")
}

fn about_worker(mode: Mode, key: &str, read: &BTreeSet<&str>, all: &Properties) -> Option<String> {
    if mode == Mode::Standalone && WORKER.iter().any(|row| row.0 == key) {
        return Some(format!("{key} has no effect in standalone mode"));
    }
    if STANDALONE.iter().any(|row| row.0 == key) {
        return Some(format!("{key} has no effect in distributed mode: offsets are kept in Kafka"));
    }
    for side in ["key", "value"] {
        if let Some(own) = key.strip_prefix(&format!("{side}.converter.")) {
            return of_converter((side, own), key, read, all);
        }
    }
    if FRAMEWORK.iter().any(|row| row.0 == key) {
        return Some(format!("{key} is not used: it is a setting of connectors, not of the worker"));
    }
    if java_key(ClientKind::Consumer, key).is_some() {
        return Some(format!("{key} is not used: a setting of all consumers is written as consumer.{key}"));
    }
    let meant = did_you_mean(key, worker_names());
    Some(format!("{key} is no setting of a worker, and is not used{meant}"))
}

fn worker_names() -> impl Iterator<Item = &'static str> {
    WORKER.iter().chain(STANDALONE).map(|row| row.0)
}

fn begins(key: &str, known: &[&str]) -> bool {
    known.iter().any(|known| if known.ends_with('.') { key.starts_with(known) } else { key == *known })
}
