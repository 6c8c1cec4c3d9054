//! Rules between keys that Connect has for every sink connector.

use super::check::trim;
use super::errors::Problems;
use super::{Properties, WorkerConfig};
use crate::data::java_regex::JavaRegex;

/// Of Java's blanks and of ours: what one of the two takes for nothing must not be left out without a word.
fn filled<'a>(written: &'a Properties, key: &str) -> Option<&'a str> {
    written.get(key).map(|text| trim(text).trim()).filter(|text| !text.is_empty())
}

/// Either `topics` or `topics.regex`, and the dead-letter topic in neither.
pub(super) fn topics_rules(written: &Properties, problems: &mut Problems) {
    let topics = filled(written, "topics");
    let pattern = filled(written, "topics.regex");
    let both = match (topics, pattern) {
        (Some(_), Some(_)) => "topics and topics.regex are mutually exclusive options, but both are set.",
        (None, None) => "Must configure one of topics or topics.regex",
        _ => "",
    };
    if !both.is_empty() {
        problems.add("topics", both);
        problems.add("topics.regex", both);
    }
    let Some(dlq) = filled(written, "errors.deadletterqueue.topic.name") else { return };
    let topics: Vec<_> = topics.into_iter().flat_map(|list| list.split(',')).map(str::trim).collect();
    if topics.contains(&dlq) {
        let list = topics.join(", ");
        problems.add("topics", format!(
            "The DLQ topic '{dlq}' may not be included in the list of topics ('topics=[{list}]') consumed by the connector"
        ));
    }
    let matches = |p: &&str| JavaRegex::new(p).is_ok_and(|regex| regex.matches(dlq).unwrap_or(false));
    if let Some(pattern) = pattern.filter(matches) {
        problems.add("topics.regex", format!(
            "The DLQ topic '{dlq}' may not be matched by the regex for the topics ('topics.regex={pattern}') consumed by \
             the connector"
        ));
    }
}

/// The connector's consumer group must not be the workers' own.
pub(super) fn name_rules(written: &Properties, worker: &WorkerConfig, problems: &mut Problems) {
    let group = &worker.group_id;
    let Some(name) = filled(written, "name") else { return };
    let key = "consumer.override.group.id";
    match written.get(key) {
        Some(own) if own == group => {
            problems.add(key, format!("Consumer group {own} conflicts with Connect worker group {group}"));
        }
        None if format!("connect-{name}") == *group => problems.add(
            "name",
            format!(
                "Consumer group for sink connector named {name} conflicts with Connect worker group {group}"
            ),
        ),
        _ => {}
    }
}
