//! Datetimes and timespans: ticks of 100 ns, as Kusto counts them (datetimes from 0001-01-01 UTC).
//!
//! Reading is lenient in form (ISO-8601, the SQL form with a space, US dates, RFC 1123, Kusto's timespan literals),
//! writing is one form: ISO-8601 with 7 decimals and `Z`, timespans `[-][d.]hh:mm:ss[.fffffff]`.

use time::{Date, Duration, Month, OffsetDateTime};

use crate::scan::Scan;

/// Ticks in a second.
pub(crate) const SECOND: i64 = 10_000_000;
/// Ticks in a minute.
pub(crate) const MINUTE: i64 = 60 * SECOND;
/// Ticks in an hour.
pub(crate) const HOUR: i64 = 60 * MINUTE;
/// Ticks in a day.
pub(crate) const DAY: i64 = 24 * HOUR;
/// Days from 0001-01-01 to 1970-01-01.
const UNIX_DAYS: i64 = 719_162;
/// The last tick of the year 9999.
const MAX: i64 = 3_652_059 * DAY - 1;

/// The moment as ticks; before year 1 or after 9999 it is cut to the nearest end.
pub(crate) fn from_offset(moment: OffsetDateTime) -> i64 {
    let ticks = moment.unix_timestamp_nanos() / 100 + i128::from(UNIX_DAYS * DAY);
    i64::try_from(ticks).unwrap_or(MAX).clamp(0, MAX)
}

/// The moment `ticks` after 1970-01-01 (Unix time), or none outside years 1 to 9999.
pub(crate) fn from_unix(ticks: i128) -> Option<i64> {
    in_range(i64::try_from(ticks.checked_add(i128::from(UNIX_DAYS * DAY))?).ok()?)
}

/// The ticks themselves when they are a datetime (years 1 to 9999).
pub(crate) fn in_range(ticks: i64) -> Option<i64> {
    (0..=MAX).contains(&ticks).then_some(ticks)
}

/// Writes ticks as `2007-01-01T00:00:00.0000000Z`.
pub(crate) fn format(ticks: i64) -> String {
    let ticks = ticks.clamp(0, MAX);
    let date =
        Date::from_ordinal_date(1, 1).ok().and_then(|first| first.checked_add(Duration::days(ticks / DAY)));
    let (year, month, day) = date.map_or((1, Month::January, 1), Date::to_calendar_date);
    let rest = ticks % DAY;
    let (hour, minute, second) = (rest / HOUR, rest % HOUR / MINUTE, rest % MINUTE / SECOND);
    let month = u8::from(month);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:07}Z", rest % SECOND)
}

/// Reads a datetime in one of the forms Kusto documents; none when it is not a datetime of the years 1 to 9999.
///
/// ISO-8601 and its SQL form (`2007-01-01 00:00:00.0000000`, optional zone), RFC 822 and RFC 850
/// (`Sat, 8 Nov 14 15:05:02 GMT`), and US dates (`11/8/2014 15:05`). Without a zone the time is UTC.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    let mut scan = Scan::new(text);
    let ticks = if text.starts_with(|c: char| c.is_ascii_alphabetic()) || has_month_name(text) {
        parse_rfc(&mut scan)?
    } else {
        parse_numeric(&mut scan)?
    };
    scan.is_done().then_some(ticks).and_then(in_range)
}

fn has_month_name(text: &str) -> bool {
    let start = text.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches([' ', '-']);
    start.get(..3).is_some_and(|name| month(name).is_some())
}

fn parse_numeric(scan: &mut Scan<'_>) -> Option<i64> {
    let (first, digits) = scan.number()?;
    let (year, month, day) = if scan.eat('/') {
        let day = scan.number()?.0;
        scan.eat('/').then_some(())?;
        (scan.number().filter(|(_, digits)| *digits == 4)?.0, first, day)
    } else if scan.eat('-') {
        (digits == 4).then_some(())?;
        let month = scan.number()?.0;
        scan.eat('-').then_some(())?;
        (first, month, scan.number()?.0)
    } else {
        (digits == 8).then_some((first / 10_000, first / 100 % 100, first % 100))?
    };
    let date = days(year, month, day)?;
    if scan.is_done() {
        return Some(date * DAY);
    }
    (scan.eat('T') || scan.eat('t') || scan.spaces()).then_some(())?;
    Some(date * DAY + clock(scan)? - zone(scan)?)
}

