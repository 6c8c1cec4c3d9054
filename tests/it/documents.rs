//! The reference of all settings is what the tables in the code say.

use kusto_connect::app::METRIC_FAMILIES;
use kusto_connect::kusto::metrics as sink_metrics;
use kusto_connect::metrics::{ABSENT, Entry, Family, SinkKind, entries};
use kusto_connect::plugins::BUILT_IN;
use std::fmt::Write;

use kusto_connect::config::{environment_defaults, properties, short_variables, worker_reference};
use kusto_connect::configdef::def::{ConfigKey, KeyType};
use kusto_connect::configdef::{ConnectorProperties, PluginKind};
use kusto_connect::plugins::sink_reference;

use crate::support::{generated, root, worker_config};

const PAGE: &str = "docs/configuration.md";

#[test]
fn the_reference_of_settings_is_made_from_their_tables() {
    generated::check(PAGE, "environment", &environment());
    generated::check(PAGE, "worker", &by_group(&worker_reference()));
    generated::check(PAGE, "sinks", &by_group(&sink_reference()));
    generated::check(PAGE, "classes", &classes());
    generated::check(PAGE, "converters", &plugins_of(PluginKind::Converter));
    generated::check(PAGE, "transforms", &plugins_of(PluginKind::Transformation));
    generated::check(PAGE, "predicates", &plugins_of(PluginKind::Predicate));
}

#[test]
fn the_names_of_metrics_are_made_from_their_table() {
    let mut text = String::new();
    for family in METRIC_FAMILIES {
        write!(text, "### {}\n\n{}.\n\n{}\n", family.name, family.about, names(family)).expect("text");
    }
    generated::check("docs/metrics.md", "names", &text);
}

#[test]
fn what_metrics_leave_out_is_made_from_its_table() {
    let mut text = "| on the JVM | why not |\n|---|---|\n".to_owned();
    for absence in ABSENT {
        let names: Vec<_> = absence.names.iter().map(|name| format!("`{name}`")).collect();
        writeln!(text, "| {} | {} |", names.join(", "), absence.reason).expect("text");
    }
    generated::check("docs/metrics.md", "absent", &text);
}

/// The names of a family, those that its sinks count among them.
fn names(family: &Family) -> String {
    let mut text = "| name | type | labels | what it means |\n|---|---|---|---|\n".to_owned();
    let mut line = |name: &str, kind: &str, labels: &str, help: &str| {
        let labels = if labels.is_empty() { "none".to_owned() } else { format!("`{labels}`") };
        writeln!(text, "| `{name}` | {kind} | {labels} | {} |", help.replace('|', "\\|")).expect("text");
    };
    for Entry { name, kind, labels, help } in entries(family) {
        line(&name, kind, &labels, help);
    }
    for metric in sink_metrics::ALL.iter().filter(|_| family.sinks) {
        let kind = match metric.kind {
            SinkKind::Counter => "counter",
            SinkKind::Gauge => "gauge",
            SinkKind::Histogram(_) => "histogram",
        };
        let labels: Vec<&str> = std::iter::once("connector").chain(metric.labels.iter().copied()).collect();
        line(&format!("kusto_{}", metric.name), kind, &labels.join(", "), metric.help);
    }
    text
}

#[test]
fn every_family_of_names_that_settings_take_is_there() {
    let known: Vec<&str> = METRIC_FAMILIES.iter().map(|family| family.name).collect();
    assert_eq!(known, kusto_connect::config::METRIC_NAMES);
}

/// The short variables, and what a start from the environment uses.
fn environment() -> String {
    let mut text = "| variable | setting |\n|---|---|\n".to_owned();
    for (name, key) in short_variables() {
        let weak = if name == "HOST_NAME" { ", where nothing else says it" } else { "" };
        writeln!(text, "| `{name}` | `{key}`{weak} |").expect("text");
    }
    text.push_str("\n| setting | in a start from the environment |\n|---|---|\n");
    for (key, value) in environment_defaults() {
        writeln!(text, "| `{key}` | `{value}` |").expect("text");
    }
    text
}

