//! What an audit finds in a window: which records have no row, and which have several. Pure.

use crate::id::OffsetRange;
use crate::ranges::OffsetRanges;
use crate::sink::RowsFound;

/// What is wrong with the records of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FindingKind {
    /// There is no row, and nothing says why.
    Missing,
    /// There are several rows of each.
    Duplicated {
        /// How many.
        rows: u64,
    },
    /// There is no row, but a dead letter.
    DeadLettered,
    /// There is no row, and taken once more it is a bad record.
    Refused,
}

/// A range of one partition with something wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditFinding {
    /// What.
    pub kind: FindingKind,
    /// Where: both ends belong to it.
    pub range: OffsetRange,
}

/// What differs in a window.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// Records without a row or a dead letter.
    pub missing: OffsetRanges,
    /// Records with a dead letter and without a row.
    pub dead_lettered: OffsetRanges,
    /// Records with several rows, and how many.
    pub duplicated: Vec<(OffsetRange, u64)>,
}

/// What became clear of records without a row; what did not is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WithoutRow {
    /// There is none to be: a transformation drops them, or there is nothing to write.
    pub no_row: OffsetRanges,
    /// They are bad.
    pub refused: OffsetRanges,
    /// They go where rows of another topic are.
    pub elsewhere: OffsetRanges,
    /// They were not tried, since many were before.
    pub untried: bool,
}

impl Difference {
    /// Compares the records of which there should be rows with the rows and the dead letters of the same window.
    pub fn of(expected: &OffsetRanges, letters: &OffsetRanges, found: &RowsFound) -> Self {
        let dead_lettered = letters.minus(&found.present);
        let missing = expected.minus(&found.present).minus(&dead_lettered);
        let mut duplicated: Vec<(OffsetRange, u64)> = Vec::new();
        for (offset, rows) in &found.repeated {
            match duplicated.last_mut() {
                Some((range, same)) if same == rows && range.last.checked_add(1) == Some(*offset) => {
                    range.last = *offset;
                }
                _ => duplicated.push((OffsetRange { first: *offset, last: *offset }, *rows)),
            }
        }
        Self { missing, dead_lettered, duplicated }
    }

    /// What is wrong, by offsets, when so much of what is missing is `explained`.
    pub fn findings(&self, explained: &WithoutRow) -> Vec<AuditFinding> {
        let known = [&explained.no_row, &explained.elsewhere, &explained.refused];
        let missing = known.into_iter().fold(self.missing.clone(), |missing, known| missing.minus(known));
        let of = |kind, ranges: &OffsetRanges| {
            ranges.iter().map(|range| AuditFinding { kind, range }).collect::<Vec<_>>()
        };
        let mut all = of(FindingKind::Missing, &missing);
        all.extend(of(FindingKind::DeadLettered, &self.dead_lettered));
        all.extend(of(FindingKind::Refused, &explained.refused));
        all.extend(self.duplicated.iter().map(|(range, rows)| AuditFinding {
            kind: FindingKind::Duplicated { rows: *rows },
            range: *range,
        }));
        all.sort_by_key(|finding| finding.range.first);
        all
    }
}

/// Findings of one partition, window by window; those that touch across windows become one.
#[derive(Debug, Default)]
pub struct Findings {
    open: Vec<AuditFinding>,
}

impl Findings {
    /// Takes a finding; each kind in the order of offsets. Gives one that is done.
    pub fn take(&mut self, new: AuditFinding) -> Option<AuditFinding> {
        let is_alike = |open: &&mut AuditFinding| open.kind == new.kind;
        if let Some(open) = self.open.iter_mut().find(is_alike)
            && open.range.last.checked_add(1) == Some(new.range.first)
        {
            open.range.last = new.range.last;
            return None;
        }
        let place = self.open.iter().position(|open| open.kind == new.kind);
        let done = place.map(|place| self.open.remove(place));
        self.open.push(new);
        done
    }

    /// Gives all that end before `offset`, in their order.
    pub fn before(&mut self, offset: i64) -> Vec<AuditFinding> {
        let is_done =
            |finding: &AuditFinding| finding.range.last.checked_add(1).is_none_or(|next| next < offset);
        let (mut done, open): (Vec<_>, Vec<_>) = self.open.drain(..).partition(is_done);
        self.open = open;
        done.sort_by_key(|finding| finding.range.first);
        done
    }

    /// Gives all that are left.
    pub fn end(&mut self) -> Vec<AuditFinding> {
        let mut done: Vec<_> = self.open.drain(..).collect();
        done.sort_by_key(|finding| finding.range.first);
        done
    }
}

