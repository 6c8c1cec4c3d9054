//! A page for Prometheus: a snapshot under the names of some families. Pure.
//!
//! Which series stand under which name is settled once. No series is there twice, also when two families spell a measure alike.

use super::bean::Bean;
use super::client::{ClientRole, ClientView};
use super::client_table::of_clients;
use super::families::Family;
use super::histogram::HistogramReading;
use super::number::float;
use super::sinks::SinkValue;
use super::snapshot::{Snapshot, Task};
use super::table::{MEASURES, Measure, MeasuredValue, SeriesType};
use super::text::{Label, Text, labels, number};
use crate::product::PREFIX;
use std::collections::{BTreeMap, HashSet};

/// The form of [`Page::render`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a worker without a cluster calls its client.
const NO_CLIENT: &str = "connect-1";

/// What pages show.
pub struct Page {
    blocks: Vec<Block>,
    shows_partitions: bool,
    shows_sinks: bool,
}

/// The series of one name.
struct Block {
    name: String,
    kind: SeriesType,
    help: &'static str,
    sources: Vec<(&'static Family, &'static Measure)>,
}

impl SeriesType {
    fn as_str(self) -> &'static str {
        match self {
            Self::Gauge | Self::Text => "gauge",
            Self::Counter => "counter",
            Self::Untyped => "untyped",
            Self::Histogram => "histogram",
        }
    }
}

impl Page {
    /// Pages of these families; with or without what is there once for each partition.
    pub fn new(families: &[&'static Family], shows_partitions: bool) -> Self {
        let mut blocks: Vec<Block> = Vec::new();
        let mut places = BTreeMap::new();
        for family in families {
            for measure in MEASURES.iter().chain(of_clients()).chain(family.more) {
                for spelling in (family.spell)(measure) {
                    let place = *places.entry(spelling.name.clone()).or_insert(blocks.len());
                    if place == blocks.len() {
                        let (kind, help) = (spelling.kind, measure.help);
                        blocks.push(Block { name: spelling.name, kind, help, sources: Vec::new() });
                    }
                    if let Some(block) = blocks.get_mut(place) {
                        block.sources.push((*family, measure));
                    }
                }
            }
        }
        Self { blocks, shows_partitions, shows_sinks: families.iter().any(|family| family.sinks) }
    }

    /// The page.
    pub fn render(&self, all: &Snapshot) -> String {
        let mut text = Text::default();
        for block in &self.blocks {
            self.block(block, all, &mut text);
        }
        if self.shows_sinks {
            sinks(all, &mut text);
        }
        text.0
    }

    fn block(&self, block: &Block, all: &Snapshot, text: &mut Text) {
        let Block { name, kind, help, sources } = block;
        let mut is_empty = true;
        // Only names that several rules give may have a series twice.
        let mut seen = (sources.len() > 1).then(HashSet::new);
        for (family, measure) in sources {
            let mut add = |labels: String, reading: Reading<'_>| {
                if is_empty {
                    text.head(name, help, kind.as_str());
                    is_empty = false;
                }
                if let Some(seen) = &mut seen
                    && !seen.insert(labels.clone())
                {
                    return;
                }
                match reading {
                    Reading::Number(value) => text.series(name, &labels, value),
                    Reading::Times(times) => histogram(text, name, &labels, times),
                }
            };
            let attribute = measure.attribute.replace('-', "_");
            let labelled = Labelled { family, bean: measure.bean, attribute, all };
            let is_of_partition =
                matches!(measure.value, MeasuredValue::Partition(_) | MeasuredValue::TaskPartition(_));
            if self.shows_partitions || !is_of_partition {
                labelled.series(&measure.value, &mut add);
            }
        }
    }
}

enum Reading<'a> {
    Number(f64),
    Times(&'a HistogramReading),
}

