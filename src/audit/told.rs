//! What an audit tells while it goes on, for people and as JSON for programs: a line each, so that no number of findings fills
//! memory. Pure.

use super::finding::{AuditFinding, FindingKind};
use crate::id::{OffsetRange, TopicPartition};
use crate::ranges::count;
use crate::sink::RowSum;
use serde_json::{Value, json};

/// One piece of news.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// A topic begins.
    Topic {
        /// Its name.
        topic: String,
        /// Where its rows are.
        target: String,
        /// Rows are compared one by one.
        by_offset: bool,
    },
    /// A topic that the connector names does not exist.
    NoTopic(String),
    /// Something that has to be known to read the rest right.
    Note {
        /// What it is about: a topic, a partition; empty for all.
        about: String,
        /// A sentence.
        text: String,
    },
    /// How far a partition is.
    Progress {
        /// Which.
        partition: TopicPartition,
        /// Offsets that were compared.
        done: u64,
        /// Of so many.
        all: u64,
    },
    /// Something is wrong.
    Finding(TopicPartition, AuditFinding),
    /// A partition is done.
    Partition(TopicPartition, PartitionTotals),
    /// A topic is done whose rows do not say of which records they are.
    Sum(SumTotals),
}

/// What was compared of a partition, and what came out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PartitionTotals {
    /// The part that was compared; none when there was nothing.
    pub range: Option<OffsetRange>,
    /// Records of which there should be rows.
    pub records: u64,
    /// Records without a row that need none: tombstones, and what transformations drop.
    pub rowless: u64,
    /// Records whose rows are elsewhere, by a transformation that names another topic: they were not compared.
    pub elsewhere: u64,
    /// Rows at offsets of which Kafka has no such record (any more).
    pub strange_rows: u64,
    /// What is wrong.
    pub wrong: Wrong,
}

/// How many records have which fault.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wrong {
    /// Neither a row nor a dead letter.
    pub missing: u64,
    /// Several rows.
    pub duplicated: u64,
    /// A dead letter instead of a row.
    pub dead_lettered: u64,
    /// Bad records without a row.
    pub refused: u64,
}

/// The sums of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SumTotals {
    /// The topic.
    pub topic: String,
    /// Of its records that should be rows.
    pub kafka: RowSum,
    /// Of the rows that are there.
    pub target: RowSum,
    /// Dead letters of these records.
    pub dead_lettered: u64,
}

/// All of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Records that were compared one by one.
    pub records: u64,
    /// What is wrong with them.
    pub wrong: Wrong,
    /// Topics whose sums differ.
    pub unequal_sums: u64,
    /// Topics of which only sums were compared.
    pub sums: u64,
    /// Records that were not compared.
    pub elsewhere: u64,
    /// Topics that do not exist.
    pub absent: u64,
}

impl Wrong {
    /// True when nothing is.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Counts a finding.
    pub fn count(&mut self, AuditFinding { kind, range }: &AuditFinding) {
        let number = count(*range);
        let place = match kind {
            FindingKind::Missing => &mut self.missing,
            FindingKind::Duplicated { .. } => &mut self.duplicated,
            FindingKind::DeadLettered => &mut self.dead_lettered,
            FindingKind::Refused => &mut self.refused,
        };
        *place = place.saturating_add(number);
    }

    fn add(&mut self, other: Self) {
        self.missing = self.missing.saturating_add(other.missing);
        self.duplicated = self.duplicated.saturating_add(other.duplicated);
        self.dead_lettered = self.dead_lettered.saturating_add(other.dead_lettered);
        self.refused = self.refused.saturating_add(other.refused);
    }

    fn words(self) -> String {
        let Self { missing, duplicated, dead_lettered, refused } = self;
        let bad = if refused > 0 { format!(", {refused} bad and without a row") } else { String::new() };
        format!("{missing} missing, {duplicated} duplicated, {dead_lettered} dead-lettered{bad}")
    }

    fn to_json(self) -> Value {
        let Self { missing, duplicated, dead_lettered, refused } = self;
        json!({ "missing": missing, "duplicated": duplicated, "dead_lettered": dead_lettered, "bad": refused })
    }
}

impl SumTotals {
    /// True when as many rows are there as should be, and their keys, where they can be compared, add up to the same.
    pub fn are_equal(&self) -> bool {
        let rows = self.kafka.rows.saturating_sub(self.dead_lettered) == self.target.rows;
        rows && (self.dead_lettered > 0 || self.kafka.keys == self.target.keys)
    }
}