#[cfg(test)]
mod tests {
    use super::{AuditFinding, Difference, FindingKind, Findings, WithoutRow};
    use crate::id::OffsetRange;
    use crate::ranges::OffsetRanges;
    use crate::sink::RowsFound;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn what_touches_across_windows_is_one() {
        let mut findings = Findings::default();
        let finding = |kind, first, last| AuditFinding { kind, range: OffsetRange { first, last } };
        let (missing, twice) = (FindingKind::Missing, FindingKind::Duplicated { rows: 2 });
        assert_eq!(findings.take(finding(missing, 5, 9)), None);
        assert_eq!(findings.take(finding(twice, 3, 3)), None);
        assert_eq!(findings.before(10), [finding(twice, 3, 3)]);
        assert_eq!(findings.take(finding(missing, 10, 12)), None);
        assert_eq!(findings.take(finding(missing, 14, 14)), Some(finding(missing, 5, 12)));
        assert_eq!(findings.take(finding(FindingKind::Duplicated { rows: 3 }, 15, 15)), None);
        assert_eq!(findings.end().len(), 2);
    }

    proptest! {
        #[test]
        fn ranges_that_are_deleted_or_doubled_are_found_exactly(
            holes in prop::collection::btree_set(0_i64..600, 0..60),
            deleted in prop::collection::vec((0_i64..600, 0_i64..40), 0..6),
            doubled in prop::collection::vec((0_i64..600, 0_i64..40, 1_u64..3), 0..6),
            lettered in prop::collection::btree_set(0_i64..600, 0..30),
            window in 1_i64..200,
        ) {
            let kafka: BTreeSet<i64> = (0..600).filter(|offset| !holes.contains(offset)).collect();
            let mut rows: BTreeMap<i64, u64> = kafka.iter().map(|offset| (*offset, 1)).collect();
            for (first, more, times) in &doubled {
                for (_, rows) in rows.range_mut(*first..=first + more) {
                    *rows += times;
                }
            }
            let gone: BTreeSet<i64> = deleted.iter().flat_map(|(first, more)| *first..=first + more).collect();
            rows.retain(|offset, _| !gone.contains(offset));

            let (mut findings, mut all) = (Findings::default(), Vec::new());
            let letters: OffsetRanges = lettered.iter().copied().filter(|offset| kafka.contains(offset)).collect();
            for first in (0..600).step_by(usize::try_from(window).unwrap()) {
                let range = OffsetRange { first, last: first + window - 1 };
                let expected: OffsetRanges = kafka.range(range.first..=range.last).copied().collect();
                let here: Vec<(i64, u64)> = rows.range(range.first..=range.last).map(|(o, n)| (*o, *n)).collect();
                let found = RowsFound {
                    present: here.iter().map(|(offset, _)| *offset).collect(),
                    repeated: here.iter().copied().filter(|(_, rows)| *rows > 1).collect(),
                    elsewhere: 0,
                };
                let difference = Difference::of(&expected, &letters.within(range), &found);
                for new in difference.findings(&WithoutRow::default()) {
                    all.extend(findings.take(new));
                }
                all.extend(findings.before(range.last + 1));
            }
            all.extend(findings.end());

            let told = |wanted: fn(FindingKind) -> bool| -> Vec<i64> {
                let of_kind = all.iter().filter(|finding| wanted(finding.kind));
                let mut offsets: Vec<i64> = of_kind.flat_map(|finding| finding.range.first..=finding.range.last).collect();
                offsets.sort_unstable();
                offsets
            };
            let without: Vec<i64> = kafka.iter().copied().filter(|offset| !rows.contains_key(offset)).collect();
            let (dead, missing): (Vec<i64>, Vec<i64>) = without.into_iter().partition(|offset| lettered.contains(offset));
            prop_assert_eq!(told(|kind| kind == FindingKind::Missing), missing);
            prop_assert_eq!(told(|kind| kind == FindingKind::DeadLettered), dead);
            let twice: Vec<i64> = rows.iter().filter(|(_, rows)| **rows > 1).map(|(offset, _)| *offset).collect();
            prop_assert_eq!(told(|kind| matches!(kind, FindingKind::Duplicated { .. })), twice);
            for finding in &all {
                if let FindingKind::Duplicated { rows: times } = finding.kind {
                    prop_assert!(rows.range(finding.range.first..=finding.range.last).all(|(_, rows)| *rows == times));
                }
            }
            // No two of a kind touch.
            let mut sorted = all.clone();
            sorted.sort_by_key(|finding| finding.range.first);
            for (index, one) in sorted.iter().enumerate() {
                let next = sorted.iter().skip(index + 1).find(|other| other.kind == one.kind);
                prop_assert!(next.is_none_or(|next| one.range.last + 1 < next.range.first));
            }
        }
    }
}
