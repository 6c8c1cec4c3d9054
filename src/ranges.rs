//! Sets of offsets, as the ranges that they are made of. Pure.

use crate::id::OffsetRange;

/// Offsets of one partition: ranges in order, none of which touches the next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OffsetRanges(Vec<OffsetRange>);

impl OffsetRanges {
    /// All offsets of one range; nothing when its ends are crossed.
    pub fn of(range: OffsetRange) -> Self {
        let mut all = Self::default();
        all.insert(range);
        all
    }

    /// The ranges, in order.
    pub fn iter(&self) -> impl Iterator<Item = OffsetRange> + '_ {
        self.0.iter().copied()
    }

    /// True when there is no offset.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many offsets there are.
    pub fn count(&self) -> u64 {
        self.iter().map(count).sum()
    }

    /// Adds one offset; the cheapest is one behind all that are there.
    pub fn add(&mut self, offset: i64) {
        self.insert(OffsetRange { first: offset, last: offset });
    }

    /// Adds a range.
    pub fn insert(&mut self, range: OffsetRange) {
        if range.first > range.last {
            return;
        }
        match self.0.last_mut() {
            Some(last) if range.first > last.last && is_next(*last, range) => last.last = range.last,
            Some(last) if range.first <= last.last => self.merge(range),
            _ => self.0.push(range),
        }
    }

    /// Adds a range that may touch several.
    fn merge(&mut self, range: OffsetRange) {
        let begin = self.0.partition_point(|other| other.last < range.first.saturating_sub(1));
        let end = self.0.partition_point(|other| other.first <= range.last.saturating_add(1));
        let touched = self.0.get(begin..end).unwrap_or_default();
        let first = touched.first().map_or(range.first, |other| other.first.min(range.first));
        let last = touched.last().map_or(range.last, |other| other.last.max(range.last));
        self.0.splice(begin..end.max(begin), [OffsetRange { first, last }]);
    }

    /// Adds all of `others`.
    pub fn extend(&mut self, others: &Self) {
        for range in others.iter() {
            self.insert(range);
        }
    }

    /// True when `offset` is there.
    pub fn contains(&self, offset: i64) -> bool {
        let place = self.0.partition_point(|range| range.last < offset);
        self.0.get(place).is_some_and(|range| range.first <= offset)
    }

    /// What is in `range`.
    pub fn within(&self, range: OffsetRange) -> Self {
        let begin = self.0.partition_point(|other| other.last < range.first);
        let inside = self.0.iter().skip(begin).take_while(|other| other.first <= range.last);
        let cut = inside.map(|other| OffsetRange {
            first: other.first.max(range.first),
            last: other.last.min(range.last),
        });
        Self(cut.filter(|cut| cut.first <= cut.last).collect())
    }

    /// What is in both.
    pub fn and(&self, others: &Self) -> Self {
        let mut both = Self::default();
        let (mut left, mut right) = (self.iter().peekable(), others.iter().peekable());
        while let (Some(one), Some(other)) = (left.peek().copied(), right.peek().copied()) {
            both.insert(OffsetRange { first: one.first.max(other.first), last: one.last.min(other.last) });
            if one.last <= other.last {
                left.next();
            } else {
                right.next();
            }
        }
        both
    }

    /// What is here and not in `others`.
    pub fn minus(&self, others: &Self) -> Self {
        let mut rest = Self::default();
        let mut removed = others.iter().peekable();
        for range in self.iter() {
            let mut first = Some(range.first);
            while removed.peek().is_some_and(|other| other.last < range.first) {
                removed.next();
            }
            while let (Some(from), Some(other)) = (first, removed.peek().copied()) {
                if other.first > range.last {
                    break;
                }
                if let Some(last) = other.first.checked_sub(1) {
                    rest.insert(OffsetRange { first: from, last });
                }
                first = other.last.checked_add(1).filter(|next| *next <= range.last);
                if first.is_none() {
                    break;
                }
                removed.next();
            }
            if let Some(first) = first {
                rest.insert(OffsetRange { first, last: range.last });
            }
        }
        rest
    }
}

impl FromIterator<i64> for OffsetRanges {
    fn from_iter<I: IntoIterator<Item = i64>>(offsets: I) -> Self {
        let mut all = Self::default();
        for offset in offsets {
            all.add(offset);
        }
        all
    }
}

/// How many offsets a range has.
pub fn count(range: OffsetRange) -> u64 {
    if range.last < range.first { 0 } else { range.last.abs_diff(range.first).saturating_add(1) }
}

fn is_next(range: OffsetRange, next: OffsetRange) -> bool {
    range.last.checked_add(1) == Some(next.first)
}

#[cfg(test)]
mod tests {
    use super::{OffsetRanges, count};
    use crate::id::OffsetRange;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn set(ranges: &OffsetRanges) -> BTreeSet<i64> {
        ranges.iter().flat_map(|range| range.first..=range.last).collect()
    }

    fn is_tidy(ranges: &OffsetRanges) -> bool {
        let all: Vec<_> = ranges.iter().collect();
        all.iter().all(|range| range.first <= range.last)
            && all.windows(2).all(|pair| pair[0].last + 1 < pair[1].first)
    }

    #[test]
    fn the_ends_of_all_offsets_are_no_trouble() {
        let all = OffsetRange { first: i64::MIN, last: i64::MAX };
        let whole = OffsetRanges::of(all);
        assert!(whole.minus(&whole).is_empty());
        assert_eq!(count(all), u64::MAX);
        let mut ends: OffsetRanges = [i64::MAX, i64::MIN].into_iter().collect();
        assert_eq!(
            whole.minus(&ends).iter().collect::<Vec<_>>(),
            [OffsetRange { first: i64::MIN + 1, last: i64::MAX - 1 }]
        );
        ends.insert(OffsetRange { first: 3, last: 2 });
        assert_eq!(ends.count(), 2);
    }

    proptest! {
        #[test]
        fn they_are_sets(
            left in prop::collection::vec((0_i64..60, 0_i64..6), 0..12),
            right in prop::collection::vec((0_i64..60, 0_i64..6), 0..12),
            (first, length) in (0_i64..60, 0_i64..30),
        ) {
            let made = |parts: &[(i64, i64)]| {
                let mut ranges = OffsetRanges::default();
                let mut offsets = BTreeSet::new();
                for (first, more) in parts {
                    ranges.insert(OffsetRange { first: *first, last: first + more });
                    offsets.extend(*first..=first + more);
                }
                (ranges, offsets)
            };
            let ((left, one), (right, other)) = (made(&left), made(&right));
            prop_assert_eq!(&set(&left), &one);
            prop_assert_eq!(left.count(), one.len() as u64);
            let range = OffsetRange { first, last: first + length };
            let mut sum = left.clone();
            sum.extend(&right);
            for ranges in [&left, &right, &sum, &left.minus(&right), &left.and(&right), &left.within(range)] {
                prop_assert!(is_tidy(ranges), "{ranges:?}");
            }
            prop_assert_eq!(set(&sum), &one | &other);
            prop_assert_eq!(set(&left.minus(&right)), &one - &other);
            prop_assert_eq!(set(&left.and(&right)), &one & &other);
            let inside: BTreeSet<i64> = one.iter().copied().filter(|o| (range.first..=range.last).contains(o)).collect();
            prop_assert_eq!(set(&left.within(range)), inside);
            for offset in 0..70 {
                prop_assert_eq!(left.contains(offset), one.contains(&offset));
            }
        }
    }
}
