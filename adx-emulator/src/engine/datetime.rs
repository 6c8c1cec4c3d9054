//! Datetimes and timespans: ticks of 100 ns, as Kusto counts them (datetimes from 0001-01-01 UTC).
//!
//! Reading is lenient in form (ISO-8601, the SQL form with a space, US dates, RFC 1123, Kusto's timespan literals),
//! writing is one form: ISO-8601 with 7 decimals and `Z`, timespans `[-][d.]hh:mm:ss[.fffffff]`.

use time::{Date, Duration, Month, OffsetDateTime};

/// Ticks in a second.
pub const SECOND: i64 = 10_000_000;
/// Ticks in a minute.
pub const MINUTE: i64 = 60 * SECOND;
/// Ticks in an hour.
pub const HOUR: i64 = 60 * MINUTE;
/// Ticks in a day.
pub const DAY: i64 = 24 * HOUR;
/// Days from 0001-01-01 to 1970-01-01.
const UNIX_DAYS: i64 = 719_162;
/// The last tick of the year 9999.
const MAX: i64 = 3_652_059 * DAY - 1;

/// The moment as ticks; before year 1 or after 9999 it is cut to the nearest end.
pub fn from_offset(moment: OffsetDateTime) -> i64 {
    let ticks = moment.unix_timestamp_nanos() / 100 + i128::from(UNIX_DAYS * DAY);
    i64::try_from(ticks).unwrap_or(MAX).clamp(0, MAX)
}

/// The ticks of `units` × `ticks_per_unit` after 1970-01-01 (Unix time), or none outside years 1 to 9999.
pub fn from_unix(units: f64, ticks_per_unit: f64) -> Option<i64> {
    let ticks = (units * ticks_per_unit).round();
    // The bounds are those of years 1 to 9999, so that the cast below is exact enough and never saturates.
    #[expect(clippy::cast_possible_truncation, reason = "the value was checked to be far inside i64")]
    let ticks = (ticks.abs() < 4e18).then_some(ticks as i64)?;
    in_range(ticks.checked_add(UNIX_DAYS * DAY)?)
}

/// The ticks themselves when they are a datetime (years 1 to 9999).
pub fn in_range(ticks: i64) -> Option<i64> {
    (0..=MAX).contains(&ticks).then_some(ticks)
}

/// Writes ticks as `2007-01-01T00:00:00.0000000Z`.
pub fn format(ticks: i64) -> String {
    let ticks = ticks.clamp(0, MAX);
    let date =
        Date::from_ordinal_date(1, 1).ok().and_then(|first| first.checked_add(Duration::days(ticks / DAY)));
    let (year, month, day) = date.map_or((1, Month::January, 1), Date::to_calendar_date);
    let rest = ticks % DAY;
    let (hour, minute, second) = (rest / HOUR, rest % HOUR / MINUTE, rest % MINUTE / SECOND);
    let month = u8::from(month);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:07}Z", rest % SECOND)
}
