//! What is to be committed and what is on its way: offsets go to the broker soon after they are handed over, all
//! partitions together, one request at a time. Pure; the consumer sends.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::id::TopicPartition;

/// Pause between two commits of a connector: small, because it bounds what a crash repeats; not smaller, because each
/// is a write on the broker.
const INTERVAL: Duration = Duration::from_millis(100);

/// The commits of one connector.
#[derive(Debug)]
pub struct Committer {
    wanted: BTreeMap<TopicPartition, i64>,
    sent: Option<Instant>,
    next: Instant,
    timeout: Duration,
    /// Why the last request did not succeed.
    failing: Option<String>,
    /// A request was given up since that was asked last.
    gave_up: bool,
}

impl Committer {
    /// Nothing to commit yet. A request unanswered for `timeout` (`offset.flush.timeout.ms`) is given up.
    pub fn new(now: Instant, timeout: Duration) -> Self {
        Self { wanted: BTreeMap::new(), sent: None, next: now, timeout, failing: None, gave_up: false }
    }

    /// `offset` is the next one to read of `partition`.
    pub fn want(&mut self, partition: TopicPartition, offset: i64) {
        let wanted = self.wanted.entry(partition).or_insert(offset);
        *wanted = (*wanted).max(offset);
    }

    /// When [`Self::take_due`] may have something.
    pub fn due(&self) -> Option<Instant> {
        match self.sent {
            Some(sent) => Some(sent + self.timeout),
            None => (!self.wanted.is_empty()).then_some(self.next),
        }
    }

    /// What to send now.
    pub fn take_due(&mut self, now: Instant) -> Vec<(TopicPartition, i64)> {
        if self.due().is_none_or(|due| due > now) {
            return Vec::new();
        }
        if self.sent.take().is_some() {
            self.gave_up = true;
            let timeout_ms = self.timeout.as_millis();
            self.failed(format!(
                "no answer within offset.flush.timeout.ms ({timeout_ms} ms); they are committed again"
            ));
        }
        self.next = now + INTERVAL;
        if self.wanted.is_empty() {
            return Vec::new();
        }
        self.sent = Some(now);
        self.wanted.iter().map(|(partition, offset)| (partition.clone(), *offset)).collect()
    }

    /// True once for each request that was given up.
    pub fn has_given_up(&mut self) -> bool {
        std::mem::take(&mut self.gave_up)
    }

    /// The broker's answer: what was committed is no longer wanted, unless there is more by now. Gives the time that it took;
    /// none when the request was given up before.
    pub fn answered(
        &mut self,
        committed: &[(TopicPartition, i64, Option<String>)],
        now: Instant,
    ) -> Option<Duration> {
        let took = self.sent.take().map(|sent| now.saturating_duration_since(sent));
        self.failing = None;
        for (partition, offset, reason) in committed {
            if let Some(reason) = reason {
                self.failed(format!(
                    "partition {partition}: {reason}; committed again, if it lasts see the log of the brokers"
                ));
            } else if self.wanted.get(partition).is_some_and(|wanted| wanted <= offset) {
                self.wanted.remove(partition);
            }
        }
        took
    }

    /// A request did not succeed.
    pub fn failed(&mut self, reason: String) {
        tracing::debug!(reason, "offset commit failed");
        self.failing = Some(reason);
    }

    /// Why offsets are not committed, as long as there are any to commit.
    pub fn failing(&self) -> Option<&str> {
        self.failing.as_deref().filter(|_| !self.wanted.is_empty())
    }

    /// Takes what is wanted for partitions that are about to go; they are forgotten.
    pub fn take(&mut self, partitions: &[TopicPartition]) -> Vec<(TopicPartition, i64)> {
        partitions.iter().filter_map(|partition| self.wanted.remove_entry(partition)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Committer, INTERVAL};
    use crate::id::TopicPartition;
    use std::time::Duration;
    use tokio::time::Instant;

    #[test]
    fn one_request_at_a_time_and_nothing_is_forgotten() {
        let now = Instant::now();
        let (a, b) = (TopicPartition::new("t", 0), TopicPartition::new("t", 1));
        let mut committer = Committer::new(now, Duration::from_secs(5));
        assert!(committer.take_due(now).is_empty());
        committer.want(a.clone(), 5);
        committer.want(b.clone(), 7);
        assert_eq!(committer.take_due(now), [(a.clone(), 5), (b.clone(), 7)]);
        committer.want(a.clone(), 6);
        assert!(committer.take_due(now + INTERVAL).is_empty(), "one is on its way");
        let answer = [(a.clone(), 5, None), (b.clone(), 7, Some("no".to_owned()))];
        assert_eq!(committer.answered(&answer, now + INTERVAL), Some(INTERVAL));
        assert!(!committer.has_given_up());
        assert!(committer.failing().unwrap().contains("no;"));
        assert_eq!(committer.take_due(now + INTERVAL), [(a.clone(), 6), (b.clone(), 7)]);
        let late = now + Duration::from_secs(6);
        assert_eq!(committer.take_due(late).len(), 2, "an unanswered request is repeated");
        assert!(committer.failing().unwrap().contains("offset.flush.timeout.ms"));
        assert!(committer.has_given_up() && !committer.has_given_up());
        committer.answered(&[(a.clone(), 6, None)], late);
        assert_eq!(committer.failing(), None);
        committer.failed("the client is gone".to_owned());
        assert_eq!(committer.failing(), Some("the client is gone"));
        assert_eq!(committer.take(&[a, b.clone()]), [(b, 7)]);
        assert_eq!((committer.due(), committer.failing()), (None, None), "there is nothing to commit");
    }
}
