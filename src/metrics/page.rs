//! A page for Prometheus: a snapshot under the names of some families. Pure.
//!
//! Which series stand under which name is settled once. No series is there twice, also when two families spell a measure alike.

use super::bean::Bean;
use super::client_table::of_clients;
use super::families::Family;
use super::histogram::HistogramReading;
use super::label_sets::{ClientLabels, CommonLabels};
use super::number::float;
use super::sinks::SinkValue;
use super::snapshot::Snapshot;
use super::table::{MEASURES, Measure, MeasuredValue, SeriesType};
use super::text::{Labels, Text, labels, number};
use crate::product::PREFIX;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

/// The form of [`Page::render`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What pages show.
pub struct Page {
    families: Vec<&'static Family>,
    blocks: Vec<Block>,
    shows_partitions: bool,
    shows_sinks: bool,
}

/// The series of one name.
struct Block {
    name: String,
    kind: SeriesType,
    help: &'static str,
    /// Which family, by its place in the page's, and its measure.
    sources: Vec<(usize, &'static Measure)>,
}

/// The labels of a snapshot, in the words of each family.
struct AllLabels {
    common: CommonLabels,
    clients: Vec<ClientLabels>,
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
        for (number, family) in families.iter().enumerate() {
            for measure in MEASURES.iter().chain(of_clients()).chain(family.more) {
                for spelling in (family.spell)(measure) {
                    let place = *places.entry(spelling.name.clone()).or_insert(blocks.len());
                    if place == blocks.len() {
                        let (kind, help) = (spelling.kind, measure.help);
                        blocks.push(Block { name: spelling.name, kind, help, sources: Vec::new() });
                    }
                    if let Some(block) = blocks.get_mut(place) {
                        block.sources.push((number, measure));
                    }
                }
            }
        }
        let shows_sinks = families.iter().any(|family| family.sinks);
        Self { families: families.to_vec(), blocks, shows_partitions, shows_sinks }
    }

    /// The page.
    pub fn render(&self, all: &Snapshot) -> String {
        let mut text = Text::default();
        let clients = self.families.iter().map(|family| ClientLabels::new(family, all)).collect();
        let labels = AllLabels { common: CommonLabels::new(all), clients };
        for block in &self.blocks {
            self.block(block, (all, &labels), &mut text);
        }
        if self.shows_sinks {
            sinks(all, &mut text);
        }
        text.0
    }

    fn block(&self, block: &Block, (all, labels): (&Snapshot, &AllLabels), text: &mut Text) {
        let Block { name, kind, help, sources } = block;
        let mut is_empty = true;
        // Only names that several rules give may have a series twice.
        let mut seen = (sources.len() > 1).then(HashSet::new);
        for (family, measure) in sources {
            let mut add = |labels: Labels<'_>, reading: Reading<'_>| {
                if is_empty {
                    text.head(name, help, kind.as_str());
                    is_empty = false;
                }
                if let Some(seen) = &mut seen
                    && !seen.insert(labels.concat())
                {
                    return;
                }
                match reading {
                    Reading::Number(value) => text.series(name, labels, value),
                    Reading::Times(times) => histogram(text, name, labels[0], times),
                }
            };
            let (Some(family), Some(clients)) = (self.families.get(*family), labels.clients.get(*family))
            else {
                continue;
            };
            let labelled = Labelled { family, measure, all, common: &labels.common, clients };
            let is_of_partition =
                matches!(measure.value, MeasuredValue::Partition(_) | MeasuredValue::TaskPartition(_));
            if self.shows_partitions || !is_of_partition {
                labelled.series(&mut add);
            }
        }
    }
}

enum Reading<'a> {
    Number(f64),
    Times(&'a HistogramReading),
}

impl Reading<'_> {
    fn of(value: Option<f64>) -> Option<Self> {
        value.map(Self::Number)
    }
}

type Add<'a> = &'a mut dyn FnMut(Labels<'_>, Reading<'_>);

/// The series of one measure in the labels of one family.
struct Labelled<'a> {
    family: &'static Family,
    measure: &'static Measure,
    all: &'a Snapshot,
    common: &'a CommonLabels,
    clients: &'a ClientLabels,
}

