//! Java's calendar in UTC: Julian before 15 October 1582, Gregorian from then on, weeks from Sunday.
//!
//! Only arithmetic on day numbers; texts are the other files' part.

/// Milliseconds of a day.
pub(super) const DAY_MS: i64 = 86_400_000;
/// The first Gregorian day, 15 October 1582, in days since the epoch.
const CUTOVER: i64 = -141_427;
const SUNDAY: i64 = 1;

/// A point of time, taken apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Civil {
    /// 0 is 1 BC.
    pub(super) year: i64,
    /// From 0.
    pub(super) month: i64,
    /// Of the month, from 1.
    pub(super) day: i64,
    /// Days since the epoch.
    pub(super) epoch_day: i64,
    /// Milliseconds since midnight.
    pub(super) ms: i64,
}

impl Civil {
    /// Takes milliseconds since the epoch apart.
    pub(super) fn of(ms: i64) -> Self {
        let epoch_day = ms.div_euclid(DAY_MS);
        let (year, month, day) = civil(epoch_day);
        Self { year, month, day, epoch_day, ms: ms.rem_euclid(DAY_MS) }
    }

    /// From 1, as the days before the year's first 15 October 1582 are counted.
    pub(super) fn day_of_year(&self) -> i64 {
        self.epoch_day - day_number(self.year, 0, 1) + 1
    }

    /// Sunday is 1.
    pub(super) fn day_of_week(&self) -> i64 {
        day_of_week(self.epoch_day)
    }

    /// From 1; the last days of December may be in week 1 of the next year.
    pub(super) fn week_of_year(&self) -> i64 {
        let week = self.week_since(day_number(self.year, 0, 1));
        let next = day_number(self.year + 1, 0, 1);
        let sunday = on_or_before(next + 6, SUNDAY);
        if week >= 52 && sunday > next && self.epoch_day >= sunday - 7 { 1 } else { week }
    }

    /// The year that the week belongs to.
    pub(super) fn week_year(&self) -> i64 {
        if self.month == 11 && self.week_of_year() == 1 { self.year + 1 } else { self.year }
    }

    /// From 1.
    pub(super) fn week_of_month(&self) -> i64 {
        self.week_since(day_number(self.year, self.month, 1))
    }

    fn week_since(&self, first: i64) -> i64 {
        (self.epoch_day - first_week(first)).div_euclid(7) + 1
    }
}

/// The weekday of a day since the epoch, Sunday is 1.
pub(super) fn day_of_week(epoch_day: i64) -> i64 {
    (epoch_day + 4).rem_euclid(7) + 1
}

/// The last day up to `epoch_day` that is this weekday.
pub(super) fn on_or_before(epoch_day: i64, weekday: i64) -> i64 {
    epoch_day - (day_of_week(epoch_day) - weekday).rem_euclid(7)
}

/// The Sunday that opens the first week of a year or month that begins at `first`.
pub(super) fn first_week(first: i64) -> i64 {
    let sunday = on_or_before(first + 6, SUNDAY);
    if sunday > first { sunday - 7 } else { sunday }
}

/// The day since the epoch; months and days outside their ranges run over into the next ones.
pub(super) fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let year = year + month.div_euclid(12);
    let month = month.rem_euclid(12);
    let gregorian = first_of_month(year, month, true) + day - 1;
    if gregorian >= CUTOVER {
        return gregorian;
    }
    first_of_month(year, month, false) + day - 1
}

/// The day since the epoch on which a month begins, in one of the two calendars.
fn first_of_month(year: i64, month: i64, is_gregorian: bool) -> i64 {
    // Years from March on have the leap day at their end.
    let (year, month) = if month < 2 { (year - 1, month + 10) } else { (year, month - 2) };
    let leap_days = if is_gregorian {
        year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) - 719_468
    } else {
        year.div_euclid(4) - 719_470
    };
    365 * year + leap_days + (153 * month + 2) / 5
}

fn civil(epoch_day: i64) -> (i64, i64, i64) {
    let is_gregorian = epoch_day >= CUTOVER;
    let (cycle_days, cycle_years) = if is_gregorian { (146_097, 400) } else { (1461, 4) };
    // A guess from the mean length of a year is at most one off.
    let mut year = (epoch_day.div_euclid(cycle_days)) * cycle_years
        + epoch_day.rem_euclid(cycle_days) * cycle_years / cycle_days
        + 1970;
    while first_of_month(year, 0, is_gregorian) > epoch_day {
        year -= 1;
    }
    while first_of_month(year + 1, 0, is_gregorian) <= epoch_day {
        year += 1;
    }
    let starts = |month: &i64| first_of_month(year, *month, is_gregorian) <= epoch_day;
    let month = (0..12).rev().find(starts).unwrap_or(0);
    (year, month, epoch_day - first_of_month(year, month, is_gregorian) + 1)
}
