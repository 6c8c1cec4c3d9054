//! The speed of a producer: records per second, or as fast as it goes.

use std::{str::FromStr, time::Duration};

/// How fast records are sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rate {
    /// Records per second, above zero.
    PerSecond(f64),
    /// As fast as Kafka takes them.
    Max,
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "max" {
            return Ok(Self::Max);
        }
        match text.parse::<f64>() {
            Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(Self::PerSecond(rate)),
            _ => Err(format!("{text} is neither a number of records per second above zero nor max")),
        }
    }
}

impl Rate {
    /// When record `number` (from zero) is due, counted from the start. The plan never drifts: a late record does not delay the rest.
    #[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 52 bits of record count")]
    pub fn due(self, number: u64) -> Duration {
        match self {
            Self::PerSecond(rate) => {
                Duration::try_from_secs_f64(number as f64 / rate).unwrap_or(Duration::MAX)
            }
            Self::Max => Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_numbers_above_zero_or_max() {
        assert_eq!("max".parse(), Ok(Rate::Max));
        assert_eq!("0.5".parse(), Ok(Rate::PerSecond(0.5)));
        for bad in ["0", "-1", "fast", "NaN", "inf", ""] {
            assert!(bad.parse::<Rate>().is_err(), "{bad}");
        }
    }

    #[test]
    fn records_are_due_one_period_apart() {
        assert_eq!(Rate::PerSecond(4.0).due(0), Duration::ZERO);
        assert_eq!(Rate::PerSecond(4.0).due(6), Duration::from_millis(1500));
        assert_eq!(Rate::Max.due(1_000_000), Duration::ZERO);
    }
}
