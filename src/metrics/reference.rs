//! The names of families with their meanings, for the documentation. Pure.

use super::families::Family;
use super::table::{Bean, Kind, MEASURES, Measure, Value};

/// A name of a family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name of the series.
    pub name: String,
    /// `counter`, `gauge`, `histogram` or `untyped`.
    pub kind: &'static str,
    /// Its labels, with commas between.
    pub labels: String,
    /// What it means.
    pub help: &'static str,
}

/// The names of `family`, in the order of pages, but for what sinks count.
pub fn entries(family: &Family) -> Vec<Entry> {
    let mut all = Vec::new();
    for measure in MEASURES.iter().chain(family.more) {
        let labels = labels(family, measure);
        for spelling in (family.spell)(measure) {
            let kind = match spelling.kind {
                Kind::Counter => "counter",
                Kind::Histogram => "histogram",
                Kind::Untyped => "untyped",
                Kind::Gauge | Kind::Text => "gauge",
            };
            all.push(Entry { name: spelling.name, kind, labels: labels.clone(), help: measure.help });
        }
    }
    all
}

fn labels(family: &Family, measure: &Measure) -> String {
    let attribute = measure.attribute.replace('-', "_");
    let attribute = if attribute == "build_info" { "version".to_owned() } else { attribute };
    let consumer = family.consumer.iter().map(|(name, _)| *name).chain([family.client]);
    let mut all: Vec<&str> = match measure.value {
        Value::Worker(_) if measure.bean == Bean::Worker => {
            family.worker.iter().map(|(name, _)| *name).collect()
        }
        Value::Worker(_) | Value::WorkerText(_) => Vec::new(),
        Value::Client(_) | Value::ClientText(_) => vec![family.client],
        Value::Connector(_) | Value::ConnectorText(_) | Value::Histogram(_) => vec!["connector"],
        Value::ConnectorBy(by, _) => vec!["connector", by],
        Value::Task(_) | Value::TaskText(_) => vec!["connector", "task"],
        Value::Consumer(_) | Value::ConnectorClient(_) => consumer.collect(),
        Value::Partition(_) => consumer.chain(["topic", "partition"]).collect(),
        Value::TaskPartition(_) => vec!["connector", "task", "topic", "partition"],
    };
    if measure.kind == Kind::Text {
        all.push(&attribute);
    }
    all.join(", ")
}
