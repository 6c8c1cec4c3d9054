//! Reading of a text by a pattern.

use super::fields::{Field, Fields};
use super::pattern::{DAYS, Item, MONTHS};

/// Abbreviations and the minutes that they lie east of UTC.
const ZONES: [(&str, i64); 24] = [
    ("Coordinated Universal Time", 0),
    ("Greenwich Mean Time", 0),
    ("Pacific Standard Time", -480),
    ("Eastern Standard Time", -300),
    ("Central European Standard Time", 60),
    ("UTC", 0),
    ("PST", -480),
    ("PDT", -420),
    ("MST", -420),
    ("MDT", -360),
    ("CST", -360),
    ("CDT", -300),
    ("EST", -300),
    ("EDT", -240),
    ("AKST", -540),
    ("AKDT", -480),
    ("HST", -600),
    ("WET", 0),
    ("WEST", 60),
    ("CET", 60),
    ("CEST", 120),
    ("EET", 120),
    ("EEST", 180),
    ("JST", 540),
];

/// Milliseconds since the epoch; none when the text does not fit, or nothing of it was used.
pub(super) fn read(items: &[Item], text: &str, century_start: i64) -> Option<i64> {
    let text: Vec<char> = text.chars().collect();
    let mut reader =
        Reader { text: &text, at: 0, fields: Fields::default(), century_start, is_ambiguous: false };
    for (index, item) in items.iter().enumerate() {
        match item {
            Item::Literal(literal) => reader.literal(literal)?,
            Item::Field(letter, count) => {
                let width = items.get(index + 1).is_some_and(is_number).then_some(*count);
                reader.field(*letter, *count, width)?;
            }
        }
    }
    if reader.at == 0 {
        return None;
    }
    let moment = reader.fields.moment(0);
    if reader.is_ambiguous && moment < century_start {
        return Some(reader.fields.moment(100));
    }
    Some(moment)
}

/// True for fields that are digits: a number right before one is only as long as its pattern.
fn is_number(item: &Item) -> bool {
    match item {
        Item::Literal(_) => false,
        Item::Field('M' | 'L', count) => *count <= 2,
        Item::Field(letter, _) => !matches!(letter, 'G' | 'E' | 'a' | 'z' | 'Z' | 'X'),
    }
}

