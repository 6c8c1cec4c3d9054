//! A snapshot as a request of OTLP: every measure of Connect under OpenTelemetry's name for it, and ours. Pure.

use super::message::{
    Data, Gauge, Histogram, HistogramPoint, KeyValue, Metric, NumberPoint, Request, Resource,
    ResourceMetrics, Scope, ScopeMetrics, Sum,
};
use super::names::{Further, Kind, NAMES, of_ours};
use crate::metrics::{
    HistogramReading, Point, PointValue, SeriesType, SinkKind, Snapshot, measured, of_sinks, own, points,
};

/// Counts are sums since the beginning.
const CUMULATIVE: i32 = 2;
const CONNECTOR: &str = "kafka.connect.connector";
const TASK: &str = "kafka.connect.task.id";
const MILLIS: f64 = 1000.0;

/// Since when sums are counted, and until when: nanoseconds since the epoch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) start: u64,
    pub(super) now: u64,
}

/// The request that tells all of `snapshot`; `resource` says of whom.
pub(super) fn request(snapshot: &Snapshot, now: u64, resource: &[(String, String)]) -> Request {
    let span = Span { start: snapshot.worker.started_ms.saturating_mul(1_000_000), now };
    let mut metrics = of_connect(snapshot, span);
    metrics.extend(ours(snapshot, span));
    metrics.extend(sinks(snapshot, span));
    metrics.retain(|metric| !metric.is_empty());
    let scope =
        Scope { name: env!("CARGO_PKG_NAME").to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() };
    let attributes = resource.iter().map(|(key, value)| KeyValue::new(key, value)).collect();
    Request {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(Resource { attributes }),
            scope_metrics: vec![ScopeMetrics { scope: Some(scope), metrics }],
        }],
    }
}

fn of_connect(snapshot: &Snapshot, span: Span) -> Vec<Metric> {
    let mut metrics = Vec::new();
    for rows in NAMES.chunk_by(|one, next| one.called == next.called) {
        let (Some(first), mut numbers, mut help) = (rows.first(), Vec::new(), "") else { continue };
        for row in rows {
            let Some(measure) = measured(row.measure.0, row.measure.1) else { continue };
            help = measure.help;
            let scale = if row.unit == "s" { MILLIS } else { 1.0 };
            numbers.extend(points(snapshot, measure).iter().filter_map(|point| {
                let mut number = number(point, span, scale)?;
                match (row.further, &point.text) {
                    (Further::Is(key, value), _) => number.attributes.push(KeyValue::new(key, value)),
                    (Further::Text(key), Some(text)) => number.attributes.push(KeyValue::new(key, text)),
                    _ => {}
                }
                Some(number)
            }));
        }
        let data = match first.kind {
            Kind::Gauge => Data::Gauge(Gauge { data_points: numbers }),
            kind => sum(numbers, kind == Kind::Counter),
        };
        metrics.push(metric((first.called.to_owned(), first.unit), help, data));
    }
    metrics
}

fn ours(snapshot: &Snapshot, span: Span) -> Vec<Metric> {
    let of = |measure: &crate::metrics::Measure| {
        let points = points(snapshot, measure);
        let numbers = || points.iter().filter_map(|point| number(point, span, 1.0)).collect();
        let data = match measure.kind {
            SeriesType::Counter => sum(numbers(), true),
            SeriesType::Histogram => {
                histogram(points.iter().filter_map(|point| times(point, span)).collect())
            }
            _ => Data::Gauge(Gauge { data_points: numbers() }),
        };
        metric(of_ours(measure.attribute), measure.help, data)
    };
    // The version is the scope's.
    own().filter(|measure| measure.kind != SeriesType::Text).map(of).collect()
}

fn sinks(snapshot: &Snapshot, span: Span) -> Vec<Metric> {
    let all: Vec<_> = of_sinks(snapshot).collect();
    let of = |series: &[(&'static crate::metrics::SinkMetric, Point<'_>)]| {
        let (sink, _) = series.first()?;
        let points = series.iter().map(|(_, point)| point);
        let data = match sink.kind {
            SinkKind::Counter => sum(points.filter_map(|point| number(point, span, 1.0)).collect(), true),
            SinkKind::Gauge => {
                let data_points = points.filter_map(|point| number(point, span, 1.0)).collect();
                Data::Gauge(Gauge { data_points })
            }
            SinkKind::Histogram(_) => histogram(points.filter_map(|point| times(point, span)).collect()),
        };
        Some(metric(of_ours(sink.name), sink.help, data))
    };
    all.chunk_by(|(one, _), (next, _)| one.name == next.name).filter_map(of).collect()
}

fn metric((name, unit): (String, &str), help: &str, data: Data) -> Metric {
    Metric { name, description: help.to_owned(), unit: unit.to_owned(), data: Some(data) }
}

fn sum(data_points: Vec<NumberPoint>, is_monotonic: bool) -> Data {
    Data::Sum(Sum { data_points, aggregation_temporality: CUMULATIVE, is_monotonic })
}

fn histogram(data_points: Vec<HistogramPoint>) -> Data {
    Data::Histogram(Histogram { data_points, aggregation_temporality: CUMULATIVE })
}

/// None while there is no number.
fn number(point: &Point<'_>, span: Span, scale: f64) -> Option<NumberPoint> {
    let PointValue::Number(value) = point.value else { return None };
    (!value.is_nan()).then(|| NumberPoint {
        start_time_unix_nano: span.start,
        time_unix_nano: span.now,
        as_double: Some(value / scale),
        attributes: attributes(point),
    })
}

fn times(point: &Point<'_>, span: Span) -> Option<HistogramPoint> {
    let PointValue::Times(HistogramReading { bounds, counts, sum }) = point.value else { return None };
    // Ours are sums from below.
    let before = std::iter::once(0).chain(counts.iter().copied());
    Some(HistogramPoint {
        start_time_unix_nano: span.start,
        time_unix_nano: span.now,
        count: counts.last().copied().unwrap_or(0),
        sum: Some(*sum),
        bucket_counts: counts
            .iter()
            .zip(before)
            .map(|(count, before)| count.saturating_sub(before))
            .collect(),
        explicit_bounds: bounds.to_vec(),
        attributes: attributes(point),
    })
}

fn attributes(point: &Point<'_>) -> Vec<KeyValue> {
    let connector = point.connector.map(|name| KeyValue::new(CONNECTOR, name));
    let task = point.task.map(|task| KeyValue::new(TASK, task.to_string()));
    let labels = point.labels.iter().map(|(key, value)| KeyValue::new(*key, &**value));
    connector.into_iter().chain(task).chain(labels).collect()
}

impl Metric {
    /// There is nothing to tell.
    fn is_empty(&self) -> bool {
        match &self.data {
            None => true,
            Some(Data::Gauge(gauge)) => gauge.data_points.is_empty(),
            Some(Data::Sum(sum)) => sum.data_points.is_empty(),
            Some(Data::Histogram(times)) => times.data_points.is_empty(),
        }
    }
}
