//! Tells the connector's loop of work that waits for a service, while it waits, and that it does no longer.
//!
//! It owns nothing but its channel. What is made of it is the loop's business (`trouble`).

use super::report::Report;
use super::trouble::{Wait, Waiter};
use crate::id::TopicPartition;
use crate::sink::Waiting;
use crate::telemetry::ErrorCounts;
use std::pin::pin;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// A batch without an answer for so long is told of, though no try of it has failed.
const SILENCE: Duration = Duration::from_secs(30);
/// The same for dead letters, which Kafka takes at once when it is well.
const LETTERS_SILENCE: Duration = Duration::from_secs(1);

/// Tells of one piece of work.
pub(super) struct Teller {
    reports: mpsc::Sender<Report>,
    partition: TopicPartition,
    waiter: Waiter,
    counts: ErrorCounts,
    started: Instant,
    last: Option<String>,
}

impl Teller {
    /// Of work that starts now.
    pub(super) fn new(
        reports: &mpsc::Sender<Report>,
        (partition, waiter): (&TopicPartition, Waiter),
        counts: &ErrorCounts,
    ) -> Self {
        Self {
            reports: reports.clone(),
            partition: partition.clone(),
            waiter,
            counts: counts.clone(),
            started: Instant::now(),
            last: None,
        }
    }

    /// Tries of it failed, the last one for this cause.
    pub(super) async fn failed(&mut self, tries: u64, cause: String) {
        self.counts.retried(tries);
        self.waits(cause).await;
    }

    async fn waits(&mut self, cause: String) {
        if self.last.as_ref() == Some(&cause) {
            return;
        }
        self.last = Some(cause.clone());
        let wait = Wait { since: self.started, cause };
        self.tell(Report::Waits(self.partition.clone(), self.waiter, wait)).await;
    }

    /// It waits no longer.
    pub(super) async fn ended(mut self) {
        if self.last.take().is_some() {
            self.tell(Report::WaitsNoMore(self.partition.clone(), self.waiter)).await;
        }
    }

    async fn tell(&self, report: Report) {
        // Nobody listens only when the connector's loop is gone.
        if let Err(late) = self.reports.send(report).await {
            tracing::debug!(report = ?late.0, "a word after the connector ended");
        }
    }

    /// Does a batch's `work`, whose client tells why it waits; `service` is the setting that says where its service is.
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
                        self.failed(now.failures - failures, now.cause).await;
                        failures = now.failures;
                    }
                }
                () = tokio::time::sleep_until(silent_until), if self.last.is_none() => {
                    self.waits(format!("no answer yet (check {service} and the network)")).await;
                }
            }
        };
        // The last failure and the end may come in one.
        let all = waiting.borrow().as_ref().map_or(0, |waiting| waiting.failures);
        self.counts.retried(all - failures);
        self.ended().await;
        result
    }

    /// Waits for letters to be in their topic, which is tried without an end.
    pub(super) async fn letters<T>(mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        self.started = Instant::now();
        let first = tokio::time::timeout(LETTERS_SILENCE, &mut work).await;
        let result = if let Ok(result) = first {
            result
        } else {
            self.waits("no answer yet from the brokers of the dead-letter topic".to_owned()).await;
            work.await
        };
        self.ended().await;
        result
    }
}

#[cfg(test)]
mod tests {
    use super::{LETTERS_SILENCE, Report, SILENCE, Teller, Wait, Waiter};
    use crate::id::{ConnectorTaskId, TopicPartition};
    use crate::sink::Waiting;
    use crate::telemetry::Metrics;
    use std::time::Duration;
    use tokio::sync::{mpsc, watch};
    use tokio::time::{Instant, sleep};

    /// The numbers of failures and of retries, and what was told.
    async fn told<F: Future<Output = ()>>(work: impl FnOnce(Teller) -> F) -> ([i64; 2], Vec<Report>) {
        let metrics = Metrics::default();
        let task = metrics.task(&ConnectorTaskId { connector: "c".into(), task: 0 });
        let (sender, mut reports) = mpsc::channel(16);
        work(Teller::new(&sender, (&TopicPartition::new("t", 0), Waiter::Batch(7)), &task.errors())).await;
        drop(sender);
        let mut all = Vec::new();
        while let Some(report) = reports.recv().await {
            all.push(report);
        }
        let text = metrics.text().unwrap();
        let number = |name: &str| {
            let name = format!("kafka_connect_task_error_{name}{{");
            let line = text.lines().find(|line| line.starts_with(&name)).unwrap();
            line.rsplit(' ').next().unwrap().parse().unwrap()
        };
        (["total_record_failures", "total_retries"].map(number), all)
    }

    fn causes<'r>(reports: &'r [Report]) -> Vec<&'r str> {
        let cause = |report: &'r Report| match report {
            Report::Waits(_, Waiter::Batch(7), Wait { cause, .. }) => cause.as_str(),
            Report::WaitsNoMore(_, Waiter::Batch(7)) => "no more",
            other => panic!("{other:?}"),
        };
        reports.iter().map(cause).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn each_failed_try_of_a_batch_is_counted_and_each_cause_told_once() {
        let (sender, waiting) = watch::channel(None);
        let (numbers, reports) = told(|teller| {
            teller.batch(
                async move {
                    for (failures, cause) in [(1, "503"), (2, "503"), (5, "500"), (6, "500")] {
                        sleep(Duration::from_secs(1)).await;
                        sender.send_replace(Some(Waiting { failures, cause: cause.to_owned() }));
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
    async fn what_takes_its_time_is_told_though_nothing_failed() {
        for (time, is_told) in [(SILENCE / 2, false), (SILENCE * 2, true)] {
            let (sender, waiting) = watch::channel(None);
            let work = async move {
                sleep(time).await;
                drop(sender);
            };
            let (numbers, reports) = told(|teller| teller.batch(work, waiting, "url")).await;
            assert_eq!((numbers, causes(&reports).len()), ([0, 0], if is_told { 2 } else { 0 }));
        }
        let began = Instant::now();
        for (time, is_told) in [(LETTERS_SILENCE / 2, false), (LETTERS_SILENCE * 2, true)] {
            let (numbers, reports) = told(|teller| teller.letters(sleep(time))).await;
            assert_eq!((numbers, causes(&reports).len()), ([0, 0], if is_told { 2 } else { 0 }));
        }
        assert!(began.elapsed() < LETTERS_SILENCE * 3);
    }
}