#[test]
fn help_names_each_variable_and_value_of_a_start_from_the_environment() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_kusto-connect")).arg("--help").output();
    let help = String::from_utf8(output.expect("it runs").stdout).expect("text");
    for (name, key) in short_variables() {
        let line = help.lines().find(|line| line.trim_start().starts_with(name));
        assert!(line.is_some_and(|line| line.ends_with(key)), "{name} {key}: {help}");
    }
    for (key, value) in environment_defaults() {
        assert!(help.lines().any(|line| line.trim() == format!("{key}={value}")), "{key}: {help}");
    }
    for name in
        ["CONNECT_*", "LOG_LEVEL", "CONNECT_LOG4J_ROOT_LOGLEVEL", "RUST_LOG", "LOG_FORMAT", "KAFKA_OPTS"]
    {
        assert!(help.contains(name), "{name}: {help}");
    }
}

fn classes() -> String {
    let mut text = String::new();
    for row in BUILT_IN.sinks {
        let all = BUILT_IN.keys_of(row.class).expect("a class of the table");
        let is_own = |key: &&ConfigKey| sink_reference().iter().all(|common| common.name != key.name);
        let keys: Vec<_> = all.iter().filter(is_own).cloned().collect();
        write!(text, "### {}\n\nVersion {}.\n\n{}", row.class, row.version, by_group(&keys)).expect("text");
    }
    text
}

fn plugins_of(kind: PluginKind) -> String {
    let mut text = String::new();
    for plugin in BUILT_IN.all().into_iter().filter(|plugin| plugin.kind == kind) {
        // The worker itself says what a converter is used for.
        let mut keys = BUILT_IN.keys_of(plugin.class).expect("a listed plugin");
        keys.retain(|key| key.name != "converter.type");
        writeln!(text, "### {}\n", plugin.class).expect("text");
        text.push_str(if keys.is_empty() { "No settings.\n" } else { HEAD });
        text.extend(keys.iter().map(line));
        text.push('\n');
    }
    text
}

const HEAD: &str = "| key | type | default | importance | what it does |\n|---|---|---|---|---|\n";

/// One table for each group, in the order in which the groups first appear.
fn by_group(keys: &[ConfigKey]) -> String {
    let mut groups: Vec<&str> = Vec::new();
    for group in keys.iter().map(group_of) {
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    let mut text = String::new();
    for group in groups {
        write!(text, "**{group}**\n\n{HEAD}").expect("text");
        text.extend(keys.iter().filter(|key| group_of(key) == group).map(line));
        text.push('\n');
    }
    text
}

fn group_of(key: &ConfigKey) -> &str {
    key.group.as_deref().unwrap_or("Other")
}

fn line(key: &ConfigKey) -> String {
    let default = match key.default_text() {
        Some("") => "empty".to_owned(),
        Some(text) => format!("`{text}`"),
        None if key.is_required() => "**required**".to_owned(),
        None => "none".to_owned(),
    };
    let kind = match key.kind {
        KeyType::Class(_) => "class".to_owned(),
        kind => kind.as_str().to_lowercase(),
    };
    let text = key.documentation.replace('|', "\\|").replace('<', "&lt;");
    format!("| `{}` | {kind} | {default} | {} | {text} |\n", key.name, key.importance.as_str().to_lowercase())
}

/// The code blocks of a page that are marked as this language.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let open = format!("```{language}\n");
    page.split(&open).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn every_configuration_of_the_guides_is_a_good_one() {
    let worker = worker_config("localhost:9092", "guides", &[]);
    let mut connectors = 0;
    for folder in ["docs/formats"] {
        for page in std::fs::read_dir(root().join(folder)).expect("a folder of guides") {
            let path = page.expect("a page").path();
            let text = std::fs::read_to_string(&path).expect("text");
            for block in blocks(&text, "json") {
                let request: serde_json::Value = serde_json::from_str(block).expect("JSON");
                let Some(config) = request["config"].as_object() else { continue };
                let mut raw: ConnectorProperties = config
                    .iter()
                    .map(|(key, value)| (key.clone(), value.as_str().map(str::to_owned)))
                    .collect();
                raw.insert("name".to_owned(), request["name"].as_str().map(str::to_owned));
                let read = BUILT_IN.parse(&raw, &worker);
                assert!(read.is_ok(), "{}: {:?}", path.display(), read.err());
                connectors += 1;
            }
            for block in blocks(&text, "properties") {
                let read = properties::parse(block);
                assert!(read.is_ok(), "{}: {:?}", path.display(), read.err());
            }
        }
    }
    assert!(connectors >= 10, "{connectors} were found");
}
