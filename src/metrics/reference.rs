//! The names of families with their meanings, for the documentation. Pure.

use super::bean::Bean;
use super::client_table::of_clients;
use super::families::Family;
use super::table::{MEASURES, Measure, MeasuredValue, SeriesType};

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
    for measure in MEASURES.iter().chain(of_clients()).chain(family.more) {
        let labels = labels(family, measure);
        for spelling in (family.spell)(measure) {
            let kind = match spelling.kind {
                SeriesType::Counter => "counter",
                SeriesType::Histogram => "histogram",
                SeriesType::Untyped => "untyped",
                SeriesType::Gauge | SeriesType::Text => "gauge",
            };
            all.push(Entry { name: spelling.name, kind, labels: labels.clone(), help: measure.help });
        }
    }
    all
}

fn labels(family: &Family, measure: &Measure) -> String {
    let attribute = measure.attribute.replace('-', "_");
    let attribute = if attribute == "build_info" { "version".to_owned() } else { attribute };
    let has_type = measure.bean.client().is_some_and(|kind| kind.as_type().is_some());
    let client = family.client_type.filter(|_| has_type).into_iter().chain([family.client]);
    let mut all: Vec<&str> = match measure.value {
        MeasuredValue::Worker(_) if measure.bean == Bean::Worker => {
            family.worker.iter().map(|(name, _)| *name).collect()
        }
        MeasuredValue::Worker(_) | MeasuredValue::WorkerText(_) => Vec::new(),
        MeasuredValue::Client(_) | MeasuredValue::ClientText(_) => vec![family.client],
        MeasuredValue::Connector(_) | MeasuredValue::ConnectorText(_) | MeasuredValue::Histogram(_) => {
            vec!["connector"]
        }
        MeasuredValue::ConnectorBy(by, _) => vec!["connector", by],
        MeasuredValue::Task(_) | MeasuredValue::TaskText(_) => vec!["connector", "task"],
        MeasuredValue::Consumer(_) | MeasuredValue::KafkaClient(_) => client.collect(),
        MeasuredValue::Node(_) => client.chain([family.node]).collect(),
        MeasuredValue::Partition(_) => client.chain(["topic", "partition"]).collect(),
        MeasuredValue::TaskPartition(_) => vec!["connector", "task", "topic", "partition"],
    };
    if measure.kind == SeriesType::Text {
        all.push(&attribute);
    }
    all.join(", ")
}