fn parse_rfc(scan: &mut Scan<'_>) -> Option<i64> {
    if let Some(word) = scan.word() {
        let known = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        known.iter().any(|day| word.to_ascii_lowercase().starts_with(day)).then_some(())?;
        scan.eat(',').then_some(())?;
        scan.spaces();
    }
    let day = scan.number()?.0;
    (scan.eat('-') || scan.spaces()).then_some(())?;
    let month = month(scan.word()?)?;
    (scan.eat('-') || scan.spaces()).then_some(())?;
    let (year, digits) = scan.number()?;
    // Two-digit years as in .NET: 00 to 49 are this century.
    let year = match (digits, year) {
        (2, 0..50) => year + 2000,
        (2, _) => year + 1900,
        _ => year,
    };
    let date = days(year, month, day)?;
    scan.spaces().then_some(())?;
    Some(date * DAY + clock(scan)? - zone(scan)?)
}

fn month(name: &str) -> Option<i64> {
    const NAMES: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let name = name.to_ascii_lowercase();
    let position = NAMES.iter().position(|short| name.starts_with(short))?;
    i64::try_from(position + 1).ok()
}

/// Days from 0001-01-01 to the date, which must exist.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let year = i32::try_from(year).ok().filter(|year| (1..=9999).contains(year))?;
    let date = Date::from_calendar_date(year, month, u8::try_from(day).ok()?).ok()?;
    Some(i64::from(date.to_julian_day()) - 1_721_426)
}

/// `hh:mm[:ss[.fffffff]]`, with an optional ` AM` or ` PM`.
fn clock(scan: &mut Scan<'_>) -> Option<i64> {
    let mut hour = scan.number()?.0;
    scan.eat(':').then_some(())?;
    let minute = scan.number()?.0;
    let mut ticks = 0;
    if scan.eat(':') {
        let second = scan.number()?.0;
        (second < 60).then_some(())?;
        ticks = second * SECOND;
        if scan.eat('.') || scan.eat(',') {
            ticks += scan.fraction()?;
        }
    }
    let half = scan.rest().trim_start().get(..2).map(str::to_ascii_uppercase);
    if let Some(half @ ("AM" | "PM")) = half.as_deref() {
        (1..=12).contains(&hour).then_some(())?;
        hour = hour % 12 + if half == "PM" { 12 } else { 0 };
        scan.spaces();
        scan.word();
    }
    (hour < 24 && minute < 60).then_some(hour * HOUR + minute * MINUTE + ticks)
}

/// Nothing, `Z`, `GMT`, `UTC`, or an offset; the ticks to take away to reach UTC.
fn zone(scan: &mut Scan<'_>) -> Option<i64> {
    scan.spaces();
    if scan.is_done() {
        return Some(0);
    }
    if let Some(word) = scan.word() {
        return matches!(word.to_ascii_uppercase().as_str(), "Z" | "GMT" | "UTC").then_some(0);
    }
    let sign = if scan.eat('+') { 1 } else { scan.eat('-').then_some(-1)? };
    let (first, digits) = scan.number()?;
    let (hours, minutes) = match digits {
        4 => (first / 100, first % 100),
        _ if scan.eat(':') => (first, scan.number()?.0),
        _ => (first, 0),
    };
    (hours <= 14 && minutes < 60).then_some(sign * (hours * HOUR + minutes * MINUTE))
}

/// Writes ticks as `[-][d.]hh:mm:ss[.fffffff]`.
pub(crate) fn format_timespan(ticks: i64) -> String {
    let sign = if ticks < 0 { "-" } else { "" };
    let size = ticks.unsigned_abs();
    let [day, hour, minute, second] = [DAY, HOUR, MINUTE, SECOND].map(i64::unsigned_abs);
    let days = if size >= day { format!("{}.", size / day) } else { String::new() };
    let (hours, minutes, seconds) = (size % day / hour, size % hour / minute, size % minute / second);
    let fraction = match size % second {
        0 => String::new(),
        fraction => format!(".{fraction:07}"),
    };
    format!("{sign}{days}{hours:02}:{minutes:02}:{seconds:02}{fraction}")
}

/// Reads a timespan: `[-][d.]hh:mm[:ss[.f]]`, or a literal with a unit as `1.5h`, `30 seconds`, `100ms`, `1tick`.
pub(crate) fn parse_timespan(text: &str) -> Option<i64> {
    let text = text.trim();
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let unsigned = if text.contains(':') { timespan_clock(text) } else { timespan_unit(text) }?;
    Some(if negative { -unsigned } else { unsigned })
}

fn timespan_clock(text: &str) -> Option<i64> {
    let mut scan = Scan::new(text);
    let (mut hours, _) = scan.number()?;
    let mut days = 0;
    // `d.hh:mm`: the first number was days.
    if scan.eat('.') {
        days = hours;
        hours = scan.number()?.0;
    }
    scan.eat(':').then_some(())?;
    let (minutes, _) = scan.number()?;
    let (mut seconds, mut fraction) = (0, 0);
    if scan.eat(':') {
        seconds = scan.number()?.0;
        if scan.eat('.') {
            fraction = scan.fraction()?;
        }
    }
    (scan.is_done() && hours < 24 && minutes < 60 && seconds < 60).then_some(())?;
    days.checked_mul(DAY)?.checked_add(hours * HOUR + minutes * MINUTE + seconds * SECOND + fraction)
}

