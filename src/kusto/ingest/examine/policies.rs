//! How the service takes a table's batches: its batching and streaming policies, beside what the connector does.

use super::asking::{look, unknown};
use super::verdicts::failed;
use crate::checkup::{Finding, Inspection, InspectionResult};
use crate::kusto::ingest::Target;
use crate::kusto::ingest::managed::ManagedIngestClient;
use crate::kusto::ingest::target::quoted_name;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// So many of our batches in one of the service's are said to be many.
const MANY: u64 = 20;

/// What a policy says, with the service's own numbers where it says nothing (`kusto-protocol.md` §8).
#[derive(Debug, Clone, PartialEq, Eq)]
struct Batching {
    time: Duration,
    items: u64,
    megabytes: u64,
    is_default: bool,
}

impl Batching {
    fn read(policy: Option<&str>) -> Self {
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

    fn words(&self) -> String {
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

fn judge(batching: &Batching, table: &str, flush: Duration) -> Finding {
    let said = batching.words();
    let ours = batching.time.as_millis() / flush.as_millis().max(1);
    if ours <= u128::from(MANY) {
        return Finding::good(said);
    }
    let policy = format!("{{\"MaximumBatchingTimeSpan\":\"{}\"}}", clock(flush.max(Duration::from_secs(10))));
    Finding::warning(
        format!(
            "{said}; flush.interval.ms={} makes up to {ours} small blobs of that, for each partition",
            flush.as_millis()
        ),
        format!(
            "raise flush.interval.ms, or if rows have to be seen so soon: .alter table {} policy ingestionbatching @'{policy}'",
            quoted_name(table)
        ),
    )
}

fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// How long the service gathers, beside `flush`, how long we do.
pub(super) fn batching(client: &Arc<ManagedIngestClient>, target: &Target, flush: Duration) -> Inspection {
    let name = format!("batching policy of {}.{}", target.database, target.table);
    let (client, target) = (Arc::clone(client), target.clone());
    Inspection::new(name, async move {
        match look(&client).policy(&target, "ingestionbatching").await {
            Ok(policy) => {
                let batching = Batching::read(policy.as_deref());
                if target.streaming {
                    Finding::good(batching.words())
                } else {
                    judge(&batching, &target.table, flush)
                }
            }
            Err(error) => unknown(&client, &target, &error),
        }
    })
}

/// Does it stream where it should? `must`: the tasks fail when it does not.
pub(super) fn streaming(client: &Arc<ManagedIngestClient>, target: &Target, must: bool) -> Inspection {
    let name = format!("streaming policy of {}.{}", target.database, target.table);
    let (client, target) = (Arc::clone(client), target.clone());
    Inspection::new(name, async move {
        match look(&client).takes_streams(&target).await {
            Ok(None) if target.streaming => Finding::good("enabled"),
            Ok(None) => Finding::good("enabled, and not asked for by the mapping (streaming: true)"),
            Ok(Some(_)) if !target.streaming => Finding::good("not enabled, and not asked for"),
            Ok(Some(problem)) => {
                let finding = failed(&problem);
                let verdict = if must { InspectionResult::Failed } else { InspectionResult::Warning };
                let what = if must { "tasks fail" } else { "batches are queued instead" };
                Finding { verdict, said: format!("{}: {what}", finding.said), ..finding }
            }
            Err(error) => unknown(&client, &target, &error),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{Batching, judge, timespan};
    use crate::checkup::InspectionResult;
    use std::time::Duration;

    #[test]
    fn a_policy_is_read_and_compared() {
        let default = Batching::read(None);
        assert!(default.words().contains("300 s, 500 blobs or 1024 MB (the service's default)"));
        let policy =
            r#"{"MaximumBatchingTimeSpan":"00:00:15","MaximumNumberOfItems":100,"MaximumRawDataSizeMB":300}"#;
        let own = Batching::read(Some(policy));
        assert_eq!(own.words(), "the service waits for 15 s, 100 blobs or 300 MB");
        assert_eq!(judge(&default, "T", Duration::from_secs(30)).verdict, InspectionResult::Ok);
        assert_eq!(judge(&own, "T", Duration::from_secs(1)).verdict, InspectionResult::Ok);
        let found = judge(&default, "T", Duration::from_secs(1));
        assert_eq!(found.verdict, InspectionResult::Warning);
        let advice = found.advice.unwrap();
        assert!(
            advice.contains(
                r#".alter table ['T'] policy ingestionbatching @'{"MaximumBatchingTimeSpan":"00:00:10"}'"#
            ),
            "{advice}"
        );
        assert_eq!(judge(&default, "T", Duration::ZERO).verdict, InspectionResult::Warning);
    }

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
