//! When the ends of partitions are asked for, and which ones: those of which nothing is missing are valid through the moment when their end
//! was seen.
//!
//! Pure but for the question that is under way. Whether that says anything is for the marks to judge.

use crate::id::TopicPartition;
use crate::metrics::PartitionOffsets;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Between two questions.
const PERIOD: Duration = Duration::from_secs(10);

/// The ends of some partitions, no earlier than at a moment (in milliseconds since 1970).
#[derive(Debug, Default)]
pub(super) struct SeenEnds {
    pub(super) at: i64,
    pub(super) ends: BTreeMap<TopicPartition, i64>,
}

/// Of one connector.
#[derive(Debug)]
pub(super) struct EndWatch {
    due: Instant,
    /// The question, and when it was asked.
    asked: Option<(i64, JoinHandle<BTreeMap<TopicPartition, i64>>)>,
    /// Where partitions are read that are at their end, as the client knows.
    resting: BTreeMap<TopicPartition, i64>,
    /// The same at the last question.
    rested: BTreeMap<TopicPartition, i64>,
}

impl EndWatch {
    pub(super) fn new() -> Self {
        Self { due: Instant::now() + PERIOD, asked: None, resting: BTreeMap::new(), rested: BTreeMap::new() }
    }

    /// When the next question is due; none while there is one.
    pub(super) fn due(&self) -> Option<Instant> {
        self.asked.is_none().then_some(self.due)
    }

    /// Where the consumer reads its partitions.
    pub(super) fn set_offsets(&mut self, offsets: &BTreeMap<TopicPartition, PartitionOffsets>) {
        let at_its_end =
            |offsets: &PartitionOffsets| offsets.position.filter(|_| offsets.behind() == Some(0));
        let resting = offsets.iter().filter_map(|(id, offsets)| Some((id.clone(), at_its_end(offsets)?)));
        self.resting = resting.collect();
    }

    /// The time for a question has come: partitions that have been at their end since the last one, with their offsets.
    pub(super) fn begin(&mut self, now: Instant) -> Option<BTreeMap<TopicPartition, i64>> {
        self.due().filter(|due| *due <= now)?;
        self.due = now + PERIOD;
        let rested = std::mem::replace(&mut self.rested, self.resting.clone());
        Some(rested.into_iter().filter(|(id, offset)| self.resting.get(id) == Some(offset)).collect())
    }

    /// This was asked.
    pub(super) fn asks(&mut self, question: JoinHandle<BTreeMap<TopicPartition, i64>>) {
        self.asked = Some((unix_ms(), question));
    }

    /// The answer; never while nothing is asked. Cancel-safe.
    pub(super) async fn answer(&mut self) -> SeenEnds {
        let Some((at, question)) = &mut self.asked else { return std::future::pending().await };
        let (at, ends) = (*at, question.await.unwrap_or_default());
        self.asked = None;
        SeenEnds { at, ends }
    }

    /// Waits until nothing is asked any more, which is for moments.
    pub(super) async fn close(&mut self) {
        if self.asked.is_some() {
            self.answer().await;
        }
    }
}

fn unix_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{EndWatch, PERIOD, PartitionOffsets, TopicPartition};
    use std::collections::BTreeMap;
    use tokio::time::{Instant, advance};

    fn at(position: i64, high: i64) -> BTreeMap<TopicPartition, PartitionOffsets> {
        let offsets = PartitionOffsets { position: Some(position), low: Some(0), high: Some(high) };
        [(TopicPartition::new("t", 0), offsets)].into()
    }

    #[tokio::test(start_paused = true)]
    async fn only_who_rested_from_one_question_to_the_next_is_at_rest() {
        let mut watch = EndWatch::new();
        assert_eq!(watch.begin(Instant::now()), None);
        let mut rested = async |offsets: &BTreeMap<_, _>| {
            watch.set_offsets(offsets);
            advance(PERIOD).await;
            watch.begin(Instant::now()).unwrap().into_values().next()
        };
        assert_eq!(rested(&at(7, 7)).await, None);
        assert_eq!(rested(&at(7, 7)).await, Some(7));
        assert_eq!(rested(&at(9, 9)).await, None, "it moved");
        assert_eq!(rested(&at(9, 12)).await, None, "there is more to be read");
    }

    #[tokio::test(start_paused = true)]
    async fn an_end_was_there_when_it_was_asked_for() {
        let mut watch = EndWatch::new();
        let ends: BTreeMap<_, _> = [(TopicPartition::new("t", 0), 5)].into();
        let answer = ends.clone();
        watch.asks(tokio::task::spawn_blocking(move || answer));
        assert_eq!((watch.due(), watch.begin(Instant::now() + PERIOD)), (None, None), "one at a time");
        let seen = watch.answer().await;
        assert!(seen.ends == ends && seen.at > 1_700_000_000_000 && seen.at <= super::unix_ms());
        assert!(watch.due().is_some());
    }
}
