//! Rules in words, for tests in Rust: what becomes of sources inside the service, and what commands are answered.
//!
//! Makes [`Rule`]s, which `faults` keeps and applies. Everything they can say stands in the fields of [`Rule`] too.

use std::time::Duration;

use crate::faults::{Effect, Rule};
use crate::operation::Operation;

impl Rule {
    /// Sources fail for good at `step`, one of the steps of the data-management loop, with the step's usual code.
    pub fn fail(step: Operation) -> Self {
        Self::new(step, Effect::Fail { code: None, permanent: Some(true), details: None })
    }

    /// Sources fail at `step` with this ingestion error code, which says whether a later try may succeed.
    pub fn fail_with(step: Operation, code: &str) -> Self {
        Self::new(step, Effect::Fail { code: Some(code.to_owned()), permanent: None, details: None })
    }

    /// Sources fail at `step`, and the service tries again; without [`Rule::times`] until it gives up.
    pub fn fail_for_a_while(step: Operation) -> Self {
        Self::new(step, Effect::Fail { code: None, permanent: Some(false), details: None })
    }

    /// Sources are held back for so long, and others overtake them.
    pub fn hold_back(time: Duration) -> Self {
        Self::new(Operation::Accept, Effect::Delay { milliseconds: milliseconds(time) })
    }

    /// Sources are held back for random times up to `longest`. The same `seed` gives the same times.
    pub fn scatter(longest: Duration, seed: u64) -> Self {
        let effect = Effect::Scatter { milliseconds: milliseconds(longest) };
        Self { seed, ..Self::new(Operation::Accept, effect) }
    }

    /// Sources are forgotten: they never come into a table, and nobody is told.
    pub fn lose() -> Self {
        Self::new(Operation::Accept, Effect::Lose)
    }

    /// How sources ended is told so much later.
    pub fn tell_late(time: Duration) -> Self {
        Self::new(Operation::Report, Effect::Delay { milliseconds: milliseconds(time) })
    }

    /// How sources ended is not told, in no way.
    pub fn never_tell() -> Self {
        Self::new(Operation::Report, Effect::Lose)
    }

    /// Management commands whose text contains `text` are answered with this HTTP status.
    pub fn refuse_command(text: &str, status: u16) -> Self {
        Self::new(Operation::Mgmt, Effect::Status { status, code: None, retry_after: None }).of_path(text)
    }

    /// The same rule, only for sources for this table.
    #[must_use]
    pub fn of_table(mut self, table: &str) -> Self {
        self.table = Some(table.to_owned());
        self
    }

    /// The same rule, only for sources whose blob's path contains `part`.
    #[must_use]
    pub fn of_path(mut self, part: &str) -> Self {
        self.path_contains = Some(part.to_owned());
        self
    }

    /// The same rule, only for sources that have `text` inside. At `Parse`, `Mapping` and `UpdatePolicy`.
    #[must_use]
    pub fn of_content(mut self, text: &str) -> Self {
        self.content_contains = Some(text.to_owned());
        self
    }

    /// The same rule, for each `n`-th only.
    #[must_use]
    pub fn each(mut self, n: u64) -> Self {
        self.every = Some(n);
        self
    }

    /// The same rule, with this probability only, 0 to 1. The same `seed` gives the same choice.
    #[must_use]
    pub fn at_random(mut self, probability: f64, seed: u64) -> Self {
        (self.probability, self.seed) = (Some(probability), seed);
        self
    }

    /// The same rule, firing `count` times only.
    #[must_use]
    pub fn times(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::{Operation, Rule};

    #[test]
    fn words_say_what_json_says() {
        let fail =
            Rule::fail_with(Operation::Parse, "Timeout").of_table("T").of_content("x").each(3).times(2);
        let rare = Rule::scatter(Duration::from_secs(2), 5).of_path("/a").at_random(0.5, 7);
        let cases = [
            (
                fail,
                json!({"operation": "Parse", "table": "T", "content_contains": "x", "every": 3, "count": 2,
                    "effect": {"kind": "fail", "code": "Timeout"}}),
            ),
            (
                rare,
                json!({"operation": "Accept", "path_contains": "/a", "probability": 0.5, "seed": 7,
                    "effect": {"kind": "scatter", "milliseconds": 2000}}),
            ),
            (
                Rule::fail(Operation::Batch),
                json!({"operation": "Batch", "effect": {"kind": "fail", "permanent": true}}),
            ),
            (
                Rule::fail_for_a_while(Operation::Download),
                json!({"operation": "Download", "effect": {"kind": "fail", "permanent": false}}),
            ),
            (
                Rule::hold_back(Duration::from_secs(1)),
                json!({"operation": "Accept", "effect": {"kind": "delay", "milliseconds": 1000}}),
            ),
            (Rule::lose(), json!({"operation": "Accept", "effect": {"kind": "lose"}})),
            (
                Rule::tell_late(Duration::from_secs(1)),
                json!({"operation": "Report", "effect": {"kind": "delay", "milliseconds": 1000}}),
            ),
            (Rule::never_tell(), json!({"operation": "Report", "effect": {"kind": "lose"}})),
            (
                Rule::refuse_command(".show data", 403),
                json!({"operation": "Mgmt", "path_contains": ".show data", "effect": {"kind": "status", "status": 403}}),
            ),
        ];
        for (rule, text) in cases {
            assert_eq!(rule, serde_json::from_value(text).unwrap());
        }
    }
}
