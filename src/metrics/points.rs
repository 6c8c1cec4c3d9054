//! The values of a measure with what each is about, for who sends numbers elsewhere than on a page. Pure.

use super::bean::Bean;
use super::histogram::HistogramReading;
use super::sinks::{SinkMetric, SinkValue};
use super::snapshot::Snapshot;
use super::table::{MEASURES, Measure, MeasuredValue};
use std::borrow::Cow;

/// A value.
#[derive(Debug, Clone, Copy)]
pub enum PointValue<'a> {
    /// Of a counter or a gauge; of a text, 1.
    Number(f64),
    /// Times in classes.
    Times(&'a HistogramReading),
}

/// A value with what it is about.
#[derive(Debug, Clone)]
pub struct Point<'a> {
    /// The connector; none for the worker.
    pub connector: Option<&'a str>,
    /// The task of the connector.
    pub task: Option<u32>,
    /// The text, when the measure is one.
    pub text: Option<String>,
    /// Further labels.
    pub labels: Vec<(&'static str, Cow<'a, str>)>,
    /// The value.
    pub value: PointValue<'a>,
}

impl<'a> Point<'a> {
    fn of(connector: Option<&'a str>, task: Option<u32>, value: PointValue<'a>) -> Self {
        Self { connector, task, text: None, labels: Vec::new(), value }
    }

    fn number(connector: Option<&'a str>, task: Option<u32>, value: Option<f64>) -> Option<Self> {
        Some(Self::of(connector, task, PointValue::Number(value?)))
    }

    fn text(connector: Option<&'a str>, task: Option<u32>, text: Option<String>) -> Option<Self> {
        let text = Some(text?);
        Some(Self { text, ..Self::of(connector, task, PointValue::Number(1.0)) })
    }
}

/// The measure of a bean; none when there is none.
pub fn measured(bean: Bean, attribute: &str) -> Option<&'static Measure> {
    MEASURES.iter().find(|measure| measure.bean == bean && measure.attribute == attribute)
}

/// Our own measures.
pub fn own() -> impl Iterator<Item = &'static Measure> {
    MEASURES.iter().filter(|measure| measure.bean == Bean::Own)
}

/// The values of a measure of the worker, of connectors and of tasks; those of Kafka clients and of partitions are not given.
pub fn points<'a>(all: &'a Snapshot, measure: &Measure) -> Vec<Point<'a>> {
    let connectors = || all.connectors.iter().map(|connector| (connector, Some(&*connector.name)));
    let tasks = || all.connectors.iter().flat_map(|connector| &connector.tasks);
    match &measure.value {
        MeasuredValue::Worker(read) | MeasuredValue::Client(read) => {
            Point::number(None, None, read(all)).into_iter().collect()
        }
        MeasuredValue::WorkerText(read) | MeasuredValue::ClientText(read) => {
            Point::text(None, None, read(all)).into_iter().collect()
        }
        MeasuredValue::Connector(read) => {
            connectors().filter_map(|(one, name)| Point::number(name, None, read(one))).collect()
        }
        MeasuredValue::ConnectorText(read) => {
            connectors().filter_map(|(one, name)| Point::text(name, None, read(one))).collect()
        }
        MeasuredValue::ConnectorBy(label, read) => {
            let by = |name, (by, value)| Point {
                labels: vec![(*label, Cow::Borrowed(by))],
                ..Point::of(name, None, PointValue::Number(value))
            };
            connectors()
                .flat_map(|(one, name)| read(one).into_iter().map(move |each| by(name, each)))
                .collect()
        }
        MeasuredValue::Histogram(read) => {
            let times = |(one, name)| Some(Point::of(name, None, PointValue::Times(read(one)?)));
            connectors().filter_map(times).collect()
        }
        MeasuredValue::Task(read) => {
            tasks().filter_map(|one| Point::number(Some(&one.connector), Some(one.id), read(one))).collect()
        }
        MeasuredValue::TaskText(read) => {
            tasks().filter_map(|one| Point::text(Some(&one.connector), Some(one.id), read(one))).collect()
        }
        MeasuredValue::Consumer(read) => {
            let value = |one: &'a super::snapshot::Task| {
                Point::number(Some(&one.connector), Some(one.id), read(one.reading.as_ref()?))
            };
            tasks().filter_map(value).collect()
        }
        MeasuredValue::KafkaClient(_)
        | MeasuredValue::Node(_)
        | MeasuredValue::Partition(_)
        | MeasuredValue::TaskPartition(_) => Vec::new(),
    }
}

/// What sinks count, in the order of its names.
pub fn of_sinks(all: &Snapshot) -> impl Iterator<Item = (&'static SinkMetric, Point<'_>)> {
    all.sinks.iter().map(|series| {
        let value = match &series.value {
            SinkValue::Count(count) => PointValue::Number(super::number::float(*count)),
            SinkValue::Now(value) => PointValue::Number(*value),
            SinkValue::Times(times) => PointValue::Times(times),
        };
        let values = series.labels.iter().map(|value| Cow::Borrowed(&**value));
        let labels = series.metric.labels.iter().copied().zip(values).collect();
        (series.metric, Point { labels, ..Point::of(Some(&series.connector), None, value) })
    })
}
