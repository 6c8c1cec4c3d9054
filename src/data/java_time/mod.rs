//! Java's `SimpleDateFormat` in UTC: patterns, writing, lenient reading (`connect-runtime.md` §7), and the ISO forms that
//! Connect gives dates, times and timestamps (§6.3).
//!
//! Names of months and days are English. Reading knows the usual abbreviations of time zones, not all names of the JVM.
//! No clock is read here: where two digits of a year depend on today, today is an argument.

mod calendar;
mod fields;
mod pattern;
mod read;
#[cfg(test)]
mod tests;

use super::Error;
use calendar::{Civil, DAY_MS};
use pattern::{DAYS, Item, MONTHS, compile};

/// The pattern of a date.
pub const ISO_DATE: &str = "yyyy-MM-dd";
/// The pattern of a time of day.
pub const ISO_TIME: &str = "HH:mm:ss.SSS'Z'";
/// The pattern of a timestamp.
pub const ISO_TIMESTAMP: &str = "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'";

const ILLEGAL_ARGUMENT: &str = "java.lang.IllegalArgumentException";

/// A pattern, ready for use.
#[derive(Debug, Clone)]
pub struct DateFormat {
    items: Vec<Item>,
    /// The first moment that a year of two digits may mean.
    century_start: i64,
}

impl DateFormat {
    /// Reads a pattern. A year of two digits will mean the one that lies between 80 years before `now_ms` and 20 after.
    ///
    /// # Errors
    /// `java.lang.IllegalArgumentException`, in Java's words.
    pub fn new(pattern: &str, now_ms: i64) -> Result<Self, Error> {
        let items = compile(pattern).map_err(|message| Error::of_class(ILLEGAL_ARGUMENT, message))?;
        Ok(Self { items, century_start: eighty_years_before(now_ms) })
    }

    /// Writes milliseconds since the epoch.
    pub fn format(&self, ms: i64) -> String {
        let civil = Civil::of(ms);
        let mut out = String::new();
        for item in &self.items {
            match item {
                Item::Literal(text) => out.extend(text),
                Item::Field(letter, count) => write_field(&mut out, &civil, *letter, *count),
            }
        }
        out
    }

    /// Reads the beginning of `text` leniently, as Java does: numbers beyond their ranges run over, and what follows is
    /// not looked at. Milliseconds since the epoch, or none when the text does not fit.
    pub fn parse(&self, text: &str) -> Option<i64> {
        read::read(&self.items, text, self.century_start)
    }
}

/// The ISO form that Connect chooses by the value alone: times of 1 January 1970 (and everything before) are a time of
/// day, midnights a date.
pub fn iso(ms: i64) -> String {
    let civil = Civil::of(ms);
    let mut out = String::new();
    let is_time = ms < DAY_MS;
    let has_time = is_time || civil.ms != 0;
    if !is_time {
        for (letter, count, after) in [('y', 4, "-"), ('M', 2, "-"), ('d', 2, "")] {
            write_field(&mut out, &civil, letter, count);
            out.push_str(after);
        }
        out.push_str(if has_time { "T" } else { "" });
    }
    if has_time {
        for (letter, count, after) in [('H', 2, ":"), ('m', 2, ":"), ('s', 2, "."), ('S', 3, "Z")] {
            write_field(&mut out, &civil, letter, count);
            out.push_str(after);
        }
    }
    out
}

fn eighty_years_before(now_ms: i64) -> i64 {
    let civil = Civil::of(now_ms);
    calendar::day_number(civil.year - 80, civil.month, civil.day)
        .saturating_mul(DAY_MS)
        .saturating_add(civil.ms)
}

fn write_field(out: &mut String, civil: &Civil, letter: char, count: usize) {
    let hour = civil.ms / 3_600_000;
    let number = match letter {
        'G' => return out.push_str(if civil.year > 0 { "AD" } else { "BC" }),
        'M' | 'L' if count > 2 => return write_name(out, &MONTHS, civil.month, count),
        'E' => return write_name(out, &DAYS, civil.day_of_week() - 1, count),
        'a' => return out.push_str(if hour < 12 { "AM" } else { "PM" }),
        'z' => return out.push_str(if count > 3 { "Coordinated Universal Time" } else { "UTC" }),
        'Z' => return out.push_str("+0000"),
        'X' => return out.push('Z'),
        'y' | 'Y' => {
            let of_era = if civil.year > 0 { civil.year } else { 1 - civil.year };
            let year = if letter == 'y' { of_era } else { civil.week_year() };
            if count == 2 { year.abs() % 100 } else { year }
        }
        'M' | 'L' => civil.month + 1,
        'w' => civil.week_of_year(),
        'W' => civil.week_of_month(),
        'D' => civil.day_of_year(),
        'd' => civil.day,
        'F' => (civil.day - 1) / 7 + 1,
        'u' => (civil.day_of_week() + 5) % 7 + 1,
        'H' => hour,
        'k' => (hour + 23) % 24 + 1,
        'K' => hour % 12,
        'h' => (hour + 11) % 12 + 1,
        'm' => civil.ms / 60_000 % 60,
        's' => civil.ms / 1000 % 60,
        _ => civil.ms % 1000,
    };
    if number < 0 {
        out.push('-');
    }
    let digits = number.unsigned_abs().to_string();
    out.extend(std::iter::repeat_n('0', count.saturating_sub(digits.len())));
    out.push_str(&digits);
}

/// A name in full from four letters on, else its first three.
fn write_name(out: &mut String, names: &[&str], index: i64, count: usize) {
    let name = usize::try_from(index).ok().and_then(|index| names.get(index)).copied().unwrap_or_default();
    out.push_str(if count > 3 { name } else { name.get(..3).unwrap_or(name) });
}
