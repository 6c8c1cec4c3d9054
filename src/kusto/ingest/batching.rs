//! How long the service gathers blobs of a table before it ingests them: the policy `ingestionbatching` (`kusto-protocol.md` §8).
//!
//! Pure; who asks for it is elsewhere.

use serde_json::Value;
use std::time::Duration;

/// Its name in commands.
pub const POLICY: &str = "ingestionbatching";

/// What a policy says, with the service's own numbers where it says nothing (`kusto-protocol.md` §8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchingPolicy {
    /// How long a batch gathers.
    pub time: Duration,
    items: u64,
    megabytes: u64,
    is_default: bool,
}

impl BatchingPolicy {
    /// Reads its JSON; none where neither the table nor its database has one.
    pub fn read(policy: Option<&str>) -> Self {
        let json: Value = policy.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let number = |key: &str, default| json.get(key).and_then(Value::as_u64).unwrap_or(default);
        let time = json.get("MaximumBatchingTimeSpan").and_then(Value::as_str).and_then(timespan);
        Self {
            time: time.unwrap_or(Duration::from_mins(5)),
            items: number("MaximumNumberOfItems", 500),
            megabytes: number("MaximumRawDataSizeMB", 1024),
            is_default: policy.is_none(),
        }
    }

    /// It in words.
    pub fn words(&self) -> String {
        let Self { time, items, megabytes, is_default } = self;
        let whose = if *is_default { " (the service's default)" } else { "" };
        format!("the service waits for {} s, {items} blobs or {megabytes} MB{whose}", time.as_secs())
    }
}

/// `[d.]hh:mm:ss[.fraction]`.
fn timespan(text: &str) -> Option<Duration> {
    let (days, rest) = match text.split_once('.') {
        Some((days, rest)) if rest.contains(':') => (days.parse::<u64>().ok()?, rest),
        _ => (0, text),
    };
    let parts: Option<Vec<u64>> =
        rest.split(':').map(|part| part.split('.').next().unwrap_or(part).parse().ok()).collect();
    let [hours, minutes, seconds] = parts?.try_into().ok()?;
    Some(Duration::from_secs(((days * 24 + hours) * 60 + minutes) * 60 + seconds))
}

#[cfg(test)]
mod tests {
    use super::timespan;
    use std::time::Duration;

    #[test]
    fn timespans_may_have_days_and_fractions() {
        for (text, seconds) in [
            ("00:05:00", Some(300)),
            ("1.00:00:01", Some(86_401)),
            ("00:00:10.5000000", Some(10)),
            ("5", None),
            ("a:b:c", None),
        ] {
            assert_eq!(timespan(text), seconds.map(Duration::from_secs), "{text}");
        }
    }
}