fn timespan_unit(text: &str) -> Option<i64> {
    let split = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = (text[..split].trim_end(), &text[split..]);
    let ticks = unit_ticks(unit)?;
    if let Ok(whole) = number.parse::<i64>() {
        return whole.checked_mul(ticks);
    }
    let valid = number.starts_with(|c: char| c.is_ascii_digit()) && !number.contains(['e', 'E']);
    let number: f64 = number.parse().ok().filter(|_| valid)?;
    #[expect(clippy::cast_precision_loss, reason = "a unit has at most 12 digits")]
    let size = (number * ticks as f64).round();
    #[expect(clippy::cast_possible_truncation, reason = "the value was checked to be inside i64")]
    (size < 9e18).then_some(size as i64)
}

/// The ticks in a unit of a timespan literal.
pub(crate) fn unit_ticks(unit: &str) -> Option<i64> {
    Some(match unit {
        "d" | "day" | "days" => DAY,
        "h" | "hr" | "hrs" | "hour" | "hours" => HOUR,
        "m" | "min" | "minute" | "minutes" => MINUTE,
        "s" | "sec" | "second" | "seconds" => SECOND,
        "ms" | "milli" | "millis" | "millisecond" | "milliseconds" => SECOND / 1000,
        "micro" | "micros" | "microsecond" | "microseconds" => 10,
        "nano" | "nanos" | "nanosecond" | "nanoseconds" => 0,
        "tick" | "ticks" => 1,
        _ => return None,
    })
    .filter(|ticks| *ticks > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn iso(text: &str) -> Option<String> {
        parse(text).map(format)
    }

    #[test]
    fn reads_the_documented_forms() {
        let midnight = "2007-01-01T00:00:00.0000000Z";
        for text in
            ["2007-01-01 00:00:00.0000000", "2007-01-01", "20070101", "1/1/2007", " 2007-01-01T00:00Z "]
        {
            assert_eq!(iso(text).as_deref(), Some(midnight), "{text}");
        }
        for (text, expected) in [
            ("2014-05-25T08:20:03.123456Z", "2014-05-25T08:20:03.1234560Z"),
            ("2014-05-25T08:20:03.123456789+02:00", "2014-05-25T06:20:03.1234567Z"),
            ("2014-11-08 15:05:25 GMT", "2014-11-08T15:05:25.0000000Z"),
            ("Sat, 8 Nov 14 15:05:02 GMT", "2014-11-08T15:05:02.0000000Z"),
            ("8 Nov 2014 15:05", "2014-11-08T15:05:00.0000000Z"),
            ("Saturday, 08-Nov-14 15:05:02 GMT", "2014-11-08T15:05:02.0000000Z"),
            ("12/31/2019 11:30:00 PM", "2019-12-31T23:30:00.0000000Z"),
            ("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.9999999Z"),
            ("0001-01-01", "0001-01-01T00:00:00.0000000Z"),
        ] {
            assert_eq!(iso(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_datetime() {
        for text in [
            "",
            "x",
            "2007",
            "2007-13-01",
            "2007-02-30",
            "2007-01-01T25:00",
            "2007-01-01 00:00:00 tail",
            "13/1/2007",
            "5",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn reads_and_writes_timespans() {
        for (text, expected) in [
            ("1d", "1.00:00:00"),
            ("1.5h", "01:30:00"),
            ("100ms", "00:00:00.1000000"),
            ("15 seconds", "00:00:15"),
            ("1tick", "00:00:00.0000001"),
            ("0.12:34:56.7", "12:34:56.7000000"),
            ("00:00:15", "00:00:15"),
            ("-01:02", "-01:02:00"),
        ] {
            assert_eq!(parse_timespan(text).map(format_timespan).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "5", "1x", "24:00", "1:2:3:4", "99999999999999d", "nan s", "ms"] {
            assert_eq!(parse_timespan(text), None, "{text}");
        }
    }

    #[test]
    fn unix_time_starts_in_1970() {
        let ticks = from_unix(11_676_096_000_000_000);
        assert_eq!(ticks.map(format).as_deref(), Some("2007-01-01T00:00:00.0000000Z"));
        assert_eq!(from_unix(i128::MAX), None);
        assert_eq!(from_offset(OffsetDateTime::UNIX_EPOCH), UNIX_DAYS * DAY);
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(ticks in 0..=MAX) {
            prop_assert_eq!(parse(&format(ticks)), Some(ticks));
        }

        #[test]
        fn timespans_read_back(ticks in -MAX..=MAX) {
            prop_assert_eq!(parse_timespan(&format_timespan(ticks)), Some(ticks));
        }

        #[test]
        fn no_text_is_fatal(text in "\\PC{0,40}") {
            parse(&text);
            parse_timespan(&text);
        }
    }
}