impl Totals {
    /// Counts what was told.
    pub fn count(&mut self, told: &Told) {
        match told {
            Told::Partition(_, found) => {
                self.records = self.records.saturating_add(found.records);
                self.elsewhere = self.elsewhere.saturating_add(found.elsewhere);
                self.wrong.add(found.wrong);
            }
            Told::Sum(sums) => {
                self.sums += 1;
                self.unequal_sums += u64::from(!sums.are_equal());
                self.wrong.dead_lettered = self.wrong.dead_lettered.saturating_add(sums.dead_lettered);
            }
            Told::NoTopic(_) => self.absent += 1,
            Told::Topic { .. } | Told::Note { .. } | Told::Progress { .. } | Told::Finding(..) => {}
        }
    }

    /// True when all that was asked for was compared.
    pub fn are_whole(&self) -> bool {
        self.elsewhere == 0 && self.absent == 0
    }

    /// True when nothing is wrong.
    pub fn are_good(&self) -> bool {
        self.wrong.is_nothing() && self.unequal_sums == 0
    }

    /// For people.
    pub fn to_text(self) -> String {
        let Self { records, wrong, unequal_sums, sums, elsewhere, absent } = self;
        let mut parts = vec![format!("{records} records compared: {}", wrong.words())];
        if sums > 0 {
            parts.push(format!(
                "sums of {sums} topics compared, which prove nothing about single records: {unequal_sums} differ"
            ));
        }
        if elsewhere > 0 {
            parts.push(format!("{elsewhere} records not compared"));
        }
        if absent > 0 {
            parts.push(format!("{absent} topics do not exist"));
        }
        format!("{}\n", parts.join("; "))
    }

    /// For programs.
    pub fn to_json(self) -> Value {
        let Self { records, wrong, unequal_sums, sums, elsewhere, absent } = self;
        json!({ "event": "end", "good": self.are_good(), "records": records, "found": wrong.to_json(), "sums": sums,
            "unequal_sums": unequal_sums, "not_compared": elsewhere, "absent_topics": absent })
    }
}

fn offsets(range: OffsetRange) -> String {
    if range.first == range.last {
        format!("offset {}", range.first)
    } else {
        format!("offsets {}..{}", range.first, range.last)
    }
}

fn kind_words(kind: FindingKind, number: u64) -> String {
    match kind {
        FindingKind::Missing => format!("missing ({number})"),
        FindingKind::Duplicated { rows } => format!("duplicated ({number}, {rows} rows each)"),
        FindingKind::DeadLettered => format!("dead-lettered ({number})"),
        FindingKind::Refused => format!("without a row, and bad ({number})"),
    }
}

fn sum_words(RowSum { rows, keys }: RowSum, what: &str) -> String {
    let keys =
        keys.map(|(keys, characters)| format!(", {keys} different keys, {characters} characters of keys"));
    format!("{rows} {what}{}", keys.unwrap_or_default())
}

fn sum_json(RowSum { rows, keys }: RowSum) -> Value {
    let (keys, characters) = keys.unzip();
    json!({ "rows": rows, "keys": keys, "key_characters": characters })
}

impl Told {
    /// For people; none for what stands on no line of its own.
    pub fn to_text(&self) -> Option<String> {
        Some(match self {
            Self::Topic { topic, target, by_offset } => {
                let how = if *by_offset { "" } else { "; only sums can be compared" };
                format!("{topic} → {target}{how}\n")
            }
            Self::NoTopic(topic) => format!("{topic}: there is no such topic\n"),
            Self::Note { about, text } if about.is_empty() => format!("note: {text}\n"),
            Self::Note { about, text } => format!("note: {about}: {text}\n"),
            Self::Progress { .. } => return None,
            Self::Finding(partition, AuditFinding { kind, range }) => {
                format!("{partition} {}: {}\n", offsets(*range), kind_words(*kind, count(*range)))
            }
            Self::Partition(partition, found) => {
                let PartitionTotals { range, records, rowless, elsewhere, strange_rows, wrong } = *found;
                let Some(range) = range else { return Some(format!("{partition}: nothing to compare\n")) };
                let more = [
                    (rowless, ", ", "that need no row"),
                    (elsewhere, ", ", "not compared: transformations put them elsewhere"),
                    (strange_rows, "; ", "rows of records that Kafka does not have (any more)"),
                ];
                let more = more.into_iter().filter(|(number, ..)| *number > 0);
                let more = more.map(|(number, before, words)| format!("{before}{number} {words}"));
                let more = more.collect::<Vec<_>>().concat();
                format!("{partition} {}: {records} records: {}{more}\n", offsets(range), wrong.words())
            }
            Self::Sum(sums) => {
                let SumTotals { topic, kafka, target, dead_lettered } = sums;
                let equal = if sums.are_equal() { "equal, which is a sum and no proof" } else { "NOT EQUAL" };
                format!(
                    "{topic}: {}; {}; {dead_lettered} dead-lettered: {equal}\n",
                    sum_words(*kafka, "records"),
                    sum_words(*target, "rows")
                )
            }
        })
    }