impl Labelled<'_> {
    fn series(&self, add: Add<'_>) {
        match &self.measure.value {
            MeasuredValue::Worker(_)
            | MeasuredValue::WorkerText(_)
            | MeasuredValue::Client(_)
            | MeasuredValue::ClientText(_) => {
                self.of_worker(add);
            }
            MeasuredValue::Connector(_)
            | MeasuredValue::ConnectorText(_)
            | MeasuredValue::ConnectorBy(..)
            | MeasuredValue::Histogram(_) => {
                self.of_connectors(add);
            }
            MeasuredValue::KafkaClient(_) | MeasuredValue::Node(_) => self.of_clients(add),
            MeasuredValue::Task(_) | MeasuredValue::TaskText(_) => self.of_tasks(add),
            MeasuredValue::Consumer(_) | MeasuredValue::Partition(_) | MeasuredValue::TaskPartition(_) => {
                self.of_consumers(add);
            }
        }
    }

    /// A text is a label of a series that is 1.
    fn text(&self, own: &str, value: Option<String>, add: Add<'_>) {
        if let Some(value) = value {
            // What is called info has its version in it.
            let name = match self.measure.attribute {
                "build_info" => Cow::Borrowed("version"),
                attribute => Cow::Owned(attribute.replace('-', "_")),
            };
            add([own, &labels([(&*name, value.as_str())])], Reading::Number(1.0));
        }
    }

    fn of_worker(&self, add: Add<'_>) {
        let (all, client) = (self.all, &*self.clients.worker);
        match &self.measure.value {
            MeasuredValue::Worker(read) => {
                let own = if self.measure.bean == Bean::Worker { self.family.worker } else { &[] };
                if let Some(reading) = Reading::of(read(all)) {
                    add([&labels(own.iter().copied()), ""], reading);
                }
            }
            MeasuredValue::Client(read) => {
                if let Some(reading) = Reading::of(read(all)) {
                    add([client, ""], reading);
                }
            }
            MeasuredValue::WorkerText(read) => self.text("", read(all), add),
            MeasuredValue::ClientText(read) => self.text(client, read(all), add),
            _ => {}
        }
    }

    fn of_connectors(&self, add: Add<'_>) {
        for (connector, own) in self.all.connectors.iter().zip(&self.common.connectors) {
            let reading = match &self.measure.value {
                MeasuredValue::Connector(read) => Reading::of(read(connector)),
                MeasuredValue::Histogram(read) => read(connector).map(Reading::Times),
                MeasuredValue::ConnectorText(read) => {
                    self.text(own, read(connector), add);
                    None
                }
                MeasuredValue::ConnectorBy(label, read) => {
                    for (by, value) in read(connector) {
                        add([own, &labels([(*label, by)])], Reading::Number(value));
                    }
                    None
                }
                _ => None,
            };
            if let Some(reading) = reading {
                add([own, ""], reading);
            }
        }
    }

    fn of_clients(&self, add: Add<'_>) {
        let kind = self.measure.bean.client();
        let clients = self.all.clients.iter().zip(&self.clients.clients);
        for (client, (own, places)) in clients.filter(|(client, _)| Some(client.kind) == kind) {
            match &self.measure.value {
                MeasuredValue::KafkaClient(read) => {
                    if let Some(reading) = Reading::of(read(client)) {
                        add([own, ""], reading);
                    }
                }
                MeasuredValue::Node(read) => {
                    for (node, place) in client.nodes.iter().zip(places) {
                        if let Some(reading) = Reading::of(read(node)) {
                            add([own, place], reading);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn of_tasks(&self, add: Add<'_>) {
        for (task, labels) in self.all.tasks().zip(&self.common.tasks) {
            match &self.measure.value {
                MeasuredValue::Task(read) => {
                    if let Some(reading) = Reading::of(read(task)) {
                        add([&labels.own, ""], reading);
                    }
                }
                MeasuredValue::TaskText(read) => self.text(&labels.own, read(task), add),
                _ => {}
            }
        }
    }

    fn of_consumers(&self, add: Add<'_>) {
        let labels = self.common.tasks.iter().zip(&self.clients.consumers);
        for (task, (labels, consumer)) in self.all.tasks().zip(labels) {
            let Some(reading) = &task.reading else { continue };
            let (own, read) = match &self.measure.value {
                MeasuredValue::Consumer(read) => {
                    if let Some(reading) = Reading::of(read(reading)) {
                        add([consumer, ""], reading);
                    }
                    continue;
                }
                MeasuredValue::Partition(read) => (consumer, read),
                MeasuredValue::TaskPartition(read) => (&labels.own, read),
                _ => continue,
            };
            for (partition, place) in reading.partitions.iter().zip(&labels.partitions) {
                if let Some(reading) = Reading::of(read(partition)) {
                    add([own, place], reading);
                }
            }
        }
    }
}

fn histogram(text: &mut Text, name: &str, labels: &str, times: &HistogramReading) {
    let bucket = format!("{name}_bucket");
    let mut end = String::new();
    for (place, count) in times.counts.iter().enumerate() {
        end.clear();
        end.push_str("le=\"");
        number(&mut end, times.bounds.get(place).copied().unwrap_or(f64::INFINITY));
        end.push('"');
        text.series(&bucket, [labels, &end], float(*count));
    }
    text.series(&format!("{name}_sum"), [labels, ""], times.sum);
    text.series(&format!("{name}_count"), [labels, ""], float(times.counts.last().copied().unwrap_or(0)));
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
            SinkValue::Count(count) => text.series(&name, [&own, ""], float(*count)),
            SinkValue::Now(value) => text.series(&name, [&own, ""], *value),
            SinkValue::Times(times) => histogram(text, &name, &own, times),
        }
    }
}

#[cfg(test)]
#[path = "page_tests.rs"]
mod tests;
