//! Reports work that waits for a service to the connector's loop, while it waits, and that it does no longer.
//!
//! It owns nothing but its channel. What is made of it is the loop's business (`trouble`).

use super::report::PipelineReport;
use super::scope::PartitionScope;
use super::waiting::{Wait, WaitSubject};
use crate::brief::Brief;
use crate::id::OffsetRange;
use crate::sink::Waiting;
use std::pin::pin;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// A batch without an answer for so long is reported, though no try of it has failed.
const SILENCE: Duration = Duration::from_secs(30);
/// The same for dead letters, which Kafka takes at once when it is well.
const LETTERS_SILENCE: Duration = Duration::from_secs(1);

/// Of one piece of work.
pub(super) struct WaitReporter {
    scope: PartitionScope,
    waiter: WaitSubject,
    /// Of its records, where they are known.
    offsets: Option<OffsetRange>,
    started: Instant,
    last: Option<String>,
}

impl WaitReporter {
    /// Of work that starts now.
    pub(super) fn new(scope: PartitionScope, waiter: WaitSubject, offsets: Option<OffsetRange>) -> Self {
        Self { scope, waiter, offsets, started: Instant::now(), last: None }
    }

    /// Tries of it failed, the last one for this cause.
    pub(super) async fn failed(&mut self, tries: u64, brief: Brief, cause: String) {
        self.scope.counts.retried(tries);
        self.waits(brief, cause).await;
    }

    /// It waits for this, of which nothing was tried.
    pub(super) async fn waits_for(&mut self, cause: String) {
        self.waits(Brief::of(&cause), cause).await;
    }

    async fn waits(&mut self, brief: Brief, cause: String) {
        if self.last.as_ref() == Some(&cause) {
            return;
        }
        self.last = Some(cause.clone());
        let offsets = self.offsets.map(|offsets| format!(", offsets {offsets}")).unwrap_or_default();
        let brief = brief.at(format!("{}{offsets}", self.scope.partition));
        let wait = Wait { since: self.started, cause, brief };
        self.scope.report(PipelineReport::Waits(self.scope.partition.clone(), self.waiter, wait)).await;
    }

    /// It waits no longer.
    pub(super) async fn ended(mut self) {
        if self.last.take().is_some() {
            self.scope.report(PipelineReport::WaitsNoMore(self.scope.partition.clone(), self.waiter)).await;
        }
    }

    /// Does a batch's `work`, whose client says why it waits; `service` is the setting that says where its service is.
    pub(super) async fn batch<T>(
        mut self,
        work: impl Future<Output = T>,
        mut waiting: watch::Receiver<Option<Waiting>>,
        service: &'static str,
    ) -> T {
        let (mut work, mut failures, silent_until) = (pin!(work), 0, self.started + SILENCE);
        let result = loop {
            tokio::select! {
                biased;
                result = &mut work => break result,
                Ok(()) = waiting.changed() => {
                    let now = waiting.borrow_and_update().clone();
                    if let Some(now) = now {
                        self.scope.counts.retried(now.failures - failures);
                        failures = now.failures;
                        self.waits(now.brief, now.cause).await;
                    }
                }
                () = tokio::time::sleep_until(silent_until), if self.last.is_none() => {
                    let cause = format!("no answer yet (check {service} and the network)");
                    self.waits(Brief::of(&cause), cause).await;
                }
            }
        };
        // The last failure and the end may come in one.
        let all = waiting.borrow().as_ref().map_or(0, |waiting| waiting.failures);
        self.scope.counts.retried(all - failures);
        self.ended().await;
        result
    }

    /// Waits for letters to be in their topic, which is tried without an end; `brief` is what to say of it meanwhile.
    pub(super) async fn letters<T>(mut self, work: impl Future<Output = T>, brief: Brief) -> T {
        let mut work = pin!(work);
        self.started = Instant::now();
        let first = tokio::time::timeout(LETTERS_SILENCE, &mut work).await;
        let result = if let Ok(result) = first {
            result
        } else {
            let cause = brief.to_string();
            self.waits(brief, cause).await;
            work.await
        };
        self.ended().await;
        result
    }
}

#[cfg(test)]
mod tests {
    use super::{Brief, LETTERS_SILENCE, PipelineReport, SILENCE, Wait, WaitReporter, WaitSubject};
    use crate::id::{ConnectorTaskId, TopicPartition};
    use crate::metrics::Metrics;
    use crate::sink::Waiting;
    use crate::task::scope::PartitionScope;
    use std::time::Duration;
    use tokio::sync::{mpsc, watch};
    use tokio::time::{Instant, sleep};

    /// The numbers of failures and of retries, and what was reported.
    async fn reported<F: Future<Output = ()>>(
        work: impl FnOnce(WaitReporter) -> F,
    ) -> ([u64; 2], Vec<PipelineReport>) {
        let metrics = Metrics::default();
        let id = ConnectorTaskId { connector: "c".into(), task: 0 };
        let task = metrics.task(&id);
        let (sender, mut reports) = mpsc::channel(16);
        let scope = PartitionScope::new((id, task.counts()), TopicPartition::new("t", 0), sender);
        work(WaitReporter::new(scope, WaitSubject::Batch(7), None)).await;
        let mut all = Vec::new();
        while let Some(report) = reports.recv().await {
            all.push(report);
        }
        let errors = metrics.read().connectors[0].tasks[0].reading.as_ref().unwrap().errors;
        ([errors.failures, errors.retries], all)
    }

    fn causes<'r>(reports: &'r [PipelineReport]) -> Vec<&'r str> {
        let cause = |report: &'r PipelineReport| match report {
            PipelineReport::Waits(_, WaitSubject::Batch(7), Wait { cause, .. }) => cause.as_str(),
            PipelineReport::WaitsNoMore(_, WaitSubject::Batch(7)) => "no more",
            other => panic!("{other:?}"),
        };
        reports.iter().map(cause).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn each_failed_try_of_a_batch_is_counted_and_each_cause_reported_once() {
        let (sender, waiting) = watch::channel(None);
        let (numbers, reports) = reported(|reporter| {
            reporter.batch(
                async move {
                    for (failures, cause) in [(1, "503"), (2, "503"), (5, "500"), (6, "500")] {
                        sleep(Duration::from_secs(1)).await;
                        sender.send_replace(Some(Waiting {
                            failures,
                            cause: cause.to_owned(),
                            brief: Brief::new(cause),
                        }));
                    }
                },
                waiting,
                "url",
            )
        })
        .await;
        assert_eq!((numbers, causes(&reports)), ([6, 6], vec!["503", "500", "no more"]));
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_its_time_is_reported_though_nothing_failed() {
        for (time, is_reported) in [(SILENCE / 2, false), (SILENCE * 2, true)] {
            let (sender, waiting) = watch::channel(None);
            let work = async move {
                sleep(time).await;
                drop(sender);
            };
            let (numbers, reports) = reported(|reporter| reporter.batch(work, waiting, "url")).await;
            assert_eq!((numbers, causes(&reports).len()), ([0, 0], if is_reported { 2 } else { 0 }));
        }
        let began = Instant::now();
        for (time, is_reported) in [(LETTERS_SILENCE / 2, false), (LETTERS_SILENCE * 2, true)] {
            let (numbers, reports) =
                reported(|reporter| reporter.letters(sleep(time), Brief::new("letters"))).await;
            assert_eq!((numbers, causes(&reports).len()), ([0, 0], if is_reported { 2 } else { 0 }));
        }
        assert!(began.elapsed() < LETTERS_SILENCE * 3);
    }
}
