//! Counts as the numbers that Prometheus has: floating point. Pure.

use std::time::Duration;

/// A count.
#[expect(clippy::cast_precision_loss, reason = "Prometheus has no other numbers; 2^53 is enough")]
pub(super) fn float(count: u64) -> f64 {
    count as f64
}

/// The same for what may be negative.
#[expect(clippy::cast_precision_loss, reason = "Prometheus has no other numbers; 2^53 is enough")]
pub(super) fn signed(count: i64) -> f64 {
    count as f64
}

/// A time in milliseconds, as Connect tells times.
pub(super) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// One for yes.
pub(super) fn flag(is_so: bool) -> f64 {
    f64::from(u8::from(is_so))
}

/// The whole number that it is; none when it is none, or is so great that its neighbours are others.
pub(super) fn whole(value: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and within 2^53")]
    (value.fract() == 0.0 && value.abs() < EXACT).then_some(value as i64)
}
