//! Rates, averages and greatest values over the last moments, as the clients of Kafka compute them: samples of one length,
//! of which the youngest few count (`metrics.sample.window.ms`, `metrics.num.samples`; `connect-runtime.md` §8.1).
//!
//! The clock is the caller's: each call says what time it is. Pure.

use super::number::float;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// How long samples are, and how many count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sampling {
    /// The length of one.
    pub length: Duration,
    /// How many.
    pub samples: u32,
}

impl Default for Sampling {
    /// Connect's: two of half a minute.
    fn default() -> Self {
        Self { length: Duration::from_secs(30), samples: 2 }
    }
}

impl Sampling {
    /// A sample of no length would never hold anything.
    fn length(self) -> Duration {
        self.length.max(Duration::from_millis(1))
    }

    fn samples(self) -> u32 {
        self.samples.max(1)
    }
}

#[derive(Debug, Clone, Copy)]
struct Sample {
    began: Instant,
    sum: f64,
    count: u64,
    most: f64,
}

/// Values of the last moments.
#[derive(Debug, Clone)]
pub(super) struct Window {
    sampling: Sampling,
    samples: VecDeque<Sample>,
}

impl Window {
    pub(super) fn new(sampling: Sampling) -> Self {
        Self { sampling, samples: VecDeque::new() }
    }

    /// Takes a value in.
    pub(super) fn record(&mut self, value: f64, now: Instant) {
        let length = self.sampling.length();
        let is_over = |sample: &Sample| now.saturating_duration_since(sample.began) >= length;
        if self.samples.back().is_none_or(is_over) {
            while self.samples.front().is_some_and(|sample| !self.counts(sample, now)) {
                self.samples.pop_front();
            }
            self.samples.push_back(Sample { began: now, sum: 0.0, count: 0, most: f64::NEG_INFINITY });
        }
        if let Some(sample) = self.samples.back_mut() {
            sample.sum += value;
            sample.count += 1;
            sample.most = sample.most.max(value);
        }
    }

    fn counts(&self, sample: &Sample, now: Instant) -> bool {
        let age = now.saturating_duration_since(sample.began);
        age < self.sampling.length() * self.sampling.samples()
    }

    fn live(&self, now: Instant) -> impl Iterator<Item = &Sample> {
        self.samples.iter().filter(move |sample| self.counts(sample, now))
    }

    /// What the values add up to in a second. A beginning counts as long as all samples but one.
    pub(super) fn rate(&self, now: Instant) -> f64 {
        let Some(first) = self.live(now).next() else { return 0.0 };
        let sum: f64 = self.live(now).map(|sample| sample.sum).sum();
        let length = self.sampling.length();
        let elapsed = now.saturating_duration_since(first.began);
        let full = u32::try_from(elapsed.as_nanos() / length.as_nanos()).unwrap_or(u32::MAX);
        let missing = (self.sampling.samples() - 1).saturating_sub(full);
        sum / (elapsed + length * missing).max(Duration::from_millis(1)).as_secs_f64()
    }

    /// The average value; not a number while there is none.
    pub(super) fn average(&self, now: Instant) -> f64 {
        let (sum, count) =
            self.live(now).fold((0.0, 0), |(sum, count), sample| (sum + sample.sum, count + sample.count));
        if count == 0 { f64::NAN } else { sum / float(count) }
    }

    /// The greatest value; not a number while there is none.
    pub(super) fn most(&self, now: Instant) -> f64 {
        self.live(now).map(|sample| sample.most).fold(f64::NAN, f64::max)
    }

    /// Of values that are one or zero, the share of ones; zero while there is none.
    pub(super) fn share(&self, now: Instant) -> f64 {
        let average = self.average(now);
        if average.is_nan() { 0.0 } else { average }
    }
}

#[cfg(test)]
mod tests {
    use super::{Sampling, Window};
    use std::time::Duration;
    use tokio::time::Instant;

    fn about(found: f64, wanted: f64) {
        assert!((found - wanted).abs() < 1e-9, "{found}, not {wanted}");
    }

    #[test]
    fn values_count_for_two_samples_and_no_longer() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut window = Window::new(Sampling::default());
        assert!(window.average(start).is_nan() && window.most(start).is_nan());
        about(window.rate(start), 0.0);
        about(window.share(start), 0.0);
        window.record(60.0, start);
        // As if the sample before had been empty.
        about(window.rate(start), 2.0);
        window.record(30.0, start + second * 10);
        about(window.rate(start + second * 30), 3.0);
        about(window.average(start + second * 30), 45.0);
        about(window.most(start + second * 30), 60.0);
        window.record(10.0, start + second * 30);
        about(window.most(start + second * 59), 60.0);
        about(window.rate(start + second * 50), 2.0);
        // The first sample is too old.
        about(window.most(start + second * 60), 10.0);
        about(window.average(start + second * 60), 10.0);
        assert!(window.most(start + second * 90).is_nan());
        about(window.rate(start + second * 90), 0.0);
    }

    #[test]
    fn memory_is_bounded_and_odd_settings_divide_by_nothing() {
        let start = Instant::now();
        let mut window = Window::new(Sampling { length: Duration::ZERO, samples: 0 });
        for number in 0..1_000 {
            window.record(1.0, start + Duration::from_millis(number));
        }
        assert!(window.samples.len() <= 2, "{}", window.samples.len());
        assert!(window.rate(start + Duration::from_millis(999)).is_finite());
    }
}
