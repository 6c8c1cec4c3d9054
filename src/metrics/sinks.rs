//! What sinks count about their own services: the sink names it, and this room shows it without knowing what it is.
//!
//! A sink takes a [`SinkCounts`] for each connector that it runs; its series are gone with it.

use super::histogram::{Histogram, HistogramReading};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// What a series is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SinkKind {
    /// It only grows.
    Counter,
    /// What is so now, until it is said to be otherwise.
    Gauge,
    /// Times, in classes that end at these seconds.
    Histogram(&'static [f64]),
}

/// A name with its meaning.
#[derive(Debug)]
pub struct SinkMetric {
    /// The name behind the product's prefix, by the rules of Prometheus.
    pub name: &'static str,
    /// What it is.
    pub kind: SinkKind,
    /// What it counts.
    pub help: &'static str,
    /// The labels besides `connector`.
    pub labels: &'static [&'static str],
}

/// Values of labels, in the order of [`SinkMetric::labels`].
type Labels = Vec<Arc<str>>;

/// Metrics are told apart by their names.
type Key = (&'static str, Labels);

#[derive(Debug)]
enum Series {
    Counter(AtomicU64),
    /// The bits of a floating-point number.
    Gauge(AtomicU64),
    Histogram(Histogram),
}

#[derive(Debug)]
struct Counts {
    connector: Arc<str>,
    series: Mutex<BTreeMap<Key, (&'static SinkMetric, Arc<Series>)>>,
    is_over: AtomicBool,
}

impl Counts {
    fn of(connector: Arc<str>) -> Self {
        Self { connector, series: Mutex::default(), is_over: AtomicBool::default() }
    }
}

/// Counts for the sink of one connector. Clones are the same.
#[derive(Debug, Clone)]
pub struct SinkCounts(Arc<Counts>);

/// One series as it was at a moment.
#[derive(Debug, Clone)]
pub struct SinkReading {
    /// What it is.
    pub metric: &'static SinkMetric,
    /// Which connector's.
    pub connector: Arc<str>,
    /// Values of its labels.
    pub labels: Vec<Arc<str>>,
    /// What was counted.
    pub value: SinkValue,
}

/// What was counted.
#[derive(Debug, Clone, PartialEq)]
pub enum SinkValue {
    /// By a counter.
    Count(u64),
    /// Said to be so.
    Now(f64),
    /// By a histogram.
    Times(HistogramReading),
}

impl Default for SinkCounts {
    /// Nobody reads them.
    fn default() -> Self {
        Self(Arc::new(Counts::of(Arc::default())))
    }
}

impl SinkCounts {
    fn series(&self, metric: &'static SinkMetric, labels: &[&str]) -> Arc<Series> {
        let labels = labels.iter().map(|value| Arc::from(*value)).collect();
        let mut series = self.0.series.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || match metric.kind {
            SinkKind::Counter => Series::Counter(AtomicU64::default()),
            SinkKind::Gauge => Series::Gauge(AtomicU64::default()),
            SinkKind::Histogram(bounds) => Series::Histogram(Histogram::new(bounds)),
        };
        let (_, found) = series.entry((metric.name, labels)).or_insert_with(|| (metric, Arc::new(make())));
        Arc::clone(found)
    }

    /// Adds to a counter; nothing, so that its series begins at zero. Values of labels are few: names that the sink knows,
    /// never texts of others.
    pub fn add(&self, metric: &'static SinkMetric, labels: &[&str], count: u64) {
        if let Series::Counter(counter) = &*self.series(metric, labels) {
            counter.fetch_add(count, Ordering::Relaxed);
        }
    }

    /// A gauge is that from now on.
    pub fn set(&self, metric: &'static SinkMetric, labels: &[&str], value: f64) {
        if let Series::Gauge(gauge) = &*self.series(metric, labels) {
            gauge.store(value.to_bits(), Ordering::Relaxed);
        }
    }

    /// A gauge has no value any more: its series ends.
    pub fn unset(&self, metric: &'static SinkMetric, labels: &[&str]) {
        let labels = labels.iter().map(|value| Arc::from(*value)).collect();
        let mut series = self.0.series.lock().unwrap_or_else(PoisonError::into_inner);
        series.remove(&(metric.name, labels));
    }

    /// The sink is gone: its series end, whoever still holds or counts something of it.
    pub fn end(&self) {
        self.0.is_over.store(true, Ordering::Relaxed);
    }

    /// Something took so long.
    pub fn observe(&self, metric: &'static SinkMetric, labels: &[&str], time: Duration) {
        if let Series::Histogram(histogram) = &*self.series(metric, labels) {
            histogram.observe(time);
        }
    }
}

/// All sinks of a worker. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct SinkSeries(Arc<Mutex<Vec<Weak<Counts>>>>);

impl SinkSeries {
    pub(super) fn of(&self, connector: &Arc<str>) -> SinkCounts {
        let counts = Arc::new(Counts::of(Arc::clone(connector)));
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|known| known.strong_count() > 0);
        all.push(Arc::downgrade(&counts));
        SinkCounts(counts)
    }

    /// All series, each once: what an earlier run of a connector still counts is added to its present one, whose gauges count
    /// alone.
    pub(super) fn read(&self) -> Vec<SinkReading> {
        self.read_of(|_| true)
    }

    /// The same of those connectors alone.
    pub(super) fn read_of(&self, is_meant: impl Fn(&str) -> bool) -> Vec<SinkReading> {
        let all: Vec<_> = {
            let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let here = all.iter().filter_map(Weak::upgrade);
            let here = here.filter(|counts| !counts.is_over.load(Ordering::Relaxed));
            here.filter(|counts| is_meant(&counts.connector)).collect()
        };
        let mut found: BTreeMap<(Key, Arc<str>), SinkReading> = BTreeMap::new();
        for counts in all {
            let series = counts.series.lock().unwrap_or_else(PoisonError::into_inner);
            for (key, (metric, series)) in &*series {
                let value = match &**series {
                    Series::Counter(count) => SinkValue::Count(count.load(Ordering::Relaxed)),
                    Series::Gauge(bits) => SinkValue::Now(f64::from_bits(bits.load(Ordering::Relaxed))),
                    Series::Histogram(histogram) => SinkValue::Times(histogram.read()),
                };
                let (connector, labels) = (Arc::clone(&counts.connector), key.1.clone());
                let reading = SinkReading { metric, connector: Arc::clone(&connector), labels, value };
                match found.entry((key.clone(), connector)) {
                    std::collections::btree_map::Entry::Vacant(place) => drop(place.insert(reading)),
                    std::collections::btree_map::Entry::Occupied(mut known) => {
                        known.get_mut().add(&reading.value);
                    }
                }
            }
        }
        found.into_values().collect()
    }
}

impl SinkReading {
    /// `other` is of a later run.
    fn add(&mut self, other: &SinkValue) {
        match (&mut self.value, other) {
            (SinkValue::Count(own), SinkValue::Count(more)) => *own += more,
            (SinkValue::Times(own), SinkValue::Times(more)) => own.add(more),
            (SinkValue::Now(own), SinkValue::Now(later)) => *own = *later,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{SinkKind, SinkMetric, SinkSeries, SinkValue};

    static REFUSALS: SinkMetric = SinkMetric {
        name: "refusals_total",
        kind: SinkKind::Counter,
        help: "Refused requests",
        labels: &["operation", "status"],
    };

    static END: SinkMetric =
        SinkMetric { name: "end_seconds", kind: SinkKind::Gauge, help: "An end", labels: &["of"] };

    #[test]
    fn a_gauge_is_what_the_present_run_says_and_ends_when_it_is_unset() {
        let all = SinkSeries::default();
        let (old, new) = (all.of(&"a".into()), all.of(&"a".into()));
        let values = || -> Vec<_> { all.read().into_iter().map(|series| series.value).collect() };
        old.set(&END, &["x"], 1.5);
        assert_eq!(values(), [SinkValue::Now(1.5)]);
        new.set(&END, &["x"], 7.0);
        new.set(&END, &["x"], 2.5);
        old.set(&END, &["x"], 9.0);
        assert_eq!(values(), [SinkValue::Now(2.5)]);
        new.unset(&END, &["x"]);
        new.unset(&END, &["y"]);
        assert_eq!(values(), [SinkValue::Now(9.0)]);
        drop(old);
        assert!(values().is_empty());
    }

    #[test]
    fn a_counter_may_begin_at_zero() {
        let all = SinkSeries::default();
        let counts = all.of(&"a".into());
        counts.add(&REFUSALS, &["put", "503"], 0);
        assert_eq!(all.read()[0].value, SinkValue::Count(0));
    }

    #[test]
    fn series_of_two_runs_are_one_and_end_with_the_last() {
        let all = SinkSeries::default();
        let (old, new) = (all.of(&"a".into()), all.of(&"a".into()));
        old.add(&REFUSALS, &["put", "503"], 2);
        new.add(&REFUSALS, &["put", "503"], 3);
        new.add(&REFUSALS, &["put", "429"], 1);
        let read = all.read();
        let values: Vec<_> = read.iter().map(|series| (&*series.labels[1], series.value.clone())).collect();
        assert_eq!(values, [("429", SinkValue::Count(1)), ("503", SinkValue::Count(5))]);
        drop((old, new));
        assert!(all.read().is_empty());
    }
}
