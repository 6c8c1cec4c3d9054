//! Rules between keys that Connect has for every sink connector.

use crate::config::WorkerConfig;
use crate::configdef::{Problems, Properties, trim};
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

/// No client of a connector may be in the workers' own group. Names are compared as Kafka's clients take them, without
/// blanks around them.
pub(super) fn name_rules(written: &Properties, worker: &WorkerConfig, problems: &mut Problems) {
    let group = worker.group_id.trim();
    let clients = ["consumer.override.", "producer.override.", "admin.override.", "misc.deadletterqueue."];
    for client in clients {
        let key = format!("{client}group.id");
        if let Some(own) = filled(written, &key).filter(|own| *own == group) {
            problems.add(&key, format!("Consumer group {own} conflicts with Connect worker group {group}"));
        }
    }
    let Some(name) = filled(written, "name") else { return };
    let is_default = filled(written, "consumer.override.group.id").is_none();
    if is_default && format!("connect-{name}") == group {
        problems.add(
            "name",
            format!(
                "Consumer group for sink connector named {name} conflicts with Connect worker group {group}"
            ),
        );
    }
}

/// No connector reads or writes the workers' own topics: they hold the key of the cluster and the secrets that connectors
/// were configured with, and who writes them configures the workers. What `topics.regex` matches is left out at run time.
pub(super) fn storage_rules(written: &Properties, worker: &WorkerConfig, problems: &mut Problems) {
    let own = worker.storage_topics();
    for key in ["topics", "errors.deadletterqueue.topic.name", "misc.deadletterqueue.topic.name"] {
        let named = filled(written, key).into_iter().flat_map(|list| list.split(','));
        for topic in named.map(|topic| trim(topic).trim()).filter(|topic| own.contains(topic)) {
            problems.add(
                key,
                format!(
                    "The topic '{topic}' belongs to the worker itself (config.storage.topic, offset.storage.topic or \
                     status.storage.topic): no connector reads or writes it"
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::WorkerConfig;
    use crate::configdef::Problems;
    use crate::plugins::BUILT_IN;
    use crate::plugins::rules::{Properties, name_rules, storage_rules};

    fn worker() -> WorkerConfig {
        let env = [
            ("BOOTSTRAP_SERVERS", "b:9092"),
            ("GROUP_ID", "g"),
            ("CONFIG_STORAGE_TOPIC", "configs"),
            ("OFFSET_STORAGE_TOPIC", "offsets"),
            ("STATUS_STORAGE_TOPIC", "statuses"),
        ];
        WorkerConfig::load(&BUILT_IN, None, env.map(|(key, value)| (key.to_owned(), value.to_owned())))
            .unwrap()
    }

    fn keys(rule: fn(&Properties, &WorkerConfig, &mut Problems), written: &[(&str, &str)]) -> Vec<String> {
        let written = written.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let mut problems = Problems::default();
        rule(&written, &worker(), &mut problems);
        problems.0.into_iter().map(|problem| problem.key).collect()
    }

    #[test]
    fn no_client_of_a_connector_may_be_in_the_workers_group_however_its_name_is_written() {
        let clients = ["consumer.override", "producer.override", "admin.override", "misc.deadletterqueue"];
        for client in clients {
            let key = format!("{client}.group.id");
            for group in ["g", " g", "g ", "\tg\n", "\u{a0}g", "\u{b}g\u{0}"] {
                assert_eq!(
                    keys(name_rules, &[("name", "x"), (&key, group)]),
                    std::slice::from_ref(&key),
                    "{group:?}"
                );
            }
            for group in ["G", "g g", "gg", "", " "] {
                assert!(keys(name_rules, &[("name", "x"), (&key, group)]).is_empty(), "{group:?}");
            }
        }
    }

    #[test]
    fn no_connector_names_a_storage_topic() {
        for topic in ["configs", "offsets", "statuses"] {
            for key in ["errors.deadletterqueue.topic.name", "misc.deadletterqueue.topic.name", "topics"] {
                assert_eq!(keys(storage_rules, &[(key, &format!(" {topic} "))]), [key]);
            }
            assert_eq!(keys(storage_rules, &[("topics", &format!("a,\t{topic} ,b"))]), ["topics"]);
        }
        let others = [("topics", "a,configs2"), ("topics.regex", ".*"), ("transforms", "configs")];
        assert!(keys(storage_rules, &others).is_empty());
    }
}
