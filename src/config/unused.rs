//! Settings that nothing reads: misspelled, in the wrong place, or of parts that this worker does not have. They are not
//! wrong, since Connect takes them; but whoever wrote them expects something, so they are named.
//!
//! Settings of Kafka clients (`consumer.override.` and the like) are for who knows those clients. No value is shown.

use super::client_keys::{ClientKind, java_key};
use super::framework_keys::FRAMEWORK;
use super::mode::Mode;
use super::worker_keys::{CLIENT_KEYS, STANDALONE, WITHOUT_EFFECT, WORKER};
use crate::configdef::def::Checked;
use crate::configdef::{Properties, did_you_mean};
use std::collections::BTreeSet;

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

/// The sentence about a key below a converter that its class does not have; none when it is read after all.
pub fn of_converter(
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

/// Says of each key of a worker that nothing reads what is the matter with it. `checked` are the keys that are read.
pub(super) fn of_worker(mode: Mode, checked: &[Checked], all: &Properties) -> Vec<(String, String)> {
    let read: BTreeSet<&str> = checked.iter().map(|checked| checked.key.name.as_ref()).collect();
    let left = all.keys().filter(|key| !read.contains(key.as_str()) && !is_of_family(key));
    left.filter_map(|key| Some((key.clone(), about_worker(mode, key, &read, all)?))).collect()
}

/// Beginnings of a worker's keys below which others look, or which have names of the user's.
const FAMILIES: [&str; 15] = [
    "admin.",
    "config.providers.",
    "config.storage.",
    "consumer.",
    "header.converter.",
    "listeners.https.",
    "metrics.listeners.https.",
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

/// The names of a worker's keys.
pub fn worker_names() -> impl Iterator<Item = &'static str> {
    WORKER.iter().chain(STANDALONE).map(|row| row.0)
}

/// True for a key that is one of these, or begins like one that ends in a dot.
pub fn begins(key: &str, known: &[&str]) -> bool {
    known.iter().any(|known| if known.ends_with('.') { key.starts_with(known) } else { key == *known })
}
