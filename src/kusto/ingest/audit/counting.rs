//! How the rows of a window are known without listing them: bins of offsets, each with two numbers. Pure.
//!
//! Where a bin has as many rows as offsets and as many different ones, each offset is there once: there is no room for
//! another answer. Only the bins that say something else, or of which Kafka itself lacks offsets, are listed.

use crate::id::OffsetRange;
use crate::ranges::{OffsetRanges, count};
use crate::sink::RowsFound;

/// Offsets of a bin.
pub(super) const BIN: i64 = 1000;

/// What the engine says of a bin; bins without rows it does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bin {
    /// Its first offset, a multiple of [`BIN`].
    pub first: i64,
    /// Its rows.
    pub rows: u64,
    /// Different offsets among them.
    pub offsets: u64,
}

/// Takes into `found` what `bins` prove of `range`; the bins that have to be listed, by their first offsets.
pub(super) fn judge(
    bins: &[Bin],
    range: OffsetRange,
    expected: &OffsetRanges,
    found: &mut RowsFound,
) -> Vec<i64> {
    let mut open = Vec::new();
    for bin in bins {
        let inside = OffsetRange {
            first: bin.first.max(range.first),
            last: bin.first.saturating_add(BIN - 1).min(range.last),
        };
        let (wanted, all) = (expected.within(inside).count(), count(inside));
        if wanted == 0 {
            found.elsewhere = found.elsewhere.saturating_add(bin.rows);
        } else if wanted == all && bin.rows == all && bin.offsets == all {
            found.present.insert(inside);
        } else {
            open.push(bin.first);
        }
    }
    open
}

/// Takes `rows` of `offset` into `found`.
pub(super) fn take((offset, rows): (i64, u64), expected: &OffsetRanges, found: &mut RowsFound) {
    if !expected.contains(offset) {
        found.elsewhere = found.elsewhere.saturating_add(rows);
        return;
    }
    found.present.add(offset);
    if rows > 1 {
        found.repeated.push((offset, rows));
    }
}

/// `range` in parts of at most `most` offsets.
pub(super) fn parts(range: OffsetRange, most: i64) -> impl Iterator<Item = OffsetRange> {
    let most = most.max(1);
    let mut next = (range.first <= range.last).then_some(range.first);
    std::iter::from_fn(move || {
        let first = next?;
        let last = first.saturating_add(most - 1).min(range.last);
        next = (last < range.last).then(|| last.saturating_add(1));
        Some(OffsetRange { first, last })
    })
}

#[cfg(test)]
mod tests {
    use super::{BIN, Bin, judge, parts, take};
    use crate::id::OffsetRange;
    use crate::ranges::OffsetRanges;
    use crate::sink::RowsFound;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    /// What an engine would answer about `rows`, how many of each offset there are.
    fn ask(rows: &BTreeMap<i64, u64>, range: OffsetRange, expected: &OffsetRanges) -> (RowsFound, usize) {
        let mut bins: BTreeMap<i64, Bin> = BTreeMap::new();
        for (offset, rows) in rows.range(range.first..=range.last) {
            let first = offset / BIN * BIN;
            let bin = bins.entry(first).or_insert(Bin { first, rows: 0, offsets: 0 });
            bin.rows += rows;
            bin.offsets += 1;
        }
        let mut found = RowsFound::default();
        let bins: Vec<Bin> = bins.into_values().collect();
        let open = judge(&bins, range, expected, &mut found);
        for first in &open {
            let (begin, end) = ((*first).max(range.first), (first + BIN - 1).min(range.last));
            for (offset, rows) in rows.range(begin..=end) {
                take((*offset, *rows), expected, &mut found);
            }
        }
        found.repeated.sort_unstable();
        (found, open.len())
    }

    #[test]
    fn what_is_whole_is_not_listed() {
        let range = OffsetRange { first: 500, last: 3_499 };
        let expected = OffsetRanges::of(range);
        let mut rows: BTreeMap<i64, u64> = (500..3_500).map(|offset| (offset, 1)).collect();
        let (found, listed) = ask(&rows, range, &expected);
        assert_eq!((found.present, listed), (expected.clone(), 0));
        // One is missing and one is twice: the number of rows alone would not tell.
        rows.remove(&1_007);
        rows.insert(1_008, 2);
        let (found, listed) = ask(&rows, range, &expected);
        assert_eq!((listed, found.repeated), (1, vec![(1_008, 2)]));
        assert_eq!(
            expected.minus(&found.present).iter().collect::<Vec<_>>(),
            [OffsetRange { first: 1_007, last: 1_007 }]
        );
    }

    #[test]
    fn a_range_is_cut_into_parts() {
        let all: Vec<_> = parts(OffsetRange { first: 3, last: 12 }, 5).collect();
        assert_eq!(all, [OffsetRange { first: 3, last: 7 }, OffsetRange { first: 8, last: 12 }]);
        assert_eq!(parts(OffsetRange { first: 3, last: 2 }, 5).count(), 0);
    }

    proptest! {
        #[test]
        fn rows_that_are_gone_twice_or_strange_are_found_exactly(
            gaps in prop::collection::btree_set(0_i64..5_000, 0..30),
            gone in prop::collection::btree_set(0_i64..5_000, 0..30),
            twice in prop::collection::btree_map(0_i64..5_000, 2_u64..4, 0..30),
            (first, last) in (0_i64..2_000, 2_000_i64..5_000),
            is_compacted in any::<bool>(),
        ) {
            let range = OffsetRange { first, last };
            let kafka: BTreeSet<i64> = (first..=last).filter(|o| !(is_compacted && gaps.contains(o))).collect();
            let expected: OffsetRanges = kafka.iter().copied().collect();
            // Rows of what Kafka has no more are still there.
            let mut rows: BTreeMap<i64, u64> = (0..5_000).filter(|o| !gone.contains(o)).map(|o| (o, 1)).collect();
            for (offset, times) in &twice {
                if let Some(rows) = rows.get_mut(offset) {
                    *rows = *times;
                }
            }
            let (found, _) = ask(&rows, range, &expected);
            let present: OffsetRanges = kafka.iter().copied().filter(|o| rows.contains_key(o)).collect();
            prop_assert_eq!(found.present, present);
            let repeated: Vec<_> = rows.iter().filter(|(o, n)| kafka.contains(o) && **n > 1).map(|(o, n)| (*o, *n)).collect();
            prop_assert_eq!(found.repeated, repeated);
            let strange: u64 = rows.range(first..=last).filter(|(o, _)| !kafka.contains(o)).map(|(_, n)| n).sum();
            prop_assert_eq!(found.elsewhere, strange);
        }
    }
}
