//! Moments in ISO 8601, in UTC: every number of milliseconds has one, also beyond the years that dates of a table have.
//!
//! Years outside of 0000 to 9999 have a sign and at least six digits. The calendar is today's at all times. Pure.

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;
/// Days of 400 years, after which the calendar repeats itself.
const CYCLE: i64 = 146_097;
/// Days from 1 March 0000 to the epoch.
const EPOCH: i64 = 719_468;

/// A moment: `2023-11-14T22:13:20.123Z`.
pub fn moment(ms: i64) -> String {
    format!("{}T{}Z", day(ms), clock(ms))
}

/// The day of a moment: `2023-11-14`.
pub fn day(ms: i64) -> String {
    let (year, month, day) = civil(ms.div_euclid(DAY_MS));
    if (0..=9999).contains(&year) {
        format!("{year:04}-{month:02}-{day:02}")
    } else {
        format!("{year:+07}-{month:02}-{day:02}")
    }
}

/// The time of day of a moment: `22:13:20.123`.
pub fn clock(ms: i64) -> String {
    let ms = ms.rem_euclid(DAY_MS);
    let (hours, minutes) = (ms / 3_600_000, ms / 60_000 % 60);
    format!("{hours:02}:{minutes:02}:{:02}.{:03}", ms / 1000 % 60, ms % 1000)
}

/// Year, month and day of a day since the epoch. Years are counted from March here, so that a leap day is their last.
fn civil(epoch_day: i64) -> (i64, i64, i64) {
    let since = epoch_day + EPOCH;
    let (cycle, day) = (since.div_euclid(CYCLE), since.rem_euclid(CYCLE));
    // A leap day in every 4 years but not in every 100, and the last of 400.
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let march = (5 * day + 2) / 153;
    let month = if march < 10 { march + 3 } else { march - 9 };
    let year = cycle * 400 + year + i64::from(month <= 2);
    (year, month, day - (153 * march + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::{DAY_MS, clock, day, moment};
    use proptest::prelude::*;
    use time::OffsetDateTime;
    use time::macros::format_description;

    #[test]
    fn every_moment_has_a_text() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_700_000_000_123, "2023-11-14T22:13:20.123Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (253_402_300_800_000, "+010000-01-01T00:00:00.000Z"),
            // Microseconds that were taken for milliseconds.
            (1_700_000_000_123_456, "+055840-11-08T22:15:23.456Z"),
            (-62_167_219_200_001, "-000001-12-31T23:59:59.999Z"),
            (i64::MAX, "+292278994-08-17T07:12:55.807Z"),
            (i64::MIN, "-292275055-05-16T16:47:04.192Z"),
        ] {
            assert_eq!(moment(ms), text);
        }
        assert_eq!((day(-1).as_str(), clock(-1).as_str()), ("1969-12-31", "23:59:59.999"));
    }

    proptest! {
        #[test]
        fn within_four_digits_it_is_the_usual_calendar(ms in -62_167_219_200_000..253_402_300_800_000_i64) {
            let usual = OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).unwrap();
            let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
            prop_assert_eq!(moment(ms), usual.format(format).unwrap());
            prop_assert_eq!(day(ms - ms.rem_euclid(DAY_MS)), day(ms));
        }
    }
}
