//! The names that boards and alerts may ask for: those that a worker serves without being told which, from the one table of names
//! (`metrics::entries`, `kusto::metrics`). Also which series an expression asks for. It reads expressions as text, not by their grammar.

use std::collections::{BTreeMap, BTreeSet};

use kusto_connect::kusto::metrics as sink_metrics;
use kusto_connect::metrics::{OWN, STRIMZI, SinkKind, entries};
use regex::Regex;

/// What Prometheus itself tells of each target.
const TARGETS: &str = "up";
/// Labels that Prometheus gives to all that it scrapes.
const OF_TARGETS: [&str; 2] = ["job", "instance"];

/// Labels by name of a series, those of Prometheus not counted.
pub type Names = BTreeMap<String, BTreeSet<String>>;

/// Series of one name that an expression asks for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Selector {
    /// The name.
    pub name: String,
    /// As it is written: the name, and in braces what labels must be.
    pub text: String,
    /// The labels that it looks at.
    pub labels: Vec<String>,
}

/// The table.
pub fn names() -> Names {
    let mut found = Names::new();
    found.insert(TARGETS.to_owned(), BTreeSet::new());
    for entry in [&STRIMZI, &OWN].into_iter().flat_map(entries) {
        let labels = entry.labels.split(", ").filter(|label| !label.is_empty()).map(str::to_owned).collect();
        add(&mut found, &entry.name, labels, entry.kind == "histogram");
    }
    for metric in sink_metrics::ALL {
        let labels = std::iter::once("connector").chain(metric.labels.iter().copied());
        let labels = labels.map(str::to_owned).collect();
        let is_histogram = matches!(metric.kind, SinkKind::Histogram(_));
        add(&mut found, &format!("kusto_{}", metric.name), labels, is_histogram);
    }
    found
}

fn add(found: &mut Names, name: &str, mut labels: BTreeSet<String>, is_histogram: bool) {
    if !is_histogram {
        found.insert(name.to_owned(), labels);
        return;
    }
    for end in ["sum", "count"] {
        found.insert(format!("{name}_{end}"), labels.clone());
    }
    labels.insert("le".to_owned());
    found.insert(format!("{name}_bucket"), labels);
}

/// What `expression` asks for. Variables of Grafana may stand in it.
pub fn selectors(expression: &str) -> Vec<Selector> {
    let series =
        Regex::new(r"\b((?:kafka|kusto|process)_[a-z_]+|up)\b(\{(?:[^{}]|\$\{[^}]*\})*\})?").unwrap();
    let label = Regex::new(r#"([a-z_]+) *(?:=~|!~|!=|=) *["`]"#).unwrap();
    let found = series.captures_iter(expression).map(|found| {
        let braces = found.get(2).map_or("", |braces| braces.as_str());
        let labels = label.captures_iter(braces).map(|found| found[1].to_owned()).collect();
        Selector { name: found[1].to_owned(), text: found[0].to_owned(), labels }
    });
    found.collect()
}

/// What `expression` asks for and no worker serves, one line each.
pub fn unknown(expression: &str, names: &Names) -> Vec<String> {
    let mut wrong = Vec::new();
    let asked = selectors(expression);
    if asked.is_empty() {
        wrong.push(format!("no series in {expression}"));
    }
    for Selector { name, labels, .. } in asked {
        let Some(known) = names.get(&name) else {
            wrong.push(format!("no series is called {name}: {expression}"));
            continue;
        };
        let is_wrong = |label: &&String| !known.contains(*label) && !OF_TARGETS.contains(&label.as_str());
        wrong.extend(labels.iter().filter(is_wrong).map(|label| format!("{name} has no label {label}")));
    }
    wrong
}

#[test]
fn a_wrong_name_and_a_wrong_label_are_found() {
    let names = names();
    let right = "sum by (le) (rate(kusto_upload_seconds_bucket{job=\"$job\",connector=\"a\"}[5m])) / up{instance!=\"}\"}";
    assert_eq!(selectors(right)[0].text, "kusto_upload_seconds_bucket{job=\"$job\",connector=\"a\"}");
    assert_eq!(unknown(right, &names), Vec::<String>::new());
    let braces =
        "kafka_consumer_fetch_manager_records_lag{clientid=~`a-${connector:regex}-[0-9]`,topic=\"t\"}";
    assert_eq!(selectors(braces)[0].labels, ["clientid", "topic"]);
    assert_eq!(selectors(braces)[0].text, braces);
    for wrong in ["kusto_upload_seconds", "kusto_batches", "process_open_fds{task=\"0\"}", "vector(0)"] {
        assert_eq!(unknown(wrong, &names).len(), 1, "{wrong}");
    }
}
