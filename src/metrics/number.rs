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
