//! The moments between which records are compared, as a person writes them. Pure.

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

/// Reads a moment: RFC 3339, a day (its begin, UTC), or an age like `90s`, `15m`, `6h`, `7d`. Milliseconds since the epoch.
pub fn moment(text: &str, now_ms: i64) -> Result<i64, String> {
    let text = text.trim();
    if let Ok(moment) = OffsetDateTime::parse(text, &Rfc3339) {
        return Ok(moment
            .unix_timestamp()
            .saturating_mul(1000)
            .saturating_add(i64::from(moment.millisecond())));
    }
    if let Ok(day) = Date::parse(text, format_description!("[year]-[month]-[day]")) {
        return Ok(day.midnight().assume_utc().unix_timestamp().saturating_mul(1000));
    }
    let unit = |text: &str| match text {
        "s" => Some(1_000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        "d" => Some(86_400_000),
        _ => None,
    };
    let place = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(place);
    match (number.parse::<i64>(), unit(rest)) {
        (Ok(number), Some(ms)) => Ok(now_ms.saturating_sub(number.saturating_mul(ms))),
        _ => Err("it must be a time like 2026-08-01T00:00:00Z, a day like 2026-08-01, or an age like 15m, 6h or 7d"
            .to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::moment;
    use proptest::prelude::*;

    #[test]
    fn times_days_and_ages() {
        let now = 1_700_000_000_000;
        for (text, ms) in [
            ("2023-11-14T22:13:20Z", 1_700_000_000_000),
            ("2023-11-14T23:13:20.250+01:00", 1_700_000_000_250),
            ("2023-11-14", 1_699_920_000_000),
            ("90s", now - 90_000),
            (" 7d ", now - 604_800_000),
        ] {
            assert_eq!(moment(text, now), Ok(ms), "{text}");
        }
        for text in ["", "yesterday", "5", "m", "5w", "2023-13-01", "-5m"] {
            assert!(moment(text, now).unwrap_err().contains("15m"), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,30}", number in any::<u64>()) {
            let _read = (moment(&text, 0), moment(&format!("{number}d"), i64::MIN));
        }
    }
}