type Add<'a> = &'a mut dyn FnMut(String, Reading<'_>);

/// The series of one measure in the labels of one family.
struct Labelled<'a> {
    family: &'static Family,
    bean: Bean,
    attribute: String,
    all: &'a Snapshot,
}

impl Labelled<'_> {
    fn series(&self, value: &MeasuredValue, add: Add<'_>) {
        match value {
            MeasuredValue::Worker(_)
            | MeasuredValue::WorkerText(_)
            | MeasuredValue::Client(_)
            | MeasuredValue::ClientText(_) => {
                self.of_worker(value, add);
            }
            MeasuredValue::Connector(_)
            | MeasuredValue::ConnectorText(_)
            | MeasuredValue::ConnectorBy(..)
            | MeasuredValue::Histogram(_) => {
                self.of_connectors(value, add);
            }
            MeasuredValue::KafkaClient(_) | MeasuredValue::Node(_) => self.of_clients(value, add),
            MeasuredValue::Task(_) | MeasuredValue::TaskText(_) => self.of_tasks(value, add),
            MeasuredValue::Consumer(_) | MeasuredValue::Partition(_) | MeasuredValue::TaskPartition(_) => {
                self.of_consumers(value, add);
            }
        }
    }

    /// A text is a label of a series that is 1.
    fn text(&self, own: &[Label<'_>], value: Option<String>, add: Add<'_>) {
        if let Some(value) = value {
            let own = own.iter().copied().chain([(self.attribute_label(), value.as_str())]);
            add(labels(own), Reading::Number(1.0));
        }
    }

    fn attribute_label(&self) -> &str {
        // What is called info has its version in it.
        if self.attribute == "build_info" { "version" } else { &self.attribute }
    }

    fn of_worker(&self, value: &MeasuredValue, add: Add<'_>) {
        let client = [(self.family.client, self.worker_client())];
        match value {
            MeasuredValue::Worker(read) => {
                if let Some(value) = read(self.all) {
                    let own = if self.bean == Bean::Worker { self.family.worker } else { &[] };
                    add(labels(own.iter().copied()), Reading::Number(value));
                }
            }
            MeasuredValue::Client(read) => {
                if let Some(value) = read(self.all) {
                    add(labels(client), Reading::Number(value));
                }
            }
            MeasuredValue::WorkerText(read) => self.text(&[], read(self.all), add),
            MeasuredValue::ClientText(read) => self.text(&client, read(self.all), add),
            _ => {}
        }
    }

    fn of_connectors(&self, value: &MeasuredValue, add: Add<'_>) {
        for connector in &self.all.connectors {
            let own = [("connector", &*connector.name)];
            match value {
                MeasuredValue::Connector(read) => {
                    if let Some(value) = read(connector) {
                        add(labels(own), Reading::Number(value));
                    }
                }
                MeasuredValue::ConnectorText(read) => self.text(&own, read(connector), add),
                MeasuredValue::ConnectorBy(label, read) => {
                    for (by, value) in read(connector) {
                        add(labels([own[0], (label, by)]), Reading::Number(value));
                    }
                }
                MeasuredValue::Histogram(read) => {
                    if let Some(times) = read(connector) {
                        add(labels(own), Reading::Times(times));
                    }
                }
                _ => {}
            }
        }
    }

    fn of_clients(&self, value: &MeasuredValue, add: Add<'_>) {
        let kind = self.bean.client();
        for client in self.all.clients.iter().filter(|client| Some(client.kind) == kind) {
            let own = self.of_client(client);
            match value {
                MeasuredValue::KafkaClient(read) => {
                    if let Some(value) = read(client) {
                        add(own, Reading::Number(value));
                    }
                }
                MeasuredValue::Node(read) => {
                    for node in &client.nodes {
                        if let Some(value) = read(node) {
                            let place = labels([(self.family.node, &*node.node)]);
                            add(format!("{own},{place}"), Reading::Number(value));
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn of_client(&self, client: &ClientView) -> String {
        let id = if client.kind == ClientRole::Worker { self.worker_client() } else { &client.id };
        let what = self.family.client_type.zip(client.kind.as_type());
        labels(what.into_iter().chain([(self.family.client, id)]))
    }

    fn worker_client(&self) -> &str {
        self.all.cluster.as_ref().map_or(NO_CLIENT, |cluster| &cluster.client_id)
    }

    fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.all.connectors.iter().flat_map(|connector| &connector.tasks)
    }

    fn of_tasks(&self, value: &MeasuredValue, add: Add<'_>) {
        for task in self.tasks() {
            let number = task.id.to_string();
            let own = [("connector", &*task.connector), ("task", &*number)];
            match value {
                MeasuredValue::Task(read) => {
                    if let Some(value) = read(task) {
                        add(labels(own), Reading::Number(value));
                    }
                }
                MeasuredValue::TaskText(read) => self.text(&own, read(task), add),
                _ => {}
            }
        }
    }

    fn of_consumers(&self, value: &MeasuredValue, add: Add<'_>) {
        for task in self.tasks() {
            let Some(reading) = &task.reading else { continue };
            let number = task.id.to_string();
            let client = format!("connector-consumer-{}-{number}", task.connector);
            let what = self.family.client_type.zip(ClientRole::Consumer.as_type());
            let consumer = what.into_iter().chain([(self.family.client, &*client)]);
            let read = match value {
                MeasuredValue::Consumer(read) => {
                    if let Some(value) = read(reading) {
                        add(labels(consumer), Reading::Number(value));
                    }
                    continue;
                }
                MeasuredValue::Partition(read) | MeasuredValue::TaskPartition(read) => read,
                _ => continue,
            };
            let own = match value {
                MeasuredValue::Partition(_) => labels(consumer),
                _ => labels([("connector", &*task.connector), ("task", &*number)]),
            };
            for partition in &reading.partitions {
                let Some(value) = read(partition) else { continue };
                let number = partition.partition.to_string();
                let place = labels([("topic", &*partition.topic), ("partition", &*number)]);
                add(format!("{own},{place}"), Reading::Number(value));
            }
        }
    }
}

fn histogram(text: &mut Text, name: &str, labels: &str, times: &HistogramReading) {
    let bucket = format!("{name}_bucket");
    let mut end = String::new();
    for (place, count) in times.counts.iter().enumerate() {
        end.clear();
        number(&mut end, times.bounds.get(place).copied().unwrap_or(f64::INFINITY));
        let comma = if labels.is_empty() { "" } else { "," };
        text.series(&bucket, &format!("{labels}{comma}le=\"{end}\""), float(*count));
    }
    text.series(&format!("{name}_sum"), labels, times.sum);
    text.series(&format!("{name}_count"), labels, float(times.counts.last().copied().unwrap_or(0)));
}

/// What sinks count, which comes in the order of its names.
fn sinks(all: &Snapshot, text: &mut Text) {
    let mut last = "";
    for series in &all.sinks {
        let name = format!("{PREFIX}_{}", series.metric.name);
        let kind = match series.value {
            SinkValue::Count(_) => SeriesType::Counter,
            SinkValue::Now(_) => SeriesType::Gauge,
            SinkValue::Times(_) => SeriesType::Histogram,
        };
        if last != series.metric.name {
            text.head(&name, series.metric.help, kind.as_str());
            last = series.metric.name;
        }
        let more = series.metric.labels.iter().copied().zip(series.labels.iter().map(|value| &**value));
        let own = labels([("connector", &*series.connector)].into_iter().chain(more));
        match &series.value {
            SinkValue::Count(count) => text.series(&name, &own, float(*count)),
            SinkValue::Now(value) => text.series(&name, &own, *value),
            SinkValue::Times(times) => histogram(text, &name, &own, times),
        }
    }
}

#[cfg(test)]
#[path = "page_tests.rs"]
mod tests;
