//! The fields that a text has set, and the moment that they make: of fields that contradict each other, the last wins.

use super::calendar::{DAY_MS, day_number, first_week, on_or_before};

/// A field of Java's calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Era,
    Year,
    /// From 0.
    Month,
    WeekOfYear,
    WeekOfMonth,
    Day,
    DayOfYear,
    /// Sunday is 1.
    DayOfWeek,
    DayOfWeekInMonth,
    AmPm,
    Hour,
    HourOfDay,
    Minute,
    Second,
    Millisecond,
    /// Milliseconds east of UTC.
    Zone,
    WeekYear,
}

/// What was set, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields(Vec<(Field, i64)>);

impl Fields {
    pub(super) fn set(&mut self, field: Field, value: i64) {
        self.0.retain(|(known, _)| *known != field);
        self.0.push((field, value));
    }

    fn get(&self, field: Field) -> Option<i64> {
        self.0.iter().find(|(known, _)| *known == field).map(|(_, value)| *value)
    }

    /// When a field was set; 0 for never.
    fn stamp(&self, field: Field) -> usize {
        self.0.iter().position(|(known, _)| *known == field).map_or(0, |index| index + 1)
    }

    /// When both of two fields had been set.
    fn both(&self, one: Field, other: Field) -> usize {
        let (one, other) = (self.stamp(one), self.stamp(other));
        if one == 0 || other == 0 { 0 } else { one.max(other) }
    }

    /// Milliseconds since the epoch, the year moved by some.
    /// Far beyond all dates it wraps around, as Java's does.
    pub(super) fn moment(&self, more_years: i64) -> i64 {
        let of_day = self.ms_of_day();
        let day = if self.stamp(Field::WeekYear) > self.stamp(Field::Year) {
            self.day_of_week_year(more_years)
        } else {
            self.day(more_years)
        };
        let ms = day.wrapping_mul(DAY_MS).wrapping_add(of_day);
        ms.wrapping_sub(self.get(Field::Zone).unwrap_or(0))
    }

    fn ms_of_day(&self) -> i64 {
        let value = |field| self.get(field).unwrap_or(0);
        let half_day = match self.both(Field::Hour, Field::AmPm) {
            0 => self.stamp(Field::Hour).max(self.stamp(Field::AmPm)),
            both => both,
        };
        let is_whole_day = self.stamp(Field::HourOfDay) > 0
            && (self.stamp(Field::HourOfDay) > half_day || self.both(Field::Hour, Field::AmPm) == 0);
        let hour =
            if is_whole_day { value(Field::HourOfDay) } else { value(Field::Hour) + 12 * value(Field::AmPm) };
        ((hour * 60 + value(Field::Minute)) * 60 + value(Field::Second)) * 1000 + value(Field::Millisecond)
    }

    fn day_of_week_year(&self, more_years: i64) -> i64 {
        let year = self.get(Field::WeekYear).unwrap_or(1970) + more_years;
        let week = self.get(Field::WeekOfYear).unwrap_or(1);
        let weekday = self.get(Field::DayOfWeek).unwrap_or(1);
        first_week(day_number(year, 0, 1)) + 7 * (week - 1) + weekday - 1
    }

    fn day(&self, more_years: i64) -> i64 {
        let year = self.get(Field::Year).unwrap_or(1970);
        let year = if self.get(Field::Era) == Some(0) { 1 - year } else { year } + more_years;
        let month = self.get(Field::Month).unwrap_or(0);
        match self.anchor() {
            Anchor::Day => day_number(year, month, self.get(Field::Day).unwrap_or(1)),
            Anchor::DayOfYear => day_number(year, 0, 1) + self.get(Field::DayOfYear).unwrap_or(1) - 1,
            Anchor::Week(field) => {
                let month = if field == Field::WeekOfYear { 0 } else { month };
                let sunday = first_week(day_number(year, month, 1));
                let first = self.get(Field::DayOfWeek).map_or(sunday, |day| on_or_before(sunday + 6, day));
                first + 7 * (self.get(field).unwrap_or(1) - 1)
            }
            Anchor::DayOfWeekInMonth => {
                let weekday = self.get(Field::DayOfWeek).unwrap_or(1);
                let nth = self.get(Field::DayOfWeekInMonth).unwrap_or(1);
                if nth >= 0 {
                    on_or_before(day_number(year, month, 1) + 7 * nth - 1, weekday)
                } else {
                    on_or_before(day_number(year, month + 1, 1) + 7 * (nth + 1) - 1, weekday)
                }
            }
        }
    }

    /// The field that the day is counted by: the one that was set last, complete ones before lone ones.
    fn anchor(&self) -> Anchor {
        let in_weeks = |field| self.both(field, Field::DayOfWeek);
        let candidates = [
            (self.stamp(Field::Day), Anchor::Day),
            (in_weeks(Field::WeekOfMonth), Anchor::Week(Field::WeekOfMonth)),
            (in_weeks(Field::DayOfWeekInMonth), Anchor::DayOfWeekInMonth),
            (self.stamp(Field::DayOfYear), Anchor::DayOfYear),
            (in_weeks(Field::WeekOfYear), Anchor::Week(Field::WeekOfYear)),
        ];
        let lone = [
            (self.stamp(Field::WeekOfMonth), Anchor::Week(Field::WeekOfMonth)),
            (self.stamp(Field::DayOfWeekInMonth).max(self.stamp(Field::DayOfWeek)), Anchor::DayOfWeekInMonth),
            (self.stamp(Field::WeekOfYear), Anchor::Week(Field::WeekOfYear)),
        ];
        latest(&candidates).or_else(|| latest(&lone)).unwrap_or(Anchor::Day)
    }
}

#[derive(Debug, Clone, Copy)]
enum Anchor {
    Day,
    DayOfYear,
    Week(Field),
    DayOfWeekInMonth,
}

/// The first of those that were set last.
fn latest(candidates: &[(usize, Anchor)]) -> Option<Anchor> {
    let last = candidates.iter().map(|(stamp, _)| *stamp).max().filter(|stamp| *stamp > 0)?;
    candidates.iter().find(|(stamp, _)| *stamp == last).map(|(_, anchor)| *anchor)
}
