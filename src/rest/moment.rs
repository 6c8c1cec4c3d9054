//! Moments as answers say them: in UTC, with milliseconds, all of the same width. Pure.

use time::OffsetDateTime;
use time::macros::format_description;

/// A moment in milliseconds since 1970; none for one that no calendar has.
pub(super) fn moment(ms: i64) -> Option<String> {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).ok()?;
    at.format(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z")).ok()
}

/// The earlier of two times; none when one of them is not known.
pub(super) fn least_of(one: Option<String>, other: Option<String>) -> Option<String> {
    // All have the same width, so their order is that of texts.
    one.zip(other).map(|(one, other)| one.min(other))
}
