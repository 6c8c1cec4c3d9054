//! How the service takes a table's batches: its batching and streaming policies, beside what the connector does.

use super::asking::{look, unknown};
use super::verdicts::failed;
use crate::checkup::{Finding, Inspection, InspectionResult};
use crate::kusto::ingest::Target;
use crate::kusto::ingest::batching::{BatchingPolicy, POLICY};
use crate::kusto::ingest::managed::ManagedIngestClient;
use crate::kusto::ingest::target::quoted_name;
use std::sync::Arc;
use std::time::Duration;

/// So many of our batches in one of the service's are said to be many.
const MANY: u64 = 20;

fn judge(batching: &BatchingPolicy, table: &str, flush: Duration) -> Finding {
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
        match look(&client).policy((&target.database, &target.table), POLICY).await {
            Ok(policy) => {
                let batching = BatchingPolicy::read(policy.as_deref());
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
    use super::{BatchingPolicy, judge};
    use crate::checkup::InspectionResult;
    use std::time::Duration;

    #[test]
    fn a_policy_is_read_and_compared() {
        let default = BatchingPolicy::read(None);
        assert!(default.words().contains("300 s, 500 blobs or 1024 MB (the service's default)"));
        let policy =
            r#"{"MaximumBatchingTimeSpan":"00:00:15","MaximumNumberOfItems":100,"MaximumRawDataSizeMB":300}"#;
        let own = BatchingPolicy::read(Some(policy));
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
}
