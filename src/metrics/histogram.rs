//! How often something took how long. Counted without a lock; read as Prometheus wants it, in sums from below.

use super::number::float;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Ends of classes for the steps of a batch, in seconds.
pub const STEPS: &[f64] = &[0.001, 0.0025, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0, 120.0];
/// Ends of classes for how late records are, in seconds.
pub const LATENESS: &[f64] = &[0.5, 1.0, 2.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0];

/// Counts of one kind of event.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [f64],
    /// One for each bound, and one for what is above them all.
    classes: Box<[AtomicU64]>,
    micros: AtomicU64,
}

/// What was counted up to a moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HistogramReading {
    /// The ends of classes, in seconds.
    pub bounds: &'static [f64],
    /// For each end, how many took at most so long; last, how many there were.
    pub counts: Vec<u64>,
    /// All times together, in seconds.
    pub sum: f64,
}

impl Histogram {
    /// With classes that end at `bounds`, which ascend.
    pub fn new(bounds: &'static [f64]) -> Self {
        let classes = (0..=bounds.len()).map(|_| AtomicU64::default()).collect();
        Self { bounds, classes, micros: AtomicU64::default() }
    }

    /// Something took so long.
    pub fn observe(&self, time: Duration) {
        let seconds = time.as_secs_f64();
        let place = self.bounds.partition_point(|bound| *bound < seconds);
        if let Some(class) = self.classes.get(place) {
            class.fetch_add(1, Ordering::Relaxed);
        }
        self.micros.fetch_add(u64::try_from(time.as_micros()).unwrap_or(0), Ordering::Relaxed);
    }

    /// What was counted until now.
    pub fn read(&self) -> HistogramReading {
        let mut all = 0;
        let counts = self.classes.iter().map(|class| {
            all += class.load(Ordering::Relaxed);
            all
        });
        let counts = counts.collect();
        let sum = float(self.micros.load(Ordering::Relaxed)) / 1e6;
        HistogramReading { bounds: self.bounds, counts, sum }
    }
}

impl HistogramReading {
    /// Adds what another one of the same kind has counted.
    pub fn add(&mut self, other: &Self) {
        if self.counts.is_empty() {
            self.clone_from(other);
            return;
        }
        for (own, more) in self.counts.iter_mut().zip(&other.counts) {
            *own += more;
        }
        self.sum += other.sum;
    }
}

#[cfg(test)]
mod tests {
    use super::{Histogram, STEPS};
    use std::time::Duration;

    #[test]
    fn a_bound_belongs_to_its_class_and_nothing_is_left_out() {
        let histogram = Histogram::new(STEPS);
        for millis in [0, 1, 2, 10, 500_000] {
            histogram.observe(Duration::from_millis(millis));
        }
        let mut read = histogram.read();
        assert_eq!(read.counts, [2, 3, 4, 4, 4, 4, 4, 4, 4, 4, 4, 5]);
        assert!((read.sum - 500.013).abs() < 1e-9);
        read.add(&histogram.read());
        assert_eq!((read.counts[0], read.counts[11]), (4, 10));
    }
}
