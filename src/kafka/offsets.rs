//! Where a member of a group reads its partitions, for whoever wants to know how far behind it is. No broker is asked: the
//! client has heard of a partition's ends with its last fetch, and knows what it gave out.
//!
//! It looks often while something moves, and seldom while nothing does, because each look takes about a microsecond for
//! each partition.

use super::consumer_events::Context;
use super::native::watermarks;
use crate::id::TopicPartition;
use crate::metrics::PartitionOffsets;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::topic_partition_list::Offset;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Between two looks while something moves; longer for thousands of partitions.
const SOON: Duration = Duration::from_secs(1);
/// So many partitions may be looked at in that time.
const PARTITIONS: usize = 2_000;
/// Between two looks while nothing moves.
const LATE: Duration = Duration::from_secs(5);

/// Offsets of all partitions.
pub(super) type Offsets = BTreeMap<TopicPartition, PartitionOffsets>;

/// Looks at one client.
#[derive(Debug)]
pub(super) struct OffsetWatch {
    next: Instant,
    pause: Duration,
    last: Offsets,
}

impl OffsetWatch {
    pub(super) fn new(now: Instant) -> Self {
        Self { next: now + SOON, pause: SOON, last: Offsets::new() }
    }

    /// How long nobody needs to look.
    pub(super) fn patience(&self, now: Instant) -> Duration {
        self.next.saturating_duration_since(now)
    }

    /// Looks, if it is time for that; what it sees when that is another thing than before.
    pub(super) fn look(&mut self, consumer: &BaseConsumer<Context>, now: Instant) -> Option<Offsets> {
        if now < self.next {
            return None;
        }
        let seen = seen(consumer);
        self.take(seen, now)
    }

    fn take(&mut self, mut seen: Offsets, now: Instant) -> Option<Offsets> {
        for (partition, offsets) in &mut seen {
            // A fetch was answered, and by the time of the next look nothing came of it: it is at the end.
            let last = self.last.get(partition).filter(|last| last.high == offsets.high);
            if offsets.position.is_none() && last.is_some() {
                offsets.position = offsets.high;
            }
        }
        let is_same = seen == self.last;
        let slow = SOON * u32::try_from(seen.len() / PARTITIONS + 1).unwrap_or(u32::MAX);
        self.pause = if is_same { (self.pause * 2).min(LATE).max(slow) } else { slow };
        self.next = now + self.pause;
        if is_same {
            return None;
        }
        self.last.clone_from(&seen);
        Some(seen)
    }
}

fn seen(consumer: &BaseConsumer<Context>) -> Offsets {
    let Ok(positions) = consumer.position() else { return Offsets::new() };
    let of = |element: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| {
        let partition = TopicPartition::new(element.topic(), element.partition());
        let position = if let Offset::Offset(offset) = element.offset() { Some(offset) } else { None };
        let (low, high) = watermarks::known(consumer.client(), &partition);
        // Where the first record is that waits to be taken, nobody says.
        let is_open = position.is_none() && watermarks::has_untaken(consumer.client(), &partition);
        (partition, PartitionOffsets { position, low, high: high.filter(|_| !is_open) })
    };
    positions.elements().iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::{LATE, OffsetWatch, Offsets, SOON};
    use crate::id::TopicPartition;
    use crate::metrics::PartitionOffsets;
    use std::time::Instant;

    fn one(position: Option<i64>, high: Option<i64>) -> Offsets {
        Offsets::from([(TopicPartition::new("t", 0), PartitionOffsets { position, low: Some(0), high })])
    }

    #[test]
    fn a_partition_at_its_end_is_known_by_the_second_look_and_looks_become_rare() {
        let start = Instant::now();
        let mut watch = OffsetWatch::new(start);
        assert_eq!(watch.take(one(None, None), start), Some(one(None, None)));
        assert_eq!(
            watch.take(one(None, Some(7)), start),
            Some(one(None, Some(7))),
            "records may be on their way"
        );
        assert_eq!(watch.take(one(None, Some(7)), start), Some(one(Some(7), Some(7))));
        assert_eq!(watch.patience(start), SOON);
        for _ in 0..9 {
            assert_eq!(watch.take(one(None, Some(7)), start), None);
        }
        assert_eq!(watch.patience(start), LATE);
        assert_eq!(watch.take(one(Some(8), Some(9)), start), Some(one(Some(8), Some(9))));
        assert_eq!(watch.patience(start), SOON);
    }
}
