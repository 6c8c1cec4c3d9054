//! Where dead letters may not go: to the topics in which workers and Kafka itself keep their state, where a record with the
//! right key would be a connector; and back to where they came from, which would never end.

use super::super::WorkerConfig;
use crate::configdef::{Problems, Properties, trim};
use crate::data::java_regex::JavaRegex;

const CONNECTS: &str = "errors.deadletterqueue.topic.name";
const SINKS: &str = "misc.deadletterqueue.topic.name";
const SINKS_SERVERS: &str = "misc.deadletterqueue.bootstrap.servers";

/// Topics of Kafka's own, which brokers read as orders.
const OF_KAFKA: [&str; 4] =
    ["__consumer_offsets", "__transaction_state", "__share_group_state", "__cluster_metadata"];

impl WorkerConfig {
    /// Why no connector may write to `topic`; none where it may.
    pub fn objection_to_letters(&self, topic: &str) -> Option<String> {
        let storage = [
            ("config.storage.topic", &self.config_topic.name),
            ("offset.storage.topic", &self.offset_topic.name),
            ("status.storage.topic", &self.status_topic.name),
        ];
        let of_worker = storage.iter().find(|(_, name)| !name.is_empty() && name.as_str() == topic);
        match of_worker {
            Some((key, _)) => {
                Some(format!("it is the worker's {key}, which dead letters must not be written to"))
            }
            None if OF_KAFKA.contains(&topic) => {
                Some("it is a topic of Kafka's own, which dead letters must not be written to".to_owned())
            }
            None => None,
        }
    }
}

/// Notes dead-letter topics that must not be one.
pub fn check(written: &Properties, worker: &WorkerConfig, problems: &mut Problems) {
    let text = |key: &str| written.get(key).map(|text| trim(text)).filter(|text| !text.is_empty());
    // The worker's own topics are in the rules for all topics of a connector.
    for key in [CONNECTS, SINKS] {
        let of_kafka = text(key).filter(|topic| OF_KAFKA.contains(topic));
        if let Some(reason) = of_kafka.and_then(|topic| worker.objection_to_letters(topic)) {
            problems.add(key, format!("Invalid value for configuration {key}: {reason}"));
        }
    }
    // Connect's own rule is about its own topic alone; that of the sink may be in another cluster.
    let Some(topic) = text(SINKS) else { return };
    let read_at = text("consumer.override.bootstrap.servers")
        .or_else(|| worker.consumer.get("bootstrap.servers").map(String::as_str))
        .unwrap_or(&worker.bootstrap_servers);
    let is_there =
        |broker: &str| read_at.split(',').any(|own| own.trim().eq_ignore_ascii_case(broker.trim()));
    if !text(SINKS_SERVERS).is_some_and(|servers| servers.split(',').any(is_there)) {
        return;
    }
    let listed = text("topics").is_some_and(|list| list.split(',').any(|own| own.trim() == topic));
    let matches =
        |pattern: &str| JavaRegex::new(pattern).is_ok_and(|regex| regex.matches(topic).unwrap_or(false));
    if listed || text("topics.regex").is_some_and(matches) {
        let reason = "the connector reads this topic itself, so its letters would come back for ever";
        problems.add(SINKS, format!("Invalid value for configuration {SINKS}: {reason}"));
    }
}