    /// For programs.
    pub fn to_json(&self) -> Option<Value> {
        Some(match self {
            Self::Topic { topic, target, by_offset } => {
                json!({ "event": "topic", "topic": topic, "target": target, "by_offset": by_offset })
            }
            Self::NoTopic(topic) => json!({ "event": "no_topic", "topic": topic }),
            Self::Note { about, text } => json!({ "event": "note", "about": about, "text": text }),
            Self::Progress { .. } => return None,
            Self::Finding(TopicPartition { topic, partition }, AuditFinding { kind, range }) => {
                let (name, rows) = match kind {
                    FindingKind::Missing => ("missing", 0),
                    FindingKind::Duplicated { rows } => ("duplicated", *rows),
                    FindingKind::DeadLettered => ("dead_lettered", 0),
                    FindingKind::Refused => ("bad", 0),
                };
                json!({ "event": "finding", "finding": name, "topic": **topic, "partition": partition,
                    "from": range.first, "to": range.last, "rows": rows })
            }
            Self::Partition(TopicPartition { topic, partition }, found) => {
                let (from, to) = found.range.map(|range| (range.first, range.last)).unzip();
                json!({ "event": "partition", "topic": **topic, "partition": partition, "from": from, "to": to,
                    "records": found.records, "rowless": found.rowless, "not_compared": found.elsewhere,
                    "strange_rows": found.strange_rows, "found": found.wrong.to_json() })
            }
            Self::Sum(sums) => {
                let SumTotals { topic, kafka, target, dead_lettered } = sums;
                json!({ "event": "sum", "topic": topic, "kafka": sum_json(*kafka), "target": sum_json(*target),
                    "dead_lettered": dead_lettered, "equal": sums.are_equal() })
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{AuditFinding, FindingKind, PartitionTotals, SumTotals, Told, Totals, Wrong};
    use crate::id::{OffsetRange, TopicPartition};
    use crate::sink::RowSum;

    #[test]
    fn a_finding_is_a_line_and_everything_is_counted() {
        let at = TopicPartition::new("t", 3);
        let mut wrong = Wrong::default();
        for (kind, first, last, text) in [
            (FindingKind::Missing, 5, 9, "t-3 offsets 5..9: missing (5)\n"),
            (FindingKind::Duplicated { rows: 2 }, 7, 7, "t-3 offset 7: duplicated (1, 2 rows each)\n"),
            (FindingKind::DeadLettered, 1, 2, "t-3 offsets 1..2: dead-lettered (2)\n"),
            (FindingKind::Refused, 4, 4, "t-3 offset 4: without a row, and bad (1)\n"),
        ] {
            let finding = AuditFinding { kind, range: OffsetRange { first, last } };
            wrong.count(&finding);
            let told = Told::Finding(at.clone(), finding);
            assert_eq!(told.to_text().as_deref(), Some(text));
            let json = told.to_json().unwrap();
            assert_eq!((json["from"].as_i64(), json["to"].as_i64()), (Some(first), Some(last)));
        }
        let range = Some(OffsetRange { first: 0, last: 99 });
        let found = PartitionTotals { range, records: 90, rowless: 3, elsewhere: 0, strange_rows: 2, wrong };
        let told = Told::Partition(at, found);
        assert_eq!(
            told.to_text().unwrap(),
            "t-3 offsets 0..99: 90 records: 5 missing, 1 duplicated, 2 dead-lettered, 1 bad and without a row, 3 that need \
             no row; 2 rows of records that Kafka does not have (any more)\n"
        );
        let mut totals = Totals::default();
        totals.count(&told);
        assert_eq!((totals.wrong, totals.are_good()), (wrong, false));
        assert!(Totals::default().are_good() && Totals::default().are_whole());
        totals.count(&Told::NoTopic("gone".into()));
        assert!(!totals.are_whole() && totals.to_text().ends_with("; 1 topics do not exist\n"));
    }

    #[test]
    fn sums_are_equal_when_rows_and_keys_are() {
        let sum = |rows, keys| RowSum { rows, keys };
        let of = |kafka, target, dead_lettered| SumTotals { topic: "t".into(), kafka, target, dead_lettered };
        assert!(of(sum(5, None), sum(5, None), 0).are_equal());
        assert!(!of(sum(5, None), sum(4, None), 0).are_equal());
        assert!(of(sum(5, Some((2, 9))), sum(4, Some((2, 7))), 1).are_equal(), "a letter's key is not known");
        assert!(!of(sum(5, Some((2, 9))), sum(5, Some((2, 8))), 0).are_equal());
        let told = Told::Sum(of(sum(5, Some((2, 9))), sum(5, Some((2, 8))), 0));
        let mut totals = Totals::default();
        totals.count(&told);
        assert!(!totals.are_good() && told.to_text().unwrap().ends_with("NOT EQUAL\n"));
    }
}
