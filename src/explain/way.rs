//! The way of a record as a picture of text: topic, converters, transformations, what the sink does, bad records.

use crate::configdef::ConnectorProperties;
use crate::plugins::{ConverterConfig, ErrorHandling, ErrorLog, SinkConnectorConfig};
use crate::sink::Topics;

/// Topics that are followed one by one.
const MOST_TOPICS: usize = 20;

/// The picture of each topic, and what is the same for all.
pub(super) fn of(config: &SinkConnectorConfig, raw: &ConnectorProperties, topics: &[String]) -> String {
    let followed: Vec<String> = match &config.topics {
        Topics::List(listed) if topics.is_empty() => listed.clone(),
        _ => topics.to_vec(),
    };
    let class = short(config.class.class);
    let mut parts = vec![format!("Connector {}: {class}, up to {} tasks", config.name, config.tasks_max)];
    let expression = raw.get("topics.regex").cloned().flatten();
    if let (Topics::Regex(_), Some(expression)) = (&config.topics, expression) {
        let hint = if followed.is_empty() { "; follow one by --topic" } else { "" };
        parts.push(format!("It reads every topic whose whole name matches {expression}{hint}"));
    }
    parts.push(String::new());
    parts.extend(followed.iter().take(MOST_TOPICS).map(|topic| picture(config, raw, topic)));
    if followed.len() > MOST_TOPICS {
        parts.push(format!("… and {} topics more\n", followed.len() - MOST_TOPICS));
    }
    parts.push(bad_records(&config.errors));
    parts.join("\n")
}

fn picture(config: &SinkConnectorConfig, raw: &ConnectorProperties, topic: &str) -> String {
    let mut lines = vec![format!("topic {topic}")];
    let mut add = |name: &str, words: &str| lines.push(format!("  │  {name}: {words}"));
    for (side, converter) in [
        ("key", &config.key_converter),
        ("value", &config.value_converter),
        ("header", &config.header_converter),
    ] {
        add(side, &converter_words(side, converter, raw));
    }
    let steps = transformations(config);
    if !steps.is_empty() {
        lines.push("  ▼".to_owned());
        lines.push("transformations, in this order".to_owned());
        lines.extend(steps.into_iter().map(|step| format!("  │  {step}")));
    }
    lines.push("  ▼".to_owned());
    lines.push("the sink".to_owned());
    let description = config.sink.describe(topic);
    let target = description.target.unwrap_or_else(|| {
        "nowhere: the sink has no place for records of this topic, unless a transformation renames it"
            .to_owned()
    });
    lines.extend(description.steps.iter().map(|(name, words)| format!("  │  {name}: {words}")));
    lines.push("  ▼".to_owned());
    lines.push(target);
    lines.join("\n") + "\n"
}

fn converter_words(side: &str, converter: &ConverterConfig, raw: &ConnectorProperties) -> String {
    let key = format!("{side}.converter");
    let origin = if raw.contains_key(&key) { "written" } else { "worker or default" };
    let registry = converter.registry().map(|registry| {
        let urls: Vec<_> =
            registry.urls.iter().map(|url| url.to_string().trim_end_matches('/').to_owned()).collect();
        format!(", schemas from {}", urls.join(", "))
    });
    format!("{} ({origin}){}", short(converter.row.class), registry.unwrap_or_default())
}

fn transformations(config: &SinkConnectorConfig) -> Vec<String> {
    let all = config.transforms.transformations.iter().enumerate();
    let words = all.map(|(place, step)| {
        let values = step.settings.values();
        let when = values.filled("predicate").map(|alias| {
            let is_negated = values.flag("negate") == Some(true);
            let known = config.transforms.predicates.iter().find(|predicate| predicate.alias == alias);
            let class = known.map_or("an unknown predicate", |predicate| short(predicate.row.class));
            format!(", only where {alias} ({class}) says {}", if is_negated { "no" } else { "yes" })
        });
        format!("{} {}{}", place + 1, short(step.class), when.unwrap_or_default())
    });
    words.collect()
}

fn bad_records(errors: &ErrorHandling) -> String {
    let mut lines = vec!["a record that cannot be converted, transformed or written".to_owned()];
    let log = match errors.log {
        ErrorLog::Off => "is not logged (errors.log.enable=false)",
        ErrorLog::Errors => "is logged, without what is in it",
        ErrorLog::WithRecord => "is logged, with its place",
    };
    lines.push(format!("  {log}"));
    match &errors.dead_letters {
        Some(letters) => {
            let context = if letters.context_headers { "with" } else { "without" };
            lines.push(format!(
                "  goes to the topic {}, {context} headers that say what was wrong",
                letters.topic
            ));
        }
        None => lines
            .push("  goes to no dead-letter topic (errors.deadletterqueue.topic.name is not set)".to_owned()),
    }
    lines.push(if errors.tolerate {
        "  does not stop the others (errors.tolerance=all)".to_owned()
    } else {
        "  fails its task, and its offset stays (errors.tolerance=none)".to_owned()
    });
    lines.join("\n") + "\n"
}

/// The last part of a class's name.
fn short(class: &str) -> &str {
    class.rsplit('.').next().unwrap_or(class)
}
