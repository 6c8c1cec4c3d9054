//! A topic whose rows do not say of which records they are: how many there are, and what their keys add up to.

use super::letters::Letters;
use super::subject::{Audit, Error, Teller};
use super::told::{SumTotals, Told};
use crate::id::{OffsetRange, TopicPartition};
use crate::kafka::visitor::Visitor;
use crate::ranges::count;
use crate::sink::{RowSum, SummedRows};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

/// Different keys that are told apart, for 16 bytes each.
const MOST_KEYS: usize = 20_000_000;

/// What the records add up to so far.
#[derive(Default)]
struct Sum {
    records: u64,
    keys: HashSet<u64>,
    characters: u64,
}

impl Sum {
    fn take(&mut self, key: Option<&[u8]>, with_keys: bool) {
        self.records += 1;
        if !with_keys || self.keys.len() > MOST_KEYS {
            return;
        }
        let text =
            key.map(|key| std::str::from_utf8(key).map_or_else(|_| STANDARD.encode(key), str::to_owned));
        let text = text.unwrap_or_default();
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        self.keys.insert(hasher.finish());
        self.characters =
            self.characters.saturating_add(u64::try_from(text.chars().count()).unwrap_or(u64::MAX));
    }

    fn row_sum(&self, with_keys: bool) -> RowSum {
        let keys = u64::try_from(self.keys.len()).unwrap_or(u64::MAX);
        RowSum { rows: self.records, keys: with_keys.then_some((keys, self.characters)) }
    }
}

/// A topic of which sums are compared.
pub(super) struct BySum<'a> {
    /// What is asked for.
    pub audit: &'a Audit,
    /// Reads the topic.
    pub visitor: &'a Visitor,
    /// The topic.
    pub topic: &'a str,
    /// Records without a value are rows too.
    pub tombstones_are_rows: bool,
    /// The rows.
    pub rows: &'a dyn SummedRows,
    /// Dead letters.
    pub letters: &'a Letters,
}

impl BySum<'_> {
    /// Adds up the records in `parts`, and tells the sums.
    pub(super) async fn run(
        &self,
        parts: &[(TopicPartition, OffsetRange)],
        told: &mut Teller<'_>,
    ) -> Result<(), Error> {
        let (mut sum, mut dead_lettered) = (Sum::default(), 0_u64);
        let (with_keys, tombstones) = (self.audit.key.is_some(), self.tombstones_are_rows);
        for (partition, range) in parts {
            dead_lettered = dead_lettered.saturating_add(self.letters.count(partition, *range));
            let end = range.last.saturating_add(1);
            let mut walk = self.visitor.walk(partition, range.first).await?;
            while walk.position() < end {
                let gone = walk.go((end, self.audit.window), sum, move |sum: &mut Sum, seen| {
                    if seen.has_value() || tombstones {
                        sum.take(seen.key(), with_keys);
                    }
                });
                sum = gone.await?;
                let done = count(OffsetRange { first: range.first, last: walk.position().saturating_sub(1) });
                told(Told::Progress { partition: partition.clone(), done, all: count(*range) });
            }
        }
        let with_keys = with_keys && sum.keys.len() <= MOST_KEYS;
        if self.audit.key.is_some() && !with_keys {
            let text = format!("there are more than {MOST_KEYS} different keys: they are not compared");
            told(Told::Note { about: self.topic.to_owned(), text });
        }
        let key = self.audit.key.as_deref().filter(|_| with_keys);
        let target = self.rows.sum(key).await?;
        let topic = self.topic.to_owned();
        told(Told::Sum(SumTotals { topic, kafka: sum.row_sum(with_keys), target, dead_lettered }));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Sum;
    use crate::sink::RowSum;

    #[test]
    fn keys_are_counted_once_and_their_characters_each_time() {
        let mut sum = Sum::default();
        for key in [Some(&b"a"[..]), Some("äö".as_bytes()), Some(b"a"), None] {
            sum.take(key, true);
        }
        assert_eq!(sum.row_sum(true), RowSum { rows: 4, keys: Some((3, 4)) });
        assert_eq!(sum.row_sum(false), RowSum { rows: 4, keys: None });
    }
}
