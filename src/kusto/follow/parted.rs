//! Batches that wait in the service's queue in parts: what became of one is the worst of what became of its parts.
//!
//! Pure. It owns which part is of which batch. A batch has failed with the first of its parts; for all else the last part is waited for.

use super::taken::TakenBatch;
use crate::id::BatchId;
use crate::kusto::outcome::matching::RoutedNews;
use crate::sink::{BatchNews, Fate};
use std::collections::HashMap;

/// Batches in parts: each has some hundred parts at most.
const MOST: usize = 1024;

/// A batch, and what is known of its parts.
#[derive(Debug)]
struct Parted {
    news: BatchNews,
    open: Vec<BatchId>,
}

/// Batches in parts that are open.
#[derive(Debug, Default)]
pub(super) struct PartedBatches {
    of_part: HashMap<BatchId, BatchId>,
    whole: HashMap<BatchId, Parted>,
}

/// What news of a part mean.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PartNews {
    /// It is no part: the news are of a whole batch.
    OfWhole(BatchNews),
    /// Its batch has no fate yet.
    Open,
    /// Its batch has one; these other parts need not be followed any more.
    Ended(BatchNews, Vec<BatchId>),
}

impl PartedBatches {
    /// `batch` waits in parts. False when there is no room for it.
    pub(super) fn enter(&mut self, batch: &TakenBatch) -> bool {
        self.forget(batch.id);
        if self.whole.len() >= MOST {
            return false;
        }
        let open: Vec<BatchId> = batch.queued.iter().map(|part| part.id).collect();
        self.of_part.extend(open.iter().map(|part| (*part, batch.id)));
        // What is not in the queue is in the table.
        let news = whole_news(batch, Fate::Confirmed);
        self.whole.insert(batch.id, Parted { news, open });
        true
    }

    /// True while a batch of that name waits in parts.
    pub(super) fn is_open(&self, id: BatchId) -> bool {
        self.whole.contains_key(&id)
    }

    /// Takes news of a blob.
    pub(super) fn ended(&mut self, told: RoutedNews) -> PartNews {
        let RoutedNews { news, .. } = told;
        let Some(id) = self.of_part.remove(&news.id) else { return PartNews::OfWhole(news) };
        let Some(parted) = self.whole.get_mut(&id) else { return PartNews::Open };
        parted.open.retain(|part| *part != news.id);
        if rank(&news.fate) > rank(&parted.news.fate) {
            parted.news.fate = news.fate;
        }
        if !parted.open.is_empty() && !matches!(parted.news.fate, Fate::Failed(_)) {
            return PartNews::Open;
        }
        match self.forget(id) {
            Some(Parted { news, open }) => PartNews::Ended(news, open),
            None => PartNews::Open,
        }
    }

    fn forget(&mut self, id: BatchId) -> Option<Parted> {
        let parted = self.whole.remove(&id)?;
        for part in &parted.open {
            self.of_part.remove(part);
        }
        Some(parted)
    }
}

/// News of all of `batch`.
pub(super) fn whole_news(batch: &TakenBatch, fate: Fate) -> BatchNews {
    let TakenBatch { id, route, offsets, records, raw_bytes, .. } = batch;
    let partition = route.partition.clone();
    BatchNews { id: *id, partition, offsets: *offsets, records: *records, raw_bytes: *raw_bytes, fate }
}

/// How bad it is.
fn rank(fate: &Fate) -> u8 {
    match fate {
        Fate::Confirmed => 0,
        Fate::Unreported => 1,
        Fate::Unknown(_) => 2,
        Fate::Failed(_) => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::super::taken::QueuedPart;
    use super::{MOST, PartNews, PartedBatches, TakenBatch, rank, whole_news};
    use crate::id::{BatchId, OffsetRange, TopicPartition};
    use crate::kusto::outcome::matching::RoutedNews;
    use crate::kusto::outcome::{BatchRoute, HandedOver};
    use crate::sink::{BatchFailure, BatchNews, Fate, Unfollowed};
    use proptest::prelude::*;
    use std::sync::Arc;
    use std::time::Duration;
    use time::OffsetDateTime;
    use uuid::Uuid;

    fn id(number: usize) -> BatchId {
        BatchId(Uuid::from_u128(number as u128))
    }

    fn batch(number: usize, parts: usize) -> TakenBatch {
        let offsets = OffsetRange { first: 0, last: 9 };
        let route = BatchRoute {
            connector: "c".into(),
            partition: TopicPartition::new("t", 0),
            database: "db".into(),
            table: "T".into(),
            extension: "csv",
        };
        let part = |part| QueuedPart { id: id(1000 * number + part), offsets, records: 1, raw_bytes: 1 };
        let queued = (1..=parts).map(part).collect();
        TakenBatch {
            id: id(1000 * number),
            route: Arc::new(route),
            offsets,
            records: 10,
            raw_bytes: 10,
            queued,
        }
    }

    fn told(of: &TakenBatch, part: usize, fate: Fate) -> RoutedNews {
        let QueuedPart { id, offsets, raw_bytes, .. } = of.queued[part];
        let blob = HandedOver {
            id,
            route: Arc::clone(&of.route),
            offsets,
            records: 1,
            raw_bytes,
            at: OffsetDateTime::UNIX_EPOCH,
            hold: Duration::ZERO,
        };
        RoutedNews { batch: blob, news: BatchNews { id, ..whole_news(of, fate) } }
    }

    fn fate(kind: u8) -> Fate {
        match kind {
            0 => Fate::Confirmed,
            1 => Fate::Unreported,
            2 => Fate::Unknown(Unfollowed::NoRoom),
            _ => Fate::Failed(Box::new(BatchFailure {
                code: "c".to_owned(),
                text: String::new(),
                is_retriable: false,
                is_of_derived: false,
                is_of_content: false,
            })),
        }
    }

    proptest! {
        #[test]
        fn a_batch_is_told_once_as_the_worst_of_its_parts(kinds in prop::collection::vec(0_u8..4, 1..12)) {
            let mut parted = PartedBatches::default();
            let whole = batch(1, kinds.len());
            prop_assert!(parted.enter(&whole) && parted.is_open(whole.id));
            let mut ends = Vec::new();
            for (part, kind) in kinds.iter().enumerate() {
                match parted.ended(told(&whole, part, fate(*kind))) {
                    PartNews::Ended(news, rest) => ends.push((news, rest.len(), part)),
                    PartNews::Open => {}
                    // Of a batch that has a fate nothing is known any more.
                    PartNews::OfWhole(news) => prop_assert!(!ends.is_empty() && news.id != whole.id),
                }
            }
            prop_assert_eq!(ends.len(), 1);
            let (news, rest, part) = &ends[0];
            prop_assert_eq!(news.id, whole.id);
            prop_assert_eq!(rank(&news.fate), kinds[..=*part].iter().copied().max().unwrap());
            prop_assert_eq!(*rest, kinds.len() - part - 1);
            prop_assert!(!parted.is_open(whole.id) && parted.of_part.is_empty());
        }
    }

    #[test]
    fn there_is_room_for_so_many() {
        let mut parted = PartedBatches::default();
        assert!((0..MOST).all(|number| parted.enter(&batch(number, 2))));
        assert!(!parted.enter(&batch(MOST, 2)));
        assert!(parted.enter(&batch(1, 2)), "one that is handed over again takes its own place");
    }
}