struct Reader<'a> {
    text: &'a [char],
    at: usize,
    fields: Fields,
    century_start: i64,
    /// The year's two digits are those of the year in which the century starts.
    is_ambiguous: bool,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn literal(&mut self, literal: &[char]) -> Option<()> {
        self.text.get(self.at..)?.starts_with(literal).then(|| self.at += literal.len())
    }

    /// One field; `width` is how many characters a number may have when another one follows.
    fn field(&mut self, letter: char, count: usize, width: Option<usize>) -> Option<()> {
        let limit = width.map(|width| self.at + width);
        while matches!(self.peek()?, ' ' | '\t') {
            self.at += 1;
        }
        let start = self.at;
        match letter {
            'G' => {
                let era = self.name(&[("BC", 0), ("AD", 1), ("Before Christ", 0), ("Anno Domini", 1)])?;
                self.fields.set(Field::Era, era);
            }
            'M' | 'L' if count > 2 => {
                let month = self.name(&names(&MONTHS, 0))?;
                self.fields.set(Field::Month, month);
            }
            'E' => {
                let day = self.name(&names(&DAYS, 1))?;
                self.fields.set(Field::DayOfWeek, day);
            }
            'a' => {
                let half = self.name(&[("AM", 0), ("PM", 1)])?;
                self.fields.set(Field::AmPm, half);
            }
            'z' | 'Z' => self.zone()?,
            'X' => self.iso_zone(count)?,
            _ => {
                let number = self.number(limit)?;
                let is_two_digits =
                    self.at - start == 2 && self.text.get(start).is_some_and(char::is_ascii_digit);
                self.set_number(letter, number, count <= 2 && is_two_digits);
            }
        }
        Some(())
    }

    fn set_number(&mut self, letter: char, number: i64, may_lack_century: bool) {
        let (field, value) = match letter {
            'y' | 'Y' => {
                let year = if may_lack_century { self.with_century(number) } else { number };
                (if letter == 'y' { Field::Year } else { Field::WeekYear }, year)
            }
            'M' | 'L' => (Field::Month, number - 1),
            'd' => (Field::Day, number),
            'k' => (Field::HourOfDay, if number == 24 { 0 } else { number }),
            'H' => (Field::HourOfDay, number),
            'h' => (Field::Hour, if number == 12 { 0 } else { number }),
            'K' => (Field::Hour, number),
            'm' => (Field::Minute, number),
            's' => (Field::Second, number),
            'S' => (Field::Millisecond, number),
            'D' => (Field::DayOfYear, number),
            'F' => (Field::DayOfWeekInMonth, number),
            'w' => (Field::WeekOfYear, number),
            'W' => (Field::WeekOfMonth, number),
            _ if (1..=7).contains(&number) => (Field::DayOfWeek, number % 7 + 1),
            _ => (Field::DayOfWeek, number),
        };
        self.fields.set(field, value);
    }

    fn with_century(&mut self, year: i64) -> i64 {
        let start = super::Civil::of(self.century_start).year;
        self.is_ambiguous = year == start % 100;
        year + start / 100 * 100 + if year < start % 100 { 100 } else { 0 }
    }

    /// An integer, as Java's 32 bits hold it.
    fn number(&mut self, limit: Option<usize>) -> Option<i64> {
        let end = limit.unwrap_or(self.text.len());
        let window = self.text.get(self.at..end)?;
        let is_negative = window.first() == Some(&'-');
        let digits = window.iter().skip(usize::from(is_negative)).take_while(|c| c.is_ascii_digit());
        let digits: String = digits.collect();
        if digits.is_empty() {
            return None;
        }
        let length = digits.len() + usize::from(is_negative);
        let (exponent, exponent_length) = exponent(window.get(length..).unwrap_or_default());
        self.at += length + exponent_length;
        let sign = if is_negative { -1 } else { 1 };
        Some(match scaled(&digits, exponent).parse::<i64>() {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "Java keeps the low 32 bits of what fits in 64, and the nearest bound of what does not"
            )]
            Ok(number) => i64::from((sign * number) as i32),
            Err(_) if is_negative => i64::from(i32::MIN),
            Err(_) => i64::from(i32::MAX),
        })
    }

    /// The longest of these names that stands here, in any letter case.
    fn name(&mut self, names: &[(&str, i64)]) -> Option<i64> {
        let here = self.text.get(self.at..)?;
        let fits = |name: &str| {
            let mut chars = name.chars();
            let is_same = |(a, b): (char, &char)| a.eq_ignore_ascii_case(b);
            here.len() >= name.len() && chars.by_ref().zip(here).all(is_same)
        };
        let (name, value) = names.iter().filter(|(name, _)| fits(name)).max_by_key(|(name, _)| name.len())?;
        self.at += name.len();
        Some(*value)
    }

    /// `+0130`, `GMT+1:30` or an abbreviation.
    fn zone(&mut self) -> Option<()> {
        if let Some(sign) = self.sign() {
            return self.offset(sign, 2, false);
        }
        if self.name(&[("GMT", 0)]).is_some() {
            let Some(sign) = self.sign() else {
                self.fields.set(Field::Zone, 0);
                return Some(());
            };
            return self.offset(sign, 0, true);
        }
        let minutes = self.name(&ZONES)?;
        self.fields.set(Field::Zone, minutes * 60_000);
        Some(())
    }

    /// `Z`, `+01`, `+0130` or `+01:30`, by the number of letters.
    fn iso_zone(&mut self, count: usize) -> Option<()> {
        if self.peek()? == 'Z' {
            self.at += 1;
            self.fields.set(Field::Zone, 0);
            return Some(());
        }
        let sign = self.sign()?;
        self.offset(sign, count, count == 3)
    }

    fn sign(&mut self) -> Option<i64> {
        let sign = match self.peek()? {
            '+' => 1,
            '-' => -1,
            _ => return None,
        };
        self.at += 1;
        Some(sign)
    }

    /// Hours and, unless `count` is 1, minutes; hours have two digits, but for a `count` of 0 one is enough.
    fn offset(&mut self, sign: i64, count: usize, has_colon: bool) -> Option<()> {
        let mut hours = self.digit()?;
        match self.digit() {
            Some(second) => hours = hours * 10 + second,
            None if count == 0 => {}
            None => return None,
        }
        let mut minutes = 0;
        if count != 1 {
            if has_colon {
                self.literal(&[':'])?;
            }
            minutes = self.digit()? * 10 + self.digit()?;
        }
        if hours > 23 || minutes > 59 {
            return None;
        }
        self.fields.set(Field::Zone, sign * (hours * 60 + minutes) * 60_000);
        Some(())
    }

    fn digit(&mut self) -> Option<i64> {
        let digit = self.peek()?.to_digit(10)?;
        self.at += 1;
        Some(i64::from(digit))
    }
}

/// A power of ten after the digits (`E3`), which Java reads even here, and its length.
fn exponent(rest: &[char]) -> (i32, usize) {
    let is_negative = rest.get(1) == Some(&'-');
    let start = 1 + usize::from(is_negative);
    let digits: String = rest.iter().skip(start).take_while(|c| c.is_ascii_digit()).collect();
    if rest.first() != Some(&'E') || digits.is_empty() {
        return (0, 0);
    }
    let power = digits.parse().unwrap_or(i32::MAX);
    (if is_negative { -power } else { power }, start + digits.len())
}

/// The digits of the integer part, far enough to see that it is too great.
fn scaled(digits: &str, exponent: i32) -> String {
    let keep = i64::try_from(digits.len()).unwrap_or(i64::MAX).saturating_add(i64::from(exponent));
    let keep = usize::try_from(keep).unwrap_or(0).min(digits.len() + 40);
    let integer: String = digits.chars().chain(std::iter::repeat('0')).take(keep).collect();
    if integer.is_empty() { "0".to_owned() } else { integer }
}

/// The names in full and their first three letters, counted from `first`.
fn names<'a>(full: &[&'a str], first: i64) -> Vec<(&'a str, i64)> {
    let numbered = || (first..).zip(full).map(|(number, name)| (*name, number));
    numbered().chain(numbered().map(|(name, number)| (name.get(..3).unwrap_or(name), number))).collect()
}
