//! One partition, compared offset by offset in windows: what Kafka has against the rows of the same offsets.

use super::finding::{AuditFinding, Difference, Findings, WithoutRow};
use super::reasons::Why;
use super::subject::{Audit, Error, Teller};
use super::told::{PartitionTotals, Told};
use crate::id::{OffsetRange, TopicPartition};
use crate::kafka::visitor::Visitor;
use crate::ranges::{OffsetRanges, count};
use crate::sink::{AuditWindow, OffsetRows};

/// The records of a window.
#[derive(Default)]
struct Records {
    expected: OffsetRanges,
    tombstones: u64,
}

/// A partition that is compared.
pub(super) struct ByOffset<'a> {
    /// What is asked for.
    pub audit: &'a Audit,
    /// Reads the partition.
    pub visitor: &'a Visitor,
    /// The partition.
    pub partition: &'a TopicPartition,
    /// The topic that the sink knows its records by.
    pub topic: &'a str,
    /// Records without a value are rows too.
    pub tombstones_are_rows: bool,
    /// The rows.
    pub rows: &'a dyn OffsetRows,
    /// Records with dead letters.
    pub letters: &'a OffsetRanges,
}

/// What grows while a partition is compared.
struct Course<'c, 't> {
    totals: PartitionTotals,
    findings: Findings,
    why: &'c mut Why,
    told: &'c mut Teller<'t>,
}

impl ByOffset<'_> {
    /// Compares `range`, and tells what is found.
    pub(super) async fn run(
        &self,
        range: OffsetRange,
        why: &mut Why,
        told: &mut Teller<'_>,
    ) -> Result<(), Error> {
        let totals = PartitionTotals { range: Some(range), ..PartitionTotals::default() };
        let mut course = Course { totals, findings: Findings::default(), why, told };
        let (end, tombstones_are_rows) = (range.last.saturating_add(1), self.tombstones_are_rows);
        let mut walk = self.visitor.walk(self.partition, range.first).await?;
        while walk.position() < end {
            let first = walk.position();
            let records = walk.go((end, self.audit.window), Records::default(), move |records, seen| {
                if seen.has_value() || tombstones_are_rows {
                    records.expected.add(seen.offset());
                } else {
                    records.tombstones += 1;
                }
            });
            let records = records.await?;
            let window = OffsetRange { first, last: walk.position().saturating_sub(1) };
            self.compare(window, &records, &mut course).await?;
            let done = count(OffsetRange { first: range.first, last: window.last });
            (course.told)(Told::Progress { partition: self.partition.clone(), done, all: count(range) });
        }
        let rest = course.findings.end();
        self.tell(rest, &mut course);
        let low = self.visitor.extent(self.partition).await?.low;
        if low > range.first {
            let text = format!("Kafka deleted what was before offset {low} meanwhile; some was not compared");
            (course.told)(Told::Note { about: self.partition.to_string(), text });
        }
        (course.told)(Told::Partition(self.partition.clone(), course.totals));
        Ok(())
    }

    fn tell(&self, findings: impl IntoIterator<Item = AuditFinding>, course: &mut Course<'_, '_>) {
        for finding in findings {
            (course.told)(Told::Finding(self.partition.clone(), finding));
        }
    }

    /// Compares one window.
    async fn compare(
        &self,
        range: OffsetRange,
        records: &Records,
        course: &mut Course<'_, '_>,
    ) -> Result<(), Error> {
        let window = AuditWindow { partition: self.partition, range, expected: &records.expected };
        let mut found = self.rows.rows(&window).await?;
        if self.audit.several_rows {
            found.repeated.clear();
        }
        let difference = Difference::of(&records.expected, &self.letters.within(range), &found);
        let explained = self.explain(&difference.missing, course).await?;
        let totals = &mut course.totals;
        let (no_row, elsewhere) = (explained.no_row.count(), explained.elsewhere.count());
        let all = records.expected.count().saturating_sub(no_row.saturating_add(elsewhere));
        totals.records = totals.records.saturating_add(all);
        totals.rowless = totals.rowless.saturating_add(records.tombstones).saturating_add(no_row);
        totals.elsewhere = totals.elsewhere.saturating_add(elsewhere);
        totals.strange_rows = totals.strange_rows.saturating_add(found.elsewhere);
        for finding in difference.findings(&explained) {
            course.totals.wrong.count(&finding);
            let done = course.findings.take(finding);
            self.tell(done, course);
        }
        let done = course.findings.before(range.last.saturating_add(1));
        self.tell(done, course);
        Ok(())
    }

    /// Why there are no rows of `missing`. That it cannot be known is told once, and leaves them missing.
    async fn explain(
        &self,
        missing: &OffsetRanges,
        course: &mut Course<'_, '_>,
    ) -> Result<WithoutRow, Error> {
        if missing.is_empty() || course.why.is_given_up {
            return Ok(WithoutRow::default());
        }
        let text = match course.why.of(self.audit, (self.partition, self.topic), missing).await {
            Ok(explained) if !explained.untried => return Ok(explained),
            Ok(_) => {
                "many records have no row: of the others it is not tried whether they are bad".to_owned()
            }
            Err(error) => format!("why records have no row is not known: {error}"),
        };
        course.why.is_given_up = true;
        (course.told)(Told::Note { about: self.partition.to_string(), text });
        Ok(WithoutRow::default())
    }
}
