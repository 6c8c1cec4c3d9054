//! Settings of a connector that nothing reads: misspelled, in the wrong place, or of parts that this worker does not have.
//! They are not wrong, since Connect takes them; but whoever wrote them expects something, so they are named.
//!
//! Settings of Kafka clients (`consumer.override.` and the like) are for who knows those clients. No value is shown.

use crate::config::unused::{begins, of_converter, worker_names};
use crate::config::{ClientKind, SINK_DEAD_LETTERS, java_key};
use crate::configdef::def::Checked;
use crate::configdef::{Properties, did_you_mean};
use std::collections::BTreeSet;

/// Keys of Connect's that mean nothing to a connector that writes to ADX, and whose they are.
const OF_SOURCES: [&str; 4] =
    ["exactly.once.support", "offsets.storage.topic", "transaction.boundary", "topic.creation."];

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
